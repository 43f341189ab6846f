"""Checkout + errors → the source to see first: around the frames, the Dag's file, the files that the task names."""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

from airflow_agentic.records import Checkout, Evidence, Frame, SourceReport, Target, TaskError, Trust
from airflow_agentic.repository import files, read_text, repository_path
from airflow_agentic.tracebacks import own_frames

AROUND = 12
MAX_WINDOWS = 12
MAX_DAG_FILE = 8_000
MAX_TASK_FILE = 4_000
MAX_TASK_FILES = 4
MAX_WORDS = 20
MAX_STATEMENTS = 300
_FILE_WORD = re.compile(r"[\w./-]+\.(?:py|sql|ya?ml|json|sh|toml|cfg|txt)\b")
_DATA_WORD = re.compile(r"([\w-]+\.(?:sql|ya?ml|json|toml|j2|jinja2?|cfg|ini))\b")
_TABLE_READ = re.compile(r"\b(?:from|join)\s+\"?([A-Za-z_][\w.]*)", re.IGNORECASE)
_MODEL_READ = re.compile(r"\bref\(\s*['\"](\w+)['\"]")
_MODULE_WORD = re.compile(r"-m\s+([A-Za-z_][\w.]*)")


@dataclass(frozen=True, kw_only=True)
class CodeRead:
    """What was shown, and which files a commit must touch to be a suspect."""

    evidence: tuple[Evidence, ...]
    touched: tuple[str, ...]
    """Frames' files first, then the Dag's file, the files that the task names, what those import, two steps far, and
    the statements and settings that all these read."""


def code_evidence(checkout: Checkout, target: Target, so_far: SourceReport) -> CodeRead:
    """Return the source around every own frame, the Dag's file and the files that the failing task's fields name."""
    observed_at = target.incident.last_seen
    windows = _windows(checkout, so_far.errors)
    framed = list(dict.fromkeys(path for path, _ in windows))
    evidence = [_window(checkout, path, frames, observed_at) for path, frames in windows]
    named = [p for p in _named_files(checkout, target, so_far.errors) if p not in framed]
    if checkout.dag_file:
        evidence.append(
            _whole(checkout, checkout.dag_file, f"The Dag's file {checkout.dag_file}", MAX_DAG_FILE, observed_at)
        )
    evidence += [
        _whole(checkout, path, f"File {path}, which the task names", MAX_TASK_FILE, observed_at)
        for path in named[:MAX_TASK_FILES]
        if path != checkout.dag_file
    ]
    direct = [*framed, *([checkout.dag_file] if checkout.dag_file else []), *named]
    near = [p for path in direct for p in local_imports(checkout, path)]
    touched = dict.fromkeys(
        [*direct, *near, *(p for path in dict.fromkeys(near) for p in local_imports(checkout, path))]
    )
    read = _read_files(checkout, tuple(touched))
    touched.update(dict.fromkeys([*read, *_makers(checkout, read)]))
    return CodeRead(evidence=tuple(e for e in evidence if e), touched=tuple(touched))


def local_imports(checkout: Checkout, path: str) -> tuple[str, ...]:
    """Return the repository's own modules that a Python file imports, one step far."""
    if not path.endswith(".py"):
        return ()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(read_text(checkout, path) or "")
    except (SyntaxError, ValueError, RecursionError):
        return ()
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = _package(path, node.level) if node.level else ""
            module = ".".join(part for part in (start, node.module or "") if part)
            names += [module, *(".".join(part for part in (module, alias.name) if part) for alias in node.names)]
    return tuple(dict.fromkeys(found for name in names if name for found in _module_file(checkout, name)))


