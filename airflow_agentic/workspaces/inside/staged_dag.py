"""What a staged run changes about a Dag and its run, so that it is like production's and reaches nobody."""

from __future__ import annotations

from typing import Any

FRESH_RETRIES = 0
"""A staged run has no second try: a fix must work the first time, and a retry delay would only be waited for."""


def make_quiet(dag: Any) -> None:
    """Take out what would reach people or wait: callbacks, mails and retries."""
    for owner in (dag, *dag.tasks):
        for name in ("execute", "failure", "success", "retry", "skipped"):
            attribute = f"on_{name}_callback"
            if getattr(owner, attribute, None):
                setattr(owner, attribute, None if owner is dag else [])
    for task in dag.tasks:
        for attribute, value in (("retries", FRESH_RETRIES), ("email_on_failure", False), ("email_on_retry", False)):
            if hasattr(task, "partial_kwargs"):
                task.partial_kwargs[attribute] = value
            else:
                setattr(task, attribute, value)


def keep_scheduled_interval() -> None:
    """Give the run the interval that the scheduler would have: ``dag.test()`` infers that of a manual run.

    For timetables with data intervals the two differ: the manual one *ends* at the logical date.
    """
    from airflow.models import dagrun

    create = dagrun.get_or_create_dagrun

    def with_interval(**given: Any) -> Any:
        logical_date = given.get("logical_date")
        following = getattr(getattr(given["dag"], "timetable", None), "_get_next", None)
        interval = given.get("data_interval")
        if logical_date is not None and following is not None and interval and interval[0] != interval[1]:
            given["data_interval"] = type(interval)(logical_date, following(logical_date))
        return create(**given)

    dagrun.get_or_create_dagrun = with_interval
