"""``name = value`` in all the ways in which logs, code, settings and commands write it → the spans of the values.

The name is found first, by fixed words; at each one short patterns are tried that begin exactly there. So the time
is linear: no pattern is ever searched for through the text, and none looks further than some thousand characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_agentic.redaction.words import IDENTIFIERS, NAMES, PLAIN, REST

_QUOTED = (
    r"(?:(?:[fbrnue]{1,2}(?=\\{0,3}[\"'`]))?(?P<quote>\"{3}|'{3}|\\{0,3}[\"'`]|&quot;|&#3[49];)"
    r"(?P<quoted>(?:(?!(?P=quote))[^\r\n\\]|(?!(?P=quote))\\[^\r\n]){1,1200}?)(?P=quote)"
    r"|(?:[fbrnue]{1,2}(?=\\{0,3}[\"'`]))?\\{0,3}[\"'`]?(?P<bare>[^\s\"'`,;&(){}\[\]<>|\\][^\s\"'`,;&<>|\\\]})]{2,2000}))"
)
_CLOSE = r"(?:\\{0,3}[\"'`]|&quot;|&#3[49];)?\]?"
_BLANK = r"[ \t]{0,8}"
_TYPE = r"(?:[ \t]{0,3}:[ \t]{0,3}[A-Za-z][\w.\[\]|]{0,40}(?=[ \t]{0,3}=)|[ \t]{1,3}[A-Za-z]{3,12}(?=[ \t]{0,3}:?=[ \t]{0,3}[\"'`]))?"
_OPERATOR = r"(?::{1,3}=|[?.+|]{0,2}=>?|!?={1,3}|->|:|[\uff1a\uff1d])"
_WORDS = (
    r"(?:[ \t]{1,3}(?:for|of|für|von|fuer|pour|para|per|de|del|di|da|do)[ \t]{1,3}(?:(?:the|den|die|das|dem|der|le|la|el|o|il)[ \t]{1,3})?(?:(?:l'|L')?(?:user|account|benutzer|konto|utilisateur|compte|usuario|utente|usuário|cuenta)[ \t]{1,3})?[^\s:=]{1,80}[ \t]{0,3}(?::|=|[ \t](?:is|ist|lautet|est|es|è|é):?(?= ))"
    r"|[ \t]{1,3}(?:provided|given|used|received|supplied|generated|created|set to)[ \t]{0,3}(?::|=)|[ \t]{1,3}(?:is|was|set to|ist|war|lautet|est|es|è|é):?)[ \t]{1,3}"
)
_SHAPES = tuple(
    re.compile(REST + pattern, re.IGNORECASE)
    for pattern in (
        # A setting of a whole line has no quotes, and its value any character but white space.
        r"(?P<line>)=(?P<whole>[^\s\"'`][^\s]{2,2000})(?<![,(\[{\\])(?=[ \t]*(?:\r?\n|\Z))",
        # A pretty printer breaks the line behind the name; then the value is all of the next one.
        rf"{_CLOSE}{_BLANK}[:=]{_BLANK}(?:(?:bearer|basic|token){_BLANK})?\r?\n[ \t]{{1,40}}(?:[\"'](?P<below>[^\"'\r\n]{{3,500}})[\"']"
        r"|(?P<next>(?=\S{0,200}\d)[^\s:=\"'|{}\[\]<>()]{8,2000}={0,2}))(?=[ \t,]{0,9}(?:\r?\n|\Z))",
        # A row of a printed table.
        rf"{_CLOSE}[ \t]{{0,60}}[|│;][ \t]{{0,3}}(?P<cell>[^\s|│;,()\"'\[\]{{}}]{{6,400}})(?=[ \t]{{0,200}}(?:[|│;\r\n]|\Z))",
        rf"[\"']\)[ \t]{{0,3}}(?:->|=>|=(?!=)|:|returned|resolved to)[ \t]{{1,3}}{_QUOTED}",
        rf"{_CLOSE}{_TYPE}[ \t.]{{0,24}}{_OPERATOR}{_BLANK}{_QUOTED}",
        # YAML's block: the value stands on the next line, indented.
        rf":{_BLANK}[|>][+-]?\d?{_BLANK}(?:\r?\n|\\n)[ \t]{{1,40}}(?P<block>[^\s\"']{{3,4000}})",
        # XML: an element's text, and the name in one attribute or element with the value in the next.
        r"(?:[ \t][^<>\r\n]{0,200})?>\s{0,40}(?:<!\[CDATA\[)?(?P<xml>[^<>\r\n]{1,2000}?)(?:\]\]>)?\s{0,40}</",
        rf"{_CLOSE}[ \t]{{0,3}}(?:,|</\w{{1,20}}>)?\s{{0,40}}<?\\?[\"']?value\\?[\"']?[ \t]{{0,3}}[=:>][ \t]{{0,3}}{_QUOTED}",
        # Percent-encoded JSON or form fields inside an address.
        r"(?:%22|%27)?(?:%3A|%3D)(?:\+|%20)?(?:%22|%27)?(?P<percent>(?:[^\s\"'&<>%]|%(?!22|27|2C|26)[0-9A-Fa-f]{2}){3,2000})",
        rf"{_CLOSE}{_WORDS}{_QUOTED}",
    )
)
_CELL, _RETURNED = _SHAPES[2:4]
_WORDED = (_RETURNED, _SHAPES[-1])
_CALL = re.compile(rf"{REST}[\"'][ \t]{{0,3}},\s{{0,20}}{_QUOTED}(?=\s{{0,20}}[,)])", re.IGNORECASE)
_AWS_SECRET = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=\D*\d)[A-Za-z0-9+/]{40}")
_TYPED = re.compile(r"[A-Za-z_]+\d{0,3}|[^A-Za-z]*|\D*")
_BEFORE_NAME = re.compile(r"\w*\Z")
_CALLED = re.compile(
    r"(?:get|getenv|get_?env|set|set_?property|setenv|putenv|put|setdefault|env|add_?header|set_?header|config|option|append)"
    r"\((?:[\"'][\w.-]{1,60}[\"'][ \t]{0,3},[ \t]{0,3})?[\"'][\w.-]{0,60}\Z",
    re.IGNORECASE,
)
_LIST = re.compile(rf"{REST}[\"'][ \t]{{0,3}},[ \t]{{0,3}}{_QUOTED}", re.IGNORECASE)
_PAIR = re.compile(rf"{_LIST.pattern}(?=[ \t]{{0,3}}[)\]])", re.IGNORECASE)
_OPENED = re.compile(r"[(\[][ \t]{0,3}[\"'][\w.-]{0,40}\Z")
_NAME = re.compile(r"[a-z_]+|[A-Z_]+|[a-z_]+\d?(?:_id)?")
_OPTION = re.compile(r"[\"']--?[\w-]{0,40}\Z")
_DASHED = re.compile(r"(?<!\S)--[\w-]{0,40}\Z")
_BESIDE = re.compile(
    rf"{REST}{_CLOSE}[ \t]{{1,24}}(?:[-–=][ \t]{{0,3}})?(?P<loose>[\"'`]?[^\s\"'`,;&()<>|\\\[\]{{}}]{{5,400}})",
    re.IGNORECASE,
)
_SCHEME = re.compile(
    r"(?:basic|bearer|token|digest|negotiate|apikey|aws4-hmac-sha256|hmac-sha256)(?:[ \t]{1,4}|%20|\+)", re.IGNORECASE
)
_ANY_SCHEME = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z-]{2,24})[ \t](?P<value>(?=[^\s\"']{0,80}\d)[A-Za-z0-9_.~+/=:-]{12,2000})"
)
_ARROW = re.compile(r"[\"'][ \t]{0,4}(?:->|=>|→)[ \t]{0,4}[\"'](?P<value>[^\"'\r\n]{3,500})[\"']")
_QUOTED_OPTION = re.compile(
    rf"{REST}[ \t]{{1,4}}(?P<quote>[\"'])(?P<value>[^\"'\r\n]{{3,500}})(?P=quote)", re.IGNORECASE
)
_NOT_ASSIGNED = re.compile(r"\barn:[\w-]{2,20}:[^\s\"']{0,100}\Z|\bcomment on [^\r\n]{0,100}\Z", re.IGNORECASE)
_TOKEN = re.compile(r"[^\s\"',;\\]{3,4000}")
_COOKIE = re.compile(r"[ \t]{0,3}[^\s=;\"']{1,80}=(?P<value>[^\s;\"'\\]{3,4000})")
_SIGNATURE = re.compile(r"[^\r\n\"']{0,400}?Signature=(?P<value>[A-Za-z0-9%/+=_-]{16,400})")
_PARSED = re.compile(
    r"(?:unexpected|illegal|near|at|expect(?:ed|ing)|unknown|next|last|this|invalid|bad|or|of|a|the|csrf)[ \t]\Z"
)
_PLACEHOLDER = re.compile(r"\[secret:[0-9]{1,6}:[a-z-]{1,40}\]")
_STEMS = tuple(
    (stem, tuple((re.compile(name), re.compile(before) if before else None) for s, name, before in NAMES if s == stem))
    for stem in dict.fromkeys(stem for stem, _, _ in NAMES)
)
_GROUPS = ("quoted", "bare", "whole", "block", "xml", "percent", "loose", "below", "next", "cell")


def assigned_secrets(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each value that a telling name is given."""
    lower = text.lower()
    if len(lower) != len(text):  # one letter of Turkish becomes two
        lower = text.replace("\u0130", "i").lower()
    ours = [match.span() for match in _PLACEHOLDER.finditer(text)] if "[secret:" in text else []
    done = 0
    for start, end in sorted(_names(text, lower)):
        # A name inside a value is part of it; looking at it again would make the time grow with the square.
        if start < done or any(first <= start < last for first, last in ours):
            continue
        for value in _values(text, lower, start, end):
            yield value
            done = max(done, value[1])


