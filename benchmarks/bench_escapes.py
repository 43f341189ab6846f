"""Every way out of the sandbox that we know, tried in the open and behind each stack; prints a table.

``python benchmarks/bench_escapes.py [--json]``. It starts itself anew in a mount namespace of its own, because what
succeeds in the open must not reach the machine; without one (``unshare -m`` needs root) it refuses to run. Columns:
as root and as an ordinary user, in the open, behind bubblewrap (with Landlock and seccomp), and behind Landlock with
seccomp alone. A row counts only if the attempt works in the open: what cannot succeed shows nothing.
"""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)
SECRET = "sentinel-7f3a9c"
ATTEMPTS = os.path.join(ROOT, "benchmarks", "escape_attempts.py")
PLAIN_UID = 59_950
VICTIM = """import ctypes, os, sys, time
ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1).value, 0, 0, 0)
held = ctypes.create_string_buffer(os.environ["VICTIM_SECRET"].encode())
fd = os.open("secret", os.O_RDONLY)
print(os.getpid(), ctypes.addressof(held), fd, flush=True)
time.sleep(600)
"""
Results = dict[str, dict[str, str]]
"""Column → attempt → what came of it."""


def main(arguments: list[str]) -> int:
    """Print the table; return 1 if anything escaped, or an attempt cannot succeed anywhere."""
    if "--column" in arguments:
        print(json.dumps(_column(arguments[arguments.index("--column") + 1])))
        return 0
    if os.environ.get("ESCAPES_IN_OWN_MOUNTS") != str(os.getpid()):
        # exec keeps the process id, so only the process that has been moved can say this of itself.
        environment = {**os.environ, "ESCAPES_IN_OWN_MOUNTS": str(os.getpid())}
        os.execvpe("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv], environment)
    started = time.monotonic()
    _open_the_interpreter()
    results: Results = {}
    for column in (
        "root, open",
        "root, bubblewrap",
        "root, Landlock",
        "user, open",
        "user, bubblewrap",
        "user, Landlock",
    ):
        results[column] = _as_user_or_root(column)
    if "--json" in arguments:
        print(json.dumps(results))
        return 0
    return _print(results, time.monotonic() - started)


def _as_user_or_root(column: str) -> dict[str, str]:
    command = [sys.executable, os.path.abspath(__file__), "--column", column]
    if column.startswith("user"):
        command = ["setpriv", f"--reuid={PLAIN_UID}", f"--regid={PLAIN_UID}", "--clear-groups", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise SystemExit(f"{column}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def _column(column: str) -> dict[str, str]:
    """Try everything in one column's way, as who we are."""
    from airflow_agentic.workspaces.layers import stacks
    from airflow_agentic.workspaces.sandbox import INSIDE, interpreter_paths
    from airflow_agentic.workspaces.staging import Limits

    limits = Limits(processes=200, file_mb=64, scratch_mb=100, memory_mb=2_048, open_files=256)
    with _places(limits) as place:
        command = [sys.executable, "-I", "-S", ATTEMPTS, json.dumps(place)]
        if not column.endswith("open"):
            wanted = [
                s for s in stacks() if bool(s.bwrap) == column.endswith("bubblewrap") and s.landlock and s.seccomp
            ]
            readable = (*interpreter_paths(sys.executable), INSIDE, place["readable"])
            command = wanted[0].command(
                command, python=sys.executable, readable=readable, writable=(place["own"],), limits=limits
            )
        environment = {"PATH": "/usr/bin:/bin"}
        if column.endswith("open"):
            environment["WORKER_SECRET"] = SECRET
        secret = os.open(place["secret"], os.O_RDONLY)
        os.set_inheritable(secret, True)
        # In the open everything is inherited; the workspace starts its process without.
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
            env=environment,
            cwd="/",
            close_fds=not column.endswith("open"),
        )
        if not done.stdout.strip():
            raise SystemExit(f"nothing was tried: {done.stderr[-2000:]}")
        return json.loads(done.stdout)


@contextmanager
def _places(limits: Any) -> Iterator[dict[str, Any]]:
    """Lay out what is to be reached: files that all may write to, services that answer, a process with a secret."""
    with ExitStack() as held:
        outside = held.enter_context(tempfile.TemporaryDirectory(prefix="escape_outside_"))
        box = held.enter_context(tempfile.TemporaryDirectory(prefix="escape_box_"))
        own, readable = os.path.join(box, "own"), os.path.join(box, "readable")
        for path in (own, readable):
            os.mkdir(path)
        for path in (outside, box, own, readable):
            os.chmod(path, 0o777)
        for name in ("secret", "victim_file", "to_delete", "to_move"):
            Path(outside, name).write_text(SECRET)
            os.chmod(os.path.join(outside, name), 0o666)
        set_uid = os.environ.get("ESCAPES_SET_UID") or os.path.join(readable, "sh")
        victim = held.enter_context(_victim(outside))
        services = held.enter_context(_services(outside))
        yield {
            **{name: os.path.join(outside, name) for name in ("secret", "victim_file", "to_delete", "to_move")},
            **victim,
            **services,
            "outside": outside,
            "own": own,
            "readable": readable,
            "site": os.environ["ESCAPES_SITE"],
            "set_uid": set_uid,
            "plain_uid": PLAIN_UID + 1,
            "file_bytes": limits.file_mb << 20,
            "scratch_files": 2 * limits.scratch_mb // limits.file_mb + 2,
            "memory_bytes": limits.memory_mb << 20,
            "processes": limits.processes,
            "open_files": limits.open_files,
        }


@contextmanager
def _victim(outside: str) -> Iterator[dict[str, Any]]:
    process = subprocess.Popen(
        [sys.executable, "-c", VICTIM, SECRET],
        cwd=outside,
        env={"VICTIM_SECRET": SECRET},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        pid, address, number = map(int, process.stdout.readline().split())
        yield {"victim": pid, "address": address, "victim_fd": number}
    finally:
        process.kill()
        process.wait()


@contextmanager
def _services(outside: str) -> Iterator[dict[str, Any]]:
    """Services that greet with the secret, memory and a queue of the machine, and a caller for whoever listens."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    ended = threading.Event()
    abstract, queue, key = f"escape-{os.getpid()}", f"escape-{os.getpid()}", 0x5EC0000 + os.getpid() % 65_536
    with ExitStack() as held:
        tcp = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        by_path, by_name = (held.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
        by_path.bind(os.path.join(outside, "socket"))
        os.chmod(os.path.join(outside, "socket"), 0o666)
        by_name.bind("\0" + abstract)
        udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        threads = [threading.Thread(target=_greet, args=(s, ended), daemon=True) for s in (tcp, by_path, by_name)]
        threads += [threading.Thread(target=_echo, args=(udp, ended), daemon=True)]
        threads += [threading.Thread(target=_call, args=(port, ended), daemon=True)]
        segment = libc.shmget(key, 64, 0o1666)
        ctypes.memmove(libc.shmat(segment, None, 0), SECRET.encode(), len(SECRET))
        made = libc.syscall(240, queue.encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
        for thread in threads:
            thread.start()
        try:
            yield {
                "tcp": tcp.getsockname()[1],
                "udp": udp.getsockname()[1],
                "unix": os.path.join(outside, "socket"),
                "abstract": abstract,
                "listen": port,
                "shm": key,
                "queue": queue,
            }
        finally:
            ended.set()
            libc.shmctl(segment, 0, None)
            libc.syscall(241, queue.encode())
            os.close(made)
            for thread in threads:
                thread.join()


def _greet(listener: socket.socket, ended: threading.Event) -> None:
    listener.listen()
    listener.settimeout(0.2)
    while not ended.is_set():
        try:
            accepted, _ = listener.accept()
        except TimeoutError:
            continue
        with accepted:
            try:
                accepted.settimeout(1)
                accepted.recv(10)
                accepted.sendall(SECRET.encode())
            except OSError:
                continue


def _echo(udp: socket.socket, ended: threading.Event) -> None:
    udp.settimeout(0.2)
    while not ended.is_set():
        try:
            _, sender = udp.recvfrom(16)
        except TimeoutError:
            continue
        udp.sendto(SECRET.encode(), sender)


def _call(port: int, ended: threading.Event) -> None:
    while not ended.wait(0.1):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            continue


def _open_the_interpreter() -> None:
    """Let an ordinary user reach the interpreter, and give a folder of modules and a program of root's, here only."""
    # Seen by nobody else, and gone with us: a place for what lies below the folders that are hidden.
    _mount("-t", "tmpfs", "-o", "mode=755,size=1m", "tmpfs", "/mnt")
    for folder, options in ((pwd.getpwuid(0).pw_dir, "mode=755,size=16m"), ("/tmp", "mode=1777,size=4g")):
        _hide(folder, options, but=(os.path.realpath(sys.base_prefix), ROOT))
    _mount("-t", "tmpfs", "-o", "mode=1777,size=4g", "tmpfs", "/dev/shm")
    site = tempfile.mkdtemp(dir=os.path.join(ROOT, ".venv") if os.path.isdir(os.path.join(ROOT, ".venv")) else None)
    _mount("-t", "tmpfs", "-o", "mode=777,size=4m", "tmpfs", site)
    shutil.copyfile("/bin/dash", os.path.join(site, "sh"))
    os.chmod(os.path.join(site, "sh"), 0o4755)
    os.environ |= {"ESCAPES_SITE": site, "ESCAPES_SET_UID": os.path.join(site, "sh")}


def _hide(folder: str, options: str, *, but: tuple[str, ...]) -> None:
    kept = {}
    for path in (path for path in but if path.startswith(folder + "/")):
        kept[path] = tempfile.mkdtemp(dir="/mnt")
        _mount("--bind", path, kept[path])
    _mount("-t", "tmpfs", "-o", options, "tmpfs", folder)
    for path, at in kept.items():
        os.makedirs(path, mode=0o755)
        _mount("--bind", at, path)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _print(results: Results, seconds: float) -> int:
    columns = list(results)
    print(f"{'attempt':44}" + "".join(f"{column:>18}" for column in columns))
    never = 0
    for name in results[columns[0]]:
        cells = [results[column][name] for column in columns]
        never += not any(cells[columns.index(column)] == "escaped" for column in columns if column.endswith("open"))
        shown = ["ESCAPED" if cell == "escaped" else cell.removeprefix("held: ")[:16] for cell in cells]
        print(f"{name:44}" + "".join(f"{cell:>18}" for cell in shown))
    counts = {column: sum(cell == "escaped" for cell in results[column].values()) for column in columns}
    print(f"{'escaped, of ' + str(len(results[columns[0]])):44}" + "".join(f"{counts[c]:>18}" for c in columns))
    out = sum(count for column, count in counts.items() if not column.endswith("open"))
    print(f"{never} attempts work nowhere and show nothing; {seconds:.0f} s")
    return 1 if out or never else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
