"""Records → the text of the pull request or issue, as Markdown that does nothing but say it.

Every ``{{ }}`` of the template is escaped unless a filter made it Markdown (`Markdown`), so a new line in the
template is safe by default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from airflow_agentic.changes import changed_lines
from airflow_agentic.escape import code_block, code_span, escape_markdown
from airflow_agentic.records import (
    Approval,
    Dossier,
    Evidence,
    Incident,
    Proof,
    Proposal,
    StagedRun,
    TableDiff,
    TaskKey,
    Trust,
    Verdict,
)

_EXCERPTS = (1_200, 400, 0)
"""Characters of each cited piece of evidence; the next smaller one is taken while the text is too long."""
_ROOM = 60_000
"""Below the forge's limit, because redaction may lengthen a text."""
_LIST = 20
_NAMES = 6
"""Names that are told one by one; more than that with the same fate share a row."""
_TEXT = 1_500
_HOST = re.compile(r"https?://([\w.-]+)", re.IGNORECASE)
_URL = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,40}://(?P<host>[\w.-]+)[^\s<>\"')\]]*", re.IGNORECASE)


class Markdown(str):
    """Text that is already safe Markdown."""

    __slots__ = ()


def write_body(
    incident: Incident,
    dossier: Dossier,
    proposal: Proposal,
    proof: Proof,
    verdict: Verdict,
    approval: Approval,
    *,
    as_change: bool,
    why_not: str,
    base_branch: str,
) -> str:
    """Return the text, at most 60,000 characters.

    :param why_not: why it is no pull request; shown in an issue.
    """
    template = _environment().get_template("pull_request.md.j2")
    text = ""
    known = "\n".join(item.body for item in dossier.evidence if item.trust is Trust.REPOSITORY)
    for excerpt in _EXCERPTS:
        text = template.render(
            incident=incident,
            dossier=dossier,
            diagnosis=proposal.diagnosis,
            proposal=proposal,
            change=proposal.change,
            lines=changed_lines(proposal.change) if proposal.change else 0,
            proof=proof,
            failed=_failed(incident, dossier),
            tasks=_tasks(proof),
            moved=_moved(proof),
            verdict=verdict,
            approval=approval,
            cited=_cited(dossier, proposal),
            quoted={item.id: _quoted(item, known) for item in dossier.evidence},
            excerpt=excerpt,
            as_change=as_change,
            why_not=why_not,
            base_branch=base_branch,
        )
        if len(text) <= _ROOM:
            return text
    return text[: text.rfind("\n\n", 0, _ROOM)] + "\n"


@cache
def _environment() -> Environment:
    """Keep it: compiling the template is four fifths of a delivery's CPU."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        finalize=lambda value: value if isinstance(value, Markdown) else _prose(_short(str(value))),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - this is Markdown: `finalize` escapes for it, HTML escaping would not
    )
    environment.filters["code"] = lambda text: Markdown(code_span(_short(str(text), 300)))
    environment.filters["block"] = lambda text, limit, language="": Markdown(code_block(_short(text, limit), language))
    environment.filters["some"] = _some
    return environment


def _prose(text: str) -> str:
    """Escape a sentence, and keep what it puts between backticks in one piece: commands, names."""
    if "``" in text or text.count("`") % 2:
        return escape_markdown(text)
    shown = ""
    for at, part in enumerate(text.split("`")):
        piece = code_span(part) if at % 2 else _escaped(part)
        # Two spans that touch would become one with another fence.
        shown += " " * (shown.endswith("`") and piece.startswith("`")) + piece
    return shown


def _escaped(text: str) -> str:
    """Escape, but keep the space that joins it to a span beside it."""
    clean = escape_markdown(text)
    return f"{' ' * text[:1].isspace()}{clean}{' ' * text[-1:].isspace()}" if clean else " " * bool(text)


def _quoted(item: Evidence, known: str) -> str:
    """Return an excerpt without the addresses that only strangers name: no one is to follow them from here."""
    if item.trust is not Trust.UNTRUSTED:
        return item.body
    own = {"127.0.0.1", "localhost", *(host.lower() for host in _HOST.findall(known))}
    return _URL.sub(lambda m: m[0] if m["host"].lower() in own else "[address removed]", item.body)


def _short(text: str, limit: int = _TEXT) -> str:
    return text if len(text) <= limit else f"{text[: limit - 2].rstrip()} …"


def _some(items: Iterable[object]) -> list[object]:
    given = list(items)
    more = [f"… and {len(given) - _LIST} more"] if len(given) > _LIST and isinstance(given[0], str) else []
    return given[:_LIST] + more


def _cited(dossier: Dossier, proposal: Proposal) -> list[Evidence]:
    known = {item.id: item for item in dossier.evidence}
    return [known[name] for name in dict.fromkeys(proposal.diagnosis.cites) if name in known]


def _failed(incident: Incident, dossier: Dossier) -> list[Markdown]:
    """Return a line for each error with the tasks that it ended, then one for the tasks that left no error."""
    ended: dict[tuple[str, str], list[TaskKey]] = {}
    for error in dossier.errors:
        ended.setdefault((error.error_class, error.message), []).append(error.task)
    known = {(key.task_id, key.map_index) for keys in ended.values() for key in keys}
    silent = [key for key in incident.members if (key.task_id, key.map_index) not in known]
    lines = [
        f"{': '.join(_span(part) for part in (error_class, message) if part)} in {_tried(keys)}"
        for (error_class, message), keys in ended.items()
    ]
    return [Markdown(line) for line in [*lines, *([f"{_tried(silent)}, no error found"] if silent else [])]]


def _tried(keys: list[TaskKey]) -> str:
    names = [key.task_id if key.map_index < 0 else f"{key.task_id}[{key.map_index}]" for key in keys]
    tries = sorted({key.try_number for key in keys})
    count = f"{len(names)} tasks: " if len(names) > 1 else "task "
    return f"{count}{_listed(names)}, {'try' if len(tries) == 1 else 'tries'} {' and '.join(map(str, tries[:3]))}"


def _listed(names: Iterable[str]) -> Markdown:
    given = [_span(name) for name in names]
    return Markdown(", ".join(given[:_NAMES]) + (f" and {len(given) - _NAMES} more" if len(given) > _NAMES else ""))


def _span(text: str) -> str:
    return code_span(_short(text, 300))


def _tasks(proof: Proof) -> list[tuple[Markdown, str, str]]:
    """Return tasks, their state before and after; failed ones first, tasks with the same fate in one row."""
    red, green = _states(proof.red), _states(proof.green)
    fates: dict[tuple[str, str], list[str]] = {}
    for name in sorted(dict.fromkeys([*red, *green]), key=lambda name: red.get(name) != "failed"):
        fates.setdefault((red.get(name, "not run"), green.get(name, "not run")), []).append(name)
    return [(_listed(some), *fate) for fate, names in fates.items() for some in _in_rows(names)]


def _in_rows(names: list[str]) -> list[list[str]]:
    return [names] if len(names) > _NAMES else [[name] for name in names]


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One table's line, or that of several with the same story: what moved, in words."""

    name: Markdown
    rows: str
    schema: str
    nulls: str
    keys: str
    rest: str


