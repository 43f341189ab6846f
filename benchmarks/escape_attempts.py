"""Ways out of a sandbox, each tried in a process of its own → one JSON line: which of them worked.

``python escape_attempts.py PLACES``: places are files, ports and processes outside that `bench_escapes` has laid out.
An attempt that raises OSError, is killed or takes longer than 3 s was held. Standard library only: it runs inside.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
SECRET = "sentinel-7f3a9c"
Place = dict[str, Any]
ATTEMPTS: dict[str, Callable[[Place], object]] = {}


def attempt(function: Callable[[Place], object]) -> Callable[[Place], object]:
    """Add a way out; its docstring is its name in the table."""
    ATTEMPTS[str(function.__doc__).rstrip(".")] = function
    return function


def call(number: int, *arguments: Any) -> int:
    passed = [a if isinstance(a, (bytes, ctypes.Array)) or a is None else ctypes.c_long(a) for a in arguments]
    return check(LIBC.syscall(ctypes.c_long(number), *passed))


def check(answer: int) -> int:
    if answer < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return int(answer)


def reads(path: str) -> bool:
    with open(path, "rb") as file:
        return SECRET.encode() in file.read(100_000)


# files ------------------------------------------------------------------------------------------------------------


@attempt
def read_file(p: Place) -> object:
    """Read a file outside."""
    return reads(p["secret"])


@attempt
def read_by_root(p: Place) -> object:
    """Read it by /proc/PID/root."""
    return reads(f"/proc/{p['victim']}/root{p['secret']}")


@attempt
def read_by_cwd(p: Place) -> object:
    """Read it by /proc/PID/cwd."""
    return reads(f"/proc/{p['victim']}/cwd/secret")


@attempt
def read_by_fd(p: Place) -> object:
    """Read it by /proc/PID/fd."""
    return reads(f"/proc/{p['victim']}/fd/{p['victim_fd']}")


@attempt
def read_by_link(p: Place) -> object:
    """Read it by a symbolic link."""
    os.symlink(p["secret"], p["own"] + "/symlink")
    return reads(p["own"] + "/symlink")


@attempt
def read_by_hard_link(p: Place) -> object:
    """Read it by a hard link."""
    os.link(p["secret"], p["own"] + "/hardlink")
    return reads(p["own"] + "/hardlink")


@attempt
def read_by_handle(p: Place) -> object:
    """Read it by a file handle."""
    handle, mount = ctypes.create_string_buffer(struct.pack("=Ii", 128, 0) + bytes(128)), ctypes.c_int()
    check(LIBC.name_to_handle_at(-100, p["secret"].encode(), handle, ctypes.byref(mount), 0))
    opened = check(LIBC.open_by_handle_at(os.open(p["outside"], os.O_RDONLY), handle, os.O_RDONLY))
    return SECRET.encode() in os.read(opened, 1000)


@attempt
def read_by_inheritance(_: Place) -> object:
    """Read it by an inherited descriptor."""
    for number in range(3, 64):
        try:
            if SECRET.encode() in os.pread(number, 1000, 0):
                return True
        except OSError:
            continue
    return False


@attempt
def read_environment(_: Place) -> object:
    """Find a secret in its environment."""
    return any(SECRET in value for value in os.environ.values())


@attempt
def list_folder(p: Place) -> object:
    """List a folder outside."""
    return "secret" in os.listdir(p["outside"])


@attempt
def write_file(p: Place) -> object:
    """Overwrite a file outside."""
    with open(p["victim_file"], "r+b") as file:
        return file.write(b"!")


@attempt
def create_file(p: Place) -> object:
    """Create a file outside."""
    os.close(os.open(p["outside"] + f"/new{os.getpid()}", os.O_CREAT | os.O_WRONLY))
    return True


@attempt
def truncate_file(p: Place) -> object:
    """Truncate a file outside."""
    os.truncate(p["victim_file"], 3)
    return True


@attempt
def change_mode(p: Place) -> object:
    """Change the mode of a file outside."""
    os.chmod(p["victim_file"], 0o646)
    return os.stat(p["victim_file"]).st_mode & 0o777 == 0o646


@attempt
def delete_file(p: Place) -> object:
    """Delete a file outside."""
    os.unlink(p["to_delete"])
    return True


@attempt
def rename_file(p: Place) -> object:
    """Move a file from outside inside."""
    os.rename(p["to_move"], p["own"] + "/moved")
    return True


@attempt
def change_interpreter(p: Place) -> object:
    """Leave code in the interpreter's folder."""
    os.close(os.open(p["site"] + f"/left{os.getpid()}.py", os.O_CREAT | os.O_WRONLY))
    return True


