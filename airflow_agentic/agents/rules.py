"""Dossier → Proposal without a model: the floor that the product stands on.

First the tables of `_classify` for what lies outside of the pipeline, then the fixers, each of which is certain or
says nothing, then late, bad and changed data. What is left is called insufficient evidence, and says what is missing.
"""

from __future__ import annotations

import ast
import logging
import re
from dataclasses import replace
from importlib import import_module

from airflow_agentic.agents import _wording as wording
from airflow_agentic.agents._addressed import is_of_code
from airflow_agentic.agents._classify import classify_platform
from airflow_agentic.agents._classify_data import classify_data
from airflow_agentic.agents._verdict import Verdict
from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.field_moves import field_moves
from airflow_agentic.changes import make_change
from airflow_agentic.records import Action, Category, Checkout, Diagnosis, Dossier, Proposal, Transience, Usage

log = logging.getLogger(__name__)

DRIFT_FIXERS = (
    "packed_file",
    "packed_parts",
    "moved_file",
    "file_form",
    "text_form",
    "envelope",
    "keyed_records",
    "next_pages",
    "listed_values",
    "listed_columns",
    "added_field",
    "left_out_defaults",
    "csv_positions",
    "placed_columns",
    "renamed_value",
    "documented_value",
    "split_name",
    "exponent_amount",
    "changed_unit",
    "renamed_column",
    "renamed_field",
    "renamed_record",
    "sql_column",
    "sql_new_columns",
    "sql_casts",
    "changed_type",
    "date_format",
    "pandas_values",
    "frame_columns",
    "frame_times",
    "duplicates",
    "duplicate_records",
    "repeated_records",
    "optional_key",
    "model_units",
    "model_alias",
    "model_places",
    "packed_forms",
    "xml_namespace",
    "known_places",
    "known_names",
    "listed_numbers",
    "converted_field",
    "converted_record",
    "number_text",
    "model_forms",
    "padded_codes",
)
CODE_FIXERS = (
    "renamed_output",
    "airflow_api",
    "context_parameter",
    "moved_module",
    "missing_import",
    "template_variable",
    "renamed_by_commit",
    "renamed_option",
    "renamed_key",
    "reordered_parameters",
    "reverted_commit",
)
ADDRESS_FIXERS = ("moved_address",)
ASKING_FIXERS = ("reordered_parameters", "reverted_commit")
"""What a commit did to the address that the code asks for."""
_FORMAT_FIXERS = {"date_format", "changed_type"}
_OUTSIDE = {
    Category.TRANSIENT_UPSTREAM,
    Category.CREDENTIAL,
    Category.RESOURCE,
    Category.CONFIGURATION,
    Category.INFRASTRUCTURE,
    Category.LATE_DATA,
}


class RulesAgent:
    """The agent that asks nobody. Deterministic: the same dossier gives the same proposal."""

    name = "rules"

    def propose(self, dossier: Dossier) -> Proposal:
        """Return the diagnosis and, where a fixer is certain, the change. Reads the checkout and nothing else."""
        platform = classify_platform(dossier)
        checkout, names = dossier.checkout, _fixers_for(dossier, platform)
        if checkout is not None and dossier.errors and names:
            bench = Bench(dossier=dossier, checkout=checkout)
            fixes = run_fixers(bench, names)
            if fixes:
                return self._fixed(dossier, bench, checkout, fixes, platform)
        return self._proposal(dossier, platform or classify_data(dossier) or _unexplained(dossier), ())

    def _fixed(
        self, dossier: Dossier, bench: Bench, checkout: Checkout, fixes: tuple[Fix, ...], platform: Verdict | None
    ) -> Proposal:
        change = make_change(checkout.base_commit, bench.edits(), fixes[0].summary)
        found = platform or classify_data(dossier)
        category = platform.category if platform else Category.SCHEMA_DRIFT
        if fixes[0].of_code and category in {Category.SCHEMA_DRIFT, Category.CONFIGURATION}:
            category = Category.CODE_ERROR
        verdict = Verdict(
            category=category,
            action=Action.FIX_CODE,
            transience=Transience.PERMANENT,
            matched=found.matched if found else "",
            why=" ".join(fix.explanation for fix in fixes),
            confidence=_confidence(dossier, fixes),
        )
        diagnosis = self._diagnosis(dossier, verdict, fixes)
        return Proposal(diagnosis=diagnosis, change=change, usage=Usage(), pattern=self.name)

    def _proposal(self, dossier: Dossier, verdict: Verdict, fixes: tuple[Fix, ...]) -> Proposal:
        return Proposal(
            diagnosis=self._diagnosis(dossier, verdict, fixes), change=None, usage=Usage(), pattern=self.name
        )

    def _diagnosis(self, dossier: Dossier, verdict: Verdict, fixes: tuple[Fix, ...]) -> Diagnosis:
        place = wording.place(dossier, verdict, fixes)
        return Diagnosis(
            root_cause=wording.root_cause(dossier, verdict, fixes, place),
            category=verdict.category,
            action=verdict.action,
            transience=verdict.transience,
            severity=wording.severity(dossier, verdict),
            confidence=round(verdict.confidence, 2),
            root_cause_dag=place.dag_id,
            root_cause_task=place.task_id,
            root_cause_file=place.file,
            cites=wording.cites(dossier, verdict, fixes),
            evidence_gaps=wording.gaps(dossier, verdict),
            blast_radius=wording.blast_radius(dossier),
            next_step=wording.next_step(dossier, verdict, place),
        )


