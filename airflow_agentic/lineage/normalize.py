"""Names as producers write them → the names and ids under which the store keeps them.

An id is 63 bits of BLAKE2b over the normalised name: whoever sees the name computes the same id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from airflow_agentic.errors import BadEvent

MOST_NAME_CHARS = 8_192
"""Of a namespace, name or column; a longer one is refused."""
MASK = "***"
"""What a secrets masker writes over a name that happens to equal a password."""

_SCHEMES = {"postgresql": "postgres", "s3a": "s3", "s3n": "s3", "gcs": "gs", "mssql": "sqlserver"}
_PORTS = {
    "postgres": "5432", "mysql": "3306", "mariadb": "3306", "redshift": "5439", "sqlserver": "1433", "oracle": "1521",
    "trino": "8080", "cassandra": "9042", "mongodb": "27017", "clickhouse": "8123",
}  # fmt: skip
_OBJECT_STORES = frozenset({"s3", "gs", "abfss", "abfs", "wasbs", "wasb"})
_USER_IS_CONTAINER = frozenset({"abfss", "abfs", "wasbs", "wasb"})
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Dataset:
    """A data set's identity. Positional, as it is made for every new name."""

    id: int
    namespace: str
    name: str
    written: tuple[str, str] | None
    """Namespace and name as the producer wrote them (no user or password), where they differ."""


def checked(value: object, what: str) -> str:
    """Return *value* as a name. :raises BadEvent: it is none, too long, or cannot be stored."""
    if not isinstance(value, str) or not value:
        raise BadEvent(f"{what} is {_shown(value)}, not a non-empty text")
    if len(value) > MOST_NAME_CHARS:
        raise BadEvent(f"{what} has {len(value)} characters, at most {MOST_NAME_CHARS} are taken")
    if not value.isascii() or "\0" in value:
        _check_storable(value, what)
    return value


def storable(text: str) -> str:
    """Return free text as both databases take it: without NUL characters and lone surrogates."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def hashed(*parts: str) -> int:
    """Return the id of a tuple of texts: 63 bits, so that it fits a signed column."""
    data = "\0".join(parts).encode()
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big") >> 1


@lru_cache(maxsize=16_384)
def job_id(namespace: str, name: str) -> int:
    """Return the id of a job."""
    return hashed("job", namespace, name)


@lru_cache(maxsize=65_536)
def field_id(dataset_id: int, name: str) -> int:
    """Return the id of a column."""
    return hashed("field", str(dataset_id), name)


def schema_id(fields: str) -> int:
    """Return the id of a schema, given its fields as the store writes them."""
    return hashed("schema", fields)


class Namer:
    """Normalises data sets, with a deployment's own aliases.

    :param aliases: namespace → namespace that it is another spelling of, e.g. a host's two names; applied once.
    """

    def __init__(self, aliases: Mapping[str, str] | None = None) -> None:
        self._aliases = {normal_namespace(name): normal_namespace(other) for name, other in (aliases or {}).items()}
        self.dataset = lru_cache(maxsize=16_384)(self._dataset)

    def _dataset(self, namespace: str, name: str) -> Dataset:
        found = normal_namespace(namespace)
        found = self._aliases.get(found, found)
        key = name.strip("/") or name if found.split("://", 1)[0] in _OBJECT_STORES else name
        written = (_without_user(namespace), name)
        return Dataset(hashed("dataset", found, key), found, key, None if written == (found, key) else written)


def normal_namespace(namespace: str) -> str:
    """Return *namespace* with scheme and host in lower case, one spelling per scheme, no default port, no user."""
    match = _URL.fullmatch(namespace)
    if match is None:
        return namespace
    scheme, host, rest = match.groups()
    scheme = _SCHEMES.get(scheme.lower(), scheme.lower())
    if scheme not in _USER_IS_CONTAINER:
        host = host.rpartition("@")[2]
    host = host.lower()
    name, colon, port = host.rpartition(":")
    if colon and port == _PORTS.get(scheme):
        host = name
    return f"{scheme}://{host}{rest.rstrip('/')}"


def masked(*names: str) -> bool:
    """Return whether a masker wrote over any of *names*: they are unknown then."""
    return any(MASK in name for name in names)


def _without_user(namespace: str) -> str:
    match = _URL.fullmatch(namespace)
    if match is None or match[1].lower() in _USER_IS_CONTAINER or "@" not in match[2]:
        return namespace
    return f"{match[1]}://{match[2].rpartition('@')[2]}{match[3]}"


def _check_storable(value: str, what: str) -> None:
    if "\0" in value:
        raise BadEvent(f"{what} {_shown(value)} has a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadEvent(f"{what} {_shown(value)} has a lone surrogate") from error


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
