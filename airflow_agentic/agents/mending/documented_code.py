"""Words of a closed set come as codes (or codes as words), and a table of the repository's documents says which is which.

Shapes hold no values, so certain means: one pair of columns of one document reads one to one, the good day's field fits
the one column and the failing day's the other, by pattern, number and size; the code of the repository writes words of
the first and none that only the second has; and where the error names a value, it stands in the second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.conversions import Conversion
from airflow_agentic.agents.mending.document_tables import Table, document_tables
from airflow_agentic.records import FieldShape
from airflow_agentic.shapes import pattern

MAX_WORDS = 60
_LEAST = 2
"""Rows that a table must have, and words that the code must write."""
_WORD = re.compile(r"[\w .+/-]{1,40}")
_NAMED = re.compile(
    r"KeyError: ['\"]?(?P<key>[^'\"\n]{1,40}?)['\"]?$|['\"]?(?P<enum>[\w .+/-]{1,40}?)['\"]? is not a valid \w+"
)
_Pairs = dict[str, str]
_TEXT = '''
def {name}(value):
    """Return the known word for a code, as PATH says."""
    words = {WORDS}
    return words.get(value, value)
'''


def documented_code(bench: Bench, old: FieldShape, new: FieldShape, *, text_only: bool) -> Conversion | None:
    """Return the look-up that gives a field the words of before, or None where no document tells them."""
    if not _may_differ(old, new):
        return None
    found: dict[tuple[tuple[str, str], ...], str] = {}
    for path in (p for p in bench.all_files() if re.fullmatch(r"[\w./ -]+", p)):
        for table in document_tables(bench, path):
            for pairs in _pairs(table):
                if _fits(new, pairs) and _fits(old, pairs.values()) and _is_of_code(bench, pairs):
                    found.setdefault(tuple(sorted(pairs.items())), path)
    if len(found) != 1:
        return None
    (pairs_, path) = next(iter(found.items()))
    listed = ", ".join(f"{_written(a, new, text_only)}: {_written(b, old, text_only)}" for a, b in pairs_)
    text = _TEXT.replace("WORDS", listed).replace("PATH", path)
    return Conversion(form="{call}({value})", wanted="known_word", text=text, words=f"a code that `{path}` explains")


def _may_differ(old: FieldShape, new: FieldShape) -> bool:
    """Say whether both days have a closed set of words or whole numbers, and not the same writing."""
    kinds = {("string",), ("integer",)}
    few = all(f.distinct and f.distinct <= MAX_WORDS and f.distinct * 2 <= f.present for f in (old, new))
    return old.types in kinds and new.types in kinds and few and (old.types, old.formats) != (new.types, new.formats)


def _pairs(table: Table) -> Iterator[_Pairs]:
    """Yield what two columns say of each other, one to one, header and empty cells left out."""
    width = max(map(len, table), default=0)
    for a in range(min(width, 8)):
        for b in (b for b in range(min(width, 8)) if b != a):
            rows = [(row[a], row[b]) for row in table[1:] if max(a, b) < len(row) and row[a] and row[b]]
            said = dict(rows)
            sure = _LEAST <= len(said) == len(set(rows)) == len(set(said.values())) <= MAX_WORDS
            if sure and all(_WORD.fullmatch(word) for pair in rows for word in pair):
                yield said


def _fits(field: FieldShape, words: object) -> bool:
    listed = list(words)  # type: ignore[call-overload]
    if (field.distinct or 0) > len(listed):
        return False
    if field.types == ("integer",):
        numbers = [int(word) for word in listed if re.fullmatch(r"0|-?[1-9]\d{0,12}", word)]
        return len(numbers) == len(listed) and {field.low, field.high} <= set(numbers)
    return bool(field.formats) and set(field.formats) <= {pattern(word) for word in listed}


def _is_of_code(bench: Bench, pairs: _Pairs) -> bool:
    """Say whether the code writes the words of before and no new one, and the error names no other value."""
    text = "\n".join(
        bench.text(p) or ""
        for p in bench.all_files()
        if p.endswith((".py", ".sql", ".yml", ".yaml")) and bench.editable(p)
    )
    known = [word for word in pairs.values() if _is_written(text, word)]
    fresh = [code for code in pairs if code not in pairs.values() and not code.isdecimal() and _is_written(text, code)]
    named = [next(filter(None, m.groups())) for said in bench.messages if (m := _NAMED.search(said))]
    return len(known) >= _LEAST and not fresh and all(word in pairs for word in named)


def _is_written(text: str, word: str) -> bool:
    mark = r"(?<![\w.])" if word.isdecimal() else r"['\"]"
    return bool(re.search(mark + re.escape(word) + (r"(?![\w.])" if word.isdecimal() else mark), text))


def _written(word: str, field: FieldShape, text_only: bool) -> str:
    return word if field.types == ("integer",) and not text_only else f'"{word}"'
