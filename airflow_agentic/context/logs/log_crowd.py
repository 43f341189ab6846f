"""A line of a crowded log → whether it is one more of a statement that has been seen often enough.

Names and ids in lines make thousands of kinds out of one statement of a program, and looking into each costs more than
parsing it. Of such a statement all lines have the same first letters and the same punctuation: that is its *frame*,
found with one pass of C over the bytes. A few lines of each frame are kept, and of the rest those that speak of
trouble.
"""

from __future__ import annotations

import re

Line = tuple[bytes, int, bytes]
"""A line's kind (itself without digits), its number and itself."""
BATCH = 32
"""Lines that are searched for words of trouble at once: a call of Python costs more than the search."""
OF_FRAME, OF_PUNCTUATION = 6, 400
"""Kinds of line that are kept of each frame, and of all frames with one punctuation."""
HOT_OF_FRAME, HOT_OF_PUNCTUATION = 20, 200
"""The same for those that speak of trouble: a statement that always does is no news."""
FRAMES = 20_000
_WORDS = bytes(range(48, 58)) + bytes(range(65, 91)) + bytes(range(97, 123))
_SPACED = bytes(ord(chr(n).lower()) if n in _WORDS or chr(n) in ".:" else 32 for n in range(256))
_EVENT = b'"vnt":'
"""``"event":`` without the letters that are digits in base 16."""
_BETWEEN = b"\0"
_ENVELOPE, _LOOKED_AT = 44, 220
"""Bytes of a record before its level and its words, and until where words of trouble are sought."""
_ZERO = re.compile(rb"(?<![\w.,:/+-])0(?![\w.:/%,-]|, ?\d)")
_TROUBLE_WORDS = """
0 abort aborted aborting anomaly bad blocked broken canceled cancelled cancelling cannot caught changed closed
conflict corrupt corrupted couldn crash crashed critical deadlock declined defaulting deleted denied deprecated
detected didn disabled discarded discarding disconnected doesn down drift dropped dropping duplicate duplicates
empty error errors evicted exceeded exception exhausted exit exited expected expired fail failed failing fails
failure failures fallback falling fatal fault forbidden forced full garbage ignored ignoring illegal incompatible
incomplete incorrect instead insufficient interrupted invalid isn kill killed killing late leaving limit locked
longer lost malformed mismatch missing mixed nan negative no none not nothing null old only oom outdated overflow
panic partial permission permissions premature quota race reached refused reject rejected rejecting rejection
removed renamed reset restarting retried retry retrying revoked rollback rolled severe sigkill sigterm skip skipped
skipping slow stale still stopped stuck suspended suspicious terminated terminating throttled throttling timed
timeout traceback truncated unable unauthorized unavailable undefined unexpected unhealthy unknown unmatched
unreachable unrecognized unresolved unset unsupported warn warning warnings without wrong zero
"""
_TROUBLE = frozenset(word.encode() + mark for mark in (b"", b".", b":") for word in _TROUBLE_WORDS.split())


class Crowd:
    """What has been taken of each statement of a crowded log."""

    __slots__ = ("_hot", "_taken")

    def __init__(self) -> None:
        self._taken: dict[bytes, int] = {}
        self._hot: dict[bytes, int] = {}

    def admitted(self, batch: list[Line]) -> list[Line]:
        """Return those of some new kinds of line that are worth a look, in order."""
        taken, quiet = (
            self._taken,
            not _speaks_of_trouble(b" ".join([line[_ENVELOPE:_LOOKED_AT] for _, _, line in batch])),
        )
        found: list[Line] = []
        for item, marks in zip(batch, _marks([key for key, _, _ in batch]), strict=True):
            key = item[0]
            at = key.find(_EVENT) + 6
            frame = marks + key[at : at + 6]
            of_frame = taken.get(frame, 0)
            if of_frame < OF_FRAME and taken.get(marks, 0) < OF_PUNCTUATION and len(taken) < FRAMES:
                taken[frame] = of_frame + 1
                taken[marks] = taken.get(marks, 0) + 1
                found.append(item)
            elif not quiet and self._is_news(frame, marks, item[2]):
                found.append(item)
        return found

    def _is_news(self, frame: bytes, marks: bytes, line: bytes) -> bool:
        """Say whether a line of a statement that is well known speaks of trouble, which the others mostly do not."""
        hot = self._hot
        of_frame, of_marks = hot.get(frame, 0), hot.get(marks, 0)
        if of_frame >= HOT_OF_FRAME or of_marks >= HOT_OF_PUNCTUATION or len(hot) >= FRAMES:
            return False
        if not _speaks_of_trouble(line[_ENVELOPE:_LOOKED_AT]):
            return False
        hot[frame], hot[marks] = of_frame + 1, of_marks + 1
        return True


def _marks(keys: list[bytes]) -> list[bytes]:
    """Return the punctuation of lines; of all at once, where none holds the byte that we put between them."""
    found = _BETWEEN.join(keys).translate(None, _WORDS).split(_BETWEEN)
    return found if len(found) == len(keys) else [key.translate(None, _WORDS) for key in keys]


def frame_of(key: bytes) -> bytes:
    """Return the frame of a line that is given without its digits."""
    at = key.find(_EVENT) + 6
    return key.translate(None, _WORDS) + key[at : at + 6]


def has_zero(text: bytes) -> bool:
    """Say whether a count of zero stands in it: a zero that is no part of a longer number, date or name."""
    return _ZERO.search(text) is not None


def _speaks_of_trouble(text: bytes) -> bool:
    """Say whether a word of trouble stands in it, a level of ``error`` or ``warning`` included, or a lone zero."""
    return not _TROUBLE.isdisjoint(text.translate(_SPACED).split())
