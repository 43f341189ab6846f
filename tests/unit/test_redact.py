"""What is taken out of a text, and what must stay."""

from __future__ import annotations

import base64
import re
import time
from urllib.parse import quote

import pytest
from encodings_of import encodings
from secret_lines import CLEAN, SECRETS

from airflow_agentic.guardrails.redact import SpanRedactor, strip_controls

SECRET = 'pa$$ w/rd"é-17'


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgres://u:Zx9-Pw@h/db", "Zx9-Pw"),
        ("redis://:only-pw@cache:6379/0", "only-pw"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ('{"headers": {"Authorization": "Basic dXNlcjpwdw=="}}', "dXNlcjpwdw=="),
        ("X-Api-Key: zzz999yyy", "zzz999yyy"),
        ("db_password=hunter2", "hunter2"),
        ("{'client_secret': 'a b c'}", "a b c"),
        ('{\\"password\\": \\"x9y8z7\\"}', "x9y8z7"),
        ("GET /v1?api_key=abcdefg&page=1", "abcdefg"),
        ("https://s.blob/x?sv=1&sig=a%2Fbcd%3D", "a%2Fbcd%3D"),
        ("AIRFLOW_CONN_DB='postgres://a:b@c/d'", "postgres://a:b@c/d"),
        ("machine h login u password p4ss", "p4ss"),
        ("mysql --password=s3same -h db", "s3same"),
        ("host=h user=u password=s3same dbname=d", "s3same"),
        ("key AKIAQ7W3ERTYUIOP2345 used", "AKIAQ7W3ERTYUIOP2345"),
        ("ghp_" + "a1B2" * 9, "a1B2a1B2"),
        ("glpat-abcdefghij0123456789", "abcdefghij"),
        ("xoxb-123456789012-abcdefghij", "abcdefghij"),
        ("sk-ant-api03-" + "Ab1_" * 10, "Ab1_Ab1_"),
        ("AIza" + "B" * 35, "BBBB"),
        ("t eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "eyJzdWIiOiIx"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc+/=\n-----END RSA PRIVATE KEY-----", "MIIabc"),
    ],
)
def test_a_secret_is_known_by_its_shape(text: str, secret: str) -> None:
    clean = SpanRedactor().redact(text)
    assert secret not in clean
    assert "[secret:1:" in clean


@pytest.mark.parametrize(
    "text",
    [
        "run 0c6b6dd0-2f0c-4a5e-9a34-0f6f0f0f0f0f at 2026-11-02T04:00:00.123456+00:00",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 sha256:" + "ab" * 32,
        "run_id=manual__2026-11-02T04:00:00+00:00 try_number=2",
        "KeyError: 'token'",
        "password=*** token: None",
        "def login(password: str, token: Optional[str] = None):",
        "token = os.environ['TOKEN']",
        "password={{ conn.db.password }} secret=${DB_SECRET}",
        "input_tokens=5000 max_tokens: 4096",
        'File "/opt/airflow/dags/tokens.py", line 3, in secret_sauce',
        "https://example.com:8080/path@v2 and user@example.com",
    ],
)
def test_what_is_no_secret_stays_to_the_letter(text: str) -> None:
    assert SpanRedactor().redact(text) == text


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"u:" + SECRET.encode() + b"\n").decode(),
        SECRET.encode().hex(),
        SECRET.replace('"', '\\"'),
        SECRET[:6] + "\n" + SECRET[6:],
    ],
    ids=["plain", "url", "base64", "inside base64", "hex", "json", "split over lines"],
)
def test_a_registered_value_is_found_in_its_encodings(form: str) -> None:
    clean = SpanRedactor([SECRET]).redact(f"before {form} after")
    assert "[secret:1:registered]" in clean
    assert clean.startswith("before ")
    assert form not in clean


def test_a_value_that_begins_with_another_leaves_no_tail() -> None:
    assert SpanRedactor(["abcd1234", "abcd1234tail"]).redact("abcd1234tail abcd1234") == (
        "[secret:1:registered] [secret:2:registered]"
    )


def test_one_value_has_one_number_in_every_text_of_a_redactor() -> None:
    redactor = SpanRedactor()
    assert redactor.redact("password=aaa1 password=bbb2") == "password=[secret:1:password] password=[secret:2:password]"
    assert redactor.redact("password=bbb2") == "password=[secret:2:password]"


def test_what_is_redacted_stays_as_it_is_the_second_time() -> None:
    once = SpanRedactor().redact("postgres://u:Zx9-Pw@h/db password=hunter2 Authorization: Bearer abcdef1234")
    assert SpanRedactor().redact(once) == once


