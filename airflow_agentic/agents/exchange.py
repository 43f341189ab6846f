"""What the loop tells of a request, reply or tool call → the short facts that a ledger line holds.

The whole body does not belong into a ledger: it is long, and holds a customer's code. Its digest does, so that a body
that was kept elsewhere (``airflow agentic eval`` keeps all) can be shown to be the one that was sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

INPUT_CHARACTERS = 500


def exchange_facts(kind: str, payload: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts of one ``request``, ``reply`` or ``tool`` as `ToolLoop` records them."""
    if kind == "tool":
        return {
            "tool": str(payload["name"]),
            "input": json.dumps(payload["input"], sort_keys=True, default=str)[:INPUT_CHARACTERS],
            "refused": "yes" if payload["refused"] else "no",
            "characters": str(payload["characters"]),
        }
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), default=str)
    facts = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "characters": str(len(text))}
    if kind == "request":
        tools = " ".join(str(tool["name"]) for tool in payload.get("tools") or ())
        return {"model": str(payload["model"]), "messages": str(len(payload["messages"])), "tools": tools, **facts}
    usage = payload.get("usage") or {}
    called = " ".join(str(b.get("name")) for b in payload.get("content") or () if b.get("type") == "tool_use")
    counted = {name: str(value) for name, value in usage.items() if isinstance(value, int) and value}
    return {"stop_reason": str(payload.get("stop_reason")), "calls": called, **counted, **facts}
