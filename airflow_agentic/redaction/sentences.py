"""A secret's name in a sentence → the value that the sentence gives it, words later: ``the password for X on Y is Z``.

The name was found by `redaction/assignments`; here a value stands behind a verb, a colon or nothing but words, so it
must look like one: a password that a person made up has a digit or a sign in it, a key is longer and mixed.
"""

from __future__ import annotations

import re

from airflow_agentic.redaction.words import ELSEWHERE, IDENTIFIERS, PLAIN

_WORD = r"(?:[A-Za-z]{1,6}['’])?[^\s:=\"';«「]{0,80}[^\s:=\"';.!?«「][ \t]{1,3}"
_VERB = (
    r"(?:(?:(?:is|was|are|value|be|equals|becomes|ist|war|lautet|est|était|sera|es|era|è|é|foi|será)"
    r"(?:[ ](?:now|still|currently|set[ ]to|jetzt|nun|maintenant|désormais|ahora|ora|adesso|agora))?|(?:changed|reset|set|rotated|updated)[ ]to):?|(?-i:TO|BY)(?=[ ]'))"
)
_VALUE = r"[\"'`«“]?(?P<value>[^\s\"'`«»“”,;]{4,400})"
_IN_ENGLISH = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"[ \t]{{1,3}}(?:{_WORD}){{0,9}}?{_VERB}[ \t]{{1,3}}{_VALUE}",
        rf"[ \t]{{1,3}}(?:{_WORD}){{0,6}}?[^\s:=\"';,«]{{1,80}}[ \t]?[:：][ \t]{{1,3}}{_VALUE}",
    )
)
_ELSEWHERE = (
    re.compile(r"[\u3000-\u9fff\uac00-\ud7af\uff1a: ]{1,24}(?P<value>[!-~]{5,200})"),
    re.compile(rf"[ \t]{{0,2}}[:：]?[ \t]{{1,3}}(?:{_WORD}){{0,8}}?[:：]?[ \t]{{0,2}}[\"'`«“]?(?P<value>(?=[^\s]{{0,60}}\d)[^\s\"'`«»“”,;]{{5,200}})"),
)  # fmt: skip
_REFUSED = re.compile(
    r"\b(?:not|no|fail\w*|invalid|wrong|error|expire[sd]?|denied|missing|cannot|incorrect|mismatch|rejected|column|table|file|"
    r"policy|length|falsch|ungültig|incorrecte?|length|older|newer|named|called)\b",
    re.IGNORECASE,
)
_NO_VALUE = re.compile(
    r".*\w\.[A-Za-z]{2,6}[.,:;)]*|[\w.-]+__.*|\d+\w{0,3}|(?:[A-Za-z]{1,20}[_-]){2,}\w*|.*[/\\(){}<>\[\]].*"
)
_NEAR = 6
_JOINED = re.compile(r"(?:[A-Za-z]{3,12}[._-]){2,6}[A-Za-z]{3,12}\d{0,4}")
_SWITCHES = re.compile(r"[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9])|[a-z](?=[A-Z])")


def said_value(text: str, lower: str, start: int, end: int) -> tuple[int, int] | None:
    """Return where the value stands that a sentence gives to the name from *start* to *end*."""
    elsewhere = ELSEWHERE.match(lower, start)
    for pattern in (*_IN_ENGLISH, *(_ELSEWHERE if elsewhere else ())):
        found = pattern.match(text, end)
        if not found or (pattern is _IN_ENGLISH[1] and lower[start:end] == "pass"):
            continue
        first = found.start("value")
        value = found["value"].rstrip(".:!?)」")
        if _REFUSED.search(text, end, first) or PLAIN.fullmatch(value) or IDENTIFIERS.fullmatch(value):
            continue
        a_password = elsewhere or lower.startswith(("pass", "pw"), start)
        near = first - end < _NEAR or text[end:first].rstrip()[-1:] in ":："
        if near and elsewhere and _JOINED.fullmatch(value) and not lower[start:end].isascii():
            return first, first + len(value)
        if _made_up(value, free=pattern in _ELSEWHERE, near=near) if a_password else _is_key(value):
            return first, first + len(value)
    return None


def _made_up(value: str, *, free: bool, near: bool) -> bool:
    """Say whether a person would make this up for a password.

    :param free: no verb or colon stands before it, so that any word of the sentence could be meant.
    :param near: the name is directly before it, or a colon: then words that are joined are a passphrase.
    """
    if near and not free and _JOINED.fullmatch(value):
        return True
    if _NO_VALUE.fullmatch(value) or not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value):
        return False
    return not free or bool(re.search(r"[!@#$%^&*+=?~]|(?=.*[a-z])(?=.*[A-Z])", value))


def _is_key(value: str) -> bool:
    return len(value) >= 12 and len(_SWITCHES.findall(value)) >= 4 and not _NO_VALUE.fullmatch(value)
