"""An interval's date in the name of a file or address → the name without it, and the name on another day."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from airflow_agentic.moments import parse_time
from airflow_agentic.records import DagRunRecord

_HOURLY = (
    ("{iso}", "%Y-%m-%dT%H:%M:%S"),
    ("{ts_nodash}", "%Y%m%dT%H%M%S"),
    ("{ts_minute}", "%Y%m%dT%H%M"),
    ("{hive_hour}", "year=%Y/month=%m/day=%d/hour=%H"),
    ("{ds_hive_hour}", "%Y-%m-%d/hour=%H"),
    ("{ds_hh}", "%Y-%m-%d/hh=%H"),
    ("{dsT}", "%Y-%m-%dT%H"),
    ("{ds_dash_hour}", "%Y-%m-%d-%H"),
    ("{ds_under_hour}", "%Y-%m-%d_%H"),
    ("{ds/hour}", "%Y-%m-%d/%H"),
    ("{folders_hour}", "%Y/%m/%d/%H"),
    ("{nodashT}", "%Y%m%dT%H"),
    ("{nodash_hour}", "%Y%m%d_%H"),
    ("{nodashhour}", "%Y%m%d%H"),
)
_DAILY = (
    ("{hive}", "year=%Y/month=%m/day=%d"),
    ("{ds}", "%Y-%m-%d"),
    ("{folders}", "%Y/%m/%d"),
    ("{ds_nodash}", "%Y%m%d"),
    ("{ds_under}", "%Y_%m_%d"),
    ("{ds_dot}", "%Y.%m.%d"),
    ("{dmy}", "%d-%m-%Y"),
)


def instants(run: DagRunRecord) -> tuple[datetime, ...]:
    """Return the times that may name the run's data, likeliest first: logical date, partition, interval, run_after."""
    texts = [run.logical_date, run.partition_key, *(run.data_interval or ()), run.run_after]
    found = [moment for text in texts if text and (moment := parse_time(text))]
    return tuple(dict.fromkeys(found))


def template(name: str, moment: datetime, *, hourly: bool) -> str | None:
    """Return *name* with every form of *moment* replaced by a placeholder; None if it holds none.

    :param hourly: the good and the failing run are of one day, so that a date alone does not tell them apart.
    """
    result = name
    for mark, form in _HOURLY if hourly else (*_HOURLY, *_DAILY):
        result = re.sub(rf"(?<!\d){re.escape(moment.strftime(form))}(?!\d)", mark, result)
    return result if result != name else None


def fill(named: str, moment: datetime) -> str:
    """Return a template's name for another time."""
    for mark, form in (*_HOURLY, *_DAILY):
        named = named.replace(mark, moment.strftime(form))
    return named


def shown(moment: datetime, *, hourly: bool) -> str:
    """Return the interval as a reader wants it."""
    return moment.strftime("%Y-%m-%dT%H:%M" if hourly else "%Y-%m-%d")


def day_before(moment: datetime) -> datetime:
    """Return the same time one day earlier."""
    return moment - timedelta(days=1)
