"""Limits → the command, in the place of this process. The last step before anything untrusted runs.

Started with ``python -I -S launcher.py LIMITS COMMAND...`` in a session of its own, inside bubblewrap where there is
one. Order: descriptors, user, resource limits, no new privileges, Landlock, system call filter; each later step would
be weaker before the one above it. Exits 97 with one line on standard error if a step that was asked for fails.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import resource
import sys
from typing import Any

PR_SET_NO_NEW_PRIVS = 38
HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Apply what the first argument asks for and become the rest of the arguments."""
    asked: dict[str, Any] = json.loads(sys.argv[1])
    os.closerange(3, 65_536 if asked.get("keep_limit") is None else int(asked["keep_limit"]))
    os.umask(0o077)
    for name in ("landlock", "system_calls"):
        _beside(name)  # now: the walls may hide their own files
    for apply in (_drop_user, _limit, _no_new_privs, _landlock, _filter):
        try:
            apply(asked)
        except (OSError, ValueError, KeyError) as error:
            print(f"launcher: {apply.__name__.strip('_')} failed: {error}", file=sys.stderr)
            os._exit(97)
    os.execve(sys.argv[2], sys.argv[2:], dict(os.environ))


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


def _landlock(asked: dict[str, Any]) -> None:
    if asked.get("landlock"):
        sys.modules["agentic_landlock"].restrict(**asked["landlock"])


def _filter(asked: dict[str, Any]) -> None:
    if asked.get("seccomp"):
        sys.modules["agentic_system_calls"].restrict(**asked["seccomp"])


def _beside(name: str) -> None:
    """Load the module that lies next to this file; isolated mode keeps its folder off ``sys.path``."""
    spec = importlib.util.spec_from_file_location(f"agentic_{name}", os.path.join(HERE, f"{name}.py"))
    if spec is None or spec.loader is None:
        raise FileNotFoundError(os.path.join(HERE, f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    main()
