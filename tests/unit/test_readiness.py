"""What the probes saw → standing, blockers, ceiling and pattern; nothing here is asked of anybody."""

import dataclasses
from pathlib import Path

import pytest

from airflow_agentic.errors import SettingsError
from airflow_agentic.guardrails.pattern_advice import Estate, advise
from airflow_agentic.guardrails.readiness import Standing, assess
from airflow_agentic.guardrails.readiness_adr import write_adr
from airflow_agentic.guardrails.readiness_facts import Observed, as_json, from_json
from airflow_agentic.guardrails.readiness_kept import UNKNOWN, chain_of, last_look, remember, unready
from airflow_agentic.scope import ACCEPTABLE_GAPS, ACCEPTABLE_RISKS
from airflow_agentic.testing.memory import MemoryIncidents, MemoryLedger

TEAM = Path(__file__).parents[1] / "fixtures" / "readiness" / "exercise_team.json"


def the_exercise_team() -> Observed:
    """Schema in Snowflake, dbt docs by hand, Dags against production, self-merge, one service account, Slack only."""
    return from_json(TEAM.read_text())


def a_ready_team() -> Observed:
    return Observed(
        schemas_live=12,
        warehouse_connections=("warehouse_readonly",),
        lineage_events_days=0.1,
        partitioned_runs=7,
        history_runs=100,
        code_readable=True,
        staged_connections=2,
        unstaged_connections=(),
        isolation_missing=(),
        forge="github",
        forge_faults=(),
        base_protected=True,
        reviews_required=1,
        token_wide=(),
        channels=("SlackNotifier()",),
        account_reads_connections=False,
        shared_accounts=(),
        lineage_states=("COMPLETE", "FAIL", "START"),
        listener=True,
        sweep_scheduled=True,
        triggered_incidents=3,
        manual_incidents=0,
        review_task=True,
        reviewers=("ana",),
        policy="agentic_policy.yaml",
        approvals=("backfill",),
        ledger_entries=40,
        ledger_faults=(),
        lock="by ana on 2026-11-20",
        lock_wider=(),
    )


def standing_of(seen: Observed, name: str) -> Standing:
    return next(item.standing for item in assess(seen).items if item.name.startswith(name))


def test_the_exercise_team_is_told_its_blockers():
    report = assess(the_exercise_team())
    told = {item.name: item.evidence for item in report.blockers}
    assert set(told) == {
        "runtime access in staging",
        "no change without a person's approval",
        "permissions at platform level",
    }
    assert "run against production by default" in told["runtime access in staging"]
    assert "self-merge" in told["no change without a person's approval"]
    assert "shared service account" in told["permissions at platform level"]


def test_the_exercise_team_is_advised_a_single_agent_and_what_a_hierarchy_would_take():
    advice = assess(the_exercise_team()).advice
    assert advice.pattern == "single"
    assert "4 domains" in dict(advice.would_justify)["hierarchical"]
    assert "now 1" in dict(advice.would_justify)["hierarchical"]


def test_documentation_by_hand_is_partial_and_slack_alone_is_no_subscription():
    assert standing_of(the_exercise_team(), "schema readable") is Standing.PARTIAL
    assert standing_of(the_exercise_team(), "lineage accessible") is Standing.PARTIAL
    assert standing_of(the_exercise_team(), "subscription") is Standing.MISSING


def test_with_everything_in_place_a_fix_may_be_proposed():
    report = assess(a_ready_team())
    assert [item.name for item in report.items if item.standing is not Standing.IN_PLACE] == []
    assert report.ceiling == "propose"


