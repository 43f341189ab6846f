"""A reply's tool calls → the results that the next request carries: bounded, redacted, framed as data."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow_agentic.errors import ToolRefused
from airflow_agentic.ports import Effect, Redactor, Tool

log = logging.getLogger(__name__)

RESULT_CHARACTERS = 16_000
CALLS_A_REPLY = 8
SAME_CALL = 2
Record = Callable[[str, Mapping[str, Any]], None]


class Toolbox:
    """The tools of one investigation.

    :param frame: source and text → the text, marked as data.
    :param record: told of every call and what became of it.
    """

    def __init__(
        self, tools: Sequence[Tool], *, redactor: Redactor, frame: Callable[[str, str], str], record: Record
    ) -> None:
        self._tools = {tool.name: tool for tool in tools if isinstance(tool.effect, Effect)}
        self._redactor = redactor
        self._frame = frame
        self._record = record
        self._asked: Counter[str] = Counter()

    def declarations(self) -> list[dict[str, Any]]:
        """Return the tools as a request declares them, in a stable order: they are a part of the cached prefix."""
        return [
            {"name": tool.name, "description": tool.description, "input_schema": dict(tool.input_schema)}
            for tool in self._tools.values()
        ]

    def results(self, calls: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Run the calls in order and return one ``tool_result`` each; a refusal is a result too."""
        return [self._result(call, allowed=number < CALLS_A_REPLY) for number, call in enumerate(calls)]

    def _result(self, call: Mapping[str, Any], *, allowed: bool) -> dict[str, Any]:
        name, arguments = str(call.get("name")), call.get("input")
        refused, said = True, ""
        try:
            if not allowed:
                raise ToolRefused(f"At most {CALLS_A_REPLY} calls a reply. Ask again for what you still need.")
            said = self._bounded(self._run(name, arguments))
            text, refused = self._frame(name, said), False
        except ToolRefused as error:
            said = text = self._redactor.redact(str(error))
        except Exception as error:
            log.exception("The tool %s failed", name)
            said = text = f"The tool failed ({type(error).__name__}); go on without it."
        self._record("tool", {"name": name, "input": arguments, "refused": refused, "output": said})
        result: dict[str, Any] = {"type": "tool_result", "tool_use_id": call.get("id"), "content": text}
        return {**result, "is_error": True} if refused else result

    def _run(self, name: str, arguments: object) -> str:
        tool = self._tools.get(name)
        if tool is None:
            raise ToolRefused(f"There is no tool {name!r}. Those are: {', '.join(self._tools)}.")
        if not isinstance(arguments, Mapping):
            raise ToolRefused("The arguments must be an object.")
        allowed = tool.input_schema.get("properties", {})
        unknown = sorted(set(arguments) - set(allowed))
        if unknown:
            raise ToolRefused(f"{name} has no argument {unknown[0]!r}. Those are: {', '.join(allowed)}.")
        same = json.dumps([name, arguments], sort_keys=True, default=str)
        self._asked[same] += 1
        if self._asked[same] > SAME_CALL:
            raise ToolRefused("You have made this very call twice already; its result stands above. Do something else.")
        return tool.run(arguments)

    def _bounded(self, text: str) -> str:
        """Redact before cutting: half a secret is no longer recognised as one."""
        clean = self._redactor.redact(text[: 4 * RESULT_CHARACTERS])
        if len(clean) <= RESULT_CHARACTERS and len(text) <= 4 * RESULT_CHARACTERS:
            return clean
        return f"{clean[:RESULT_CHARACTERS]}\n(cut here; ask for less)"
