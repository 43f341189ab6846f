"""The data is as before and a recent commit changed the code that failed → the text of before the commit, there only.

Certain means: one recent diff touches the function that raised (or, for a failed check, one source file of the
pipeline at all), and the landed data shows no change. The commit's other hunks stay. The workspace has the last word.
"""

from __future__ import annotations

import ast
import builtins
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.command_words import OPTION, definers, made_at
from airflow_agentic.agents.mending.config_keys import is_config, key_swaps
from airflow_agentic.agents.mending.parameter_orders import followed, orders_of
from airflow_agentic.agents.mending.syntax import compiles, parse
from airflow_agentic.records import Evidence, ShapeChange
from airflow_agentic.shapes import fold

_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_TITLE = re.compile(r"^Diff of (?P<path>\S+) (?P<when>.*)$")
_COMMIT = re.compile(r"commit (?P<sha>[0-9a-f]{7,40})")
_CHANGED = {"renamed", "moved", "removed", "retyped", "reformatted", "duplicates", "nulls", "volume", "form"}
_NAMES = re.compile(
    r"name '(\w+)' is not defined|has no attribute '(\w+)'|KeyError: '([^']+)'|no such (?:column|table): \"?(?:\w+\.)?(\w+)|"
    r"keyword argument '(\w+)'|arguments?: '(\w+)'|cannot import name '(\w+)'|[Cc]olumn \"?(\w+)\"? (?:not found|does not exist)|"
    r"name (\w+) does not exist"
)
_TASK_ID = re.compile(r"task_id\s*=\s*['\"]([\w.-]+)")
_NO_FILE = re.compile(r"(?:No such file or directory|No files found|does not exist): ?['\"]?([^'\"\n]+)")
_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
Hunk = tuple[int, list[str], list[str]]


def fix(bench: Bench) -> Fix | None:
    """Return the old text of the hunks that the failure runs through."""
    if bench.error is None or any(_is_change(c) for c in bench.changes()):
        return None
    if _lacks_package(bench):
        return None
    found_diffs = diffs(bench)
    for path, frame in bench.own():
        if path in found_diffs:
            found = _revert(bench, found_diffs[path], path, _around(bench, path, frame.line))
            if found is not None:
                return found
    near = [path for path in found_diffs if path.endswith((".py", ".sql"))]
    named = _named(bench, found_diffs, near)
    if named is not None:
        return named
    called = _called(bench, found_diffs, near)
    if called is not None:
        return called
    if len(near) != 1 or not _may_be_anywhere(bench) or not _is_whole(bench, found_diffs, near[0]):
        return None
    return _revert(bench, found_diffs[near[0]], near[0], None)


def _lacks_package(bench: Bench) -> bool:
    """A commit needs a package that the worker has not: to install it or to do without is its owner's choice."""
    module = next((m[1] for t in bench.messages if (m := re.search(r"No module named '([\w]+)", t))), None)
    paths = bench.all_files() if module else ()
    return module is not None and not any(
        f"{module}.py" == p.rsplit("/", 1)[-1] or f"/{module}/" in f"/{p}" for p in paths
    )


def _is_change(change: ShapeChange) -> bool:
    """Counters grow: a text with more digits than the day before is written as it was."""
    if change.kind == "reformatted":
        return {fold(f) for f in change.now.split(", ")} != {fold(f) for f in change.was.split(", ")}
    return change.kind in _CHANGED or _is_wild(change)


def _is_wild(change: ShapeChange) -> bool:
    """Numbers of two days differ by themselves; not their sign, nor by a factor of ten."""
    if change.kind != "range":
        return False
    means = [float(m) for text in (change.was, change.now) for m in re.findall(r"mean (\S+)", text)]
    negative = " from -" in change.detail and not change.was.startswith("-")
    return negative or len(means) != 2 or not 0.1 < abs((means[1] or 1) / (means[0] or 1)) < 10


def _is_whole(bench: Bench, found: dict[str, Evidence], path: str) -> bool:
    """Say whether the commit changed no other code: half of it taken back need not fit the half that stays."""
    commit = _COMMIT.search(found[path].title)
    told = [e.body for e in bench.dossier.evidence if commit and e.title.startswith(f"Commit {commit['sha']} ")]
    files = {name for body in told for name in re.findall(r"[^\s,]+\.(?:py|sql|sh)\b", body.partition("files:")[2])}
    return not any(bench.editable(name) for name in files - {path})


def _serves_others(bench: Bench, path: str, hunk: Hunk, *, named: bool) -> bool:
    """What a hunk changed belongs to other tasks alone, or gives a program or file the names that it knows now.

    :param named: the failure leads to this place; else it is a suspicion, which another task's id alone can bear out.
    """
    lines = range(hunk[0], hunk[0] + max(len(hunk[1]), 1))
    code = parse(bench.text(path)) if path.endswith(".py") else None
    ids = [_TASK_ID.findall("\n".join(rows)) for rows in hunk[1:]]
    made = made_at(code, lines) if code and not named and ids[0] == ids[1] else set()
    if made and not made & {key.task_id.rpartition(".")[2] for key in bench.dossier.incident.members}:
        return True
    now, was = ({name for row in rows for name in OPTION.findall(row)} for rows in hunk[1:])
    if any(definers(bench, name) for name in now - was) and not any(definers(bench, name) for name in was - now):
        return True
    now, was = (set(re.findall(r"['\"]([\w.-]+)['\"]", "\n".join(rows))) for rows in hunk[1:])
    swapped = {swap for name, item in diffs(bench).items() if is_config(name) for swap in key_swaps(hunks(item.body))}
    return any(old in was - now and new in now - was for old, new in swapped)


