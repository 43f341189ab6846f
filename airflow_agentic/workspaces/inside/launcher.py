"""Limits → the command, in the place of this process. The last step before anything untrusted runs.

Started with ``python -I -S launcher.py LIMITS COMMAND...`` in a session of its own, inside bubblewrap where there is
one. Order: descriptors, user, resource limits, no new privileges, system call filter; each later step would be
weaker before the one above it. Exits 97 with one line on standard error if a step that was asked for fails.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import struct
import sys
from typing import Any

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
CLONE_NEWUSER = 0x10000000
REFUSED = {
    "x86_64": (
        0xC000003E,
        {
            "ptrace": 101,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "io_uring_setup": 425,
            "io_uring_enter": 426,
            "io_uring_register": 427,
            "mount": 165,
            "umount2": 166,
            "pivot_root": 155,
            "setns": 308,
            "bpf": 321,
            "perf_event_open": 298,
            "userfaultfd": 323,
            "keyctl": 250,
            "add_key": 248,
            "request_key": 249,
            "kexec_load": 246,
            "init_module": 175,
            "finit_module": 313,
            "open_by_handle_at": 304,
            "fsopen": 430,
            "move_mount": 429,
            "open_tree": 428,
            "fsmount": 432,
            "mount_setattr": 442,
            "pidfd_getfd": 438,
            "swapon": 167,
            "reboot": 169,
            "chroot": 161,
        },
        272,
        56,
        435,
    ),
    "aarch64": (
        0xC00000B7,
        {
            "ptrace": 117,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "io_uring_setup": 425,
            "io_uring_enter": 426,
            "io_uring_register": 427,
            "mount": 40,
            "umount2": 39,
            "pivot_root": 41,
            "setns": 268,
            "bpf": 280,
            "perf_event_open": 241,
            "userfaultfd": 282,
            "keyctl": 219,
            "add_key": 217,
            "request_key": 218,
            "kexec_load": 104,
            "init_module": 105,
            "finit_module": 273,
            "open_by_handle_at": 265,
            "fsopen": 430,
            "move_mount": 429,
            "open_tree": 428,
            "fsmount": 432,
            "mount_setattr": 442,
            "pidfd_getfd": 438,
            "swapon": 224,
            "reboot": 142,
            "chroot": 51,
        },
        97,
        220,
        435,
    ),
}
"""Per machine: audit word, calls refused with EPERM, then the numbers of unshare, clone and clone3."""


def main() -> None:
    """Apply what the first argument asks for and become the rest of the arguments."""
    asked: dict[str, Any] = json.loads(sys.argv[1])
    os.closerange(3, 65_536 if asked.get("keep_limit") is None else int(asked["keep_limit"]))
    os.umask(0o077)
    for apply in (_drop_user, _limit, _no_new_privs, _filter):
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
    if _prctl(PR_SET_NO_NEW_PRIVS, 1):
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")


def _filter(asked: dict[str, Any]) -> None:
    """Refuse the calls that SECURITY_FACTS 2 found to get out of bubblewrap, and more user namespaces."""
    if not asked.get("seccomp"):
        return
    audit, calls, unshare, clone, clone3 = REFUSED[platform.machine()]
    program = _program(audit, sorted(calls.values()), unshare, clone, clone3)
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    kept = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("=HxxxxxxQ", len(program), ctypes.addressof(kept))
    if _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.create_string_buffer(header, len(header))):
        raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP")


def _program(audit: int, calls: list[int], unshare: int, clone: int, clone3: int) -> list[tuple[int, int, int, int]]:
    """Return the BPF program; offsets: 0 call number, 4 machine, 16 first argument's low half."""
    load, equal, any_bit, give = 0x20, 0x15, 0x45, 0x06
    allow, refuse, missing, end = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
    program = [(load, 0, 0, 4), (equal, 1, 0, audit), (give, 0, 0, end), (load, 0, 0, 0)]
    if platform.machine() == "x86_64":  # the x32 calls are the same ones under other numbers
        program += [(0x35, 0, 1, 0x40000000), (give, 0, 0, end)]
    for number in calls:
        program += [(equal, 0, 1, number), (give, 0, 0, refuse)]
    program += [(equal, 0, 1, clone3), (give, 0, 0, missing)]  # ENOSYS: the C library falls back to clone
    for number in (unshare, clone):
        program += [
            (equal, 0, 4, number),
            (load, 0, 0, 16),
            (any_bit, 0, 1, CLONE_NEWUSER),
            (give, 0, 0, refuse),
            (give, 0, 0, allow),
        ]
    return [*program, (give, 0, 0, allow)]


def _prctl(option: int, value: int, pointer: Any = None) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    return int(
        library.prctl(
            ctypes.c_int(option),
            ctypes.c_ulong(value),
            pointer or ctypes.c_ulong(0),
            ctypes.c_ulong(0),
            ctypes.c_ulong(0),
        )
    )


if __name__ == "__main__":
    main()