def _fixers_for(dossier: Dossier, platform: Verdict | None) -> tuple[str, ...]:
    """Return who may mend it: what lies outside of the pipeline is nobody's, but for an address that has moved."""
    if platform is None:
        return (*DRIFT_FIXERS, *CODE_FIXERS)
    if platform.category is Category.CONFIGURATION:
        return (*ADDRESS_FIXERS, *ASKING_FIXERS) if is_of_code(dossier, platform) else ADDRESS_FIXERS
    return () if platform.category in _OUTSIDE else CODE_FIXERS


def run_fixers(bench: Bench, names: tuple[str, ...]) -> tuple[Fix, ...]:
    """Return what the fixers are certain of, in order; each sees the texts that the ones before it left.

    After the first fix only those run that may meet the same fields again in another form.
    """
    found: list[Fix] = []
    for name in names:
        if found and name not in _FORMAT_FIXERS:
            continue
        fix = import_module(f"airflow_agentic.agents.fixers.{name}").fix(bench)
        if fix is None or not all(_sound(bench, path, text) for path, text in fix.texts):
            continue
        log.debug("Fixer %s changes %s", name, ", ".join(path for path, _ in fix.texts))
        said = _assumption(bench, fix)
        bench.take(fix)
        of_code = name in CODE_FIXERS
        found.append(replace(fix, of_code=of_code, explanation=fix.explanation + said, assumes=bool(said)))
    return tuple(found)


def _assumption(bench: Bench, fix: Fix) -> str:
    """Return what a rename takes on trust, for whoever reviews it; empty for nothing."""
    told = [m for m in field_moves(bench) if m.assumed and m.was in fix.fields]
    return "".join(
        f" Assumed: `{m.was}` was in {m.assumed} as `{m.now}` says. Its numbers are of the same size "
        "as before and no code near it speaks of another unit, but size cannot tell a unit from one of like worth."
        for m in told
    )


def _confidence(dossier: Dossier, fixes: tuple[Fix, ...]) -> float:
    if any(fix.assumes for fix in fixes):
        return 0.6
    return 0.9 if dossier.shapes or not fixes[0].fields else 0.8


def _sound(bench: Bench, path: str, text: str) -> bool:
    if not bench.editable(path) or bench.original(path) is None:
        return False
    if not path.endswith(".py"):
        return True
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _unexplained(dossier: Dossier) -> Verdict:
    """Say what is missing; a commit that touched the failing file is a lead and no proof."""
    error = dossier.errors[0] if dossier.errors else None
    said = f"{error.error_class}: {error.message}" if error else "no exception was found in the log"
    programming = error is not None and re.fullmatch(
        r"NameError|UnboundLocalError|AttributeError|TypeError|IndexError|ZeroDivisionError|RecursionError",
        error.error_class,
    )
    if programming and any(
        "commit" in s.what.lower() or "commit" in s.why.lower() for s in dossier.suspects[:1] if s.score >= 0.5
    ):
        return Verdict(
            category=Category.CODE_ERROR,
            action=Action.NOTIFY,
            transience=Transience.PERMANENT,
            matched=said[:160],
            confidence=0.6,
            why=f"a recent change of the code is the likeliest cause: {dossier.suspects[0].what}",
        )
    return Verdict(
        category=Category.INSUFFICIENT_EVIDENCE,
        action=Action.NOTIFY,
        transience=Transience.UNKNOWN,
        matched=said[:160],
        confidence=0.3,
        why="nothing that was gathered explains it",
    )