@pytest.mark.parametrize(
    ("change", "item"),
    [
        ({"schemas_live": 0, "warehouse_connections": ()}, "schema readable"),
        ({"lineage_events_days": None}, "lineage accessible"),
        ({"partitioned_runs": 0}, "partition state"),
        ({"history_runs": None}, "run history"),
        ({"code_readable": None}, "code access"),
        ({"isolation_missing": ("file_view",)}, "runtime access"),
        ({"shared_with_production": ("'stage' is 'prod'",)}, "runtime access"),
        ({"tools_beyond": ("deploy",)}, "write tools"),
        ({"forge": ""}, "changes as reviewable"),
        ({"account_reads_connections": None}, "production read-only"),
        ({"base_protected": False}, "no change without"),
        ({"reviews_required": 0}, "no change without"),
        ({"shared_accounts": ("one login",)}, "permissions at platform"),
        ({"ledger_faults": ("line 3 was rewritten",)}, "actions logged"),
        ({"lock": ""}, "a process for reviewing"),
        ({"review_task": False, "channels": ()}, "escalation"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_one_missing_thing_keeps_the_trust_level_at_diagnose(change, item):
    seen = dataclasses.replace(a_ready_team(), **change)
    assert standing_of(seen, item) is Standing.MISSING
    assert assess(seen).ceiling == "diagnose"
    assert all(i.close for i in assess(seen).missing)


def test_a_gap_that_the_connection_accepts_by_name_holds_nothing_back():
    gap = {"lineage_events_days": None, "lock": ""}
    half = dataclasses.replace(a_ready_team(), **gap, accepted=("missing_lineage",))
    both = dataclasses.replace(half, accepted=("missing_lineage", "missing_permission_review"))
    assert [item.name for item in assess(half).holding] == ["a process for reviewing permissions"]
    assert (assess(half).ceiling, assess(both).ceiling) == ("diagnose", "propose")
    assert len(assess(both).missing) == 2


def test_no_name_accepts_production_as_staging_or_a_shared_account():
    everything = dataclasses.replace(
        the_exercise_team(), accepted=ACCEPTABLE_RISKS, base_protected=True, reviews_required=1
    )
    assert {item.name for item in assess(everything).holding} == {
        "runtime access in staging",
        "permissions at platform level",
    }


def test_every_name_that_an_item_can_be_accepted_by_is_one_that_the_connection_takes():
    named = {name for item in assess(Observed()).items for name in item.acceptable} | {UNKNOWN}
    assert named <= set(ACCEPTABLE_RISKS)
    assert set(ACCEPTABLE_GAPS) <= named


def kept(seen, *, accept=()):
    incidents, ledger = MemoryIncidents(), MemoryLedger()
    looked = remember(assess(seen), incidents, ledger, repository="/srv/x.git", by="mona")
    assert last_look(incidents, "/srv/x.git") == looked
    assert dict(ledger.entries(chain_of("/srv/x.git"))[0].facts)["by"] == "mona"
    return unready(looked, accept)


def test_what_a_report_found_missing_is_remembered_with_its_date_and_the_way_out():
    found = kept(dataclasses.replace(a_ready_team(), lineage_events_days=None))
    assert len(found) == 1
    for part in ("lineage accessible by program was missing on 20", "lineage setup", "'missing_lineage' to accept"):
        assert part in found[0]


def test_a_ready_set_up_holds_nothing_back_and_one_that_nobody_has_looked_at_does():
    assert kept(a_ready_team()) == ()
    assert "run `airflow agentic readiness`" in unready(None, ())[0]
    assert unready(None, ("readiness_unknown",)) == ()


def test_what_is_accepted_is_asked_at_each_decision_and_not_when_it_was_looked_at():
    gap = dataclasses.replace(a_ready_team(), lineage_events_days=None, accepted=("missing_lineage",))
    assert kept(gap, accept=("missing_lineage",)) == ()
    assert kept(gap) != ()


def test_a_report_on_one_repository_says_nothing_of_another():
    incidents = MemoryIncidents()
    remember(assess(a_ready_team()), incidents, MemoryLedger(), repository="/srv/x.git", by="mona")
    assert last_look(incidents, "/srv/y.git") is None
    assert len(chain_of("/" + "x" * 400)) <= 250


def test_what_could_not_be_seen_is_missing_and_says_why():
    report = assess(Observed(unseen=(("store", "the disk is full"),)))
    assert report.items
    assert all(item.standing is not Standing.IN_PLACE for item in report.items if item.pillar == "context")
    assert "the disk is full" in next(i.evidence for i in report.items if i.name.startswith("actions logged"))


def test_the_decision_record_is_whole():
    text = write_adr(assess(the_exercise_team()), date="2026-11-27")
    for part in ("## Context", "## Decision", "## Consequences", "## Gaps", "## Success criteria", "**single**"):
        assert part in text
    assert text.count("(blocker)") == 3
    assert "hierarchical: it would take at least 4 domains" in text


def test_a_gap_that_was_accepted_stands_in_the_decision_record_as_one():
    seen = dataclasses.replace(a_ready_team(), lineage_events_days=None, accepted=("missing_lineage",))
    text = write_adr(assess(seen), date="2026-11-27")
    assert "| context: lineage accessible by program | missing (accepted by name) |" in text
    assert "- Accepted although it is missing: lineage accessible by program." in text
    assert "at trust level **propose**" in text


def test_a_hostile_name_has_no_effect_in_the_decision_record():
    seen = dataclasses.replace(the_exercise_team(), unstaged_connections=("x|y<img src=//evil>@team",))
    text = write_adr(assess(seen), date="2026-11-27")
    row = next(line for line in text.splitlines() if "evil" in line and line.startswith("|"))
    assert row.count("|") - row.count("\\|") == 4
    assert "`" in row


def test_facts_survive_being_written_and_read():
    assert from_json(as_json(a_ready_team())) == a_ready_team()


@pytest.mark.parametrize("text", ["", "[]", '{"colour": "blue"}', '{"estate": {"planets": 9}}'])
def test_facts_that_are_not_ours_are_refused(text):
    with pytest.raises(SettingsError, match="readiness"):
        from_json(text)


@pytest.mark.parametrize(
    ("estate", "pattern"),
    [
        (Estate(dags=500, owners=1, repositories=9, incidents=100, spanning=50), "single"),
        (Estate(owners=6, repositories=6, incidents=5, spanning=5), "single"),
        (Estate(owners=6, repositories=6, incidents=40, spanning=10), "hierarchical"),
        (Estate(owners=2, systems=("snowflake", "spark", "http"), incidents=40, crowded=20), "staged"),
        (Estate(owners=2, systems=("snowflake", "spark", "http"), incidents=40, crowded=2), "single"),
    ],
    ids=["many Dags, one owner", "too few incidents", "many domains that cross", "three crowded systems", "they fit"],
)
def test_the_smallest_pattern_that_the_numbers_call_for(estate, pattern):
    assert advise(estate).pattern == pattern


def test_where_airflow_cannot_tell_who_is_gone_the_report_says_what_to_do_by_hand():
    def told(seen):
        return next(item.evidence for item in assess(seen).items if item.name == "approvals for high-risk actions")

    blind = dataclasses.replace(a_ready_team(), gone_approvers_untold="its auth manager lists no users")
    assert "taken out of approvers by hand (its auth manager lists no users)" in told(blind)
    assert "by hand" not in told(a_ready_team())
