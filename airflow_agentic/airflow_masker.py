"""Airflow's secrets masker → the values that it knows, and what it would mask.

Airflow looks for a value as it is and in the forms of ``[logging] secret_mask_adapter`` (2 of 24 encodings found,
and of two values of which one begins with the other a tail can stay). So its values are handed to our own search,
and its own masking runs last, for the keys of mappings that it alone knows.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

log = logging.getLogger(__name__)

_MODULES = ("airflow.sdk._shared.secrets_masker.secrets_masker", "airflow._shared.secrets_masker.secrets_masker")


def registered_values() -> Iterator[str]:
    """Yield every value that was registered in this process: passwords of connections, sensitive variables, masks."""
    for masker in _maskers():
        for pattern in tuple(masker.patterns):
            yield _unescaped(pattern)


def known_values() -> tuple[str, ...]:
    """Return the same without importing anything of Airflow's: where none of its maskers is loaded nobody registered.

    For whatever runs in somebody's task or outside Airflow; nothing where a masker's inside is another than we know.
    """
    found = (getattr(sys.modules.get(name), "_secrets_masker", None) for name in _MODULES)
    try:
        return tuple(_unescaped(pattern) for masker in found if masker for pattern in tuple(masker().patterns))
    except (AttributeError, TypeError):
        log.debug("Airflow's masker could not be asked", exc_info=True)
        return ()


def _unescaped(pattern: str) -> str:
    return re.sub(r"\\(.)", r"\1", pattern, flags=re.DOTALL)


def masked(text: str) -> str:
    """Return *text* as Airflow masks it."""
    from airflow.sdk._shared.secrets_masker import redact

    return str(redact(text))


def _maskers() -> Iterator[Any]:
    """Yield the SDK's masker and the core's: each has its own list, and a value is in one of them only."""
    from airflow._shared.secrets_masker.secrets_masker import _secrets_masker as of_core
    from airflow.sdk._shared.secrets_masker.secrets_masker import _secrets_masker as of_sdk

    yield of_sdk()
    yield of_core()
