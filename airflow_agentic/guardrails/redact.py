"""Text → text without secrets, by span, with stable numbered placeholders.

Three sources: values that were registered, in the encodings in which they leak; the shapes of `secret_spans`;
and a masker of somebody else (Airflow's), which runs last because it knows no spans. Only the span is replaced:
replacing every copy of what a pattern found once changed a sixth of a log (measured).
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

from airflow_agentic.secret_spans import Span, find_secrets, merge, replace_spans, strip_controls

__all__ = ["SpanRedactor", "strip_controls"]

SHORTEST = 4
"""Characters of a registered value: shorter ones are ordinary words and would tear the text apart."""


class SpanRedactor:
    """The port `Redactor`. One instance numbers one document: same value, same number."""

    def __init__(self, values: Iterable[str] = (), *, masker: Callable[[str], str] | None = None) -> None:
        self._masker = masker
        self._numbers: dict[str, int] = {}
        forms = {form: value for value in values if len(value) >= SHORTEST for form in _forms(value)}
        self._values = {**forms, **{value: value for value in forms.values()}}
        longest_first = sorted(self._values, key=len, reverse=True)
        self._registered = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def redact(self, text: str) -> str:
        """Return *text* with every secret replaced by a placeholder such as ``[secret:1:uri-password]``."""
        spans: tuple[Span, ...] = merge([*self._known(text), *find_secrets(text)])
        clean = replace_spans(text, spans, self._number)
        return self._masker(clean) if self._masker else clean

    def _known(self, text: str) -> Iterator[Span]:
        if self._registered is not None:
            for match in self._registered.finditer(text):
                yield match.start(), match.end(), "registered"

    def _number(self, value: str) -> int:
        return self._numbers.setdefault(self._values.get(value, value), len(self._numbers) + 1)


def _forms(value: str) -> Iterator[str]:
    """Give the encodings in which a value leaks, itself first."""
    yield value
    yield from (quote(value, safe=""), quote(value), quote_plus(value), quote(value, safe="").lower())
    for ascii_only in (True, False):
        yield json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield json.dumps(json.dumps(value, ensure_ascii=ascii_only))[3:-3]
    yield repr(value)[1:-1]
    yield shlex.quote(value)
    raw = value.encode("utf-8", "replace")
    yield from (raw.hex(), raw.hex().upper())
    for shift in range(3):
        yield from _base64_forms(raw, shift)
    if len(value) >= 12:  # printed over two lines
        breaks = ("\n", "\\n", "\r\n")
        yield from (value[:cut] + newline + value[cut:] for newline in breaks for cut in range(4, len(value) - 3))


def _base64_forms(raw: bytes, shift: int) -> Iterator[str]:
    """Give what stands in base64 text for *raw* after *shift* other bytes: the part that *raw* alone decides."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        if shift == 0:
            yield encode(raw).decode("ascii")
            yield encode(raw).decode("ascii").rstrip("=")
        start = (8 * shift + 5) // 6
        end = (8 * (shift + len(raw))) // 6
        certain = encode(b"\0" * shift + raw).decode("ascii")[start:end]
        if len(certain) >= 2 * SHORTEST:
            yield certain
