"""Tokens of the dossier for each captured case, against the plain log plus the whole repository.

    python benchmarks/bench_dossier.py [--cases /work/shared/cases]

Tokens are characters / 4. The naive way hands a model what Airflow printed and every text file of the repository; the
dossier is what `gather` makes with the sources of the evaluation: the briefing's first message, frames included.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from airflow_agentic.agents.briefing import brief
from airflow_agentic.context.captured import CapturedReader
from airflow_agentic.context.gather import gather
from airflow_agentic.context.suspects import rank
from airflow_agentic.guardrails.redact import SpanRedactor
from airflow_agentic.plugs import build_sources
from airflow_agentic.records import Dossier, Incident, IncidentState
from airflow_agentic.scope import Scope

CHARS_PER_TOKEN = 4
BUDGET = 12_000
TEXT = {".py", ".sql", ".md", ".yml", ".yaml", ".toml", ".json", ".txt", ".cfg", ".sh"}


def naive_tokens(case: Path) -> tuple[int, int]:
    """Return the tokens of the logs and of the repository."""
    logs = sum(len(path.read_text(errors="replace")) for path in (case / "logs").glob("*.log"))
    code = sum(
        len(path.read_text(errors="replace"))
        for path in (case / "pipeline").rglob("*")
        if path.is_file() and path.suffix in TEXT and ".git" not in path.parts
    )
    return logs // CHARS_PER_TOKEN, code // CHARS_PER_TOKEN


def dossier_of(case: Path, folder: Path) -> tuple[Dossier, int]:
    """Return the case's dossier, and the tokens of the first message that a model would be sent."""
    reader = CapturedReader(case)
    run = reader.failed_run()
    seen = "2026-11-24T00:00:00+00:00"
    incident = Incident(
        id="bench", dag_id=run.dag_id, run_id=run.run_id, clear_number=0, state=IncidentState.INVESTIGATING, detail="",
        first_seen=seen, last_seen=seen, signals=1, logical_date=run.logical_date,
    )  # fmt: skip
    lineage = case / "logs" / "openlineage.jsonl"
    scope = Scope(
        repository=str(case / "pipeline.bundle"),
        data_locations=(str(case / "upstream"),),
        lineage_events=str(lineage) if lineage.exists() else "",
    )
    sources = build_sources(scope, reader=reader, folder=str(folder), connect=lambda name: None)
    dossier = gather(incident, reader=reader, sources=sources, redactor=SpanRedactor(), rank=rank, token_budget=BUDGET)
    return dossier, len(brief(dossier).question) // CHARS_PER_TOKEN


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", default="/work/shared/cases")
    parser.add_argument(
        "--suspects", action="store_true", help="print the first suspects of each case with their evidence"
    )
    options = parser.parse_args()
    cases = sorted(path.parent for path in Path(options.cases).glob("*/case.json"))
    if not cases:
        print(f"No case below {options.cases}: nothing to measure.")
        return
    print(f"{'case':<26} {'log':>8} {'repository':>11} {'dossier':>8} {'briefing':>9} {'share':>6}  left out")
    for case in cases:
        logs, code = naive_tokens(case)
        with tempfile.TemporaryDirectory() as folder:
            dossier, briefing = dossier_of(case, Path(folder))
        share = briefing / (logs + code)
        print(
            f"{case.name:<26} {logs:>8} {code:>11} {dossier.tokens:>8} {briefing:>9} {share:>6.0%}  {len(dossier.left_out)}"
        )
        for place, suspect in enumerate(dossier.suspects[:3] if options.suspects else (), start=1):
            titles = {item.id: item.title for item in dossier.evidence}
            cited = "; ".join(titles.get(one, one)[:110] for one in suspect.evidence)
            print(
                f"  {place}. {suspect.score:.2f} {suspect.what[:140]}\n     {suspect.why[:200]}\n     evidence: {cited}"
            )
        if dossier.tokens > BUDGET:
            print(f"  MISSED: over {BUDGET} tokens")


if __name__ == "__main__":
    main()
