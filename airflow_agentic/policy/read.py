"""A YAML file on the worker → a checked `Policy`. Whatever is unknown is refused with its line.

The file is read from the worker's own disk, not from the repository that the agent clones: every stage needs it, two
of them hold no credential for the repository, and what stops the agent must not travel by the way that the agent
writes to. A deployment that keeps it in the Dag repository points at the bundle's checkout, so it is reviewed like
code; the file's name is protected in every change of ours, wherever it lies.

YAML's anchors are refused: a file that an operator reads twice must not say something else the third time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from pydantic import ValidationError

from airflow_agentic.errors import SettingsError
from airflow_agentic.policy.policy import Policy
from airflow_agentic.policy.terms import Chain, Limits, Match, PolicyFile, Rule, Terms, Window

SETTING = "policy_file of the agentic connection or [agentic] policy_file"
_MOST_BYTES = 256_000


def read_policy(path: str) -> Policy:
    """Return the policy at *path*; the one that narrows nothing for an empty path.

    :raises SettingsError: naming line, key, what it holds and what is allowed. Nothing may go on without it.
    """
    if not path:
        return Policy()
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"Reading the policy {path!r} failed: {type(error).__name__}. "
            f"Put the file on every worker, or mend {SETTING}."
        ) from error
    return parse_policy(raw, name=path)


def parse_policy(raw: bytes, *, name: str) -> Policy:
    """Return the policy that *raw* holds. :raises SettingsError: as `read_policy`."""
    if len(raw) > _MOST_BYTES:
        raise SettingsError(f"Reading the policy {name!r} failed: it is larger than {_MOST_BYTES} bytes. Shorten it.")
    lines: dict[tuple[str | int, ...], int] = {}
    try:
        root = yaml.compose(raw.decode("utf-8"), Loader=_Loader)
        given = {} if root is None else _plain(root, (), lines)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise SettingsError(
            f"Reading the policy {name!r} failed: {' '.join(str(error).split())}. Mend that."
        ) from error
    try:
        checked = PolicyFile.model_validate(given)
    except ValidationError as error:
        faults = "; ".join(_fault(item, lines) for item in error.errors())
        raise SettingsError(
            f"Reading the policy {name!r} failed: {faults}. Nothing is triaged until it is mended."
        ) from error
    return Policy(file=checked, digest=hashlib.sha256(raw).hexdigest(), path=name)


class PolicyOnDisk:
    """The policy at a path, read again when the file has changed: a thrown switch holds within the second.

    :param path: empty: no policy.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._policy: Policy | None = None

    @property
    def path(self) -> str:
        """Where it is read from; empty: there is none."""
        return self._path

    def current(self) -> Policy:
        """Return the policy as it is now. :raises SettingsError: as `read_policy`; a file that vanished included."""
        seen = _signature(self._path)
        if self._policy is None or seen is None or seen != self._seen:
            self._policy, self._seen = read_policy(self._path), seen
        return self._policy


def _signature(path: str) -> tuple[int, int, int] | None:
    """Return what changes with the file; None for one that is not there."""
    try:
        found = os.stat(path) if path else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else (0, 0, 0)


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Safe, and without anchors and aliases."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not allowed here", event.start_mark)
        return super().compose_node(parent, index)


def _plain(node: yaml.Node, where: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> Any:
    """Return a node as data, and note on which line each key stands. :raises ValueError: a key comes twice."""
    lines[where] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                raise ValueError(f"line {key.start_mark.line + 1}: the key {name!r} comes twice")
            inner = (*where, name)
            found[name] = _plain(value, inner, lines)
            lines[inner] = key.start_mark.line + 1
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*where, position), lines) for position, item in enumerate(node.value)]
    return _SCALARS.construct_object(node)


_SCALARS = yaml.constructor.SafeConstructor()


def _fault(item: Mapping[str, Any], lines: Mapping[tuple[str | int, ...], int]) -> str:
    where = tuple(item["loc"])
    line = next((lines[where[:end]] for end in range(len(where), -1, -1) if where[:end] in lines), 1)
    field = ".".join(str(part) for part in where) or "the file"
    if item["type"] == "extra_forbidden":
        return f"line {line}: {field!r} is no key of a policy; allowed here: {', '.join(sorted(_allowed(where)))}"
    return f"line {line}: {field}: {item['msg']}, got {str(item.get('input'))[:200]!r}"


def _allowed(where: tuple[str | int, ...]) -> Iterator[str]:
    """Yield the keys of the place that *where*, a key too many, stands in."""
    model: Any = PolicyFile
    for part in where[:-1]:
        if isinstance(part, str):
            model = _INSIDE.get(part, model)
    yield from model.model_fields


_INSIDE = {
    "limits": Limits,
    "defaults": Terms,
    "rules": Rule,
    "match": Match,
    "needs_person": Chain,
    "maintenance": Window,
}
