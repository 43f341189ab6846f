"""The text of a configuration file, or what a commit changed in it → the keys that it has, or gave another name.

INI, properties, TOML, YAML and JSON, read line by line: which section a key belongs to is not told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_EXTENSIONS = (".ini", ".cfg", ".conf", ".properties", ".toml", ".yaml", ".yml", ".json")
_PAIR = re.compile(r"^(?P<before>[\s{,-]*)(?P<mark>[\"']?)(?P<key>[A-Za-z_][\w.-]*)(?P=mark)\s*[:=]\s*(?P<value>.*)$")
Hunk = tuple[int, list[str], list[str]]


def is_config(path: str) -> bool:
    """Say whether a file is one of keys and values, by its name."""
    return path.lower().endswith(_EXTENSIONS)


def keys_of(text: str) -> set[str]:
    """Return every key that the text has, of whatever section."""
    return {match["key"] for row in text.splitlines() if (match := _PAIR.match(row))}


def key_swaps(hunks: Iterable[Hunk]) -> Iterator[tuple[str, str]]:
    """Yield the keys that were given another name while their value stayed, as they were and as they are."""
    for _, new_lines, old_lines in hunks:
        for was, now in zip(old_lines, new_lines, strict=False) if len(old_lines) == len(new_lines) else ():
            old, new = _PAIR.match(was), _PAIR.match(now)
            if old and new and old["key"] != new["key"] and _value(old) == _value(new):
                yield old["key"], new["key"]


def with_key(text: str, old: str, new: str) -> str:
    """Return the text with every key *old* called *new*."""
    rows = text.splitlines(keepends=True)
    for at, row in enumerate(rows):
        match = _PAIR.match(row.rstrip("\r\n"))
        if match and match["key"] == old:
            rows[at] = f"{row[: match.start('key')]}{new}{row[match.end('key') :]}"
    return "".join(rows)


def _value(match: re.Match[str]) -> str:
    return match["value"].strip().rstrip(",").rstrip()
