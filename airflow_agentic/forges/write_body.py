"""Records → the text of the pull request or issue, as Markdown that does nothing but say it.

Every ``{{ }}`` of the template is escaped unless a filter made it Markdown (`Markdown`), so a new line in the
template is safe by default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
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
    Trust,
    Verdict,
)

_EXCERPTS = (1_200, 400, 0)
"""Characters of each cited piece of evidence; the next smaller one is taken while the text is too long."""
_ROOM = 60_000
"""Below the forge's limit, because redaction may lengthen a text."""
_LIST = 20
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


def _environment() -> Environment:
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


def _tasks(proof: Proof) -> list[tuple[str, str, str]]:
    """Return task, state before and state after; failed ones first."""
    red, green = _states(proof.red), _states(proof.green)
    names = sorted(dict.fromkeys([*red, *green]), key=lambda name: red.get(name) != "failed")
    return [(name, red.get(name, "not run"), green.get(name, "not run")) for name in names]


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One table's line: what moved, in words."""

    name: str
    rows: str
    schema: str
    nulls: str
    keys: str
    rest: str


def _moved(proof: Proof) -> list[tuple[str, list[_Row]]]:
    """Return both comparisons of written tables, each with its title."""
    return [
        ("What the change makes of the failing interval (without it → with it):", [_row(d) for d in proof.data_diff]),
        (
            "Against the last good interval, as it was without the change (last good → failing interval, cured):",
            [_row(d) for d in proof.against_good],
        ),
    ]


def _row(diff: TableDiff) -> _Row:
    rows = [str(count) if count is not None else "none" for count in (diff.before_rows, diff.after_rows)]
    schema = [*(f"+{c}" for c in diff.added), *(f"-{c}" for c in diff.lost), *diff.retyped]
    plain = diff.note in ("new", "gone") or (not diff.changed and not schema)
    # With other rows nearly every column differs, which says nothing.
    moved = diff.changed if diff.before_rows == diff.after_rows else ()
    values = [diff.note] if plain else [f"differ in {', '.join(_few(moved))}"] if moved else []
    return _Row(
        name=diff.table,
        rows=" → ".join(rows),
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
