"""A commit gave an option or a sub-command of a program another name and left a task that uses the old → the new one.

``--date`` → ``--business-day`` in a Bash command, a list of arguments or a rendered string. Certain means: the program
itself says that it lacks the one or does not know the other, a recent diff puts the one in the other's place, the
repository defines the new one, and the failing task's own strings have the old one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from airflow_agentic.agents.fixers.reverted_commit import diffs, hunks
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.command_words import OPTION, dag_files, definers, own_texts, replaced, texts_in
from airflow_agentic.agents.mending.syntax import Code, compiles, parse

_LACKS = re.compile(r"arguments are required: (?P<names>[^\n(]+)|[Mm]issing option ['\"]?(?P<name>--[\w-]+)")
_UNKNOWN = re.compile(
    r"unrecognized arguments: (?P<names>[^\n(]+)|[Nn]o such option:? ['\"]?(?P<name>--?[\w-]+)"
    r"|[Nn]o such command:? ['\"](?P<word>[\w-]+)['\"]|invalid choice: ['\"](?P<choice>[\w-]+)['\"]"
)
_COMMAND = re.compile(r"\b(?:add_parser|command|add_typer)\(\s*(?:name\s*=\s*)?[\"']([\w-]+)[\"']|\bdef (\w+)\(")
_PROGRAM = re.compile(r"-m\s+([A-Za-z_][\w.]*\w)|([\w./-]+\.py)\b")


def fix(bench: Bench) -> Fix | None:
    """Return the failing task's command, and others of the same program, with the names that it knows now."""
    said = _said(bench)
    lacks, unknown = _names(_LACKS, said), _names(_UNKNOWN, said)
    if not lacks and not unknown:
        return None
    swaps = _swaps(bench)
    taken = {o: n for o, n in swaps if n in lacks or o in unknown}
    if not taken or any(len({n for o, n in swaps if o == old}) != 1 for old in taken):
        return None
    if not lacks <= set(taken.values()) or not all(definers(bench, new) for new in taken.values()):
        return None
    trial, texts = Bench(dossier=bench.dossier, checkout=bench.checkout), {}  # type: Bench, dict[str, str]
    for old, new in taken.items():
        here = _replaced(trial, old, new)
        if not here:
            return None
        texts.update(here)
        trial.take(Fix(texts=tuple(here.items()), file="", summary="", explanation=""))
    words = " and ".join(f"`{old}` is now `{new}`" for old, new in taken.items())
    path = next(iter(texts))
    return Fix(
        texts=tuple(texts.items()),
        file=path,
        summary=f"Give {' and '.join(taken.values())} in the place of {' and '.join(taken)}"[:100],
        explanation=f"A recent commit renamed what the program takes: {words}. A task still used the old name; it gives the new one now.",
    )


def _said(bench: Bench) -> str:
    logs = (e.body for e in bench.dossier.evidence if e.source == "task_log")
    return "\n".join((*bench.messages, *logs))


def _names(pattern: re.Pattern[str], said: str) -> set[str]:
    found: set[str] = set()
    for match in pattern.finditer(said):
        found |= {text for key, text in match.groupdict().items() if key != "names" and text}
        listed = match["names"] or ""
        found |= {name for part in re.split(r"[,\s]+", listed) for name in OPTION.findall(part)[:1]}
    return found


def _swaps(bench: Bench) -> set[tuple[str, str]]:
    """Return what recent diffs put in the place of what, of options and of sub-commands, line by line."""
    found: set[tuple[str, str]] = set()
    for item in diffs(bench).values():
        for _, new_lines, old_lines in hunks(item.body):
            for was, now in zip(old_lines, new_lines, strict=False) if len(old_lines) == len(new_lines) else ():
                for pattern in (OPTION, _COMMAND):
                    a, b = (_tokens(pattern, line) for line in (was, now))
                    apart = {(x, y) for x, y in zip(a, b, strict=False) if x != y} if len(a) == len(b) else set()
                    found |= apart if len(apart) == 1 else set()
    return found


def _tokens(pattern: re.Pattern[str], line: str) -> list[str]:
    return [next(filter(None, m.groups())).replace("_", "-") if m.groups() else m[0] for m in pattern.finditer(line)]


def _replaced(bench: Bench, old: str, new: str) -> dict[str, str]:
    """The failing task's strings; where no parser knows the old name any more, those of all tasks with its program."""
    pattern = _word(old)
    own = {path: (code, dict.fromkeys(nodes)) for path, code, nodes in own_texts(bench)}
    if not any(pattern.search(code.source(node)) for code, nodes in own.values() for node in nodes):
        return {}
    programs = {p for code, nodes in own.values() for node in nodes for p in _programs(code.source(node))}
    if len(programs) == 1 and not definers(bench, old):
        for path in dag_files(bench):
            code, nodes = own.get(path) or (parse(bench.text(path)), {})
            if code is not None:
                nodes.update(dict.fromkeys(_of_program(code, programs)))
                own[path] = (code, nodes)
    texts = {path: replaced(code, list(nodes), pattern, new) for path, (code, nodes) in own.items()}
    return {path: text for path, text in texts.items() if text and compiles(text)}


def _of_program(code: Code, programs: set[str]) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Yield the strings of the tasks that call this program and no other."""
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Call) and any(k.arg == "task_id" for k in node.keywords):
            inside = list(texts_in(code, node))
            if programs == {p for one in inside for p in _programs(code.source(one))}:
                yield from inside


def _programs(source: str) -> set[str]:
    return {next(filter(None, groups)) for groups in _PROGRAM.findall(source)}


def _word(old: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w./-]){re.escape(old)}(?![\w./-])")
