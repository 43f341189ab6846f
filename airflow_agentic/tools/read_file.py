"""A path → the file's lines with their numbers, edits of this investigation included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_agentic.edit_buffer import EditBuffer
from airflow_agentic.ports import Effect
from airflow_agentic.tools.arguments import number_argument, object_schema, text_argument

LINES = 400
LINE_CHARACTERS = 1_000


class ReadFileTool:
    """Read a part of a file; at most 400 lines a call."""

    name = "read_file"
    description = (
        "Read a text file of the repository, with line numbers and a tab before each line (they are not part of the "
        "file). 'first_line' counts from 1; at most 400 lines are returned. Your own edits are already in it."
    )
    effect = Effect.READ
    input_schema: Mapping[str, Any] = object_schema(
        {"path": {"type": "string"}, "first_line": {"type": "integer"}}, required=("path", "first_line")
    )

    def __init__(self, buffer: EditBuffer) -> None:
        self._buffer = buffer

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return numbered lines. :raises ToolRefused: it is no readable file of the repository."""
        path = text_argument(arguments, "path", limit=500)
        first = number_argument(arguments, "first_line", 1, low=1, high=1_000_000)
        lines = self._buffer.text(path).split("\n")
        if first > len(lines):
            return f"{path!r} has {len(lines)} lines."
        part = lines[first - 1 : first - 1 + LINES]
        shown = [f"{number}\t{line[:LINE_CHARACTERS]}" for number, line in enumerate(part, start=first)]
        rest = len(lines) - (first - 1 + len(part))
        return "\n".join([*shown, *([f"({rest} more lines)"] if rest else [])])
