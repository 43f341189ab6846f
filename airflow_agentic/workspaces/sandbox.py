"""Limits and paths → the command that starts a process where it can do no harm.

Order as SECURITY_FACTS 2 found it to hold: process group, environment, descriptors, user, limits, no new privileges,
file view and network (bubblewrap), Landlock, system call filter. Two stacks hold: bubblewrap with both others behind
it, and where new namespaces are denied, Landlock with the filter. `layers` tries live which of them this machine has.
"""

from __future__ import annotations

import json
import os
import subprocess
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from airflow_agentic.workspaces.staging import Limits

INSIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inside")
LAYERS = (
    "process_group",
    "environment",
    "descriptors",
    "limits",
    "disk",
    "no_new_privileges",
    "user",
    "file_view",
    "network",
    "processes",
    "system_calls",
    "results",
)
"""Every layer; a workspace is refused without any of them, unless it is accepted by name."""
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = (
    "passwd",
    "group",
    "nsswitch.conf",
    "hosts",
    "resolv.conf",
    "host.conf",
    "localtime",
    "timezone",
    "ssl",
    "pki",
    "ca-certificates",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "mime.types",
    "protocols",
    "services",
)
_PROC = ("cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "sys", "uptime", "version")
"""What programs read about the machine; nothing of any process."""
_DEVICES = ("null", "zero", "full", "random", "urandom")
TEMPORARY = ("/tmp", "/dev/shm")
"""A view of its own has these empty, of bounded size; without one they are the machine's and out of reach."""


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """How processes of one workspace are started on this machine."""

    bwrap: str | None
    """Path of a bubblewrap that works here."""
    uid: int
    """User to become; 0: stay who we are."""
    landlock: int
    """ABI of Landlock; 0: none."""
    seccomp: bool
    share_network: bool
    ports: tuple[int, ...] = ()
    """With the network shared: TCP ports of the staging hosts, and no others."""

    @property
    def private_pids(self) -> bool:
        """Say whether all that the workspace can send a signal to is its own."""
        return self.bwrap is not None or self.uid != 0 or self.landlock >= 6

    @property
    def private_tmp(self) -> bool:
        """Say whether ``/tmp`` is the workspace's own; if not, it has none but its home."""
        return self.bwrap is not None

    def command(
        self, argv: Sequence[str], *, python: str, readable: Sequence[str], writable: Sequence[str], limits: Limits
    ) -> list[str]:
        """Return the whole command line for *argv*.

        :param readable: shown read-only; *writable*: shown read-write. Without a layer that holds files both are
            only a promise.
        """
        asked = {
            "uid": self.uid,
            "keep_limit": 4_096,
            "limits": {
                "AS": limits.memory_mb << 20,
                "FSIZE": limits.file_mb << 20,
                "NOFILE": limits.open_files,
                "CORE": 0,
                "CPU": int(limits.run_s * 2),
                # It counts all tasks of a user, so those that a shared one has already come on top.
                "NPROC": limits.processes + (0 if self.uid or self.bwrap else _tasks_of(os.geteuid())),
            },
            "landlock": self._landlock(readable, writable),
            "system_calls": self._filter(),
        }
        inner = [python, "-I", "-S", os.path.join(INSIDE, "launcher.py"), json.dumps(asked), *argv]
        return [*self._view(readable, writable, limits), *inner] if self.bwrap else inner

    def _landlock(self, readable: Sequence[str], writable: Sequence[str]) -> dict[str, Any] | None:
        if not self.landlock:
            return None
        return {
            "readable": self.shown(readable),
            "writable": [*writable, *self.scratch()],
            # Loopback of a network of its own may be used freely.
            "ports": list(self.ports) if self.share_network else (None if self.bwrap else []),
        }

    def _filter(self) -> dict[str, bool] | None:
        """A view of its own holds what a filter must refuse without one."""
        own = self.bwrap is not None
        filtered = {"sockets": own or self.share_network, "queues": own, "attributes": own or self.uid != 0}
        return filtered if self.seccomp else None

    def run_walls(self, readable: Sequence[str], *folders: str) -> dict[str, list[str]] | None:
        """Return what is left of all that the workspace may reach: these folders, and nothing of any other run."""
        if not self.landlock:
            return None
        # Landlock grants all that lies below a path, so one above the runs' folders would open every run's.
        scratch = [path for path in self.scratch() if not any(one.startswith(f"{path}/") for one in folders)]
        return {"readable": self.shown(readable), "writable": [*folders, *scratch]}

    def shown(self, readable: Sequence[str]) -> list[str]:
        """Return every path that a process may read."""
        etc = [f"/etc/{name}" for name in _ETC]
        proc = ["/proc"] if self.bwrap else [f"/proc/{name}" for name in _PROC]
        return [*SYSTEM, *etc, *proc, INSIDE, *readable]

    def scratch(self) -> list[str]:
        """Return what else it may write to beside its own folder."""
        return [*(f"/dev/{name}" for name in _DEVICES), *(TEMPORARY if self.private_tmp else ())]

    def _view(self, readable: Sequence[str], writable: Sequence[str], limits: Limits) -> list[str]:
        view = [
            str(self.bwrap),
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
            "--die-with-parent",
            "--hostname",
            "staging",
        ]
        if not self.share_network:
            view.append("--unshare-net")
        # As root a user namespace would map us onto root's own files; the launcher drops the user instead.
        view += (
            ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
            if self.uid
            else ["--unshare-user", "--disable-userns"]
        )
        for path in SYSTEM:
            if os.path.islink(path):
                view += ["--symlink", os.readlink(path), path]
            elif os.path.isdir(path):
                view += ["--ro-bind", path, path]
        view += ["--proc", "/proc", "--dev", "/dev"]
        for path in TEMPORARY:
            view += ["--size", str(limits.scratch_mb << 20), "--tmpfs", path, "--chmod", "1777", path]
        # bubblewrap makes missing parents with mode 0700, which the user that we become could not pass.
        for path in _parents(["/etc/x", *_outermost(readable), *writable]):
            view += ["--perms", "0755", "--dir", path]
        for name in _ETC:
            view += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        for path in _outermost(readable):
            view += ["--ro-bind", path, path]
        for path in writable:
            view += ["--bind", path, path]
        return view


@lru_cache(maxsize=8)
def interpreter_paths(python: str) -> tuple[str, ...]:
    """Return the folders that *python* needs to run, as the interpreter itself tells them.

    :raises OSError: it cannot be started; *subprocess.SubprocessError*: it does not answer.
    """
    asked = (
        "import sys, os, json; print(json.dumps([sys.prefix, sys.base_prefix, sys.executable, "
        "os.path.realpath(sys.executable), *sys.path]))"
    )
    done = subprocess.run(
        [python, "-I", "-c", asked], capture_output=True, text=True, timeout=60, check=True, stdin=subprocess.DEVNULL
    )
    told = [path for path in json.loads(done.stdout) if path and os.path.exists(path)]
    return _outermost([*told, python])


def free_uid() -> int:
    """Return a user id that no account and, most likely, no other workspace has."""
    return 59_000 + zlib.crc32(os.urandom(8)) % 900


def _tasks_of(uid: int) -> int:
    """Return how many processes and threads a user has at this moment."""
    count = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):  # it has ended
            if os.stat(f"/proc/{name}").st_uid == uid:
                count += len(os.listdir(f"/proc/{name}/task"))
    return count


def _outermost(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the paths without those that lie below another one, or below the system's own."""
    kept: list[str] = []
    for path in sorted({os.path.abspath(p) for p in paths if p and os.path.exists(p)}):
        if not any(path == k or path.startswith(k + "/") for k in (*SYSTEM, *kept)):
            kept.append(path)
    return tuple(kept)


def _parents(paths: Sequence[str]) -> list[str]:
    """Return every folder above *paths*, outermost first, without those that the view already has."""
    found: set[str] = set()
    for path in paths:
        at = os.path.dirname(os.path.abspath(path))
        while at not in ("/", "/tmp", "/dev", "/proc", *SYSTEM):
            found.add(at)
            at = os.path.dirname(at)
    return sorted(found)
