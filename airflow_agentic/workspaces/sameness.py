"""Two runs → what differs between them in states, in what tasks handed on, and in what was written.

What differs between two runs of the same code as well (load times, generated ids) is noise and says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_agentic.ports import WorkspaceSession
from airflow_agentic.records import StagedRun, TableDiff
from airflow_agentic.workspaces.data_diff import Spot, beyond, spots

Given = tuple[str, int, str]
"""Task, map index and key of a value that was handed on."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What two runs of the same code do not share."""

    spots: frozenset[Spot] = frozenset()
    given: frozenset[Given] = frozenset()


QUIET = Noise()


def noise_between(session: WorkspaceSession, one: StagedRun, two: StagedRun) -> Noise:
    """Return the noise that two runs of the same code show."""
    return Noise(spots=spots(session.table_diff(one, two)), given=_other_values(one, two))


def states_differ(one: StagedRun, two: StagedRun) -> str:
    """Return which task of the first run ended otherwise in the second, as part of a sentence; empty if none did."""
    before, after = _states(one), _states(two)
    for place in sorted(before):
        if before[place] != after.get(place):
            return f"{place[0]} is {after.get(place, 'gone')}, it was {before[place]}"
    return "" if one.state == two.state else f"the run is {two.state}, it was {one.state}"


def results_differ(
    session: WorkspaceSession, one: StagedRun, two: StagedRun, noise: Noise = QUIET
) -> tuple[TableDiff, ...]:
    """Return what differs in tables and in what tasks handed on; a value counts as a table named after its task."""
    given = _other_values(one, two) - noise.given
    handed = tuple(
        TableDiff(
            table=f"value of {task}{f'[{index}]' if index >= 0 else ''}: {key}",
            before_rows=None,
            after_rows=None,
            note="differs",
        )
        for task, index, key in sorted(given)
    )
    return (*beyond(session.table_diff(one, two), noise.spots), *handed)


def told(diffs: tuple[TableDiff, ...]) -> str:
    """Return the first five differences as one line."""
    return "; ".join(f"{diff.table}: {diff.note}" for diff in diffs[:5])


def _states(run: StagedRun) -> dict[tuple[str, int], str]:
    return {(task.task_id, task.map_index): task.state for task in run.tasks}


def _other_values(one: StagedRun, two: StagedRun) -> frozenset[Given]:
    before, after = _values(one), _values(two)
    return frozenset(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def _values(run: StagedRun) -> dict[Given, str]:
    return {(task.task_id, task.map_index, key): digest for task in run.tasks for key, digest in task.handed_on}
