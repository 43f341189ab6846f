"""Places outside → what of them this process can reach, as one JSON line. Run once in the open and once inside.

An answer ``true`` in the open shows that the attempt can succeed at all; only then does ``false`` inside mean a wall.
Standard library only.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import socket
import sys
from collections.abc import Callable
from typing import Any

CLONE_NEWUSER = 0x10000000


def main() -> None:
    """Try everything that the first argument names and print what worked."""
    place: dict[str, Any] = json.loads(sys.argv[1])
    library = ctypes.CDLL(None, use_errno=True)
    tries: dict[str, Callable[[], object]] = {
        "read": lambda: _open(place["file"], os.O_RDONLY),
        "write": lambda: _open(place["file"], os.O_RDWR),
        "environ": lambda: _open(f"/proc/{place['pid']}/environ", os.O_RDONLY),
        "signal": lambda: os.kill(place["pid"], 0),
        "tcp": lambda: socket.create_connection(("127.0.0.1", place["tcp"]), 2).close(),
        "udp": lambda: _heard(place["udp"]),
        "unix": lambda: _unix(place["unix"]),
        "memory": lambda: _zero(library.process_vm_readv(os.getpid(), None, 0, None, 0, 0)),
        "ring": lambda: os.close(_zero(library.syscall(425, 1, ctypes.create_string_buffer(120)))),
        "namespace": lambda: _in_a_child(lambda: _zero(library.unshare(CLONE_NEWUSER))),
    }
    status = _status()
    facts = {
        "uid": os.getuid(),
        "no_new_privs": status.get("NoNewPrivs") == "1",
        "powers": int(status.get("CapEff", "0"), 16) != 0,
        "bounded": resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY,
        "descriptors": _open_beyond(2),
    }
    print(json.dumps({**facts, "reached": {name: _works(do) for name, do in tries.items()}}))


def _works(do: Callable[[], object]) -> bool:
    try:
        do()
    except (OSError, EOFError):
        return False
    return True


def _open(path: str, how: int) -> None:
    os.close(os.open(path, how))


def _zero(answer: int) -> int:
    if answer < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return answer


def _heard(port: int) -> None:
    """Send a datagram and wait for its echo: sending alone succeeds into the void."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.settimeout(0.5)
        out.connect(("127.0.0.1", port))
        out.send(b"probe")
        out.recv(16)


def _unix(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as out:
        out.connect(path)


def _in_a_child(do: Callable[[], object]) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0 if _works(do) else 1)
    if os.waitpid(pid, 0)[1]:
        raise OSError(1, "refused")


def _open_beyond(last: int) -> int:
    count = 0
    for number in range(last + 1, 256):
        count += _works(lambda number=number: os.fstat(number))  # type: ignore[misc]
    return count


def _status() -> dict[str, str]:
    """Return what the kernel says of this process; nothing where its view is hidden."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as told:
            return {name: value.strip() for name, _, value in (line.partition(":") for line in told)}
    except OSError:
        return _asked()


def _asked() -> dict[str, str]:
    """Ask the kernel by calls instead, where it has no ``/proc`` for us."""
    library = ctypes.CDLL(None, use_errno=True)
    # capget, version 3: effective, permitted and inheritable, each in two halves
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    library.capget(header, sets)
    return {"NoNewPrivs": str(library.prctl(39, 0, 0, 0, 0)), "CapEff": f"{sets[0] | sets[3] << 32:x}"}


if __name__ == "__main__":
    main()