def test_controls_and_hidden_characters_go_and_text_stays() -> None:
    hidden = "\x1b]8;;https://evil\x07click\x1b]8;;\x07 \x1b[2J\x1b[31mred\x1b[0m\tta\u200bb\u202e\U000e0041\r\nend\x00"
    assert strip_controls(hidden) == "click red\ttab\nend"


def _lines(block: str) -> list[str]:
    return [line.replace("⏎", "\n") for line in block.strip("\n").split("\n")]


@pytest.mark.parametrize("kind", SECRETS)
def test_no_secret_of_an_airflow_deployment_is_left(kind: str) -> None:
    left = []
    for line in _lines(SECRETS[kind]):
        text = line.replace("«", "").replace("»", "")
        clean = SpanRedactor().redact(text)
        left += [line for secret in re.findall("«(.*?)»", line, re.DOTALL) if clean.count(secret) >= text.count(secret)]
    assert left == []


def test_no_line_of_a_diagnosis_is_altered() -> None:
    assert [line for line in _lines(CLEAN) if SpanRedactor().redact(line) != line] == []


@pytest.mark.parametrize(
    "value", [SECRET, "S3cret'Quote\"Double\\Back", "simple", "a%20b+c=d&e;f", "AKIAQ7W3ERTYUIOP2345", "пароль-пароль1"]
)
@pytest.mark.parametrize("others", [0, 20], ids=["alone", "among many"])
def test_a_registered_value_is_absent_in_every_encoding(value: str, others: int) -> None:
    redactor = SpanRedactor([value, *(f"filler-{number}-value" for number in range(others))])
    left = []
    for name, encoded in encodings(value).items():
        clean = redactor.redact(f"before {encoded} after 0c6b6dd0-2f0c-4a5e-9a34-0f6f0f0f0f0f")
        whole = clean.startswith("before ") and clean.endswith(" after 0c6b6dd0-2f0c-4a5e-9a34-0f6f0f0f0f0f")
        if encoded in clean or "[secret:" not in clean or not whole:
            left.append((name, clean))
    assert left == []


def test_both_halves_of_a_registered_value_go_when_they_stand_apart() -> None:
    clean = SpanRedactor(["AKIAQ7W3ERTYUIOP2345"]).redact("part one AKIAQ7W3 \n part two ERTYUIOP2345, join both")
    assert "AKIAQ7W3" not in clean and "ERTYUIOP2345" not in clean


def test_a_value_registered_later_is_known_from_then_on() -> None:
    known: list[str] = []
    redactor = SpanRedactor(lambda: known)
    assert redactor.redact("plum-tree") == "plum-tree"
    known.append("plum-tree")
    assert redactor.redact("plum-tree") == "[secret:1:registered]"


def test_a_secret_found_by_its_name_goes_where_it_stands_without_one() -> None:
    clean = SpanRedactor().redact("api_key=Zk3vQ9mTt7Wy2LxB\nsending Zk3vQ9mTt7Wy2LxB to the host")
    assert "Zk3vQ9mTt7Wy2LxB" not in clean


@pytest.mark.integration
@pytest.mark.parametrize(
    "unit",
    ["password", "password=\"", "pwd='\\", "://a:", "?key=", "eyJ", "-----BEGIN PRIVATE KEY-----", "AIRFLOW_CONN_A={", "a@",
     "authorization: basic ", "machine a login ", "--password ", "-u a:", "\x1b]", "token=", "secret ", "2026-11-02 INFO all is well\n",
     "\\", "%41", "&amp;", "\\u0041", "\n", "'\"", "A1b2", "key=", "mysql -p", "auth=(", "<password>", "password: |\n ", "AAAA", "registered",
     "a,password\n", "'\n'", "x\\\n", "insert into t (a, password) values (", "key  value\n", "using password ", "%3A%2F%2Fa%3A", "SECRET_A=", "密码",
     "-u a -p A1b ", "login a / ", "password of it ", "password is a_", "secret {\n", "https://hooks/a/", "AKIA" + "A1" * 8 + " ", "пароль a1 ",
     "password_for_", "Authorization: Digest a=\"", "connect('a', ", "IDENTIFIED BY ", "@tcp(", "s.", "token_a_", "set-token a ", "user a ", "a_key=", ": a / ", "=a:b", "-----BEGIN A SEED-----", "*", "value\": \""],
)  # fmt: skip
def test_the_time_for_the_worst_text_grows_with_its_length(unit: str) -> None:
    assert _seconds(unit, 120_000) < 8 * _seconds(unit, 30_000) + 0.3


def _seconds(unit: str, length: int) -> float:
    text = unit * (length // len(unit))
    begun = time.process_time()
    SpanRedactor(["registered-value-1"]).redact(text)
    strip_controls(text)
    return time.process_time() - begun
