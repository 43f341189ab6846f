"""A record → the facts that its ledger line holds: short text, by name. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_agentic.changes import changed_lines
from airflow_agentic.records import Dossier, Proof, Proposal, StagedRun, Verdict


def dossier_facts(dossier: Dossier) -> dict[str, str]:
    """Return what was found, by title, and what was not."""
    return {
        "fingerprint": dossier.incident.fingerprint or "",
        "failed_tasks": lines(sorted({key.task_id for key in dossier.incident.members})),
        "errors": lines(f"{error.error_class}: {error.message}"[:300] for error in dossier.errors),
        "evidence": lines(f"{item.id} {item.title}" for item in dossier.evidence),
        "suspects": lines(f"{suspect.score:.2f} {suspect.what}" for suspect in dossier.suspects),
        "gaps": lines(f"{gap.source}: {gap.reason}" for gap in dossier.gaps),
        "lineage": dossier.lineage_origin,
        "tokens": str(dossier.tokens),
        "commit": dossier.checkout.commit if dossier.checkout else "",
    }


def proposal_facts(proposal: Proposal) -> dict[str, str]:
    """Return the diagnosis, the size of the change and what it has cost."""
    said, usage = proposal.diagnosis, proposal.usage
    return {
        "pattern": proposal.pattern,
        "root_cause": said.root_cause,
        "category": said.category.value,
        "action": said.action.value,
        "confidence": f"{said.confidence:.2f}",
        "cites": " ".join(said.cites),
        "change": size(proposal),
        "notes": lines(proposal.notes),
        "model": usage.model,
        "tokens": f"{usage.input_tokens} in, {usage.output_tokens} out, {usage.cache_read_tokens} from cache",
        "cost_usd": f"{usage.cost_usd:.4f}",
    }


def proof_facts(proof: Proof) -> dict[str, str]:
    """Return what the workspace found, run by run."""
    return {
        "status": proof.status.value,
        "reason": proof.reason,
        "red": run_line(proof.red),
        "green": run_line(proof.green),
        "last_good": run_line(proof.last_good),
        "downstream": lines(run_line(run) for run in proof.downstream),
        "taken_out": lines(proof.taken_out),
        "data": lines(f"{diff.table}: {diff.note}" for diff in proof.data_diff),
        "checks": lines(f"{'ok' if check.passed else 'FAILED'} {check.name}" for check in proof.checks),
        "environment": lines(f"{name}: {value}" for name, value in proof.environment),
        "duration_s": f"{proof.duration_s:.1f}",
    }


def verdict_facts(verdict: Verdict) -> dict[str, str]:
    """Return the decision and every finding behind it."""
    return {
        "decision": verdict.decision.name,
        "findings": lines(f"{f.decision.name} {f.rule}: {f.message}" for f in verdict.findings),
    }


def size(proposal: Proposal) -> str:
    """Return the change's size in words."""
    if proposal.change is None:
        return "no change"
    return f"{len(proposal.change.edits)} file(s), {changed_lines(proposal.change)} line(s)"


def run_line(run: StagedRun | None) -> str:
    """Return one staged run as a line."""
    if run is None:
        return ""
    failed = [task.task_id for task in run.tasks if task.state == "failed"]
    what = f", failed: {', '.join(failed[:5])}" if failed else ""
    return f"{run.dag_id} {run.logical_date} {run.state} in {run.duration_s:.1f} s{what}"


def lines(parts: Iterable[str]) -> str:
    """Join with line feeds; an empty text for nothing."""
    return "\n".join(parts)
