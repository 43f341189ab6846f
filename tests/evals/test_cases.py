"""A few cases of our own pipelines, made, failed and judged end to end; ``score.py`` runs all of them."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from score import score

NAMES = ("cents", "regression_check", "credential", "late_manifest")
BOUND_S = 300


@pytest.mark.integration
def test_the_rules_agent_answers_cases_of_four_kinds_rightly(tmp_path: Path):
    with ProcessPoolExecutor(2) as pool:
        runs = [pool.submit(score, name, tmp_path) for name in NAMES]
        wrong = {run.result(timeout=BOUND_S)[0]: run.result()[1] for run in runs}
    assert wrong == {name: [] for name in NAMES}