def _may_be_anywhere(bench: Bench) -> bool:
    """A check that failed, or a statement in a file, does not show the line that is wrong; an exception in a function does."""
    own = bench.own()
    return not own or bool(re.match(r"\s*(raise|assert)\b|.*\b(execute\w*|sql|query|read_sql\w*)\b", own[0][1].code))


def _named(bench: Bench, diffs: dict[str, Evidence], near: list[str]) -> Fix | None:
    """The hunk that took away, or brought in, the very name that the error speaks of; only if it is one."""
    names = {name for m in bench.messages for groups in _NAMES.findall(m) for name in groups if name}
    names |= {
        part for m in bench.messages for path in _NO_FILE.findall(m) for part in re.findall(r"[A-Za-z_]\w+", path)
    }
    names |= {f"{mark}{name}{mark}" for name in names for mark in "'\""}
    names |= {"return"} if any("'NoneType' object" in m for m in bench.messages) else set()
    found: list[tuple[str, Hunk]] = []
    for path in near:
        for hunk in hunks(diffs[path].body):
            words = [
                set(re.findall(r"\w+", said)) | set(re.findall(r"'\w+'|\"\w+\"", said))
                for said in map("\n".join, hunk[1:])
            ]
            if names & (words[0] ^ words[1]):
                found.append((path, hunk))
    if len(found) != 1:
        return None
    path, hunk = found[0]
    return _revert(bench, diffs[path], path, range(hunk[0], hunk[0] + max(len(hunk[1]), 1)))


def _called(bench: Bench, diffs: dict[str, Evidence], near: list[str]) -> Fix | None:
    """The failing function calls one function whose body the commit changed: it no longer gets what it expects."""
    own = bench.own()
    code = parse(bench.text(own[0][0])) if own else None
    if code is None:
        return None
    scope = code.scope_at(own[0][1].line)
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for node in ast.walk(scope)
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name))
    }
    found: dict[tuple[str, str], range] = {}
    for path in near:
        changed = parse(bench.text(path))
        for hunk in hunks(diffs[path].body) if changed else ():
            inner = changed.scope_at(hunk[0]) if changed else None
            if (
                isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef))
                and inner.name in calls
                and inner is not scope
            ):
                found[path, inner.name] = range(inner.lineno, (inner.end_lineno or inner.lineno) + 1)
    if len(found) != 1:
        return None
    (((path, _), lines),) = found.items()
    return _revert(bench, diffs[path], path, lines)


def diffs(bench: Bench) -> dict[str, Evidence]:
    """Return the newest whole diff of each file that may be edited."""
    found: dict[str, Evidence] = {}
    for item in bench.dossier.evidence:
        match = _TITLE.match(item.title) if item.source == "code" else None
        if match and bench.editable(match["path"]) and not item.body.endswith("... cut"):
            found.setdefault(match["path"], item)
    return found


def _around(bench: Bench, path: str, line: int) -> range | None:
    """The lines of the function that raised; None for code outside of any function."""
    code = parse(bench.text(path))
    scope = code.scope_at(line) if code else None
    if code is None or scope is None or scope is code.tree:
        return None
    return range(scope.lineno, (scope.end_lineno or scope.lineno) + 1)  # type: ignore[union-attr]


def _revert(bench: Bench, diff: Evidence, path: str, lines: range | None) -> Fix | None:
    text = bench.text(path)
    near = [h for h in hunks(diff.body) if lines is None or set(range(h[0], h[0] + max(len(h[1]), 1))) & set(lines)]
    if text is None or not near or any(followed(bench, o) for h in near for o in orders_of(h[1], h[2])):
        return None
    if any(_serves_others(bench, path, hunk, named=lines is not None) for hunk in near):
        return None
    rows = text.split("\n")
    for start, new, old in reversed(near):
        if rows[start - 1 : start - 1 + len(new)] != new:
            return None
        rows[start - 1 : start - 1 + len(new)] = old
    result = "\n".join(rows)
    if result == text or (path.endswith(".py") and not (compiles(result) and unbound(result) <= unbound(text))):
        return None
    commit = _COMMIT.search(diff.title)
    who = f"Commit {commit['sha']}" if commit else "A recent commit"
    return Fix(
        texts=((path, result),),
        file=path,
        summary=f"Take back what a recent commit changed in {path}"[:100],
        explanation=f"{who} changed `{path}`, and the landed data is as it was before. The change takes back "
        + (f"the {len(near)} place(s) in the function that raised." if lines else "what it changed there."),
    )


def unbound(text: str) -> set[str]:
    """Return the names that a module reads and nothing in it binds: half of a move leaves some."""
    code = parse(text)
    nodes = list(ast.walk(code.tree)) if code else []
    if any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in nodes):
        return set()
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)} | set(dir(builtins))
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            bound |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, _NAMED):
            bound.add(node.name or "")
        elif isinstance(node, ast.MatchMapping):
            bound.add(node.rest or "")
    bound |= {"__file__", "__name__", "__doc__", "__package__"}
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} - bound


def hunks(diff: str) -> list[Hunk]:
    """Return first line, lines as they are now and lines as they were, without the context around."""
    found: list[Hunk] = []
    at, new, old = 0, [], []  # type: int, list[str], list[str]

    def flush() -> None:
        nonlocal new, old
        if new or old:
            found.append((at - len(new), new, old))
            new, old = [], []

    for row in diff.split("\n"):
        head = _HUNK.match(row)
        if head:
            flush()
            at = int(head[1])
        elif at and row.startswith("+"):
            new.append(row[1:])
            at += 1
        elif at and row.startswith("-"):
            old.append(row[1:])
        elif at and row.startswith(" "):
            flush()
            at += 1
    flush()
    return found