def _read_files(checkout: Checkout, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return the statements and settings of the repository that Python files name: ``daily.sql``, ``columns.yaml``."""
    texts = "\n".join(read_text(checkout, path) or "" for path in paths[:12] if path.endswith(".py"))
    words = set(_DATA_WORD.findall(texts))
    quoted = set(re.findall(r"[\"'/]([A-Za-z_]\w{3,})[\"'/]", texts))
    found = []
    for path in files(checkout.path):
        name, extension = os.path.splitext(os.path.basename(path))
        if os.path.basename(path) in words or (extension == ".sql" and name in quoted):
            found.append(path)
    return tuple(found[:MAX_TASK_FILES])


def _makers(checkout: Checkout, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return the statements that make the tables which statements read, by the name of their file or by their words."""
    texts = "\n".join(read_text(checkout, path) or "" for path in paths if path.endswith(".sql"))
    tables = {name.rpartition(".")[2].lower() for name in _TABLE_READ.findall(texts)}
    tables |= {name.lower() for name in _MODEL_READ.findall(texts)}
    if not tables:
        return ()
    made = re.compile(
        r"\b(?:table|view|into)\s+(?:if\s+not\s+exists\s+)?[\w.\"]*\b(?:"
        + "|".join(map(re.escape, sorted(tables)))
        + r")\b",
        re.IGNORECASE,
    )
    found = []
    for path in [p for p in files(checkout.path) if p.endswith(".sql") and p not in paths][:MAX_STATEMENTS]:
        name = os.path.splitext(os.path.basename(path))[0].lower()
        if name in tables or made.search(read_text(checkout, path) or ""):
            found.append(path)
    return tuple(found[:MAX_TASK_FILES])


def _windows(checkout: Checkout, errors: Iterable[TaskError]) -> list[tuple[str, list[Frame]]]:
    """Group the frames by file, innermost first; frames that twenty tasks share are shown once."""
    grouped: dict[str, list[Frame]] = {}
    mapped: dict[str, str | None] = {}
    for error in errors:
        for frame in reversed(own_frames(error.frames) or error.frames):
            if frame.path not in mapped:
                mapped[frame.path] = repository_path(checkout, frame.path)
            path = mapped[frame.path]
            if path and frame.line not in {f.line for f in grouped.get(path, ())}:
                grouped.setdefault(path, []).append(frame)
    return list(grouped.items())[:MAX_WINDOWS]


def _window(checkout: Checkout, path: str, frames: list[Frame], observed_at: str) -> Evidence | None:
    text = read_text(checkout, path)
    if text is None:
        return None
    lines = text.splitlines()
    marked: dict[int, bool] = {}
    shown: set[int] = set()
    for frame in frames[:6]:
        line, exact = _place(lines, frame)
        marked[line] = exact
        shown |= set(range(max(1, line - AROUND), min(len(lines), line + AROUND) + 1))
    first = next(iter(marked))
    body = "\n".join(_numbered(lines, n, marked, n - 1 not in shown and n > 1) for n in sorted(shown))
    if not all(marked.values()):
        body = "The line that was printed is not in this version of the file; its place is a guess.\n" + body
    where = ", ".join(f"line {line}" for line in marked)
    return Evidence(
        id="",
        source="code",
        title=f"Source of {path} around {where} (in {frames[0].function or 'module'})",
        body=body,
        observed_at=observed_at,
        trust=Trust.REPOSITORY,
        path=path,
        line=first,
    )


def _place(lines: list[str], frame: Frame) -> tuple[int, bool]:
    """Return the line that the frame means here; another version of the file may have moved it."""
    wanted = frame.code.strip()
    if not wanted or (0 < frame.line <= len(lines) and lines[frame.line - 1].strip()[:300] == wanted):
        return max(1, min(frame.line, len(lines))), bool(wanted) or frame.line <= len(lines)
    same = [n for n, line in enumerate(lines, start=1) if line.strip()[:300] == wanted]
    if same:
        return min(same, key=lambda n: abs(n - frame.line)), True
    return max(1, min(frame.line, len(lines))), False


def _numbered(lines: list[str], number: int, marked: dict[int, bool], gap: bool) -> str:
    mark = ">" if number in marked else " "
    return ("...\n" if gap else "") + f"{mark}{number:5d} {lines[number - 1][:300]}"


def _whole(checkout: Checkout, path: str, title: str, limit: int, observed_at: str) -> Evidence | None:
    text = read_text(checkout, path, limit=limit + 1)
    if text is None:
        return None
    body = text if len(text) <= limit else text[:limit].rsplit("\n", 1)[0] + "\n... cut"
    return Evidence(
        id="", source="code", title=title, body=body, observed_at=observed_at, trust=Trust.REPOSITORY, path=path
    )


def _named_files(checkout: Checkout, target: Target, errors: Iterable[TaskError]) -> list[str]:
    """Return files of the repository that the failing tasks' rendered fields name, by path or as ``-m module``.

    Of the errors' own words only a module counts: the command that came back with an exit code.
    """
    texts = dict.fromkeys(value[:20_000] for run in target.failed for _, value in run.rendered)
    found: dict[str, None] = {}
    for module in _MODULE_WORD.findall("\n".join(error.message[:2_000] for error in errors)):
        found.update(dict.fromkeys(_module_file(checkout, module)))
    for text in texts:
        for module in _MODULE_WORD.findall(text):
            found.update(dict.fromkeys(_module_file(checkout, module)))
        for word in sorted(set(_FILE_WORD.findall(text)))[:MAX_WORDS]:
            path = repository_path(checkout, word)
            if path:
                found[path] = None
    words = {word for text in texts for word in re.findall(r"[A-Za-z_][\w-]{3,}", text)}
    for path in files(checkout.path):
        name, extension = os.path.splitext(os.path.basename(path))
        if extension == ".sql" and name in words:
            found[path] = None
    return list(found)


def _module_file(checkout: Checkout, module: str) -> tuple[str, ...]:
    inner = module.replace(".", "/")
    for start in dict.fromkeys(("", checkout.dags_path, "src", "plugins", os.path.join(checkout.dags_path, ".."))):
        for path in (f"{inner}.py", f"{inner}/__init__.py"):
            relative = os.path.normpath(os.path.join(start, path)).replace(os.sep, "/")
            if not relative.startswith("..") and os.path.isfile(os.path.join(checkout.path, relative)):
                return (relative,)
    return ()


def _package(path: str, level: int) -> str:
    return ".".join(path.split("/")[:-level])
