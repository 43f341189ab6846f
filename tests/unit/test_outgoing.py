"""What a person is shown was looked through as a whole."""

from __future__ import annotations

from airflow_agentic.cli.commands import _print
from airflow_agentic.guardrails.outgoing import outgoing
from airflow_agentic.guardrails.redact import SpanRedactor


def test_a_secret_that_lies_across_two_fields_does_not_leave() -> None:
    cause, advice = "the login is password=", "Zx9-Lineage-Pw, use that"
    assert "Zx9-Lineage-Pw" not in outgoing(cause + advice)


def test_a_registered_value_in_two_halves_does_not_leave() -> None:
    said = outgoing("first wJalrXUtnFEMI7\nK7MDENGbPxRfiCY second", SpanRedactor(["wJalrXUtnFEMI7K7MDENGbPxRfiCY"]))
    assert "K7MDENGbPxRfiCY" not in said


def test_a_screen_is_not_steered_by_what_it_shows() -> None:
    assert (
        outgoing("\x1b]8;;https://evil.example\x07here\x1b]8;;\x07 \u202egnp.exe \x1b[8mhidden\x1b[0m")
        == "here gnp.exe hidden"
    )


def test_a_table_of_the_command_line_shows_no_terminal_sequence(capsys) -> None:  # type: ignore[no-untyped-def]
    class Args:
        output = "table"

    _print(Args(), [{"detail": "\x1b[2Jpassword=Zx9-Lineage-Pw"}])
    shown = capsys.readouterr().out
    assert "[2J" not in shown
    assert "Zx9" not in shown
