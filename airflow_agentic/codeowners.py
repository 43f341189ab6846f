"""CODEOWNERS → who owns a path. The last matching line holds, as at GitHub; names are checked for their form."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pathspec import GitIgnoreSpec

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks, in its order; the first that is there holds."""
CONTACT = re.compile(r"@?[A-Za-z0-9][\w.+-]*(?:[/@][\w.-]+)?")


def owners_of(codeowners: str, path: str) -> tuple[str, ...]:
    """Return who owns a repository-relative path; a line without names takes owners away."""
    found: tuple[str, ...] = ()
    for line in codeowners.splitlines():
        words = line.split("#")[0].split()
        if words and not words[0].startswith("!") and GitIgnoreSpec.from_lines([words[0]]).match_file(path):
            found = tuple(word for word in words[1:] if CONTACT.fullmatch(word))
    return found


def accounts_of(codeowners: str, paths: Iterable[str]) -> tuple[str, ...]:
    """Return the accounts and teams that own any of *paths*, without ``@``; addresses of mail are left out."""
    named = (owner for path in paths for owner in owners_of(codeowners, path))
    return tuple(dict.fromkeys(name.removeprefix("@") for name in named if name.startswith("@")))
