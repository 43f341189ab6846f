"""People are told, and a channel that fails never fails the run."""

import logging

from airflow_agentic.channels.announce import announce
from airflow_agentic.channels.log import LogChannel
from airflow_agentic.channels.notifier import NotifierChannel
from airflow_agentic.records import Outcome, OutcomeStatus
from airflow_agentic.testing.builders import an_incident

OUTCOME = Outcome(status=OutcomeStatus.PR_OPENED, title="Fix it", body="", url="https://forge.test/1")


def failing(context):
    raise ConnectionError("Slack is down")


def test_a_channel_that_fails_is_logged_and_noted_and_the_next_one_is_told(caplog):
    told = []
    with caplog.at_level(logging.ERROR):
        notes = announce(an_incident(), OUTCOME, [NotifierChannel(failing), NotifierChannel(told.append, {"ds": "x"})])
    assert "not told, ConnectionError: Slack is down" in notes[0]
    assert notes[1].endswith(": told")
    assert "Slack is down" in caplog.text
    assert (told[0]["url"], told[0]["ds"]) == ("https://forge.test/1", "x")


def test_the_log_names_incident_and_address(caplog):
    with caplog.at_level(logging.INFO):
        announce(an_incident(), OUTCOME, [LogChannel()])
    assert an_incident().id in caplog.text
    assert "https://forge.test/1" in caplog.text
