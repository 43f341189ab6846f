"""What the tools that ask the lineage share: names in, one reading of the lineage, lines of text out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from airflow_agentic.errors import SourceUnavailable, StoreError, ToolRefused
from airflow_agentic.ports import Effect, LineageReader
from airflow_agentic.tools.arguments import object_schema, text_argument

_LIMITS = {"name": 500, "column": 250, "partition_key": 250}


def asks(*names: str) -> Mapping[str, Any]:
    """Return the input schema of a question with these arguments, all of them texts and needed."""
    return object_schema({name: {"type": "string"} for name in names}, required=names)


class LineageTool(ABC):
    """One question to the lineage; what is asked for stands in `answer`.

    :param reading: opens one reading of the lineage.
    """

    effect = Effect.READ
    input_schema: Mapping[str, Any] = asks("name")

    def __init__(self, reading: Callable[[], AbstractContextManager[LineageReader]]) -> None:
        self._reading = reading

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return the answer as lines. :raises ToolRefused: nothing of that name is known, or nothing answers."""
        given = {name: text_argument(arguments, name, limit=_LIMITS[name]) for name in self.input_schema["required"]}
        try:
            with self._reading() as reader:
                return self.answer(reader, given)
        except (SourceUnavailable, StoreError) as error:
            raise ToolRefused(str(error)) from error

    @abstractmethod
    def answer(self, reader: LineageReader, given: Mapping[str, str]) -> str:
        """Return what the lineage tells of *given*: the arguments that `input_schema` asks for."""
