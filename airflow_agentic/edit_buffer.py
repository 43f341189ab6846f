"""A checkout + what an agent wants different in it, in memory. Nothing is ever written to disk.

Tools read and edit through it, so a model sees its own edits; the agent turns it into a `ChangeSet`. A path is a
stranger's text: it must name a regular text file inside the checkout, without a symbolic link on the way.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from pathspec import GitIgnoreSpec

from airflow_agentic.errors import ToolRefused
from airflow_agentic.records import FileEdit
from airflow_agentic.repository import files

MAX_FILE_BYTES = 400_000
_PLACEHOLDER = re.compile(r"\[secret:\d+")


class EditBuffer:
    """The texts of one checkout, with edits on top.

    :param root: absolute path of the checkout.
    :param protected: gitignore patterns of paths that may be read but not edited.
    :param max_file_bytes: larger files are neither read nor edited.
    """

    def __init__(self, root: str, *, protected: Sequence[str] = (), max_file_bytes: int = MAX_FILE_BYTES) -> None:
        self._root = root
        self._protected = tuple(protected)
        self._max_file_bytes = max_file_bytes
        self._texts: dict[str, str] = {}

    def paths(self) -> tuple[str, ...]:
        """Return the repository-relative paths of all files, new ones included, sorted."""
        return tuple(sorted({*files(self._root), *self._texts}))

    def text(self, path: str) -> str:
        """Return a file's text as it stands now.

        :raises ToolRefused: the path leaves the repository, or names no text file that is small enough.
        """
        clean = self._clean(path)
        if clean in self._texts:
            return self._texts[clean]
        before = self._on_disk(clean)
        if before is None:
            raise ToolRefused(f"There is no file {clean!r} in the repository. list_files shows what there is.")
        return before

    def original(self, path: str) -> str | None:
        """Return a file's text as checked out, None if there is none. :raises ToolRefused: as for `text`."""
        return self._on_disk(self._clean(path))

    def replace(self, path: str, old: str, new: str) -> str:
        """Replace the one place where *old* stands by *new*, and return the file's clean path.

        :param old: exact text, white space included; empty to create a file that does not exist.
        :raises ToolRefused: it is not found, found more than once, or the path may not be edited.
        """
        clean = self._editable(path)
        if _PLACEHOLDER.search(new):
            raise ToolRefused("The new text holds a placeholder of a redacted secret. Edit around that line.")
        text = new if not old else self._replaced(clean, old, new)
        if not old and (clean in self._texts or self._on_disk(clean) is not None):
            raise ToolRefused(f"{clean!r} exists. Give the exact text to replace as 'old'; empty is for new files.")
        if len(text.encode()) > self._max_file_bytes:
            raise ToolRefused(f"{clean!r} would be larger than {self._max_file_bytes} bytes.")
        self._texts[clean] = text
        return clean

    def edits(self) -> tuple[FileEdit, ...]:
        """Return every file that differs from the checkout, by path."""
        found = []
        for path, after in sorted(self._texts.items()):
            before = self._on_disk(path)
            if before != after:
                found.append(FileEdit(path=path, before=before, after=after))
        return tuple(found)

    def _replaced(self, clean: str, old: str, new: str) -> str:
        text = self.text(clean)
        times = text.count(old)
        if times != 1:
            raise ToolRefused(
                f"The old text stands {times} times in {clean!r}; it must stand exactly once. "
                "Copy it from read_file without the line numbers, with enough lines around it."
            )
        return text.replace(old, new, 1)

    def _editable(self, path: str) -> str:
        clean = self._clean(path)
        if GitIgnoreSpec.from_lines(self._protected).match_file(clean):
            raise ToolRefused(
                f"{clean!r} is protected and cannot be changed. Name in next_step what a person should do."
            )
        return clean

    def _clean(self, path: str) -> str:
        """Return *path* in its one spelling, or refuse: absolute, upwards, through a link, or into ``.git``."""
        parts = path.split("/")
        if not path or path.startswith(("/", "~")) or "\\" in path or any(ord(char) < 32 for char in path):
            raise ToolRefused(f"{path!r} is no path inside the repository. Use a relative path with forward slashes.")
        parts = [part for part in parts if part not in ("", ".")]
        if not parts or ".." in parts or any(part.lower().rstrip(". ") == ".git" for part in parts):
            raise ToolRefused(f"{path!r} is no path inside the repository. '..' and '.git' are not allowed.")
        place = self._root
        for part in parts:
            place = os.path.join(place, part)
            if os.path.islink(place):
                raise ToolRefused(f"{path!r} goes through a symbolic link and is not followed.")
        return "/".join(parts)

    def _on_disk(self, clean: str) -> str | None:
        full = os.path.join(self._root, clean)
        if os.path.isdir(full):
            raise ToolRefused(f"{clean!r} is a folder. list_files shows what is in it.")
        if not os.path.isfile(full):
            if os.path.lexists(full):
                raise ToolRefused(f"{clean!r} is no regular file.")
            return None
        try:
            with open(full, "rb") as file:
                raw = file.read(self._max_file_bytes + 1)
        except OSError as error:
            raise ToolRefused(f"{clean!r} cannot be read: {error.strerror}.") from error
        if len(raw) > self._max_file_bytes:
            raise ToolRefused(f"{clean!r} is larger than {self._max_file_bytes} bytes..")
        if b"\0" in raw:
            raise ToolRefused(f"{clean!r} is no text file.")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ToolRefused(f"{clean!r} is not UTF-8 text.") from error