@attempt
def make_device(p: Place) -> object:
    """Make a device and read it."""
    path = p["own"] + "/device"
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))
    with open(path, "rb") as device:
        return device.read(1) == b"\0"


@attempt
def change_root(p: Place) -> object:
    """Change its root folder."""
    os.chroot(p["own"])
    return True


@attempt
def mount_tmpfs(p: Place) -> object:
    """Mount a file system."""
    target = p["own"].encode()
    check(LIBC.mount(b"tmpfs", target, b"tmpfs", 0, None))
    LIBC.umount2(target, 2)
    return True


@attempt
def open_tree(_: Place) -> object:
    """Take a mount tree."""
    os.close(call(428, -100, b"/", 1))
    return True


@attempt
def new_file_system(_: Place) -> object:
    """Open a new file system."""
    os.close(call(430, b"tmpfs", 0))
    return True


# network ----------------------------------------------------------------------------------------------------------


def greeted(out: socket.socket) -> bool:
    out.settimeout(1)
    out.sendall(b"hi")
    return SECRET.encode() in out.recv(100)


@attempt
def tcp(p: Place) -> object:
    """Connect to a service by TCP."""
    with socket.create_connection(("127.0.0.1", p["tcp"]), 1) as out:
        return greeted(out)


@attempt
def mptcp(p: Place) -> object:
    """Connect to it by MPTCP."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as out:
        out.settimeout(1)
        out.connect(("127.0.0.1", p["tcp"]))
        return greeted(out)


@attempt
def fast_open(p: Place) -> object:
    """Connect to it by TCP fast open."""
    with socket.socket() as out:
        out.sendto(b"hi", socket.MSG_FASTOPEN, ("127.0.0.1", p["tcp"]))
        return SECRET.encode() in out.recv(100)


@attempt
def udp(p: Place) -> object:
    """Ask a service by UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("127.0.0.1", p["udp"]))
        return greeted(out)


@attempt
def unix_path(p: Place) -> object:
    """Connect to a Unix socket by path."""
    with socket.socket(socket.AF_UNIX) as out:
        out.connect(p["unix"])
        return greeted(out)


@attempt
def unix_abstract(p: Place) -> object:
    """Connect to an abstract Unix socket."""
    with socket.socket(socket.AF_UNIX) as out:
        out.connect("\0" + p["abstract"])
        return greeted(out)


@attempt
def be_reached(p: Place) -> object:
    """Be reached by others at a port."""
    with socket.create_server(("127.0.0.1", p["listen"])) as server:
        server.settimeout(1.5)
        server.accept()[0].close()
        return True


@attempt
def raw_socket(_: Place) -> object:
    """Send packets of its own making."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as out:
        return out.sendto(b"\x08\0\xf7\xff\0\0\0\0", ("127.0.0.1", 0))


@attempt
def listen_to_all(_: Place) -> object:
    """Listen to all packets."""
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)).close()
    return True


@attempt
def see_interfaces(_: Place) -> object:
    """See the machine's network interfaces."""
    return [name for _, name in socket.if_nameindex() if name not in {"lo", "sit0", "tunl0", "ip6tnl0"}]


# processes --------------------------------------------------------------------------------------------------------


@attempt
def send_signal(p: Place) -> object:
    """Signal a process outside."""
    os.kill(p["victim"], 0)
    return True


@attempt
def see_environment(p: Place) -> object:
    """Read /proc/PID/environ."""
    return reads(f"/proc/{p['victim']}/environ")


