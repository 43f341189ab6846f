"""An event's bytes → the event, with its data sets left as bytes: most repeat from run to run and are known by them.

Reading JSON was two thirds of what an event cost. A key that stands twice must be refused, and only a parser of our
own sees it; so an object is cut into its members by one that does not, and put together again: the same bytes mean that
no key was dropped. What is not written in one of the two usual ways takes the slow road, with the same result.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from airflow_agentic.errors import BadEvent
from airflow_agentic.lineage import payload
from airflow_agentic.lineage.payload import MOST_DEPTH, MOST_EVENTS, parse_value

Value = TypeVar("Value")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder(msgspec.Raw)
_UNREAD = ("inputs", "outputs")
_MOST_BYTES = 32_000_000


class Remembered(Generic[Value]):
    """What bytes were read as; forgets everything when the bytes become too many.

    :param most_bytes: of all that is remembered.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._values: dict[bytes, Value] = {}
        self._room = self._most = most_bytes

    def get(self, part: bytes) -> Value | None:
        """Return what *part* was read as; None when it was not."""
        return self._values.get(part)

    def keep(self, part: bytes, value: Value) -> Value:
        """Remember and return *value*."""
        self._room -= len(part)
        if self._room < 0:
            self._values.clear()
            self._room = self._most - len(part)
        self._values[part] = value
        return value


class Unpacker:
    """Reads an event but for its data sets, and jobs that it has seen before not again."""

    def __init__(self) -> None:
        self._jobs: Remembered[Any] = Remembered(_MOST_BYTES // 4)

    def event(self, body: bytes) -> object:
        """Return the event; its data sets are bytes where that is safe.

        :raises BadEvent: it is no JSON, too deep, or has a key twice.
        """
        parts = _members(body)
        if parts is None:
            return parse_value(body)
        event: dict[str, Any] = {}
        for key, part in parts.items():
            raw = bytes(part)
            if key in _UNREAD and (found := _elements(raw)) is not None:
                event[key] = found
            elif key == "job":
                event[key] = self._job(raw)
            else:
                event[key] = parse_value(raw, MOST_DEPTH - 1)
        return event

    def _job(self, raw: bytes) -> Any:
        known = self._jobs.get(raw)
        return self._jobs.keep(raw, parse_value(raw, MOST_DEPTH - 1)) if known is None else known


def split(body: bytes) -> list[object]:
    """Return the events of a request's body, unread: those of a list, or the one that it is.

    A bad one of a list is found when it is read, and does not spoil those beside it.

    :raises BadEvent: the body is no JSON, or a list that is not closed or has more than 5,000 events.
    """
    if not body.lstrip().startswith(b"["):
        try:
            _ANY.decode(body)
        except (ValueError, RecursionError):
            return [parse_value(body)]  # says what is wrong; what only msgspec refuses is taken
        return [body]
    found = _elements(body) or payload.elements(body)
    if len(found) > MOST_EVENTS:
        raise BadEvent(f"the list has {len(found)} events, at most {MOST_EVENTS} are taken at once")
    return list(found)


def _members(body: bytes) -> dict[str, msgspec.Raw] | None:
    """Return an object's members; None when it is none, or a key may have been dropped because it came twice."""
    try:
        found = _MEMBERS.decode(body)
    except (ValueError, RecursionError):
        return None
    for colon, comma in ((b": ", b", "), (b":", b",")):
        if body == b"{%b}" % comma.join([b'"%b"%b%b' % (key.encode(), colon, part) for key, part in found.items()]):
            return found
    return None


def _elements(body: bytes) -> list[bytes] | None:
    try:
        return [bytes(part) for part in _ELEMENTS.decode(body)]
    except (ValueError, RecursionError):
        return None
