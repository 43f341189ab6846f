"""What a commit moved, renamed or put into another order: callers that it forgot follow, and only those."""

from __future__ import annotations

import pathlib
import subprocess
from dataclasses import replace

import pytest
from failing_pipeline import KEY, an_error, dossier_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.code_deleted import deleted_modules
from airflow_agentic.git import Clone
from airflow_agentic.records import Action, Category, Checkout, Evidence, Frame, Proposal, TaskError, Trust
from airflow_agentic.tracebacks import fingerprint

ROWS = [{"no": n, "kw": 3 + n} for n in range(6)]
OLD = "import math\n\nSCALE = 3\n\n\ndef tidy(rows, scale):\n    kept = [r for r in rows if r]\n    return [r * scale for r in kept]\n\n\ndef area(r):\n    return math.pi * r\n"


def _commit(folder: pathlib.Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text) if text else target.unlink()
    who = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    subprocess.run(["git", *who, "commit", "-qm", "move"], cwd=folder, check=True)


def _history(folder: pathlib.Path, before: dict[str, str], after: dict[str, str], missing: str) -> tuple[Evidence, ...]:
    subprocess.run(["git", "init", "-qb", "main"], cwd=folder, check=True)
    _commit(folder, before)
    _commit(folder, after)
    checkout = Checkout(path=str(folder), commit="c", base_branch="main", base_commit="c", pinned=True, dag_file=None)
    error = an_error("ModuleNotFoundError", missing)
    return deleted_modules(Clone(work_tree=str(folder), git_dir=str(folder / ".git")), checkout, (error,))


def _failed(folder: pathlib.Path, message: str, line: str, evidence: tuple[Evidence, ...], path: str) -> Proposal:
    frame = Frame(path=f"/opt/repo/{path}", line=1, function="<module>", code=line)
    name, _, words = message.partition(": ")
    error = TaskError(
        task=KEY, error_class=name, message=words, frames=(frame,), fingerprint=fingerprint(name, words, ())
    )
    return RulesAgent().propose(dossier_of(folder, {}, None, None, error=error, evidence=evidence))