@attempt
def see_command(p: Place) -> object:
    """Read /proc/PID/cmdline."""
    return reads(f"/proc/{p['victim']}/cmdline")


@attempt
def read_memory_file(p: Place) -> object:
    """Read /proc/PID/mem."""
    with open(f"/proc/{p['victim']}/mem", "rb", buffering=0) as memory:
        memory.seek(p["address"])
        return SECRET.encode() in memory.read(len(SECRET))


@attempt
def trace(p: Place) -> object:
    """Trace a process."""
    check(LIBC.ptrace(0x4206, p["victim"], None, None))
    return True


def _vectors(p: Place) -> tuple[Any, Any, Any]:
    held = ctypes.create_string_buffer(len(SECRET))
    local = (ctypes.c_void_p * 2)(ctypes.addressof(held), len(SECRET))
    return held, local, (ctypes.c_void_p * 2)(p["address"], len(SECRET))


@attempt
def read_memory(p: Place) -> object:
    """Read another process's memory."""
    held, local, remote = _vectors(p)
    check(LIBC.process_vm_readv(p["victim"], local, 1, remote, 1, 0))
    return held.raw.decode() == SECRET


@attempt
def write_memory(p: Place) -> object:
    """Write another process's memory."""
    held, local, remote = _vectors(p)
    held.raw = SECRET.encode()
    check(LIBC.process_vm_writev(p["victim"], local, 1, remote, 1, 0))
    return True


@attempt
def steal_descriptor(p: Place) -> object:
    """Take a descriptor of another process."""
    taken = call(438, call(434, p["victim"], 0), p["victim_fd"], 0)
    return SECRET.encode() in os.pread(taken, 1000, 0)


@attempt
def change_limits(p: Place) -> object:
    """Change another process's limits."""
    resource.prlimit(p["victim"], resource.RLIMIT_CORE, (0, 0))
    return True


@attempt
def change_priority(p: Place) -> object:
    """Change another process's priority."""
    os.setpriority(os.PRIO_PROCESS, p["victim"], 1)
    return True


@attempt
def compare_kernel_objects(p: Place) -> object:
    """Compare kernel objects of processes."""
    call(312, os.getpid(), p["victim"], 1, 0, 0)
    return True


@attempt
def shared_memory(p: Place) -> object:
    """Attach shared memory of the machine."""
    LIBC.shmat.restype = ctypes.c_void_p
    at = LIBC.shmat(LIBC.shmget(p["shm"], 64, 0), None, 0o10000)
    return at not in (None, ctypes.c_void_p(-1).value) and SECRET.encode() in ctypes.string_at(at, 64)


@attempt
def message_queue(p: Place) -> object:
    """Open a message queue of the machine."""
    queue = call(240, p["queue"].encode(), os.O_RDONLY | os.O_NONBLOCK, 0, None)
    os.close(queue)
    return True


@attempt
def keyring(_: Place) -> object:
    """Use the kernel's keys."""
    return call(248, b"user", b"agentic-escape", b"x", 1, -2)


# privileges -------------------------------------------------------------------------------------------------------


@attempt
def user_namespace(_: Place) -> object:
    """Unshare a user namespace."""
    return check(LIBC.unshare(0x10000000)) == 0


