"""What the loop tells of a request, reply or tool call → the short facts that a ledger line holds.

The whole body does not belong into a line: it is long, and holds a customer's code. The line cites it by its digest;
whether the body is kept beside the chain is a setting.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

INPUT_CHARACTERS = 500


def exchange_facts(kind: str, payload: Mapping[str, Any], body: str) -> dict[str, str]:
    """Return the facts of one ``request``, ``reply`` or ``tool`` as `ToolLoop` records them.

    :param body: what `Ledger.attach` said of the payload.
    """
    if kind == "tool":
        return {
            "tool": str(payload["name"]),
            "input": json.dumps(payload["input"], sort_keys=True, default=str)[:INPUT_CHARACTERS],
            "refused": "yes" if payload["refused"] else "no",
            "characters": str(len(payload["output"])),
            "body": body,
        }
    facts = {"characters": str(len(json.dumps(payload, default=str))), "body": body}
    if kind == "request":
        tools = " ".join(str(tool["name"]) for tool in payload.get("tools") or ())
        return {"model": str(payload["model"]), "messages": str(len(payload["messages"])), "tools": tools, **facts}
    usage = payload.get("usage") or {}
    called = " ".join(str(b.get("name")) for b in payload.get("content") or () if b.get("type") == "tool_use")
    counted = {name: str(value) for name, value in usage.items() if isinstance(value, int) and value}
    return {"stop_reason": str(payload.get("stop_reason")), "calls": called, **counted, **facts}
