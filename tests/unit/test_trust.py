"""The trust ladder: up by results and a person's word, down by itself."""

import pytest

from airflow_agentic.errors import SettingsError
from airflow_agentic.guardrails.trust import Results, Standing, breaches_of, chain_of, next_step, say_so, trust
from airflow_agentic.records import Decision, Finding, FixRecord, FixState, Verdict
from airflow_agentic.scope import TrustLevel
from airflow_agentic.testing.memory import MemoryIncidents, MemoryLedger

OBSERVE, DIAGNOSE, PROPOSE, READY = TrustLevel
HELD, FAILED, REJECTED, OPEN, ACCEPTED = (
    FixState.HELD, FixState.FAILED, FixState.REJECTED, FixState.OPEN, FixState.ACCEPTED,
)  # fmt: skip


def fixes(*states, first=0):
    return tuple(
        FixRecord(
            incident_id=f"i{first + at}", dag_id="orders", repository="acme/x", fingerprint=f"{at}", state=state,
            updated_at="2026-11-02",
        )
        for at, state in enumerate(states)
    )  # fmt: skip


def standing(level, *seen):
    return Standing(group="orders", level=level.value, by="mona", why="x", at="2026-11-02", seen=seen)


def stands(ceiling=READY, start=None, kept=None, **results):
    return trust("orders", ceiling=ceiling, start=start, standing=kept, results=Results(**results))


@pytest.mark.parametrize(
    ("ceiling", "start", "level"),
    [
        (PROPOSE, None, PROPOSE),
        (READY, None, PROPOSE),
        (PROPOSE, DIAGNOSE, DIAGNOSE),
        (OBSERVE, PROPOSE, OBSERVE),
        (READY, READY, PROPOSE),
    ],
)
def test_a_group_nobody_spoke_of_begins_at_its_start_and_never_ready_for_review(ceiling, start, level):
    assert stands(ceiling, start).level is level


def test_a_standing_lowers_and_never_passes_the_ceiling():
    assert stands(PROPOSE, kept=standing(READY)).level is PROPOSE
    assert stands(READY, kept=standing(DIAGNOSE)).level is DIAGNOSE
    assert stands(READY, kept=standing(READY)).level is READY


@pytest.mark.parametrize(
    ("results", "level", "said"),
    [
        ({"fixes": fixes(HELD, FAILED)}, PROPOSE, "merged fix of i1 failed"),
        ({"fixes": fixes(HELD, REJECTED, REJECTED, REJECTED)}, PROPOSE, "3 pull requests in a row"),
        ({"fixes": fixes(REJECTED, REJECTED, HELD, REJECTED)}, READY, ""),
        ({"breaches": ("i9",)}, PROPOSE, "change for i9 broke the rules"),
        ({"fixes": fixes(FAILED, FAILED), "breaches": ("i9", "i8", "i7")}, DIAGNOSE, "i0 failed"),
        ({"fixes": fixes(OPEN, OPEN, OPEN)}, READY, ""),
    ],
    ids=["failed fix", "streak", "no streak", "breach", "never below diagnose", "open"],
)
def test_a_group_falls_by_itself_for_what_nobody_has_looked_at(results, level, said):
    found = stands(kept=standing(READY), **results)
    assert found.level is level
    assert any(said in reason for reason in found.reasons) or not said


def test_what_a_person_has_seen_lowers_no_more_and_what_is_new_does_at_any_clock():
    seen = standing(PROPOSE, "i0", "i9")
    assert stands(PROPOSE, kept=seen, fixes=fixes(FAILED), breaches=("i9",)).level is PROPOSE
    assert stands(PROPOSE, kept=seen, fixes=fixes(FAILED, FAILED), breaches=("i9",)).level is DIAGNOSE


