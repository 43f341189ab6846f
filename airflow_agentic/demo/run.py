"""``make demo``: a real Airflow, a pipeline whose upstream renames a field, and the triage that follows.

Everything lies in one folder that is made anew. Without ``ANTHROPIC_API_KEY`` the rules agent works alone.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from airflow_agentic.git import run_git
from airflow_agentic.records import Incident, Outcome, Proof, Proposal
from airflow_agentic.store.engine import Store, open_store
from airflow_agentic.testing.airflow_stack import AirflowStack, StackError
from airflow_agentic.workspaces.layers import probe_layers

DAG_ID = "orders_daily"
GOOD_DAY, BAD_DAY = "2026-11-01", "2026-11-02"
_TRIAGE = """from airflow_agentic.operators.undo import undo_dag
from airflow_agentic.triage_dag import triage_dag

dag = triage_dag("agentic_triage", agentic_conn_id="agentic_default")
undo = undo_dag("agentic_undo", agentic_conn_id="agentic_default")
"""
_ENDED = ("delivered", "failed")
_TELLING = {
    "gather": "errors",
    "propose": "root_cause",
    "validate": "reason",
    "judge": "decision",
    "review": "answer",
    "publish": "url",
    "announce": "notes",
}
"""Stage → the fact of its ledger line that tells most in one line."""


def demo(folder: str, *, keep_running: bool = False) -> int:
    """Run the demo in *folder*, which is made anew; return the exit code.

    :param keep_running: leave Airflow up until Ctrl-C, to look at it in the browser.
    """
    started = time.monotonic()
    stage = Stage(Path(folder).absolute(), started)
    stage.lay_out()
    airflow = stage.airflow()
    try:
        stage.say("Starting a real Airflow on SQLite (api-server, scheduler, Dag processor) ...")
        airflow.start()
        airflow.wait_for_dags([DAG_ID, "agentic_triage"])
        code = stage.play(airflow)
        if keep_running or sys.stdout.isatty():
            print(f"\nThe page: {airflow.url}/plugin/agentic (admin / {airflow.passwords['admin']}).")
            print("It shows the incident as you see it here, and has the button that takes it back.")
            stage.say("Airflow goes on running there; Ctrl-C ends it.")
            _wait_for_interrupt()
        else:
            print(f"\nThe page was {airflow.url}/plugin/agentic. Airflow ends now.")
            print("In a terminal it goes on until Ctrl-C, to look at.")
    except StackError as error:
        stage.say(f"The demo stopped: {error}")
        return 1
    else:
        return code
    finally:
        airflow.stop()


class Stage:
    """The demo's folder, its Airflow, and who speaks."""

    def __init__(self, folder: Path, started: float) -> None:
        self.folder, self.started = folder, started
        self.remote = folder / "remote.git"
        self.store_url = f"sqlite:///{folder / 'agentic.db'}"

    def say(self, line: str) -> None:
        """Print one line with the seconds since the start."""
        print(f"[{time.monotonic() - self.started:5.1f} s] {line}", flush=True)

    def lay_out(self) -> None:
        """Make the pipelines' repository, its checkout, and two days of upstream data."""
        shutil.rmtree(self.folder, ignore_errors=True)
        work, triage = self.folder / "pipelines", self.folder / "triage"
        shutil.copytree(Path(__file__).parent / "pipeline", work, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        triage.mkdir(parents=True)
        (triage / "triage.py").write_text(_TRIAGE)
        run_git("init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        run_git("init", "--quiet", "--initial-branch=main", str(work))
        for words in (("add", "--all"), ("commit", "--quiet", "-m", "The coffee shops' orders")):
            run_git(*words, cwd=str(work))
        run_git("push", "--quiet", str(self.remote), "main", cwd=str(work))
        for place in ("production", "staging"):
            self.land(place, GOOD_DAY, "customer_id")

    def land(self, place: str, day: str, customer: str) -> None:
        """Write one day of orders as the upstream delivers it."""
        shops = ("Graz", "Linz", "Wien")
        orders = [
            {"id": f"o-{day}-{n}", "shop": shops[n % 3], customer: f"c-{n % 7}", "amount": f"{2.5 + n % 5:.2f}"}
            for n in range(40)
        ]
        target = self.folder / place / "landing" / "orders"
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{day}.json").write_text(json.dumps({"orders": orders}, indent=1))

    def airflow(self) -> AirflowStack:
        """Return the Airflow to be started: pipelines and triage in bundles of their own."""
        production = self.folder / "production"
        bundles = [
            {
                "name": name,
                "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                "kwargs": {"path": str(path)},
            }
            for name, path in (("pipelines", self.folder / "pipelines" / "dags"), ("triage", self.folder / "triage"))
        ]
        weaker = [name for name, held, _ in probe_layers() if not held]
        if weaker:
            self.say(f"This machine lacks isolation layers; the demo accepts that by name: {', '.join(weaker)}.")
            self.say("  A deployment would refuse, until [agentic] accept_weaker_isolation names them.")
        airflow = AirflowStack(
            self.folder,
            bundles=bundles,
            environment={
                "LANDING": str(production / "landing"),
                "WAREHOUSE": str(production / "warehouse.db"),
                "AIRFLOW__AGENTIC__STORE_URL": self.store_url,
                "AIRFLOW__AGENTIC__DEBOUNCE_S": "1",
                "AIRFLOW__AGENTIC__PERMISSIONS_LOCK": str(self.folder / "agentic_permissions.lock"),
                "AIRFLOW__AGENTIC__SPOOL_DIR": str(self.folder / "spool"),
                "AIRFLOW__AGENTIC__ACCEPT_WEAKER_ISOLATION": ",".join(weaker),
            },
        )
        connections: dict[str, dict[str, Any]] = {
            "agentic_airflow": airflow.rest_connection(),
            "agentic_default": {"conn_type": "agentic", "extra": self._scope()},
        }
        if key := os.environ.get("ANTHROPIC_API_KEY"):
            connections["agentic_anthropic"] = {"conn_type": "anthropic", "password": key}
        for name, fields in connections.items():
            airflow.env[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(fields)
        return airflow

    def _scope(self) -> dict[str, Any]:
        return {
            "anthropic_conn_id": "agentic_anthropic" if os.environ.get("ANTHROPIC_API_KEY") else "",
            "forge": "local",
            "repository": str(self.remote),
            "base_branch": "main",
            "dags_path": "dags",
            "airflow_conn_id": "agentic_airflow",
            "trust_level": "propose",
            "accept": ["missing_lineage"],
            "data_locations": [str(self.folder / "production" / "landing")],
            "staging_data": str(self.folder / "staging"),
            "staging_environment": {"LANDING": "{data}/landing", "WAREHOUSE": "{data}/warehouse.db"},
        }

    def play(self, airflow: AirflowStack) -> int:
        """Day one is green, day two is not; wait for the triage and show what it left."""
        thinker = "a model" if os.environ.get("ANTHROPIC_API_KEY") else "the rules agent, no model"
        self.say(f"Airflow is up at {airflow.url}. The agent: {thinker}.")
        good = airflow.trigger(DAG_ID, logical_date=f"{GOOD_DAY}T00:00:00Z")
        state = airflow.wait_for_run(DAG_ID, good)["state"]
        self.say(f"Day one ({GOOD_DAY}): {DAG_ID} is {state}.")
        self.ready(airflow)
        for place in ("production", "staging"):
            self.land(place, BAD_DAY, "customerId")
        self.say("At night the upstream renames customer_id to customerId. Nobody is told.")
        bad = airflow.trigger(DAG_ID, logical_date=f"{BAD_DAY}T00:00:00Z")
        state = airflow.wait_for_run(DAG_ID, bad)["state"]
        failed_at = time.monotonic()
        self.say(f"Day two ({BAD_DAY}): {DAG_ID} is {state}. The callback has woken the triage Dag.")
        with open_store(self.store_url) as store:
            incident = self._follow(airflow, store, bad)
            self.say(f"{time.monotonic() - failed_at:.0f} s from the failure to the end of the triage.")
            return self._show(store, incident)

    def ready(self, airflow: AirflowStack) -> bool:
        """Do what an operator does once; say what was found, and whether a change may be proposed then."""
        done = airflow.python("-m", "airflow_agentic.demo.ready")
        try:
            items = json.loads(done.stdout.splitlines()[-1])
        except (ValueError, IndexError):
            self.say(f"Looking whether the set-up is ready failed: {done.stderr[-1500:]}")
            return False
        count = Counter(item["standing"] for item in items)
        told = ", ".join(f"{count[standing]} {standing}" for standing in ("in place", "partial", "missing"))
        self.say(f"Its permissions are accepted. `airflow agentic readiness`: {told}.")
        missing = [item for item in items if item["standing"] == "missing"]
        for item in missing:
            by = "accepted by the connection" if item["accepted"] else f"so only a diagnosis: {item['evidence']}"
            self.say(f"  missing: {item['name']} ({by})")
        return all(item["accepted"] for item in missing)

    def _follow(self, airflow: AirflowStack, store: Store, run_id: str) -> Incident:
        """Print a line for each state that the incident reaches."""
        seen = ""
        found: list[Incident] = []

        def ended() -> bool:
            nonlocal seen
            found[:] = [i for i in store.incidents.list(dag_id=DAG_ID) if i.run_id == run_id]
            if not found:
                return False
            now = f"{found[0].state.value}: {found[0].detail}"
            if now != seen:
                self.say(f"  {now[:150]}")
                seen = now
            return found[0].state.value in _ENDED

        airflow.wait("the triage has ended", ended, timeout_s=300)
        return found[0]

    def _show(self, store: Store, incident: Incident) -> int:
        """Print the change, its proof, the text of the pull request's place, and the ledger."""
        proposal, proof, outcome = (store.incidents.kept(incident.id, kind) for kind in (Proposal, Proof, Outcome))
        if proposal is None or proof is None or outcome is None:
            self.say(f"The triage ended without an outcome: {incident.detail}")
            return 1
        print(f"\nROOT CAUSE   {proposal.diagnosis.root_cause}")
        for run in (proof.red, proof.green):
            if run:
                said = ", ".join(f"{task.task_id} {task.state}" for task in run.tasks)
                print(f"PROOF {run.name:6} {run.state} in {run.duration_s:.1f} s: {said}")
        for check in proof.checks:
            print(f"      {'ok    ' if check.passed else 'FAILED'} {check.name} {check.detail[:90]}")
        for run in proof.downstream:
            print(f"      below  {run.dag_id} {run.state} on what the changed code writes")
        for title, diffs in (("red → green", proof.data_diff), ("last good → green", proof.against_good)):
            print(f"DATA   {title}{'' if diffs else ': nothing differs'}")
            for diff in diffs:
                rows = f"{diff.before_rows or 0} → {diff.after_rows or 0} rows"
                print(f"       {diff.table[:40]:40} {rows:18} {diff.note or 'same'}")
        for hunk in proof.taken_out:
            print(f"OUT    nothing needs this hunk: {hunk}")
        print(f"\n{proposal.change.diff if proposal.change else '(no change)'}")
        print(f"LEDGER ({len(store.ledger.entries(incident.id))} lines, {incident.id})")
        for entry in store.ledger.entries(incident.id):
            told = " ".join(dict(entry.facts).get(_TELLING.get(entry.stage, ""), "").split())
            print(f"  {entry.sequence:3} {entry.stage:9} {entry.event:22} {entry.digest[:10]}  {told[:70]}")
        faults = store.ledger.verify(incident.id)
        print(f"  chain: {'whole' if not faults else faults[0]}")
        print(f"\n{outcome.status.value}: {outcome.title}\n  {outcome.url}\n  undo: {outcome.rollback}")
        text = self.folder / "pull_request.md"
        text.write_text(f"# {outcome.title}\n\n{outcome.body}\n")
        print(f"  its text: {text}\n  the branch: git -C {self.remote} log -p -1 {outcome.branch}")
        return 0 if outcome.status.value.startswith("pr_") and not faults else 1


def _wait_for_interrupt() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()
