"""What no staged run may ask of the kernel → a seccomp filter on this process. Standard library; loaded by path.

A list of refusals, not of permissions: an unknown Dag may need any ordinary call. Refused are those that got out of
bubblewrap or Landlock (SECURITY_FACTS 2), namespaces, and where the network is the machine's, what Landlock does not
see of it. They answer EPERM, so that libraries fall back; a foreign machine's calling convention ends the process.
"""

from __future__ import annotations

import ctypes
import os
import struct

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
NAMESPACES = 0x7E020000
"""CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET."""
MSG_FASTOPEN = 0x20000000
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_CALLS = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "setns": (308, 268),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "syslog": (103, 116),
    "vhangup": (153, 58),
}
"""Refused whatever their arguments are; numbers on x86_64 and aarch64."""
_QUEUES = {
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
}
"""Where there is no namespace of its own for them: memory and queues of the machine, which no folder holds."""
_OTHERS = (
    ((302, 261), 0),
    ((141, 140), 1),
    ((251, 30), 1),
    ((142, 118), 0),
    ((144, 119), 0),
    ((203, 122), 0),
    ((314, 274), 0),
)
"""prlimit64, setpriority, ioprio_set, sched_setparam, _setscheduler, _setaffinity, _setattr: which argument is the
process; only 0, oneself."""
_ATTRIBUTES = {
    "chmod": (90, None),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
}
"""Where a run has the worker's own user and no view of its own, Landlock does not see these: they do nothing, and say
that they did, because copying a file with its mode must not fail."""
_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _GIVE = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _REFUSE, _MISSING, _NOTHING, _END = 0x7FFF0000, 0x00050001, 0x00050026, 0x00050000, 0x80000000
_SOCKET, _CLONE, _UNSHARE, _CLONE3 = (41, 198), (56, 220), (272, 97), (435, 435)
_SENDS = (((44, 206), 3), ((46, 211), 2), ((307, 269), 3))
"""sendto, sendmsg, sendmmsg and which argument holds their flags."""

Instruction = tuple[int, int, int, int]


def known(machine: str = "") -> bool:
    """Say whether the numbers of this machine's calls are known."""
    return (machine or os.uname().machine) in _MACHINES


def restrict(*, sockets: bool, queues: bool, attributes: bool) -> None:
    """Put the filter on this process and all that it starts. Needs no_new_privs; cannot be taken back.

    :param sockets: whether it may make sockets; pairs of them it always may.
    :param queues: whether it may use System V's and POSIX' queues, semaphores and shared memory.
    :param attributes: whether changing modes, owners and times of files has an effect.
    :raises OSError: the kernel refuses. *KeyError*: the machine is unknown.
    """
    instructions = program(os.uname().machine, sockets=sockets, queues=queues, attributes=attributes)
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    kept = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("=HxxxxxxQ", len(instructions), ctypes.addressof(kept))
    library = ctypes.CDLL(None, use_errno=True)
    given = ctypes.create_string_buffer(header, len(header))
    zero = ctypes.c_ulong(0)
    if library.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), given, zero, zero):
        raise OSError(ctypes.get_errno(), f"PR_SET_SECCOMP: {os.strerror(ctypes.get_errno())}")


def program(machine: str, *, sockets: bool, queues: bool, attributes: bool) -> list[Instruction]:
    """Return the BPF program; offsets: 0 call number, 4 machine, 16 + 8n the low half of argument n."""
    audit, column = _MACHINES[machine]
    code: list[Instruction] = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, audit), (_GIVE, 0, 0, _END), (_LOAD, 0, 0, 0)]
    if machine == "x86_64":  # the x32 calls are the same ones under other numbers
        code += [(_AT_LEAST, 0, 1, 0x40000000), (_GIVE, 0, 0, _END)]
    refused = [*_CALLS.values(), *([] if queues else _QUEUES.values()), *([] if sockets else [_SOCKET])]
    for number in sorted(numbers[column] for numbers in refused):
        code += [(_EQUAL, 0, 1, number), (_GIVE, 0, 0, _REFUSE)]
    for names in () if attributes else _ATTRIBUTES.values():
        if names[column] is not None:
            code += [(_EQUAL, 0, 1, int(names[column] or 0)), (_GIVE, 0, 0, _NOTHING)]
    code += [(_EQUAL, 0, 1, _CLONE3[column]), (_GIVE, 0, 0, _MISSING)]  # ENOSYS: the C library falls back to clone
    for numbers, argument, bits in (
        (_UNSHARE, 0, NAMESPACES | 0x80),
        (_CLONE, 0, NAMESPACES),
        *((send, flags, MSG_FASTOPEN) for send, flags in _SENDS),
    ):
        code += _refuse_bits(numbers[column], argument, bits)
    for numbers, argument in _OTHERS:
        code += _refuse_bits(numbers[column], argument, 0xFFFFFFFF)
    return [*code, (_GIVE, 0, 0, _ALLOW)]


def _refuse_bits(number: int, argument: int, bits: int) -> list[Instruction]:
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, 16 + 8 * argument),
        (_ANY_BIT, 0, 1, bits),
        (_GIVE, 0, 0, _REFUSE),
        (_GIVE, 0, 0, _ALLOW),
    ]
