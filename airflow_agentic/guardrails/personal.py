"""Text of strangers → the same text without personal data and values of rows, but for columns that the policy names.

Runs behind the redactor of secrets, where text of logs, errors and runs enters a dossier, a tool's answer or a proof.
Code and its history are not touched: an edit must find the very lines that it replaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from airflow_agentic.ports import Effect, Redactor, Tool
from airflow_agentic.redaction.mask import PersonalMask


class PersonalRedactor:
    """The port `Redactor`: what *secrets* takes out, and what tells of a person.

    :param shown_columns: globs such as ``raw.orders.status``; ``*`` alone lets everything through. A message that
        names no table shows a column only to a glob for every table (``*.status``).
    """

    def __init__(self, secrets: Redactor, *, shown_columns: tuple[str, ...] = ()) -> None:
        self._secrets = secrets
        self._globs = tuple(glob.lower() for glob in shown_columns)
        self._mask = None if {"*", "*.*"} & set(self._globs) else PersonalMask(self._may_be_shown)

    def redact(self, text: str) -> str:
        """Return *text* with typed placeholders such as ``<email:1>``; a second pass alters nothing."""
        clean = self._secrets.redact(text)
        return self._mask.mask(clean) if self._mask else clean

    def _may_be_shown(self, column: str, text: str) -> bool:
        for glob in self._globs:
            table, _, wanted = glob.rpartition(".")
            if fnmatchcase(column.lower(), wanted) and (table.strip("*.") == "" or _names(text, table)):
                return True
        return False


class MaskedTool:
    """A tool whose answer strangers wrote."""

    def __init__(self, tool: Tool, redactor: Redactor) -> None:
        self.name: str = tool.name
        self.description: str = tool.description
        self.input_schema: Mapping[str, Any] = tool.input_schema
        self.effect: Effect = tool.effect
        self._tool, self._redactor = tool, redactor

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return its answer, masked. :raises ToolRefused: as the tool itself."""
        return self._redactor.redact(self._tool.run(arguments))


def _names(text: str, table: str) -> bool:
    """Say whether the text names the table: its last word, as a word or the beginning of a constraint's name."""
    name = table.rsplit(".", 1)[-1]
    return any(
        fnmatchcase(word, name) or word.startswith(f"{name}_") for word in re.findall(r"\w{1,100}", text.lower())
    )