def _names(text: str, lower: str) -> Iterator[tuple[int, int]]:
    for stem, words in _STEMS:
        at = lower.find(stem)
        while at >= 0:
            for name, before in words:
                found = name.match(lower, at)
                camel = stem == "pass" and text[at] == "P" and text[at - 1 : at].islower()
                if found and (before is None or camel or before.search(lower, max(0, at - 24), at)):
                    yield at, found.end()
                    break
            at = lower.find(stem, at + len(stem))


def _values(text: str, lower: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    kind = re.sub(r"[^a-z]+", "-", lower[start:end]).strip("-") or "password"
    if _NOT_ASSIGNED.search(text, max(0, start - 120), start):
        return
    if kind == "cookie":
        yield from _cookies(text, end)
        return
    if kind == "bearer":
        yield from _bearer(text, end)
        return
    for shape in _SHAPES:
        if shape is _SHAPES[0] and not _line_setting(text, start):
            continue
        found = shape.match(text, end)
        span = _span(text, found) if found else None
        if found is None or span is None:
            continue
        if kind == "authorization":
            span = _behind_scheme(text, span)
        if _is_value(text, lower, start, span, shape):
            yield *span, kind
            if kind == "authorization":
                yield from _signature(text, span[1])
            yield from _changed(text, span[1], kind)
        return
    yield from _calls(text, start, end, kind)
    yield from _loose(text, lower, start, end, kind)


def _span(text: str, found: re.Match[str]) -> tuple[int, int] | None:
    group = next((name for name in _GROUPS if name in found.re.groupindex and found[name] is not None), None)
    if group is None:
        return None
    start, end = found.span(group)
    scheme = _SCHEME.match(text, start)
    if scheme and group in ("quoted", "xml", "whole") and scheme.end() < end:
        start = scheme.end()
    elif scheme and group == "bare":
        value = _TOKEN.match(text, scheme.end())
        start, end = value.span() if value else (start, end)
    if group == "bare" and text[end - 1] in ".:!?" and end - start > 4:
        end -= 1
    return start, end


def _behind_scheme(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """A scheme that only one vendor uses (``GenieKey``) is no value; what stands behind it is."""
    found = _ANY_SCHEME.match(text, span[0])
    return found.span("value") if found else span


def _changed(text: str, end: int, kind: str) -> Iterator[tuple[int, int, str]]:
    """A plan tells the value before and the one after: ``"a" -> "b"``."""
    found = _ARROW.match(text, end)
    if found and not PLAIN.fullmatch(found["value"]):
        yield *found.span("value"), kind


def _is_value(text: str, lower: str, name: int, span: tuple[int, int], shape: re.Pattern[str]) -> bool:
    value = text[span[0] : span[1]].strip()
    if not value or PLAIN.fullmatch(value) or text[span[1] : span[1] + 1] in ("(", "[", "{"):
        return False
    if lower.startswith("dsn", name) and not re.search(r"@|//|=", value):
        return False
    begun = name - len(_BEFORE_NAME.search(lower, max(0, name - 40), name)[0])  # type: ignore[index]
    if text[span[0] - 1] not in "\"'`" and lower.startswith(value.lower(), begun):  # `credentials=credentials`
        return False
    if shape is _CELL and (_TYPED.fullmatch(value) or IDENTIFIERS.fullmatch(value)):
        return False
    if shape in _WORDED and not re.search(r"\d|[a-z][A-Z]", value) and text[span[0] - 1] not in "\"'`":
        return False
    parsed = lower.startswith("token", name) and _PARSED.search(lower, max(0, name - 12), name)
    return not (parsed and re.fullmatch(r"[A-Za-z_]*|\W+", value))


def _line_setting(text: str, start: int) -> bool:
    """Say whether the name stands in the first word of its line: ``export DB_PASSWORD=...``."""
    begun = text.rfind("\n", max(0, start - 120), start) + 1 or max(0, start - 120)
    return bool(
        re.fullmatch(r"(?:[ \t]{0,8}(?:export|set|ENV|-e|-)[ \t]{1,4})?[ \t]{0,20}[\w.:/-]{0,100}", text[begun:start])
    )


def _calls(text: str, start: int, end: int, kind: str) -> Iterator[tuple[int, int, str]]:
    for pattern, before, plain in ((_CALL, _CALLED, PLAIN), (_LIST, _OPTION, PLAIN), (_PAIR, _OPENED, _NAME)):
        found = pattern.match(text, end)
        span = _span(text, found) if found else None
        if not span or not before.search(text, max(0, start - 140), start):
            continue
        value = text[slice(*span)]
        if not PLAIN.fullmatch(value) and not (plain is _NAME and _NAME.fullmatch(value)):
            yield *span, kind
            return


def _loose(text: str, lower: str, start: int, end: int, kind: str) -> Iterator[tuple[int, int, str]]:
    """Find a value that merely stands beside its name: it must look like one."""
    whole = _QUOTED_OPTION.match(text, end) if _DASHED.search(text, max(0, start - 60), start) else None
    if whole and not PLAIN.fullmatch(whole["value"]):
        yield *whole.span("value"), kind
        return
    found = _BESIDE.match(text, end)
    if not found:
        return
    at, last = found.span("loose")
    quoted = text[at] in "\"'`"
    at += quoted
    value = text[at:last].rstrip(".:!?")
    if PLAIN.fullmatch(value):
        return
    if _DASHED.search(text, max(0, start - 60), start):
        if not value.startswith("-"):
            yield at, at + len(value), kind
        return
    if lower.startswith("token", start) and len(value) < 16:
        return
    mixed = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    strong = kind.startswith("pass") or (kind != "sessionid" and len(value) >= 12)
    if IDENTIFIERS.fullmatch(value):
        strong = False
    if (
        mixed
        and strong
        and (quoted or _AWS_SECRET.fullmatch(value) or not re.search(r"/|=.|\.\w{2,5}$|^\w+\.\w+", value))
    ):
        yield at, at + len(value), kind


def _cookies(text: str, end: int) -> Iterator[tuple[int, int, str]]:
    opened = re.compile(r"s?\\?[\"']?[ \t]{0,3}[:=][ \t]{0,3}[bB]?\\?[\"']?").match(text, end)
    at = opened.end() if opened else -1
    for _ in range(40 if opened else 0):
        found = _COOKIE.match(text, at)
        if not found:
            return
        if not PLAIN.fullmatch(found["value"]):
            yield *found.span("value"), "cookie"
        at = found.end()
        if text[at : at + 1] != ";":
            return
        at += 1


def _bearer(text: str, end: int) -> Iterator[tuple[int, int, str]]:
    found = re.compile(r"(?:[ \t]{1,3}|%20|\+|:[ \t]?)(?:token[ \t]{1,3})?(?P<value>[A-Za-z0-9_.~+/=-]{8,4000})").match(
        text, end
    )
    if found and re.search(r"\d", found["value"]) and not PLAIN.fullmatch(found["value"]):
        yield *found.span("value"), "bearer"


def _signature(text: str, end: int) -> Iterator[tuple[int, int, str]]:
    found = _SIGNATURE.match(text, end)
    if found:
        yield *found.span("value"), "signature"
