"""Many fixed words → where they stand in a text, in one walk that looks at every fourth place only.

A word of at least eight letters holds a stretch of five letters that begins at a multiple of four in the text,
wherever the word stands; so each word is filed under its first four such stretches. Python's alternation of
thousands of words tries them one after the other at each place, and its search for one word would be made for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_GRAM = 5
_STRIDE = 4
_SHORT_GRAM = 4
_FEW = 40
"""Words up to which each is searched for by itself."""


class ManyWords:
    """An index of words.

    :param words: of four letters or more; shorter ones are never found.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._grams: dict[str, list[tuple[int, str]]] = {}
        self._heads: dict[str, list[str]] = {}
        self._short: list[str] = []
        each = dict.fromkeys(words)
        for word in each:
            if len(each) > _FEW and len(word) >= _GRAM + _STRIDE - 1:
                for offset in range(_STRIDE):
                    self._grams.setdefault(word[offset : offset + _GRAM], []).append((offset, word))
            elif len(word) >= _SHORT_GRAM:
                self._short.append(word)
                self._heads.setdefault(word[:_SHORT_GRAM], []).append(word)

    def find(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield start and word of each occurrence, of words that overlap too; in no order."""
        grams = self._grams
        hits = [at for at in range(0, len(text), _STRIDE) if text[at : at + _GRAM] in grams] if grams else []
        for at in hits:
            for offset, word in grams[text[at : at + _GRAM]]:
                if at >= offset and text.startswith(word, at - offset):
                    yield at - offset, word
        if len(self._short) <= _FEW:
            for word in self._short:
                yield from ((at, word) for at in places(text, word))
            return
        heads = self._heads
        for at in [at for at in range(len(text)) if text[at : at + _SHORT_GRAM] in heads]:
            yield from ((at, word) for word in heads[text[at : at + _SHORT_GRAM]] if text.startswith(word, at))


def places(text: str, part: str) -> Iterator[int]:
    """Yield where *part* stands in *text*, without overlap."""
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + len(part))
