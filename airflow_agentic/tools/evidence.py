"""A title → a piece of evidence that did not fit into the briefing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_agentic.errors import SourceUnavailable, ToolRefused
from airflow_agentic.ports import Effect
from airflow_agentic.tools.arguments import object_schema, text_argument


class EvidenceTool:
    """Read evidence that was left out.

    :param titles: what may be asked for: `Dossier.left_out`.
    :param body: title → its text.
    """

    name = "evidence"
    description = (
        "Read a piece of evidence that the briefing lists as left out, by its exact title. "
        "It has no id and cannot be cited; cite evidence of the briefing."
    )
    effect = Effect.READ
    input_schema: Mapping[str, Any] = object_schema({"title": {"type": "string"}}, required=("title",))

    def __init__(self, titles: tuple[str, ...], body: Callable[[str], str]) -> None:
        self._titles = titles
        self._body = body

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return its text. :raises ToolRefused: no evidence of that title was left out, or it cannot be read."""
        title = text_argument(arguments, "title", limit=500)
        if title not in self._titles:
            raise ToolRefused(f"No evidence {title!r} was left out. Those are: {'; '.join(self._titles) or 'none'}.")
        try:
            return self._body(title)
        except SourceUnavailable as error:
            raise ToolRefused(f"{title!r} cannot be read: {error}") from error