MOVES = {
    "the module has another name, and so has its function": (
        {"plant/rows.py": "", "plant/clean.py": OLD.replace("def tidy", "def cleaned")},
        "from plant.rows import tidy",
        "from plant.clean import cleaned as tidy",
    ),
    "its names are in two modules now": (
        {"plant/rows.py": "", "plant/a.py": OLD.partition("def area")[0], "plant/b.py": "import math\n\n\ndef area(r):\n    return math.pi * r\n"},
        "from plant.rows import tidy, area as size",
        "from plant.a import tidy\nfrom plant.b import area as size",
    ),
    "the module as a whole": (
        {"plant/rows.py": "", "plant/lib/rows2.py": OLD}, "from plant import rows", "from plant.lib import rows2 as rows",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("after", "line", "then"), MOVES.values(), ids=MOVES.keys())
def test_what_a_deleted_module_had_is_imported_from_where_it_is_now(
    tmp_path: pathlib.Path, after: dict[str, str], line: str, then: str
):
    caller = f"{line}\n\n\ndef main(rows):\n    return rows\n"
    message = "No module named 'plant.rows'" if "plant.rows" in line else "cannot import name 'rows' from 'plant'"
    evidence = _history(
        tmp_path, {"plant/rows.py": OLD, "plant/__init__.py": "\n", "plant/load.py": caller}, after, message
    )
    kind = "ModuleNotFoundError" if "No module" in message else "ImportError"
    proposal = _failed(tmp_path, f"{kind}: {message}", line, evidence, "plant/load.py")
    assert proposal.change is not None
    assert [edit.after for edit in proposal.change.edits] == [caller.replace(line, then)]


GONE = {
    "it is nowhere now": {"plant/rows.py": ""},
    "its function does another thing now": {"plant/rows.py": "", "plant/clean.py": OLD.replace("def tidy", "def fit").replace("r * scale", "r + scale").replace("if r", "if r > 1")},
    "two modules have it": {"plant/rows.py": "", "plant/a.py": OLD, "plant/b.py": OLD},
}  # fmt: skip


@pytest.mark.parametrize("after", GONE.values(), ids=GONE.keys())
def test_a_module_whose_names_are_in_no_one_place_is_left(tmp_path: pathlib.Path, after: dict[str, str]):
    line = "from plant.rows import tidy"
    before = {"plant/rows.py": OLD, "plant/__init__.py": "\n", "plant/load.py": line + "\n"}
    evidence = _history(tmp_path, before, after, "No module named 'plant.rows'")
    proposal = _failed(tmp_path, "ModuleNotFoundError: No module named 'plant.rows'", line, evidence, "plant/load.py")
    assert proposal.change is None
    assert evidence[0].title.startswith("Deleted module plant.rows, plant/rows.py, by commit")


def _diff(path: str, old: str, new: str) -> Evidence:
    body = f"@@ -1,1 +1,1 @@\n-{old}\n+{new}\n"
    title = f"Diff of {path} in the recent history, commit abc1234567"
    return Evidence(id="E9", source="code", title=title, body=body, observed_at="", trust=Trust.REPOSITORY, path=path)


def _asked(
    folder: pathlib.Path, function: str, caller: str, diff: Evidence, *, code: int = 404, known: bool = True
) -> Proposal:
    files = {"site.py": function, "main.py": caller}
    frames = (
        Frame(path="/opt/repo/main.py", line=5, function="main", code=caller.splitlines()[4].strip()),
        Frame(path="/opt/repo/site.py", line=2, function="read", code="raise"),
    )
    message = f"HTTP Error {code}: Not Found, meters of 2026-11-02"
    error = TaskError(
        task=KEY,
        error_class="HTTPError",
        message=message,
        frames=frames,
        fingerprint=fingerprint("HTTPError", message, ()),
    )
    rows = ROWS if known else None
    dossier = dossier_of(folder, files, rows, rows, name="meters/{ds}.json", error=error, evidence=(diff,))
    if known:
        dossier = replace(dossier, shapes=(dossier.shapes[0], replace(dossier.shapes[1], role="failing")))
    return RulesAgent().propose(dossier)


CALLERS = {
    "by its own names": ("read(plant, day)", "read(day, plant)"),
    "by keys of a record": ('read(job["plant"], job["day"])', 'read(job["day"], job["plant"])'),
    "by the traceback alone": ("read('K1', str(d))", "read(str(d), 'K1')"),
}
NOW = "def read(day, plant):"


@pytest.mark.parametrize(("call", "then"), CALLERS.values(), ids=CALLERS.keys())
def test_a_caller_follows_the_order_of_parameters_that_a_commit_changed(tmp_path: pathlib.Path, call: str, then: str):
    caller = f"from site import read\n\n\ndef main(job, plant, day, d):\n    return {call}\n"
    diff = _diff("site.py", "def read(plant, day):", NOW)
    proposal = _asked(tmp_path, f"{NOW}\n    raise\n", caller, diff)
    assert proposal.diagnosis.category is Category.CODE_ERROR
    assert proposal.change is not None
    assert [edit.after for edit in proposal.change.edits] == [caller.replace(call, then)]


LEFT = {
    "it follows already": ("read(day, plant)", _diff("site.py", "def read(plant, day):", NOW), {}),
    "the data lies nowhere": ("read(plant, day)", _diff("site.py", "def read(plant, day):", NOW), {"known": False}),
    "another function was changed": ("read(plant, day)", _diff("other.py", "def save(plant, day):", "def save(day, plant):"), {}),
    "the upstream is broken": ("read(plant, day)", _diff("site.py", "def read(plant, day):", NOW), {"code": 503}),
}  # fmt: skip


@pytest.mark.parametrize(("call", "diff", "more"), LEFT.values(), ids=LEFT.keys())
def test_a_caller_that_is_not_sure_to_be_wrong_is_left(tmp_path: pathlib.Path, call, diff, more):  # type: ignore[no-untyped-def]
    caller = f"from site import read\n\n\ndef main(plant, day):\n    return {call}\n"
    proposal = _asked(tmp_path, f"{NOW}\n    raise\n", caller, diff, **more)
    assert proposal.change is None


def test_an_address_that_a_commit_changed_is_as_before_where_the_data_still_lies_there(tmp_path: pathlib.Path):
    old, new = '    url = f"{BASE}/meters/{day}.json"', '    url = f"{BASE}/meter/{day}.json"'
    function = f"def read(plant, day):\n{new}\n    raise\n"
    diff = replace(_diff("site.py", old, new), body=f"@@ -2,1 +2,1 @@\n-{old}\n+{new}\n")
    proposal = _asked(
        tmp_path, function, "from site import read\n\n\ndef main(plant, day):\n    return read(plant, day)\n", diff
    )
    assert proposal.diagnosis.action is Action.FIX_CODE
    assert proposal.change is not None
    assert [edit.after for edit in proposal.change.edits] == [function.replace(new, old)]