def _moved(proof: Proof) -> list[tuple[str, list[_Row]]]:
    """Return both comparisons of written tables, each with its title."""
    return [
        ("What the change makes of the failing interval (without it → with it):", _rows(proof.data_diff)),
        (
            "Against the last good interval, as it was without the change (last good → failing interval, cured):",
            _rows(proof.against_good),
        ),
    ]


def _rows(diffs: Iterable[TableDiff]) -> list[_Row]:
    """Return the tables' lines; many that tell the same but for their counts share one, counts added up."""
    alike: dict[tuple[str, ...], list[TableDiff]] = {}
    for diff in diffs:
        row = _row(diff)
        alike.setdefault((row.schema, row.nulls, row.keys, row.rest), []).append(diff)
    rows = []
    for group in alike.values():
        if len(group) <= _NAMES:
            rows += [_row(diff) for diff in group]
            continue
        counts = _counts([diff.before_rows for diff in group], [diff.after_rows for diff in group])
        rows.append(replace(_row(group[0]), name=_listed(diff.table for diff in group), rows=f"{counts} in all"))
    return rows


def _counts(before: list[int | None], after: list[int | None]) -> str:
    told = ("none" if None in counts else str(sum(count or 0 for count in counts)) for counts in (before, after))
    return " → ".join(told)


def _row(diff: TableDiff) -> _Row:
    schema = [*(f"+{c}" for c in diff.added), *(f"-{c}" for c in diff.lost), *diff.retyped]
    plain = diff.note in ("new", "gone") or (not diff.changed and not schema)
    # With other rows nearly every column differs, which says nothing.
    moved = diff.changed if diff.before_rows == diff.after_rows else ()
    values = [diff.note] if plain else [f"differ in {', '.join(_few(moved))}"] if moved else []
    return _Row(
        name=_listed([diff.table]),
        rows=_counts([diff.before_rows], [diff.after_rows]),
        schema=", ".join(_few(schema)) or "same",
        nulls=", ".join(_few(diff.nulls)) or "same",
        keys=f"no longer unique: {', '.join(_few(diff.duplicated))}" if diff.duplicated else "same",
        rest="; ".join([*values, *diff.samples]) or ("same" if not diff.changed else "other rows"),
    )


def _few(names: Iterable[str]) -> list[str]:
    given = list(names)
    return given[:6] + ([f"{len(given) - 6} more"] if len(given) > 6 else [])


def _states(run: StagedRun | None) -> dict[str, str]:
    tasks = run.tasks if run else ()
    return {t.task_id if t.map_index < 0 else f"{t.task_id}[{t.map_index}]": t.state for t in tasks}
