"""Make the cases that are named (or all), evaluate them with the rules agent, print a table.

``python tests/evals/score.py --out DIR [NAME ...]``; a folder with a ``case.json`` may be named as well.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pipelines_code
import pipelines_drift
from case_maker import Spec, judge_case, make_case

SPECS: dict[str, Spec] = {spec.name: spec for spec in (*pipelines_drift.SPECS, *pipelines_code.SPECS)}


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
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(chosen.jobs) as pool:
        runs = [pool.submit(score, name, chosen.out) for name in chosen.names or SPECS]
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
