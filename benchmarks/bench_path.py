"""Failure → draft pull request on the demo, by stage: what is Airflow's time, what is ours.

    python benchmarks/bench_path.py [REPETITIONS]

Ours is what the ledger says that our stages took, less the Dag runs in the workspace, which are Airflow's and the
pipeline's. Everything else between the failed task's end and the announcement is Airflow's: scheduling, starting task
processes, importing itself. Goal of issue 2: ours at most 20 %.
"""

import statistics
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from airflow_agentic.demo.run import DAG_ID, Stage
from airflow_agentic.records import Proof
from airflow_agentic.store.engine import open_store

STAGES = ("gather", "propose", "validate", "judge", "publish", "announce")


def once() -> dict[str, float]:
    stage = Stage(Path(tempfile.mkdtemp(prefix="bench-path-")), time.monotonic())
    stage.say = lambda line: None
    stage.lay_out()
    with stage.airflow() as airflow:
        airflow.wait_for_dags([DAG_ID, "agentic_triage"])
        stage.play(airflow)
        with open_store(stage.store_url) as store:
            incident = store.incidents.list(dag_id=DAG_ID)[0]
            entries = store.ledger.entries(incident.id)
            proof = store.incidents.kept(incident.id, Proof)
        failed = max(
            datetime.fromisoformat(task["end_date"].replace("Z", "+00:00"))
            for task in airflow.task_instances(DAG_ID, incident.run_id)
            if task["state"] == "failed"
        )
    at = {(entry.stage, entry.event): datetime.fromisoformat(entry.at) for entry in entries}
    took = {name: (at[name, "finished"] - at[name, "started"]).total_seconds() for name in STAGES}
    runs = sum(run.duration_s for run in (proof.red, proof.green, proof.last_good) if run)
    total = (at["announce", "finished"] - failed).total_seconds()
    took["validate: Dag runs in the workspace"] = runs
    took["total"] = total
    took["ours"] = sum(took[name] for name in STAGES) - took["validate"]
    took["ours, with building and checking in the workspace"] = took["ours"] + took["validate"] - runs
    return took


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    rows = [once() for _ in range(repetitions)]
    print(f"Failure to pull request on the demo, rules agent, n={repetitions}, medians in seconds")
    for name in rows[0]:
        print(f"  {name:52} {statistics.median(row[name] for row in rows):7.2f}")
    for name in ("ours", "ours, with building and checking in the workspace"):
        share = statistics.median(row[name] / row["total"] for row in rows)
        print(f"{name}: {share:.0%} of the total; goal ≤ 20 %: {'met' if share <= 0.2 else 'MISSED'}")


if __name__ == "__main__":
    main()
