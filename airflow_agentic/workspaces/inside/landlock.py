"""Paths, ports and scopes → what this process and its children may still reach. Standard library; loaded by path.

Landlock needs no right and no daemon, and domains stack: the launcher takes the machine away, each run then all but
its own folder. What it cannot see (UDP, MPTCP, Unix sockets by path, ``MSG_FASTOPEN``) is the system call filter's.
Source: https://docs.kernel.org/userspace-api/landlock.html, ABI 1 to 7; the calls have the same number everywhere.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from typing import Any

CREATE, ADD_RULE, RESTRICT = 444, 445, 446
FILE_RIGHTS = 0b1100_0000_0000_0111
"""Those that mean something for a file: execute, write, read, truncate, ioctl on devices."""
READ = 0b0000_0000_0000_1101
"""Execute, read a file, list a folder."""
CONNECT_TCP = 1 << 1
_FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""ABI → number of file rights that it knows; later ones know 16."""


def abi() -> int:
    """Return the version of Landlock that this kernel has; 0: none, or it is switched off."""
    return max(0, _call(CREATE, None, 0, 1))


def restrict(
    *, readable: Iterable[str], writable: Iterable[str], ports: Iterable[int] | None = None, scoped: bool = True
) -> int:
    """Leave this process only these paths and say which ABI holds. It cannot be taken back.

    Paths that do not exist are left out: what is not there needs no right.

    :param ports: TCP ports to connect to, and none to listen on; None: TCP is not restricted.
    :param scoped: signals and abstract sockets do not leave the domain (ABI 6).
    :raises OSError: the kernel refuses.
    """
    version = abi()
    if not version:
        raise OSError(95, "this kernel has no Landlock")
    every = (1 << _FS_BITS.get(version, 16)) - 1
    net = 3 if ports is not None and version >= 4 else 0
    attributes = struct.pack("=QQQ", every, net, 3 if scoped and version >= 6 else 0)
    size = {1: 8, 2: 8, 3: 8, 4: 16, 5: 16}.get(version, 24)
    ruleset = _checked(_call(CREATE, attributes[:size], size, 0), "landlock_create_ruleset")
    try:
        for rights, paths in ((READ & every, readable), (every, writable)):
            for path in paths:
                _allow(ruleset, path, rights)
        for port in ports or () if net else ():
            _checked(_call(ADD_RULE, ruleset, 2, struct.pack("=QQ", CONNECT_TCP, port), 0), f"port {port}")
        _checked(_call(RESTRICT, ruleset, 0), "landlock_restrict_self")
    finally:
        os.close(ruleset)
    return version


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        here = rights if os.path.isdir(path) else rights & FILE_RIGHTS
        _checked(_call(ADD_RULE, ruleset, 1, struct.pack("=Qi", here, opened), 0), path)
    finally:
        os.close(opened)


def _checked(answer: int, what: str) -> int:
    if answer < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return answer


def _call(number: int, *arguments: Any) -> int:
    """Make a system call; every argument is a long or a pointer, so that nothing is cut to 32 bits."""
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    passed = [a if isinstance(a, bytes) or a is None else ctypes.c_long(a) for a in arguments]
    return int(library.syscall(ctypes.c_long(number), *passed))