@pytest.mark.parametrize(
    ("given", "lacks"),
    [
        (fixes(HELD, HELD, HELD, HELD), "4 fixes were decided, 5 are needed"),
        (fixes(HELD, HELD, HELD, REJECTED, REJECTED), "3 of the last 5 fixes were accepted, 80% are needed"),
        (fixes(ACCEPTED, ACCEPTED, ACCEPTED, ACCEPTED, HELD), "1 merged fixes have held so far, 3 are needed"),
        (fixes(HELD, HELD, HELD, HELD, HELD), None),
        (fixes(*[REJECTED] * 10, *[HELD] * 10), None),
    ],
    ids=["too few", "too many rejected", "too fresh", "earned", "only the last ten count"],
)
def test_ready_for_review_is_earned_by_measured_results(given, lacks):
    found = stands(READY, kept=standing(PROPOSE, *(f.incident_id for f in given if f.state is REJECTED)), fixes=given)
    assert (found.next_level, found.lacks) == (READY, (lacks,) if lacks else ())


def test_a_promotion_needs_results_and_one_step_and_is_written_down():
    incidents, ledger = MemoryIncidents(), MemoryLedger()
    results = Results(proved=3)
    low = stands(READY, DIAGNOSE, proved=2)
    with pytest.raises(SettingsError, match="2 proved changes, 3 are needed"):
        say_so(low, PROPOSE, Results(proved=2), incidents, ledger, by="mona", why="x")
    earned = stands(READY, DIAGNOSE, proved=3)
    with pytest.raises(SettingsError, match="one step at a time"):
        say_so(earned, READY, results, incidents, ledger, by="mona", why="x")
    assert ledger.entries(chain_of("orders")) == ()
    say_so(earned, PROPOSE, results, incidents, ledger, by="mona", why="good diffs")
    facts = dict(ledger.entries(chain_of("orders"))[0].facts)
    assert (facts["from"], facts["to"], facts["by"], facts["why"], facts["changes proved"]) == (
        "diagnose", "propose", "mona", "good diffs", "3",
    )  # fmt: skip
    assert incidents.kept(chain_of("orders"), Standing).level == "propose"


def test_while_the_set_up_is_not_ready_nothing_earned_or_accepted_passes_the_diagnosis():
    for kept in (None, standing(READY)):
        found = trust(
            "orders", ceiling=READY, start=None, standing=kept, results=Results(proved=9, fixes=fixes(*[HELD] * 9)),
            unready=("lineage was missing",),
        )  # fmt: skip
        assert (found.level, found.ceiling, found.next_level) == (DIAGNOSE, DIAGNOSE, None)
        assert "lineage was missing" in found.reasons
        with pytest.raises(SettingsError, match="lineage was missing"):
            next_step(found)
        with pytest.raises(SettingsError, match="lineage was missing"):
            say_so(found, PROPOSE, Results(proved=9), MemoryIncidents(), MemoryLedger(), by="mona", why="x")


def test_a_set_up_that_is_not_ready_lowers_nothing_that_publishes_no_change_anyway():
    found = trust("orders", ceiling=DIAGNOSE, start=OBSERVE, standing=None, results=Results(), unready=("x",))
    assert (found.level, found.unready, found.next_level) == (OBSERVE, (), DIAGNOSE)


def test_a_group_at_its_ceiling_is_not_promoted_and_nothing_is_written_down():
    with pytest.raises(SettingsError, match="Raise trust_level"):
        next_step(stands(PROPOSE))


def test_above_the_ceiling_nobody_is_promoted():
    with pytest.raises(SettingsError, match="Raise trust_level"):
        say_so(stands(PROPOSE), READY, Results(), MemoryIncidents(), MemoryLedger(), by="mona", why="x")


def test_a_person_may_demote_without_results():
    incidents = MemoryIncidents()
    say_so(stands(PROPOSE), OBSERVE, Results(), incidents, MemoryLedger(), by="mona", why="x")
    assert stands(PROPOSE, kept=incidents.kept(chain_of("orders"), Standing)).level is OBSERVE


def test_only_a_denied_rule_about_the_change_itself_is_a_breach():
    denied = Finding(rule="protected_paths", decision=Decision.DENY, message="x")
    other = Finding(rule="proof", decision=Decision.DENY, message="x")
    asked = Finding(rule="suspicious_code", decision=Decision.ASK, message="x")
    assert breaches_of(Verdict(decision=Decision.DENY, findings=(denied, other, asked))) == ("protected_paths",)


def test_a_long_groups_chain_fits_the_ledgers_column():
    assert len(chain_of("d" * 250)) <= 250
    assert chain_of("d" * 250) != chain_of("d" * 249 + "e")
