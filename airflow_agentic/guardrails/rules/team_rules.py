"""DENY a change of what the team's own rule files protect; ASK where such a file cannot be read.

What they say comes from the dossier, which our code has written, and not from the proposal: no agent can leave it out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from pathspec import GitIgnoreSpec

from airflow_agentic.records import Decision, FileEdit, Finding, Proof, Proposal, TeamRule


class TeamRulesRule:
    """Hold ``protect`` and ``no_fix`` of rule files that speak of the failure, or of a file that is changed.

    :param rules: `Dossier.team_rules`.
    """

    name = "team_rules"

    def __init__(self, rules: Iterable[TeamRule] = ()) -> None:
        self._rules = tuple(rules)

    def check(self, proposal: Proposal, proof: Proof) -> Iterator[Finding]:
        """Return one finding for each edit that a rule forbids."""
        edits = proposal.change.edits if proposal.change else ()
        for rule in self._rules if edits else ():
            if not rule.matched and not any(_fits(rule.paths, edit.path) for edit in edits):
                continue
            if rule.fault:
                said = f"The team's rule {rule.path!r} cannot be read (line {rule.fault}); a person has to decide."
                yield Finding(rule=self.name, decision=Decision.ASK, message=said, path=rule.path)
            if rule.no_fix:
                said = f"The team's rule {rule.path!r} wants nothing changed by an agent here."
                yield Finding(rule=self.name, decision=Decision.DENY, message=said, path=rule.path)
            for edit in edits:
                for entry in rule.protect:
                    if _touches(entry, edit):
                        said = f"{edit.path!r} is protected as {entry!r} by {rule.path!r}; a person has to change it."
                        yield Finding(rule=self.name, decision=Decision.DENY, message=said, path=edit.path)


def _touches(entry: str, edit: FileEdit) -> bool:
    glob, _, symbol = entry.partition(":")
    if not _fits((glob,), edit.path):
        return False
    if not symbol:
        return True
    before, after = _source(edit.before, symbol), _source(edit.after, symbol)
    return before is None or before != after


def _fits(globs: Iterable[str], path: str) -> bool:
    """Without regard to case, because some file systems do not have it."""
    return GitIgnoreSpec.from_lines([glob.casefold() for glob in globs]).match_file(path.casefold())


def _source(text: str | None, symbol: str) -> str | None:
    """Return a function's, class's or constant's syntax tree as text; None where it is not to be found for certain."""
    try:
        tree: ast.AST = ast.parse(text or "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for name in symbol.split("."):
        found = [node for node in ast.iter_child_nodes(tree) if name in _names(node)]
        if len(found) != 1:
            return None
        tree = found[0]
    return ast.dump(tree)


def _names(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return (node.name,)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return tuple(target.id for target in targets if isinstance(target, ast.Name))
