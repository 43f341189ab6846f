"""Open pull requests of people at GitHub: which one already mends what ours would, and a word left there."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from airflow_agentic.changes import holds
from airflow_agentic.ports import Rival
from airflow_agentic.records import ChangeSet

PULLS_READ = 50
FILES_READ = 300
OURS = "agentic/"


def find_rival(repo: Any, base: str, change: ChangeSet, text_at: Callable[[str, str], str | None]) -> Rival | None:
    """Return the newest open pull request of a person that brings all of *change*.

    :param text_at: commit and path → the file's text there.
    """
    paths = {edit.path for edit in change.edits}
    for pull in islice(repo.get_pulls(state="open", base=base, sort="created", direction="desc"), PULLS_READ):
        if pull.head.ref.startswith(OURS):
            continue
        names = {file.filename for file in islice(repo.compare(base, pull.head.sha).files, FILES_READ)}
        if paths <= names and all(holds(text_at(pull.head.sha, edit.path), edit) for edit in change.edits):
            return Rival(name=str(pull.number), url=pull.html_url)
    return None


def say_once(repo: Any, number: int, text: str, mark: str) -> Any:
    """Comment on a pull request unless a comment with *mark* stands there; return the pull request."""
    pull = repo.get_pull(number)
    if not any(mark in (comment.body or "") for comment in pull.get_issue_comments()):
        pull.create_issue_comment(f"{text}\n{mark}\n")
    return pull
