"""DENY a change of a path that only people may touch, and of one that is not plainly in the repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pathspec import GitIgnoreSpec

from airflow_agentic.records import Decision, Finding, Proof, Proposal

_RUN_UNASKED = ("sitecustomize.py", "usercustomize.py")
"""Python runs these, and ``*.pth``, in every process, whether or not anything imports them."""


class ProtectedPathsRule:
    """Hold protected paths shut, in any spelling.

    :param globs: gitignore patterns; compared without regard to case, because some file systems do not have it.
    """

    name = "protected_paths"

    def __init__(self, globs: Iterable[str]) -> None:
        self._globs = tuple(globs)
        self._spec = GitIgnoreSpec.from_lines([glob.casefold() for glob in self._globs])

    def check(self, proposal: Proposal, proof: Proof) -> Iterator[Finding]:
        """Return a DENY for each protected or odd path."""
        for edit in proposal.change.edits if proposal.change else ():
            why = _odd(edit.path)
            if why is None and self._spec.match_file(edit.path.casefold()):
                why = f"is protected by {', '.join(self._matching(edit.path))}"
            if why:
                message = f"{edit.path!r} {why}; a person has to change it."
                yield Finding(rule=self.name, decision=Decision.DENY, message=message, path=edit.path)

    def _matching(self, path: str) -> tuple[str, ...]:
        hits = (g for g in self._globs if GitIgnoreSpec.from_lines([g.casefold()]).match_file(path.casefold()))
        return tuple(repr(glob) for glob in hits)


def _odd(path: str) -> str | None:
    parts = path.split("/")
    if not path.isprintable() or "\\" in path or ":" in path or path.startswith("~"):
        return "is no plain repository-relative path"
    if any(part in ("", ".", "..") for part in parts):
        return "is not a normal path"
    if any(part.casefold().rstrip(". ") in (".git", "git~1") for part in parts):
        return "lies in a git folder"
    if parts[-1].casefold() in _RUN_UNASKED or parts[-1].casefold().endswith(".pth"):
        return "is run by Python unasked"
    return None
