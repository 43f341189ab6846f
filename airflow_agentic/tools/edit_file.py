"""One exact replacement in one file, in memory: the only thing that a model can change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_agentic.edit_buffer import EditBuffer
from airflow_agentic.ports import Effect
from airflow_agentic.tools.arguments import object_schema, text_argument

TEXT_CHARACTERS = 60_000


class EditFileTool:
    """Replace an exact text that stands once."""

    name = "edit_file"
    description = (
        "Replace one exact text of a file by another. 'old' must stand exactly once in the file, white space included "
        "and without line numbers; empty 'old' creates a new file. The edit is kept in memory, proved in a staging "
        "workspace and reviewed by a person; protected paths are refused."
    )
    effect = Effect.WORKSPACE
    input_schema: Mapping[str, Any] = object_schema(
        {"path": {"type": "string"}, "old": {"type": "string"}, "new": {"type": "string"}},
        required=("path", "old", "new"),
    )

    def __init__(self, buffer: EditBuffer) -> None:
        self._buffer = buffer

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Do it and say so. :raises ToolRefused: see `EditBuffer.replace`."""
        path = text_argument(arguments, "path", limit=500)
        old = text_argument(arguments, "old", limit=TEXT_CHARACTERS)
        new = text_argument(arguments, "new", limit=TEXT_CHARACTERS)
        clean = self._buffer.replace(path, old, new)
        return f"Done: {clean} now holds the new text."
