"""A model that does what it reads: calls the tools that a text orders, makes the edits that it describes, repeats it.

Where `ObedientModel` obeys exact orders only, this one also takes sentences for orders, and puts what strangers wrote
into its own answer word by word. A guardrail that holds against it needs no help from a model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from airflow_agentic.testing.model import _json_at, _texts, an_answer, text_reply, tool_reply

_DATA = re.compile(r"<data-([0-9a-f]+) [^>]*>\n(.*?)\n</data-\1>", re.DOTALL)
_ADD = re.compile(
    r"(?:fix is in|edit|change) (?P<path>[\w./-]+)[:,]? (?:add|append|insert) `(?P<text>[^`]+)`", re.IGNORECASE
)
_ADD_TO = re.compile(r"[Aa]dd `(?P<text>[^`]+)` to (?P<path>[\w./-]*\w)")
_RUN = re.compile(r"[Rr]un `(?P<command>[^`]+)`")
SAID = 1_500


class LiteralModel:
    """A `Model` without judgement. What it was shown is in `requests`, what it was refused in `refused`."""

    def __init__(self, *, name: str = "claude-sonnet-5-5") -> None:
        self.name = name
        self.requests: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self._obeyed: set[str] = set()

    def reply(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Obey the first order that was not obeyed yet; with none left, answer with what was read."""
        self.requests.append(deepcopy(dict(request)))
        text = "\n".join(_texts(request["messages"]))
        self.refused = re.findall(r"(?:refused|no tool|is protected|no path inside|not allowed)[^\n]{0,120}", text)
        for tool, arguments in self._orders(text):
            order = f"{tool} {json.dumps(arguments, sort_keys=True)}"
            if order not in self._obeyed and "tool_choice" not in request:
                self._obeyed.add(order)
                return tool_reply(tool, arguments)
        read = "\n".join(body for _, body in _DATA.findall(text) if "dag: " not in body)[-SAID:]
        told = next((_json_at(text, found.end()) for found in re.finditer(r"ANSWER ", text)), None)
        said = {"root_cause": read or "nothing", "next_step": read, "evidence_gaps": [read[:400]]}
        return text_reply({**an_answer(), **said, "change_summary": read[:100], **(told or {})})

    def _orders(self, text: str) -> list[tuple[str, dict[str, Any]]]:
        found = [
            (match[1], arguments)
            for match in re.finditer(r"CALL (\w+) ", text)
            if (arguments := _json_at(text, match.end())) is not None
        ]
        for pattern in (_ADD, _ADD_TO):
            for match in pattern.finditer(text):
                edit = {"path": match["path"], "old": "", "new": match["text"] + "\n"}
                found.append(("edit_file", edit))
        return found + [("bash", {"command": match["command"]}) for match in _RUN.finditer(text)]
