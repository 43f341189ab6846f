"""Landlock and the system call filter, each on a real process; what the machine lacks is told by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_agentic.workspaces.inside import landlock, system_calls
from airflow_agentic.workspaces.layers import Tried
from airflow_agentic.workspaces.sandbox import INSIDE, LAYERS, Sandbox
from airflow_agentic.workspaces.staging import Limits

linux = pytest.mark.skipif(sys.platform != "linux" or not landlock.abi(), reason="this kernel has no Landlock")


def behind(asked: dict[str, object], *command: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-I", "-S", os.path.join(INSIDE, "launcher.py"), json.dumps(asked), *command]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20, env={}, cwd="/")


@linux
def test_landlock_leaves_a_command_the_named_folders_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "secret").write_text("sentinel")
    asked = {"landlock": {"readable": ["/usr", "/bin", "/lib", "/lib64"], "writable": [str(tmp_path / "own")]}}
    script = f"cd {tmp_path}; echo x > own/x && cat own/x; cat secret; echo y > secret; ls ."
    done = behind(asked, "/bin/sh", "-c", script)
    assert done.stdout == "x\n"
    assert done.stderr.count("ermission denied") == 3
    assert (tmp_path / "secret").read_text() == "sentinel"


@linux
def test_a_step_that_was_asked_for_and_fails_ends_the_launcher() -> None:
    done = behind({"landlock": {"readable": [], "writable": [], "ports": [2**70]}}, "/bin/true")
    assert done.returncode != 0
    assert "/bin/true" not in done.stdout


@pytest.mark.skipif(sys.platform != "linux" or not system_calls.known(), reason="no filter for this machine")
def test_no_socket_is_made_where_the_filter_says_so() -> None:
    probe = "import socket; a, b = socket.socketpair(); a.send(b'pair'); print(b.recv(9)); socket.socket()"
    done = behind(
        {"system_calls": {"sockets": False, "queues": False, "attributes": True}}, sys.executable, "-c", probe
    )
    assert done.stdout == "b'pair'\n"
    assert "PermissionError" in done.stderr


ALLOWED, REFUSED, MISSING, NOTHING, ENDED = 0x7FFF0000, 0x00050001, 0x00050026, 0x00050000, 0x80000000


@pytest.mark.parametrize(
    ("machine", "call", "arguments", "answer"),
    [
        ("x86_64", 0, (), ALLOWED),
        ("x86_64", 101, (), REFUSED),
        ("x86_64", 0x40000000 + 1, (), ENDED),
        ("x86_64", 41, (), REFUSED),
        ("x86_64", 53, (), ALLOWED),
        ("x86_64", 56, (0x10000011,), REFUSED),
        ("x86_64", 56, (0x01200011,), ALLOWED),
        ("x86_64", 435, (), MISSING),
        ("x86_64", 44, (3, 0, 0, 0x20000000), REFUSED),
        ("x86_64", 44, (3, 0, 0, 0x4000), ALLOWED),
        ("x86_64", 302, (4242,), REFUSED),
        ("x86_64", 302, (0,), ALLOWED),
        ("x86_64", 90, (), NOTHING),
        ("aarch64", 117, (), REFUSED),
        ("aarch64", 63, (), ALLOWED),
        ("aarch64", 97, (0x10000000,), REFUSED),
    ],
)
def test_the_filter_answers_each_call_as_it_should(
    machine: str, call: int, arguments: tuple[int, ...], answer: int
) -> None:
    code = system_calls.program(machine, sockets=False, queues=False, attributes=False)
    audit = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    seen = {0: call, 4: audit, **{16 + 8 * at: value for at, value in enumerate(arguments)}}
    assert interpreted(code, seen) == answer


def interpreted(code: list[system_calls.Instruction], seen: dict[int, int]) -> int:
    """Run a BPF program as the kernel would."""
    at = held = 0
    while True:
        kind, yes, no, value = code[at]
        if kind == 0x06:
            return value
        if kind == 0x20:
            held = seen.get(value, 0)
        else:
            true = {0x15: held == value, 0x45: bool(held & value), 0x35: held >= value}[kind]
            at += yes if true else no
        at += 1


def test_what_the_probe_reached_names_the_layer_that_let_it_through() -> None:
    sandbox = Sandbox(bwrap=None, uid=0, landlock=0, seccomp=False, share_network=False)
    reached = {"reached": {"read": False, "udp": True, "ring": True}}
    assert Tried(sandbox=sandbox, answer=reached, said="").let_through() == {"network", "system_calls"}
    assert Tried(sandbox=sandbox, answer=None, said="no").let_through() <= set(LAYERS)


def test_with_the_network_shared_only_the_ports_of_the_staging_hosts_are_left() -> None:
    sandbox = Sandbox(bwrap="/bin/bwrap", uid=1, landlock=4, seccomp=True, share_network=True, ports=(5432,))
    command = sandbox.command(["/bin/true"], python="/bin/python", readable=(), writable=("/box",), limits=Limits())
    assert "--unshare-net" not in command
    assert json.loads(command[command.index("-S") + 2])["landlock"]["ports"] == [5432]
