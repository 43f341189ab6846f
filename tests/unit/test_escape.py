"""Text of strangers does nothing in Markdown."""

import json
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_agentic.escape import code_block, code_span, escape_markdown, strip_controls

CHARS = list("@#!`[]()<>/*_~|\\\n\t -=.:a1&\"'\x1b\u202e\u200b\U000e0041")
HOSTILE = st.lists(st.sampled_from([*CHARS, "http://x.y", "fixes #1 ", "GH-1", "<!--"])).map("".join)
SAMPLE = Path(__file__).parents[3] / "shared" / "adversarial.sample.jsonl"
PAYLOADS = [json.loads(line)["payload"] for line in SAMPLE.read_text().splitlines()] if SAMPLE.exists() else []
PAYLOADS += [
    "cc @octocat",
    "fixes #1",
    "closes: acme/other#3",
    "Resolves GH-12",
    "fix https://github.com/a/b/issues/1",
    "# Heading",
    "Heading\n=====",
    "a\n---",
    "| a | b |",
    "- [ ] task",
    "![x](http://e/x.png)",
    "<img src=x>",
    "<!-- x -->",
    "[a]: http://evil",
    "&commat;octocat",
    "www.evil.example",
    "mail@evil.example",
    "\x1b]8;;http://e\x07x\x1b]8;;\x07",
]


def outside_code(text):
    """Return what is left when code spans are taken out, as a Markdown reader does it."""
    out, at = [], 0
    for run in re.finditer(r"`+", text):
        if run.start() < at:
            continue
        end = re.compile(rf"(?<!`){run[0]}(?!`)").search(text, run.end())
        if end:
            out.append(text[at : run.start()] + "\0")
            at = end.end()
    return "".join([*out, text[at:]])


def is_inert(escaped):
    left = outside_code(escaped)
    assert not re.search(r"[@#<>`*_\[\]~&\\|]", left), left
    assert not re.search(r"://|www\.|GH-\d|javascript:", left, re.IGNORECASE), left
    assert "\n" not in escaped
    assert not re.match(r"\s*(?:[-+=]|\d+[.)]\s)", left), left
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Co") for char in escaped)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_known_attack_becomes_inert(payload):
    is_inert(escape_markdown(payload))


@given(HOSTILE)
def test_hostile_text_becomes_inert(text):
    is_inert(escape_markdown(text))


@given(st.text())
def test_any_text_becomes_inert(text):
    is_inert(escape_markdown(text))


@given(HOSTILE)
def test_a_block_is_closed_by_its_own_fence_only(text):
    first, *inside, last = code_block(text, "diff").split("\n")
    assert first == f"{last}diff"
    assert not any(line.strip().startswith(last) for line in inside)
    assert "\x1b" not in code_block(text)


@given(HOSTILE)
def test_a_span_holds_all_of_it(text):
    assert outside_code(code_span(text)) == "\0"


def test_plain_words_stay_as_they_are():
    said = "The upstream renamed price to total; 3 of 4 tasks failed (see E1), at 04:00."
    assert escape_markdown(said) == said


def test_only_an_allowed_host_stays_a_link_and_never_an_issue():
    text = "https://airflow.acme.test/dags/x https://evil.test/x https://airflow.acme.test/a/issues/1"
    links = escape_markdown(text, hosts=["airflow.acme.test"]).split()
    assert [link.startswith("`") for link in links] == [False, True, True]


def test_a_pipe_does_not_split_a_table_cell():
    assert re.findall(r"(?<!\\)\|", escape_markdown("a|b `x|y` c")) == []


def test_controls_go_and_line_feeds_stay():
    assert strip_controls("a\x1b[31mb\x1b[0m\r\nc\rd\x00\u202e\U000e0041") == "ab\nc\nd"


def test_signs_and_numbers_inside_a_sentence_stay_as_they_are():
    assert escape_markdown("rows 0 → 3 (ABI 7)") == "rows 0 → 3 (ABI 7)"
    assert escape_markdown("7) is no list") == "`7)` is no list"
    assert escape_markdown("a ~ b") == "a `~` b"
