"""Make the cases that are named (or all), evaluate them with the rules agent, print a table.

``python tests/evals/score.py --out DIR [NAME ...]``; a folder with a ``case.json`` may be named as well.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pipelines_code
import pipelines_drift
import pipelines_eighth_a
import pipelines_eighth_b
import pipelines_eighth_c
import pipelines_eighth_shop
import pipelines_faults
import pipelines_fifth_a
import pipelines_fifth_b
import pipelines_fifth_c
import pipelines_fifth_d
import pipelines_fifth_e
import pipelines_fifth_f
import pipelines_fifth_g
import pipelines_forms
import pipelines_fourth
import pipelines_ninth_a
import pipelines_ninth_b
import pipelines_ninth_shop
import pipelines_outside
import pipelines_second
import pipelines_seventh_a
import pipelines_seventh_b
import pipelines_seventh_c
import pipelines_seventh_d
import pipelines_seventh_e
import pipelines_seventh_shop
import pipelines_shop
import pipelines_sixth_a
import pipelines_sixth_b
import pipelines_sixth_shop
import pipelines_tenth
import pipelines_third
from case_maker import Spec, judge_case, make_case

from airflow_agentic.agents.propose import propose
from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.captured import CapturedReader
from airflow_agentic.context.gather import gather
from airflow_agentic.context.suspects import rank
from airflow_agentic.evaluation import bare_repository
from airflow_agentic.guardrails.redact import SpanRedactor
from airflow_agentic.plugs import build_sources
from airflow_agentic.records import Incident, IncidentState, Proposal
from airflow_agentic.scope import Scope
from airflow_agentic.wiring import connection

SPECS: dict[str, Spec] = {
    spec.name: spec
    for spec in (
        *pipelines_drift.SPECS,
        *pipelines_code.SPECS,
        *pipelines_forms.SPECS,
        *pipelines_faults.SPECS,
        *pipelines_outside.SPECS,
        *pipelines_second.SPECS,
        *pipelines_third.SPECS,
        *pipelines_shop.SPECS,
        *pipelines_fourth.SPECS,
        *pipelines_fifth_a.SPECS,
        *pipelines_fifth_b.SPECS,
        *pipelines_fifth_c.SPECS,
        *pipelines_fifth_d.SPECS,
        *pipelines_fifth_e.SPECS,
        *pipelines_fifth_f.SPECS,
        *pipelines_fifth_g.SPECS,
        *pipelines_sixth_shop.SIXTH_SHOP,
        *pipelines_sixth_a.SIXTH_A,
        *pipelines_sixth_b.SIXTH_B,
        *pipelines_seventh_shop.SEVENTH_SHOP,
        *pipelines_seventh_a.SEVENTH_A,
        *pipelines_seventh_b.SEVENTH_B,
        *pipelines_seventh_c.SEVENTH_C,
        *pipelines_seventh_d.SEVENTH_D,
        *pipelines_seventh_e.SEVENTH_E,
        *pipelines_eighth_shop.EIGHTH_SHOP,
        *pipelines_eighth_a.EIGHTH_A,
        *pipelines_eighth_b.EIGHTH_B,
        *pipelines_eighth_c.EIGHTH_C,
        *pipelines_ninth_shop.NINTH_SHOP,
        *pipelines_ninth_a.NINTH_A,
        *pipelines_ninth_b.NINTH_B,
        *pipelines_tenth.TENTH,
    )
}


def quick(name: str, out: Path) -> tuple[str, list[str], float, str]:
    """As `score`, without Airflow and without the proof: the agent's own answer, for work on the fixers."""
    case, answer = out / "cases" / name, out / "answers" / name
    try:
        if not (case / "logs/direct.log").is_file():
            make_case(SPECS[name], out / "cases", template=None)
        start = time.monotonic()
        proposal = propose_only(case)
    except Exception as error:  # noqa: BLE001 - the table goes on
        return name, [f"broke: {type(error).__name__}: {error}"[:1500]], 0.0, ""
    took, said = time.monotonic() - start, proposal.diagnosis
    answer.mkdir(parents=True, exist_ok=True)
    place = {"dag_id": said.root_cause_dag, "task_id": said.root_cause_task, "file": said.root_cause_file}
    told = {
        "action": said.action.value,
        "category": said.category.value,
        "root_cause": place,
        "text": said.root_cause,
        "next_step": said.next_step,
        "proof": {"status": "not run", "reason": said.root_cause},
    }
    (answer / "decision.json").write_text(json.dumps(told, indent=1))
    (answer / "patch.diff").write_text(proposal.change.diff if proposal.change else "")
    return name, judge_case(case, answer), took, f"{said.action.value} {said.category.value}"


def propose_only(case: Path) -> Proposal:
    """Gather and propose as the pipeline does; nothing is run."""
    reader = CapturedReader(case)
    run = reader.failed_run()
    incident = Incident(
        id="i",
        dag_id=run.dag_id,
        run_id=run.run_id,
        clear_number=0,
        state=IncidentState.INVESTIGATING,
        detail="",
        first_seen="",
        last_seen="",
        signals=1,
        logical_date=run.logical_date,
    )
    with tempfile.TemporaryDirectory(prefix="agentic-quick-") as folder:
        scope = Scope(
            forge="local",
            repository=bare_repository(str(case), f"{folder}/remote.git"),
            base_branch="main",
            dags_path="dags",
            data_locations=(str(case / "upstream"),),
            anthropic_conn_id="",
            pattern="rules",
        )
        sources = build_sources(scope, reader=reader, folder=folder, connect=connection)
        rules = RulesAgent()
        return propose(
            gather(incident, reader=reader, sources=sources, redactor=SpanRedactor(), rank=rank),
            agent=rules,
            fallback=rules,
        )


def score(name: str, out: Path) -> tuple[str, list[str], float, str]:
    """Return name, what is wrong, seconds of the evaluation, and the decision in short."""
    from airflow_agentic.evaluation import evaluate

    case = out / "cases" / name
    if not (case / "logs").is_dir():
        make_case(SPECS[name], out / "cases", template=out / "template")
    answer = out / "answers" / name
    start = time.monotonic()
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            decision = evaluate(str(case), str(answer))
    except Exception as error:  # noqa: BLE001 - a broken evaluation is a wrong answer, and the table goes on
        return name, [f"evaluation broke: {type(error).__name__}: {error}"[:300]], time.monotonic() - start, ""
    took = time.monotonic() - start
    short = f"{decision['action']} {decision['category']} {decision['proof']['status']} {decision['verdict']}"
    return name, judge_case(case, answer), took, short


def main() -> None:
    """Print one line for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="no Airflow and no proof")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(chosen.jobs) as pool:
        runs = [pool.submit(quick if chosen.quick else score, name, chosen.out) for name in chosen.names or SPECS]
        for run in runs:
            try:
                name, wrong, took, short = run.result()
            except Exception as error:  # noqa: BLE001 - the table goes on
                print("BROKEN", f"{type(error).__name__}: {error}"[:600], flush=True)
                continue
            print(f"{'ok  ' if not wrong else 'BAD '} {name:24s} {took:5.1f}s  {short}", flush=True)
            for line in wrong:
                print(f"       - {json.dumps(line)[:700]}", flush=True)


if __name__ == "__main__":
    main()
