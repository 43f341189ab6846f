"""Registered values → where they stand in a text, in any of the encodings in which values leak.

What can be undone (percent signs, backslashes, entities, line breaks) is undone by `redaction/views` and the value is
looked for in the result; what cannot be undone without knowing where it begins (base64, hexadecimal) is made of the
value and looked for as it is. Both are linear in the text.
"""

from __future__ import annotations

import base64
import codecs
import json
import shlex
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from airflow_agentic.redaction.many_words import ManyWords
from airflow_agentic.redaction.views import SPACES, views, without_spaces
from airflow_agentic.redaction.words import IDENTIFIERS

SHORTEST = 4
"""Characters of a registered value: shorter ones are ordinary words and would tear the text apart."""
FRAGMENT = 8
"""Characters of a part of a long value, printed apart from the rest."""


class RegisteredValues:
    """Values that somebody registered, and what gives them away.

    :param values: those shorter than `SHORTEST` are left out.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._known = tuple(dict.fromkeys(value for value in values if len(value) >= SHORTEST))
        self._forms: dict[str, str] = {}
        for value in sorted(self._known, key=len):
            for form in _forms(value):
                if len(form) >= SHORTEST:
                    self._forms.setdefault(form, value)
        self._forms.update({value: value for value in self._known})
        self._bare = {bare: value for value in self._known for bare in [SPACES.sub("", value)] if len(bare) >= 6}
        self._words = ManyWords(self._forms)
        self._bare_words = ManyWords(self._bare)
        self._fragments = tuple(fragment for value in self._known for fragment in _fragments(value))

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and the value itself of each occurrence."""
        if not self._forms:
            return
        for view in views(text):
            for start, form in self._words.find(view.text):
                yield *view.source(start, start + len(form)), self._forms[form]
        compact = SPACES.sub("", text)
        if bare_hits := list(self._bare_words.find(compact)):
            view = without_spaces(text)
            yield from ((*view.source(at, at + len(bare)), self._bare[bare]) for at, bare in bare_hits)
        for value, head, tail in self._fragments:
            yield from _parts(text, value, head, tail)


def _parts(text: str, value: str, head: str, tail: str) -> Iterator[tuple[int, int, str]]:
    """Find the beginning or the end of a value, printed apart from the rest, as far as it goes."""
    at = text.find(head) if head else -1
    while at >= 0:
        length = FRAGMENT
        while length < len(value) and text[at + length : at + length + 1] == value[length]:
            length += 1
        yield at, at + length, value
        at = text.find(head, at + length)
    at = text.find(tail) if tail else -1
    while at >= 0:
        length = FRAGMENT
        while (
            length < len(value)
            and at + FRAGMENT - length > 0
            and text[at + FRAGMENT - length - 1] == value[-length - 1]
        ):
            length += 1
        yield at + FRAGMENT - length, at + FRAGMENT, value
        at = text.find(tail, at + FRAGMENT)


def _fragments(value: str) -> Iterator[tuple[str, str, str]]:
    head, tail = value[:FRAGMENT], value[-FRAGMENT:]
    if len(value) >= 2 * FRAGMENT:
        yield value, head if _is_telling(head) else "", tail if _is_telling(tail) else ""


def _is_telling(part: str) -> bool:
    mixed = any(char.isdigit() for char in part) and any(char.isalpha() for char in part)
    return mixed and part.isalnum() and not IDENTIFIERS.fullmatch(part)


def _forms(value: str) -> Iterator[str]:
    """Give the encodings that no view undoes, and the usual ones of those that it does: both cost little."""
    yield from (
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        quote(quote(value, safe=""), safe=""),
        value.replace(" ", "+"),
    )
    yield from (
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
        shlex.quote(value),
        value.replace("'", "''"),
        value.replace('"', '""'),
    )
    if len(value) >= 6:
        yield from (value[::-1], value.upper(), value.lower(), codecs.encode(value, "rot13"))
    inside = (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    for raw in dict.fromkeys(
        (*(form.encode("utf-8", "replace") for form in inside), value.encode("utf-16-le", "replace"))
    ):
        yield from _bytes_forms(raw)
    once = base64.b64encode(value.encode("utf-8", "replace"))
    yield from _base64_forms(once, 0)
    yield from _base64_forms(once.rstrip(b"="), 0)


def _bytes_forms(raw: bytes) -> Iterator[str]:
    for text in (raw.hex(), raw.hex(":"), raw.hex(" ")):
        yield from (text, text.upper())
    yield from (", ".join(map(str, raw)), ",".join(map(str, raw)), " ".join(map(str, raw)))
    yield from (
        base64.b32encode(raw).decode("ascii").rstrip("="),
        base64.b85encode(raw).decode("ascii"),
        base64.a85encode(raw).decode("ascii"),
    )
    for shift in range(3):
        yield from _base64_forms(raw, shift)


def _base64_forms(raw: bytes, shift: int) -> Iterator[str]:
    """Give what stands in base64 text for *raw* after *shift* other bytes: the part that *raw* alone decides."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        if shift == 0:
            whole = encode(raw).decode("ascii")
            yield from (whole, whole.rstrip("="))
        start = (8 * shift + 5) // 6
        end = (8 * (shift + len(raw))) // 6
        certain = encode(b"\0" * shift + raw).decode("ascii")[start:end]
        if len(certain) >= 5:
            yield certain
