"""Every known way out of the sandbox: it works in the open and behind neither stack, for root and for a user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from escape_attempts import ATTEMPTS  # noqa: E402

pytestmark = pytest.mark.integration
STACKS = ("root, bubblewrap", "root, Landlock", "user, bubblewrap", "user, Landlock")


@pytest.fixture(scope="module")
def table() -> dict[str, dict[str, str]]:
    """Try them all once, in a mount namespace of their own."""
    alone = ["unshare", "-m", "--propagation", "private", "true"]
    if os.geteuid() or subprocess.run(alone, check=False, capture_output=True).returncode:
        pytest.skip("needs root and a mount namespace of its own: what succeeds in the open must not reach the machine")
    command = [sys.executable, str(ROOT / "benchmarks" / "bench_escapes.py"), "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("attempt", list(ATTEMPTS))
def test_a_way_out_works_in_the_open_and_behind_no_stack(table: dict[str, dict[str, str]], attempt: str) -> None:
    assert "escaped" in (table["root, open"][attempt], table["user, open"][attempt])
    assert [(stack, table[stack][attempt]) for stack in STACKS if not table[stack][attempt].startswith("held: ")] == []


def test_the_table_has_the_breadth_that_was_asked_for(table: dict[str, dict[str, str]]) -> None:
    assert len(table["root, open"]) >= 36
