"""A commit and a path → what lies there, through GitHub's trees and blobs. No clone."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from airflow_agentic.errors import ForgeError

BAD_MODES = ("120000", "160000")
"""Links and submodules: neither read nor written."""


class GithubTrees:
    """Reads one repository's commits.

    :param repo: returns PyGithub's repository.
    """

    def __init__(self, repo: Callable[[], Any]) -> None:
        self._repo = repo

    def entry(self, commit: str, path: str) -> tuple[str | None, str | None]:
        """Return mode and blob of a path, folder by folder: a recursive listing is cut short in a big repository."""
        tree = self._repo().get_git_tree(commit)
        *folders, name = path.split("/")
        for folder in folders:
            below = next((item for item in tree.tree if item.path == folder and item.type == "tree"), None)
            if below is None:
                return None, None
            tree = self._repo().get_git_tree(below.sha)
        found = next((item for item in tree.tree if item.path == name), None)
        return (found.mode, found.sha) if found else (None, None)

    def text(self, commit: str, path: str) -> str | None:
        """Return a file's text, None if there is none. :raises ForgeError: it is a link, a submodule or no text."""
        mode, blob = self.entry(commit, path)
        if blob is None:
            return None
        if mode in BAD_MODES:
            raise ForgeError(f"Reading {path!r} was refused: it is a link or a submodule on the base branch.")
        try:
            return base64.b64decode(self._repo().get_git_blob(blob).content).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ForgeError(f"Reading {path!r} failed: it is no text in UTF-8.") from error

    def readable(self, commit: str, path: str) -> str | None:
        """Return a file's text; None for what is no text."""
        try:
            return self.text(commit, path)
        except ForgeError:
            return None
