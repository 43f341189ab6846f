"""What tells of a person, and values of rows: placeholders that a reader can still reason with."""

from __future__ import annotations

import pytest

from airflow_agentic.guardrails.personal import MaskedTool, PersonalRedactor
from airflow_agentic.guardrails.redact import SpanRedactor
from airflow_agentic.redaction.mask import PersonalMask
from airflow_agentic.tools.task_log import TaskLogTool

MASKED = [
    ("DETAIL:  Key (email)=(bob@x.at) already exists.", "DETAIL:  Key (email)=(<email:1>) already exists."),
    ("Key (last_name, born)=(Müller, 1980-02-03) already exists", "Key (last_name, born)=(<value:1 Aaaaaa>, <value:2 9999-99-99>) already exists"),
    ("Failing row contains (17, Bob Smith, bob@x.at, null).", "Failing row contains (<value:1 99>, <value:2 Aaa Aaaaa>, <email:1>, null)."),
    ("[parameters: {'name': 'Bob Ray', 'age': 44, 'note': None}]", "[parameters: {'name': '<value:1 Aaa Aaa>', 'age': <value:2 99>, 'note': None}]"),
    ("[parameters: ('Bob', 44)]  ... displaying 10 of 20", "[parameters: ('<value:1 Aaa>', <value:2 99>)]  ... displaying 10 of 20"),
    ("INSERT INTO c VALUES (1, 'Bob Smith', '2026-01-01')", "INSERT INTO c VALUES (1, '<value:1 Aaa Aaaaa>', '2026-01-01')"),
    ("could not convert string to float: 'Bob'", "could not convert string to float: '<value:1 Aaa>'"),
    ("Duplicate entry 'bob@x.at' for key 'users.email'", "Duplicate entry '<email:1>' for key 'users.email'"),
    ("Incorrect integer value: 'Bob' for column 'age' at row 1", "Incorrect integer value: '<value:1 Aaa>' for column 'age' at row 1"),
    ("Numeric value 'Bob Smith' is not recognized", "Numeric value '<value:1 Aaa Aaaaa>' is not recognized"),
    ('{"first_name": "Bob", "phone": "+43 664 1234567"}', '{"first_name": "<value:1 Aaa>", "phone": "<phone:1>"}'),
    ('{\\"ssn\\": \\"123-45-6789\\"}', '{\\"ssn\\": \\"<national-id:1>\\"}'),
    ("sent to ann.lee@corp.example, AT611904300234573201", "sent to <email:1>, <iban:1>"),
    ("card 4111 1111 1111 1111 declined", "card <card:1> declined"),
    ("input_value='Bob Smith', input_type=str", "input_value='<value:1 Aaa Aaaaa>', input_type=str"),
]  # fmt: skip

KEPT = [
    "could not convert string to float: '12,50'",
    "could not convert string to float: '1.234,50 EUR'",
    "could not convert string to float: 'N/A'",
    "time data '03 Nov 2026' does not match format '%Y-%m-%d'",
    "invalid literal for int() with base 10: '1.0'",
    "'SHIPPED' is not a valid Status",
    "KeyError: 'customer_name'",
    "KeyError: \"['email'] not in index\"",
    '{"first_name": "string", "email": "varchar"}',
    "git clone git@github.com:corp/dags.git",
    "svc@p.iam.gserviceaccount.com does not have storage.objects.get access",
    "https://etl@db.corp.example/raw postgresql://etl:[secret:1:uri-password]@db.corp.example/raw",
    "order 4111111111111112, run 0c6b6dd0-2f0c-4a5e-9a34-0f6f0f0f0f0f at 2026-11-02T04:00:00.123456+00:00",
    "[SQL: INSERT INTO c (name) VALUES (%(name)s)]",
    "Incorrect decimal value: '12,50' for column 'amount' at row 1",
]


@pytest.mark.parametrize(("text", "masked"), MASKED)
def test_values_become_placeholders_that_tell_kind_and_form(text: str, masked: str) -> None:
    assert PersonalMask().mask(text) == masked
    assert PersonalMask().mask(masked) == masked


@pytest.mark.parametrize("text", KEPT)
def test_what_a_diagnosis_needs_stays_to_the_letter(text: str) -> None:
    assert PersonalMask().mask(text) == text


def test_the_same_value_has_the_same_number_in_one_document() -> None:
    said = PersonalMask().mask("bob@x.at wrote to ann@x.at; Key (email)=(bob@x.at) already exists")
    assert said == "<email:1> wrote to <email:2>; Key (email)=(<email:1>) already exists"


@pytest.mark.parametrize(
    ("globs", "shown"),
    [((), False), (("*",), True), (("*.email",), True), (("raw.users.email",), True), (("raw.orders.email",), False)],
)
def test_only_columns_that_the_policy_names_show_their_values(globs: tuple[str, ...], shown: bool) -> None:
    redactor = PersonalRedactor(SpanRedactor(), shown_columns=globs)
    said = redactor.redact('violates unique constraint "users_email_key"\nKey (email)=(office) already exists.')
    assert ("(office)" in said) is shown


def test_a_tool_that_reads_a_log_answers_without_personal_data() -> None:
    from airflow_agentic.records import TaskKey

    key = TaskKey(dag_id="d", run_id="r", task_id="t", map_index=-1, try_number=1)
    tool = MaskedTool(TaskLogTool((key,), lambda _: ["mail of bob@x.at bounced"]), PersonalRedactor(SpanRedactor()))
    assert tool.run({"task_id": "t", "search": ""}) == "mail of <email:1> bounced"
    assert tool.name == "task_log"


@pytest.mark.parametrize("unit", ["a@", "a.b@c.", "+1 ", "Key (a)=(", "[parameters: '", "VALUES ('a',", "AT61 ", "4111 ", "name='", "first_name: '", "<email:1>", "value 'a b "])  # fmt: skip
def test_no_text_takes_long(unit: str) -> None:
    import time

    begun = time.process_time()
    PersonalMask().mask(unit * (60_000 // len(unit)))
    assert time.process_time() - begun < 2.0
