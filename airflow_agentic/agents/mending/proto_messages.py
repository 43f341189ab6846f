"""The repository's ``.proto`` files → what proto3 JSON leaves out where it is the default, and which default that is.

Proto3 has no value that is not there: a field without presence that is left out has its type's default. Fields with
presence (``optional``, of a ``oneof``, messages) have none.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.bench import Bench

MAX_FILES = 40
_COMMENT = re.compile(r"//[^\n]*|/\*[\s\S]*?\*/")
_BLOCK = re.compile(r"\b(?P<kind>message|enum|oneof)\s+(?P<name>\w+)\s*\{(?P<body>[^{}]*)\}")
_FIELD = re.compile(
    r"(?:^|[;{}])\s*(?P<label>optional\s+|repeated\s+)?(?P<type>map\s*<[^>]*>|[\w.]+)\s+(?P<name>\w+)\s*=\s*\d+\s*"
    r"(?:\[(?P<options>[^\]]*)\])?(?=\s*;)"
)
_WHOLE = {f"{sign}{kind}{bits}" for sign in ("", "u", "s") for kind in ("int",) for bits in (32, 64)} | {
    f"{sign}fixed{bits}" for sign in ("", "s") for bits in (32, 64)
}
Message = dict[str, str]
"""JSON name of each field → its default as JSON text; empty for a field that has none."""


def proto_messages(bench: Bench) -> list[Message]:
    """Return the messages of the repository's proto3 files, each field under its name in the file and in lowerCamel."""
    found: list[Message] = []
    for path in [p for p in bench.all_files() if p.endswith(".proto")][:MAX_FILES]:
        text = _COMMENT.sub("", bench.text(path) or "")
        if re.search(r"syntax\s*=\s*[\"']proto3[\"']", text):
            found += _messages(text)
    return found


def _messages(text: str) -> list[Message]:
    enums: dict[str, str] = {}
    bodies: list[str] = []
    while (block := _BLOCK.search(text)) is not None:
        inner = ""
        if block["kind"] == "enum":
            zero = re.search(r"(\w+)\s*=\s*0\b", block["body"])
            enums[block["name"]] = f'"{zero[1]}"' if zero else ""
        elif block["kind"] == "oneof":
            inner = re.sub(r"([\w.]+\s+\w+\s*=)", r"optional \1", block["body"])
        else:
            bodies.append(block["body"])
        text = text[: block.start()] + inner + text[block.end() :]
    return [_fields(body, enums) for body in bodies]


def _fields(body: str, enums: dict[str, str]) -> Message:
    made: Message = {}
    for field in _FIELD.finditer(";" + body):
        label, kind = (field["label"] or "").strip(), field["type"]
        default = "" if label == "optional" else "[]" if label else _default(kind, enums)
        said = re.search(r"json_name\s*=\s*[\"'](\w+)[\"']", field["options"] or "")
        camel = re.sub(r"_(\w)", lambda m: m[1].upper(), field["name"])
        made.update(dict.fromkeys((field["name"], said[1] if said else camel), default))
    return made


def _default(kind: str, enums: dict[str, str]) -> str:
    if kind.startswith("map"):
        return "{}"
    if kind in _WHOLE or kind in {"float", "double"}:
        return "0"
    known = {"bool": "false", "string": '""', "bytes": '""'}
    return known.get(kind, enums.get(kind.rsplit(".", 1)[-1], ""))
