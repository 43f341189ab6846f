"""A glob → the repository's file names, so that a model finds its way."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from airflow_agentic.edit_buffer import EditBuffer
from airflow_agentic.ports import Effect
from airflow_agentic.tools.arguments import object_schema, text_argument

SHOWN = 400


class ListFilesTool:
    """List files; at most 400 names."""

    name = "list_files"
    description = (
        "List the repository's files. 'pattern' is a glob over the whole relative path, where * also matches /: "
        "'*' for all, 'dags/*', '*.sql'. At most 400 names are returned."
    )
    effect = Effect.READ
    input_schema: Mapping[str, Any] = object_schema({"pattern": {"type": "string"}}, required=("pattern",))

    def __init__(self, buffer: EditBuffer) -> None:
        self._buffer = buffer

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return the names, one a line."""
        pattern = text_argument(arguments, "pattern", limit=300)
        found = [path for path in self._buffer.paths() if fnmatchcase(path, pattern)]
        more = [f"({len(found) - SHOWN} more; use a narrower pattern)"] if len(found) > SHOWN else []
        return "\n".join([*found[:SHOWN], *more]) or f"No file matches {pattern!r}."
