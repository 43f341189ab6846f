"""A piece of text → the lines of the repository that hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from airflow_agentic.edit_buffer import EditBuffer
from airflow_agentic.errors import ToolRefused
from airflow_agentic.ports import Effect
from airflow_agentic.tools.arguments import object_schema, text_argument

SHOWN = 80
LINE_CHARACTERS = 240
FILES = 5_000


class SearchCodeTool:
    """Search for a literal text. No patterns: a model's regular expression could hold a worker for hours."""

    name = "search_code"
    description = (
        "Search the repository's text files for a literal text (no regular expression, case does not matter). "
        "'pattern' narrows to files by a glob over the relative path; '*' for all. "
        "Returns at most 80 lines as path:line: text."
    )
    effect = Effect.READ
    input_schema: Mapping[str, Any] = object_schema(
        {"text": {"type": "string"}, "pattern": {"type": "string"}}, required=("text", "pattern")
    )

    def __init__(self, buffer: EditBuffer) -> None:
        self._buffer = buffer

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return the lines found. :raises ToolRefused: there is nothing to look for."""
        wanted = text_argument(arguments, "text", limit=300)
        pattern = text_argument(arguments, "pattern", "*", limit=300)
        if not wanted.strip():
            raise ToolRefused("The argument 'text' is empty. Search for a name, a column or a part of the message.")
        shown: list[str] = []
        for hit in self._hits(wanted.lower(), pattern):
            if len(shown) == SHOWN:
                return "\n".join([*shown, "(more lines match; use a longer text or a narrower pattern)"])
            shown.append(hit)
        return "\n".join(shown) or f"{wanted!r} stands in no text file that matches {pattern!r}."

    def _hits(self, wanted: str, pattern: str) -> Iterator[str]:
        for path in [path for path in self._buffer.paths() if fnmatchcase(path, pattern)][:FILES]:
            for number, line in enumerate(self._text(path).split("\n"), start=1):
                if wanted in line.lower():
                    yield f"{path}:{number}: {line.strip()[:LINE_CHARACTERS]}"

    def _text(self, path: str) -> str:
        """Return nothing for what is binary or too large: such files are not searched."""
        try:
            return self._buffer.text(path)
        except ToolRefused:
            return ""