@attempt
def clone_user_namespace(_: Place) -> object:
    """Clone into a user namespace."""
    pid = call(56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    return True


@attempt
def clone3_user_namespace(_: Place) -> object:
    """clone3 into a user namespace."""
    pid = call(435, struct.pack("=11Q", 0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, 0), 88)
    if pid == 0:
        os._exit(0)
    return True


@attempt
def enter_namespace(p: Place) -> object:
    """Enter another process's namespace."""
    return check(LIBC.setns(os.open(f"/proc/{p['victim']}/ns/uts", os.O_RDONLY), 0)) == 0


@attempt
def become_root(p: Place) -> object:
    """Run a program with root's bit set."""
    pid = os.fork()
    if pid == 0:
        os.setresuid(*[p["plain_uid"]] * 3) if os.getuid() == 0 else None
        os.execv(p["set_uid"], [p["set_uid"], "-p", "-c", "test $(id -u) = 0"])
    return os.waitpid(pid, 0)[1] == 0


@attempt
def set_host_name(_: Place) -> object:
    """Set the host's name."""
    socket.sethostname(socket.gethostname())
    return True


@attempt
def set_kernel_parameter(_: Place) -> object:
    """Open a kernel parameter for writing."""
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
    return True


@attempt
def kernel_log(_: Place) -> object:
    """Read the kernel's log."""
    return check(LIBC.klogctl(3, ctypes.create_string_buffer(1000), 1000))


@attempt
def io_uring(_: Place) -> object:
    """Set up an io_uring."""
    os.close(call(425, 1, ctypes.create_string_buffer(120)))
    return True


@attempt
def bpf(_: Place) -> object:
    """Load a BPF map."""
    os.close(call(321, 0, struct.pack("=IIIII", 2, 4, 4, 1, 0) + bytes(100), 120))
    return True


@attempt
def perf(_: Place) -> object:
    """Open performance events."""
    os.close(
        call(298, struct.pack("=IIQQ", 1, 112, 0, 0) + bytes(16) + struct.pack("=Q", 0x60) + bytes(64), 0, -1, -1, 0)
    )
    return True


@attempt
def user_faults(_: Place) -> object:
    """Handle page faults."""
    os.close(call(323, 1))
    return True


# resources --------------------------------------------------------------------------------------------------------


@attempt
def big_file(p: Place) -> object:
    """Write a file beyond the limit."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(p["own"] + "/big", "wb") as file:
        os.truncate(file.fileno(), p["file_bytes"] + 1)
    return True


@attempt
def fill_temporary(p: Place) -> object:
    """Fill /tmp beyond its size."""
    return _fill("/tmp", p)


@attempt
def fill_shared(p: Place) -> object:
    """Fill /dev/shm beyond its size."""
    return _fill("/dev/shm", p)


def _fill(folder: str, p: Place) -> bool:
    paths = [f"{folder}/escape{os.getpid()}_{number}" for number in range(p["scratch_files"])]
    try:
        for path in paths:
            with open(path, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, p["file_bytes"] // 2)
    finally:
        for path in paths:
            if os.path.exists(path):
                os.unlink(path)
    return True


@attempt
def much_memory(p: Place) -> object:
    """Take memory beyond the limit."""
    LIBC.mmap.restype = ctypes.c_void_p
    at = LIBC.mmap(None, ctypes.c_size_t(p["memory_bytes"] + (1 << 20)), 0, 0x4022, -1, ctypes.c_long(0))
    return at not in (None, ctypes.c_void_p(-1).value)


@attempt
def many_processes(p: Place) -> object:
    """Start processes beyond the limit."""
    started = []
    try:
        for _ in range(p["processes"] + 20):
            pid = os.fork()
            if pid == 0:
                time.sleep(20)
                os._exit(0)
            started.append(pid)
    finally:
        for pid in started:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return True


@attempt
def many_files(p: Place) -> object:
    """Open files beyond the limit."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] > p["open_files"]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (p["open_files"] + 20,) * 2)
    return len([os.dup(0) for _ in range(p["open_files"] + 10)])


def main() -> None:
    """Try all that the places ask for, and print what worked."""
    place: Place = json.loads(sys.argv[1])
    asked = place.get("only") or list(ATTEMPTS)
    print(json.dumps({name: _tried(ATTEMPTS[name], place) for name in asked}))


def _tried(do: Callable[[Place], object], place: Place) -> str:
    """Return ``escaped``, or why not."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        try:
            said = "escaped" if do(place) else "held: nothing came of it"
        except (OSError, MemoryError) as error:
            said = f"held: {errno.errorcode.get(getattr(error, 'errno', None) or 0, error)}"
        except BaseException as error:
            said = f"error: {type(error).__name__}: {error}"
        os.write(writer, said.encode()[:500])
        os._exit(0)
    os.close(writer)
    try:
        ready = select.select([reader], [], [], 6)[0]
        return (os.read(reader, 600).decode() or "held: it was ended") if ready else "held: no end to it"
    finally:
        os.close(reader)
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
