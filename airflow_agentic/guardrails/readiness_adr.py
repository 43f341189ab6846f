"""A readiness report → an architecture decision record in Markdown: context, decision, consequences, gaps, criteria."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from airflow_agentic.escape import escape_markdown
from airflow_agentic.guardrails.readiness import Readiness, Standing


def write_adr(report: Readiness, *, date: str, number: int = 1, title: str = "An agent for failures of Dags") -> str:
    """Return the record's text.

    :param date: of the report, ``2026-11-27``.
    :param number: that the record has among the team's others.
    """
    environment = Environment(
        loader=PackageLoader("airflow_agentic", "guardrails"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown; what was seen passes through `cell`
        keep_trailing_newline=True,
    )
    count = {standing: sum(item.standing is standing for item in report.items) for standing in Standing}
    return environment.get_template("readiness_adr.md.j2").render(
        number=number,
        title=title,
        date=date,
        items=report.items,
        total=len(report.items),
        in_place=count[Standing.IN_PLACE],
        partial=count[Standing.PARTIAL],
        missing=count[Standing.MISSING],
        unseen=[f"{name}: {escape_markdown(reason)}" for name, reason in report.unseen],
        advice=report.advice,
        level=report.ceiling,
        blockers=report.blockers,
        accepted=[item.name for item in report.missing if item.accepted],
        gaps=[item for item in report.items if item.close],
        cell=escape_markdown,
    )
