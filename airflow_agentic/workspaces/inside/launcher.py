"""Limits → the command, in the place of this process. The last step before anything untrusted runs.

Started with ``python -I -S launcher.py LIMITS COMMAND...`` in a session of its own, inside bubblewrap where there is
one. Order: descriptors, user, resource limits, no new privileges, Landlock, system call filter; each later step would
be weaker before the one above it. Exits 97 with one line on standard error if a step that was asked for fails.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import struct
import sys
from collections.abc import Callable
from typing import Any

PR_SET_NO_NEW_PRIVS = 38
HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Apply what the first argument asks for and become the rest of the arguments."""
    asked: dict[str, Any] = json.loads(sys.argv[1])
    os.closerange(3, 65_536 if asked.get("keep_limit") is None else int(asked["keep_limit"]))
    os.umask(0o077)
    sys.path.insert(0, HERE)  # isolated mode keeps it off; importlib.util would cost as much as all the rest
    walls = {name: __import__(name) for name in ("landlock", "system_calls")}  # now: they may hide their own files
    for apply in (_drop_user, _limit, _no_new_privs):
        _step(apply.__name__.strip("_"), lambda apply=apply: apply(asked))  # type: ignore[misc]
    for name, wall in walls.items():
        if asked.get(name):
            _step(name, lambda name=name, wall=wall: wall.restrict(**asked[name]))  # type: ignore[misc]
    os.execve(sys.argv[2], sys.argv[2:], dict(os.environ))


def _step(name: str, do: Callable[[], None]) -> None:
    """Do it or end: a wall that was asked for and does not stand must not be passed in silence."""
    try:
        do()
    except (OSError, ValueError, KeyError, TypeError, OverflowError, struct.error) as error:
        print(f"launcher: {name} failed: {error}", file=sys.stderr)
        os._exit(97)


def _drop_user(asked: dict[str, Any]) -> None:
    if asked.get("uid"):
        os.setgroups([])
        os.setresgid(asked["uid"], asked["uid"], asked["uid"])
        os.setresuid(asked["uid"], asked["uid"], asked["uid"])


def _limit(asked: dict[str, Any]) -> None:
    for name, value in asked.get("limits", {}).items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))


def _no_new_privs(_: dict[str, Any]) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(PR_SET_NO_NEW_PRIVS, *(ctypes.c_ulong(value) for value in (1, 0, 0, 0))):
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")


if __name__ == "__main__":
    main()
