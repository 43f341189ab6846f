"""A small pipeline's code and two days of data → the dossier of its failure, from the error that it really raises."""

from __future__ import annotations

import copy
import itertools
import pathlib
import sys
import traceback
import types
from dataclasses import replace
from typing import Any

from airflow_agentic.records import (
    Checkout,
    DataShape,
    Dossier,
    Evidence,
    FileEdit,
    Incident,
    IncidentState,
    Proposal,
    TaskError,
    TaskKey,
    Trust,
)
from airflow_agentic.repeats import repeats
from airflow_agentic.shapes import shape
from airflow_agentic.tracebacks import fingerprint, parse_tracebacks, root_error
from airflow_agentic.value_traces import traces

_NUMBERS = itertools.count()
KEY = TaskKey(dag_id="feed", run_id="r1", task_id="load")


def dossier_of(
    folder: pathlib.Path,
    files: dict[str, str],
    good: Any,
    bad: Any,
    *,
    call: str = "main",
    name: str = "feed/{ds}.json",
    error: TaskError | None = None,
    more: tuple[DataShape, ...] = (),
    evidence: tuple[Evidence, ...] = (),
) -> Dossier:
    """Write *files*, run ``main.py`` on the good and the bad records, and gather what its failure leaves behind."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    if error is None:
        assert failure_of(folder, good, call) is None, "the pipeline must work on the good day"
        printed = failure_of(folder, bad, call)
        assert printed is not None, "the pipeline must fail on the bad day"
        error = root_error(KEY, parse_tracebacks(printed.splitlines()))
    assert error is not None
    shapes = (
        tuple(
            shape(r, name=name, interval=d, role=role)
            for r, d, role in ((good, "2026-11-01", "good"), (bad, "2026-11-02", "failing"))
        )
        if good
        else ()
    )
    if shapes and isinstance(good, list) and isinstance(bad, list):
        shapes = (shapes[0], replace(shapes[1], traces=traces(*shapes, good, bad), repeats=repeats(*shapes, bad)))
    log = Evidence(
        id="E1",
        source="task_log",
        title="load failed",
        body=f"{error.error_class}: {error.message}",
        observed_at="",
        trust=Trust.UNTRUSTED,
    )
    return Dossier(
        incident=Incident(
            id="i",
            dag_id="feed",
            run_id="r1",
            clear_number=0,
            state=IncidentState.INVESTIGATING,
            detail="",
            first_seen="",
            last_seen="",
            signals=1,
            logical_date="2026-11-02T00:00:00+00:00",
            members=(KEY,),
        ),
        evidence=(log, *evidence),
        gaps=(),
        errors=(error,),
        shapes=(*shapes, *more),
        checkout=Checkout(
            path=str(folder), commit="c0", base_branch="main", base_commit="c0", pinned=True, dag_file=None
        ),
    )


def failure_of(folder: pathlib.Path, records: Any, call: str = "main") -> str | None:
    """Run the pipeline in a module of its own; return the traceback it printed, or None when it worked."""
    try:
        result_of(folder, records, call)
    except Exception:
        return traceback.format_exc()
    return None


def result_of(folder: pathlib.Path, records: Any, call: str = "main") -> Any:
    """Return what the pipeline makes of the records."""
    path = folder / "main.py"
    module = types.ModuleType(f"pipeline_{next(_NUMBERS)}")
    sys.modules[module.__name__] = module
    try:
        exec(compile(path.read_text(), str(path), "exec"), module.__dict__)
        return getattr(module, call)(copy.deepcopy(records))
    finally:
        del sys.modules[module.__name__]


def apply(folder: pathlib.Path, proposal: Proposal) -> tuple[FileEdit, ...]:
    """Write the proposed texts."""
    assert proposal.change is not None
    for edit in proposal.change.edits:
        assert edit.after is not None
        (folder / edit.path).write_text(edit.after)
    return proposal.change.edits


def an_error(error_class: str, message: str, *, chain: tuple[str, ...] = (), task_id: str = "load") -> TaskError:
    """Return an error as if a log had told of it."""
    return TaskError(
        task=TaskKey(dag_id="feed", run_id="r1", task_id=task_id),
        error_class=error_class,
        message=message,
        frames=(),
        fingerprint=fingerprint(error_class, message, ()),
        chain=chain,
    )


GOODS = [{"order_id": f"O{i}", "amount": 1.5 + i} for i in range(5)]
