"""A service that fails time after time is left alone, tried by one, and asked again once it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_agentic.agents.breaker import GuardedModel
from airflow_agentic.errors import ForgeDown, ForgeError, ModelUnavailable
from airflow_agentic.forges.breaker import GuardedForge
from airflow_agentic.policy.read import PolicyOnDisk
from airflow_agentic.policy.terms import Limits
from airflow_agentic.rulings import Rulings
from airflow_agentic.scope import Scope
from airflow_agentic.store.circuit import PROBE_S, SqlCircuit
from airflow_agentic.store.engine import Store, open_store
from airflow_agentic.testing.forge import FakeForge
from airflow_agentic.testing.forge_claims import a_delivery

OPEN_S = Limits().circuit_open_s
USUAL = {"failures": Limits().circuit_failures, "open_s": OPEN_S}


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 2, tzinfo=timezone.utc)

    def __call__(self) -> str:
        return self.at.isoformat(timespec="microseconds")

    def later(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path: Path = tmp_path_factory.mktemp("circuit")
    with open_store(f"sqlite:///{path}/store.db") as opened:
        yield opened


def circuits(store: Store, name: str) -> tuple[SqlCircuit, SqlCircuit, Clock]:
    clock = Clock()
    here, there = (SqlCircuit(store.database, name, **USUAL, clock=clock) for _ in range(2))
    return here, there, clock


def opened(store: Store, name: str) -> tuple[SqlCircuit, SqlCircuit, Clock]:
    here, there, clock = circuits(store, name)
    for _ in range(3):
        here.failed("HTTP 529")
    return here, there, clock


def test_three_failures_in_a_row_shut_it_for_every_process(store: Store) -> None:
    here, there, _ = circuits(store, "counted")
    here.failed("HTTP 529")
    there.failed("HTTP 529")
    assert here.refusal() == ""
    here.failed("HTTP 529")
    assert "3 times in a row" in there.refusal()
    assert "HTTP 529" in there.refusal()


def test_a_success_between_failures_forgets_them(store: Store) -> None:
    here, there, _ = circuits(store, "forgets")
    here.failed("no answer")
    here.failed("no answer")
    there.succeeded()
    here.failed("no answer")
    assert here.refusal() == ""


def test_after_the_pause_one_process_tries_and_the_others_wait(store: Store) -> None:
    here, there, clock = opened(store, "one tries")
    clock.later(OPEN_S + 1)
    assert here.refusal() == ""
    assert "another process tries" in there.refusal()
    here.succeeded()
    assert there.refusal() == ""


def test_a_trial_that_fails_shuts_it_again(store: Store) -> None:
    here, there, clock = opened(store, "fails again")
    clock.later(OPEN_S + 1)
    assert here.refusal() == ""
    here.failed("HTTP 500")
    assert "left alone" in there.refusal()


def test_a_trial_whose_process_was_killed_does_not_shut_it_for_ever(store: Store) -> None:
    here, there, clock = opened(store, "killed")
    clock.later(OPEN_S + 1)
    assert here.refusal() == ""
    clock.later(PROBE_S + 1)
    assert there.refusal() == ""


def test_a_clock_that_went_back_does_not_shut_it_for_ever(store: Store) -> None:
    here, _, clock = opened(store, "back")
    clock.later(-86_400)
    assert here.refusal() == ""


class Fails:
    name = "a-model"

    def __init__(self, reason: str) -> None:
        self.reason, self.asked = reason, 0

    def reply(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked += 1
        raise ModelUnavailable("no answer", reason=self.reason)


@pytest.mark.parametrize(("reason", "asked"), [("overloaded", 3), ("unreachable", 3), ("refusal", 5)])
def test_a_model_is_left_alone_for_what_is_its_fault_only(store: Store, reason: str, asked: int) -> None:
    model = Fails(reason)
    guarded = GuardedModel(model, circuits(store, f"model {reason}")[0])
    reasons = []
    for _ in range(5):
        with pytest.raises(ModelUnavailable) as told:
            guarded.reply({})
        reasons.append(told.value.reason)
    assert (model.asked, reasons[-1]) == (asked, "circuit_open" if asked == 3 else reason)


def test_a_forge_that_is_down_is_left_alone_and_told_so(store: Store) -> None:
    forge, (circuit, _, clock) = FakeForge(), circuits(store, "forge")
    forge.down = True
    for _ in range(3):
        with pytest.raises(ForgeDown):
            GuardedForge(forge, circuit).open_change(a_delivery())
    forge.down = False
    with pytest.raises(ForgeDown, match="was not tried"):
        GuardedForge(forge, circuit).open_change(a_delivery())
    clock.later(OPEN_S + 1)
    assert GuardedForge(forge, circuit).open_change(a_delivery()).url


def test_a_forge_that_says_no_is_not_down(store: Store) -> None:
    class No(FakeForge):
        def preflight(self) -> tuple[Any, ...]:
            raise ForgeError("HTTP 422")

    circuit = circuits(store, "says no")[0]
    for _ in range(4):
        with pytest.raises(ForgeError, match="422"):
            GuardedForge(No(), circuit).preflight()
    assert circuit.refusal() == ""


def limited(store: Store, tmp_path: Path, said: str) -> Rulings:
    path = tmp_path / "agentic_policy.yaml"
    path.write_text(f"version: 1\n{said}\n", encoding="utf-8")
    return Rulings(scope=Scope(), store=store, policy=PolicyOnDisk(str(path)))


def test_the_policy_says_after_how_many_failures_and_for_how_long(store: Store, tmp_path: Path) -> None:
    rulings = limited(store, tmp_path, "limits: {circuit_failures: 1, circuit_open_s: 3600}")
    rulings.circuit("of the policy").failed("HTTP 529")
    assert "it failed once" in rulings.circuit("of the policy").refusal()
    left = datetime.fromisoformat(rulings.circuit("of the policy").state().open_until) - datetime.now(timezone.utc)
    assert timedelta(seconds=3590) < left <= timedelta(seconds=3600)


def test_without_a_word_in_the_policy_it_is_three_failures_and_ten_minutes(store: Store, tmp_path: Path) -> None:
    circuit = limited(store, tmp_path, "").circuit("unsaid")
    for _ in range(2):
        circuit.failed("HTTP 529")
    assert circuit.refusal() == ""
    circuit.failed("HTTP 529")
    left = datetime.fromisoformat(circuit.state().open_until) - datetime.now(timezone.utc)
    assert timedelta(seconds=590) < left <= timedelta(seconds=600)


def test_a_pause_that_the_policy_shortens_ends_for_a_circuit_that_is_open_already(store: Store, tmp_path: Path) -> None:
    rulings = limited(store, tmp_path, "limits: {circuit_failures: 1, circuit_open_s: 86400}")
    rulings.circuit("shortened").failed("HTTP 529")
    assert rulings.circuit("shortened").refusal()
    assert limited(store, tmp_path, "limits: {circuit_open_s: 60}").circuit("shortened").refusal() == ""
