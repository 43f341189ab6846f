"""Text → readings of it in which a secret that was coloured, continued on the next line or quoted in pieces is whole.

Only around what is joined, so that a long text is not read twice; colours are everywhere in a text that has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from airflow_agentic.redaction.views import HIDDEN, View, reread
from airflow_agentic.redaction.words import IDENTIFIERS

Found = tuple[int, int, str]
_CONTINUED = re.compile(r"[ \t]?\\\r?\n[ \t]{0,80}")
_PIECES = re.compile(r"([\"'])[ \t]{0,8}\\?\r?\n[ \t]{0,80}[fFrRbB]?\1")
_WRAPPED = re.compile(
    r"\r?\n(?P<rest>(?=[^\s]{0,80}\d)(?=[^\s]{0,80}[a-z])(?=[^\s]{0,80}[A-Z])[A-Za-z0-9_+/=-]{12,400})(?=[\s\"',;)\]}]|\Z)"
)
_BEFORE, _AFTER = 300, 2_000


def joined_secrets(text: str, find: Callable[[str], Iterable[Found]]) -> Iterator[Found]:
    """Yield what *find* finds in the other readings, at its place in *text*."""
    if "\x1b" in text or "\u200b" in text:
        for view in reread(View(text), ((*found.span(), "") for found in HIDDEN.finditer(text))):
            yield from ((*view.source(start, end), kind) for start, end, kind in find(view.text))
    if "\\\n" in text or "\\\r\n" in text:
        yield from _around(text, _CONTINUED, " ", find, within=False)
    if '"\n' in text or "'\n" in text:
        yield from _around(text, _PIECES, "", find, within=True)


def wrapped(text: str, spans: Iterable[Found]) -> Iterator[Found]:
    """Yield the rest of a secret that a terminal broke at its border: the next line begins with more of the same."""
    for start, end, kind in spans:
        if end - start < 12 or text[end : end + 1] not in ("\n", "\r"):
            continue
        found = _WRAPPED.match(text, end)
        if found and not IDENTIFIERS.fullmatch(found["rest"]) and _is_made(text[start:end]):
            yield *found.span("rest"), kind


def _around(
    text: str, pattern: re.Pattern[str], new: str, find: Callable[[str], Iterable[Found]], *, within: bool
) -> Iterator[Found]:
    """Read the neighbourhood of each place of *pattern* with *new* in its stead.

    :param within: yield only what the joint itself is a part of.
    """
    joints = [found.span() for found in pattern.finditer(text)]
    while joints:
        first = joints[0][0]
        start, end = max(0, first - _BEFORE), first + _AFTER
        here = [joint for joint in joints if joint[1] <= end]
        joints = joints[max(1, len(here)) :]
        if not here:
            continue
        end = min(len(text), max(end, here[-1][1] + _BEFORE))
        for view in reread(View(text[start:end]), ((a - start, b - start, new) for a, b in here)):
            for a, b, kind in find(view.text):
                place = view.source(a, b)
                if not within or any(place[0] < joint[0] - start < place[1] for joint in here):
                    yield place[0] + start, place[1] + start, kind


def _is_made(value: str) -> bool:
    return any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
