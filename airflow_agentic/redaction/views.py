"""Text → the same text with its escapes resolved, without line breaks, ...; and the way back to the original's places.

A registered value is looked for in each view. A view knows for every stretch of it where that stretch stands in the
text that it was made of, so that what is found can be cut out of the original.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

DEEPEST = 3
"""How often escapes are resolved: JSON in JSON in an address."""

_HEX = "[0-9A-Fa-f]"


def _utf8(lead: str) -> str:
    """Return the pattern of the rest of one character of UTF-8, each byte but the first led by *lead*."""
    more = f"{lead}[89ABab]{_HEX}"
    return f"(?:[0-7]{_HEX}|[CDcd]{_HEX}{more}|[Ee]{_HEX}(?:{more}){{2}}|[Ff][0-7](?:{more}){{3}})"


# Each alternative begins with its own sign: only then is the search for them fast.
_PERCENT = rf"%{_utf8('%')}"
_QUOTED = rf"={_utf8('=')}"
_ENTITY = r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[a-zA-Z]{2,8});"
_BACKSLASH = (
    rf"\\(?:x{_utf8(chr(92) * 2 + 'x')}|u{_HEX}{{4}}|U0{_HEX}{{7}}|u\{{{_HEX}{{1,6}}\}}"
    r"|[0-1][0-7]{2}|3[0-3][0-7]\\2[0-7]{2}|34[0-7](?:\\2[0-7]{2}){2}|35[0-7](?:\\2[0-7]{2}){2}|36[0-7](?:\\2[0-7]{2}){3}"
    r"|[^\r\n])"
)
_EVERY = re.compile(f"{_PERCENT}|{_BACKSLASH}|{_QUOTED}|{_ENTITY}")
# Resolving all of them at once would also take what belongs to the value: each kind alone, and all, some levels deep.
_KINDS = (
    ("%", re.compile(_PERCENT)),
    ("&", re.compile(_ENTITY)),
    ("\\", re.compile(_BACKSLASH)),
    ("=", re.compile(_QUOTED)),
)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "0": "\0", "a": "\a", "v": "\v"}
_BREAK = re.compile(r"\n[ \t]*(?:[>|+#*.&][ \t]*)?|\\n[ \t]*")
_JOINED = re.compile(r"[\"'][ \t]*[+.&]?[ \t]*[\"']|=\r?\n")
HIDDEN = re.compile(
    "[\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]+"
    "|\x1b\\[[0-?]{0,64}[ -/]{0,16}[@-~]"
)
SPACES = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\\\"',]+")
"""What stands between the characters of a value that is printed one by one."""


class View:
    """One reading of a text.

    :param parent: the reading that it was made of; None: the text itself.
    """

    def __init__(
        self,
        text: str,
        parent: View | None = None,
        starts: tuple[int, ...] = (),
        places: tuple[tuple[int, int, bool], ...] = (),
    ) -> None:
        self.text = text
        self._parent = parent
        self._starts = starts
        self._places = places

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return where the stretch from *start* to *end* stands in the original text."""
        if self._parent is None:
            return start, end
        return self._parent.source(self._up(start)[0], self._up(end - 1)[1])

    def _up(self, at: int) -> tuple[int, int]:
        index = bisect_right(self._starts, at) - 1
        first, last, copied = self._places[index]
        if not copied:
            return first, last
        place = first + at - self._starts[index]
        return place, place + 1


def views(text: str) -> Iterator[View]:
    """Yield the text itself and each other reading of it that differs."""
    plain = deepest = View(text)
    yield plain
    for sign, pattern in _KINDS:
        reading = plain
        for _ in range(2 if sign in text else 0):
            for deeper in reread(reading, _found(pattern, reading.text)):
                yield deeper
                reading = deeper
    for level in range(DEEPEST):
        made = list(reread(deepest, _found(_EVERY, deepest.text)))
        if not made:
            break
        deepest = made[0]
        if level:
            yield deepest
    for reading in (plain,) if deepest is plain else (plain, deepest):
        yield from reread(reading, _breaks(reading.text, taken=" \t\r\\"))
        yield from reread(reading, _breaks(reading.text, taken=" \t\r\\\"'+.&"))
        yield from reread(reading, ((*found.span(), "") for found in _JOINED.finditer(reading.text)))
        yield from reread(reading, ((*found.span(), "") for found in HIDDEN.finditer(reading.text)))


def _found(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int, str]]:
    return ((*found.span(), _resolved(found[0])) for found in pattern.finditer(text))


def _breaks(text: str, *, taken: str) -> Iterator[tuple[int, int, str]]:
    """Find line breaks, with the characters of *taken* around them: indentation, continuation, quotes."""
    done = 0
    for found in _BREAK.finditer(text):
        start, end = found.span()
        while start > done and text[start - 1] in taken:
            start -= 1
        while "'" in taken and text[end : end + 1] in ("'", '"'):
            end += 1
        if start >= done:
            yield start, end, ""
            done = end


def without_spaces(text: str) -> View:
    """Return *text* without white space and what else stands between single characters."""
    return next(reread(View(text), ((*found.span(), "") for found in SPACES.finditer(text))), View(text))


def reread(view: View, replaced: Iterable[tuple[int, int, str]]) -> Iterator[View]:
    """Yield the reading with each stretch of *replaced* changed; nothing when there is none."""
    parts: list[str] = []
    starts: list[int] = []
    places: list[tuple[int, int, bool]] = []
    size = done = 0
    for first, last, new in (*replaced, (len(view.text), len(view.text), "")):
        for part, start, end, copied in ((view.text[done:first], done, first, True), (new, first, last, False)):
            if part:
                parts.append(part)
                starts.append(size)
                places.append((start, end, copied))
                size += len(part)
        done = last
    if len(parts) > 1 or size != len(view.text):
        yield View("".join(parts), view, tuple(starts), tuple(places))


def _resolved(said: str) -> str:
    sign, kind = said[0], said[1:2]
    if sign == "&":
        return html.unescape(said)
    if sign in "%=" or kind == "x":
        return bytes.fromhex(re.sub(r"%|=|\\x", "", said)).decode("utf-8", "replace")
    if kind in "uU" and len(said) > 2:
        code = int(said[2:].strip("{}"), 16)
        return chr(code) if code < 0x110000 else said
    if kind in "0123" and len(said) > 2:
        return bytes(int(part, 8) for part in said[1:].split("\\")).decode("utf-8", "replace")
    return _LETTERS.get(kind, kind)
