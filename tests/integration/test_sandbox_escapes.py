"""A hostile Dag in the real workspace: what it tries, and what is left of it."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.records import ChangeSet, FileEdit, StagedRun
from airflow_agentic.workspaces.local import LocalWorkspace
from airflow_agentic.workspaces.session import LocalSession
from airflow_agentic.workspaces.staging import Limits, Staging

pytestmark = pytest.mark.integration
SENTINEL = "sentinel-7f3a9c"

DAGS = """
import os, socket, time, subprocess, pathlib
from airflow.sdk import DAG, task

def dag(name, function):
    with DAG(name, schedule=None):
        task(task_id="t")(function)()

def harmless():
    return 1

def sleeps():
    time.sleep(3600)

def daemon():
    subprocess.Popen(["sleep", "3456"], start_new_session=True)

def forks():
    while True:
        try:
            if os.fork() == 0:
                os.setsid()
        except OSError:
            time.sleep(0.05)

def prints():
    while True:
        print("x" * 100_000)

def environment():
    raise RuntimeError("seen: " + " ".join(f"{k}={v}" for k, v in os.environ.items()))

def proc_environ():
    seen = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            seen.append((entry / "environ").read_bytes().replace(b"\\0", b" ").decode())
        except OSError:
            continue
    raise RuntimeError("seen: " + " ".join(seen))

def descriptors():
    kinds = {os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")}
    raise RuntimeError("seen: " + " ".join(sorted(kinds)))

def reads():
    seen = []
    for path in (PATHS):
        try:
            seen.append(open(path).read())
        except OSError:
            continue
    raise RuntimeError(f"seen: {seen}")

def writes():
    done = []
    for path in ("/etc/agentic_was_here", "/usr/agentic_was_here", os.path.dirname(os.__file__) + "/agentic_was_here"):
        try:
            open(path, "w").close()
            done.append(path)
        except OSError:
            continue
    raise RuntimeError(f"seen: {done}")

def connects():
    try:
        socket.create_connection(("127.0.0.1", PORT), 2).close()
        raise RuntimeError("seen: connected")
    except OSError as error:
        raise RuntimeError(f"seen: {type(error).__name__}")

def who():
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    status = open("/proc/self/status").read()
    facts = {"uid": os.getuid(), "nnp": "NoNewPrivs:\\t1" in status, "caps": "CapEff:\\t0000000000000000" in status,
             "userns": libc.unshare(0x10000000), "vm_readv": libc.process_vm_readv(os.getppid(), None, 0, None, 0, 0)}
    raise RuntimeError(f"seen: {facts}")

def kills_its_parent():
    os.kill(os.getppid(), 9)
    time.sleep(5)

def asks():
    from airflow.sdk import BaseHook
    BaseHook.get_connection("warehouse")

def mapped():
    from airflow.sdk import BaseHook
    raise RuntimeError("seen: " + BaseHook.get_connection("shop").host)

def exits():
    os._exit(0)

for f in (harmless, sleeps, daemon, forks, prints, environment, proc_environ, descriptors, reads, writes, connects, who,
          kills_its_parent, asks, mapped, exits):
    dag(f.__name__, f)
"""


@pytest.fixture(scope="module")
def outside() -> Iterator[tuple[str, int]]:
    """Give a secret file that others may read, and a port, both outside of the workspace."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "secret")
        Path(path).write_text(SENTINEL)
        os.chmod(path, 0o644)
        yield path, server.getsockname()[1]


@pytest.fixture(scope="module")
def session(outside: tuple[str, int]) -> Iterator[LocalSession]:
    """Open one workspace on the hostile repository, with a secret in our own environment and descriptors."""
    path, port = outside
    os.environ["PRODUCTION_PASSWORD"] = SENTINEL
    inherited = os.open(path, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    with tempfile.TemporaryDirectory() as folder:
        paths = repr(
            (path, "/etc/shadow", os.path.join(os.path.expanduser("~"), ".bashrc"), f"/proc/{os.getpid()}/environ")
        )
        (Path(folder) / "dags").mkdir()
        (Path(folder) / "dags" / "hostile.py").write_text(DAGS.replace("PATHS", paths).replace("PORT", str(port)))
        _commit(folder)
        workspace = LocalWorkspace(
            folder,
            "main",
            "dags",
            Staging(connections=(("shop", "http://staging.example"),)),
            limits=Limits(run_s=12, file_mb=8, processes=64),
        )
        with workspace.open("escape") as opened:
            yield opened
    os.close(inherited)
    del os.environ["PRODUCTION_PASSWORD"]


def test_a_task_that_sleeps_for_ever_is_ended_and_the_worker_goes_on(session: LocalSession) -> None:
    assert "longer than its time limit" in str(_run(session, "sleeps").broken_because)
    assert _run(session, "harmless").state == "success"


def test_a_task_that_forks_without_end_leaves_nothing_behind(session: LocalSession) -> None:
    assert _run(session, "forks").state in ("broken", "failed")
    assert _run(session, "harmless").state == "success"
    assert _processes(session) <= 6


def test_a_daemon_does_not_outlive_its_run(session: LocalSession) -> None:
    assert _run(session, "daemon").state == "success"
    assert not [line for line in _command_lines() if "3456" in line]


def test_a_task_that_prints_without_end_fails_with_a_bounded_log(session: LocalSession) -> None:
    run = _run(session, "prints")
    assert run.state in ("failed", "broken")
    assert len(run.log_tail) <= 8_000


@pytest.mark.parametrize("attempt", ["environment", "proc_environ", "descriptors", "reads"])
def test_no_secret_of_the_worker_is_seen(session: LocalSession, outside: tuple[str, int], attempt: str) -> None:
    seen = _said(_run(session, attempt))
    assert seen.startswith("seen: ")
    assert SENTINEL not in seen
    assert outside[0] not in seen
    assert "root:" not in seen


def test_nothing_outside_is_written(session: LocalSession) -> None:
    assert _said(_run(session, "writes")) == "seen: []"


def test_a_service_of_the_worker_is_out_of_reach(session: LocalSession) -> None:
    assert "refused" in _said(_run(session, "connects"))


def test_a_run_is_not_root_and_can_gain_nothing(session: LocalSession) -> None:
    seen = _said(_run(session, "who"))
    assert "'uid': 0" not in seen
    assert "'nnp': True, 'caps': True, 'userns': -1, 'vm_readv': -1" in seen


def test_a_run_cannot_end_the_harness(session: LocalSession) -> None:
    assert "Operation not permitted" in _said(_run(session, "kills_its_parent"))


def test_a_run_that_ends_itself_without_an_answer_is_broken(session: LocalSession) -> None:
    assert _run(session, "exits").state == "broken"


def test_an_unmapped_connection_is_refused_by_name(session: LocalSession) -> None:
    expected = "no staging connection for 'warehouse': add it to the agentic connection's staging map"
    assert expected in _said(_run(session, "asks"))


def test_a_mapped_connection_is_the_staging_one(session: LocalSession) -> None:
    assert _said(_run(session, "mapped")) == "seen: staging.example"


@pytest.mark.parametrize("path", ["../outside.py", "/etc/passwd", "dags/../../x.py", ".git/config", "dags//x.py"])
def test_a_change_that_writes_outside_is_refused(session: LocalSession, path: str) -> None:
    edit = FileEdit(path=path, before=None, after="x = 1\n")
    with pytest.raises(WorkspaceError, match="no path inside the repository"):
        session.apply(ChangeSet(base_commit="c", edits=(edit,), diff="", summary="s"))


def test_a_change_made_from_another_text_is_refused(session: LocalSession) -> None:
    edit = FileEdit(path="dags/hostile.py", before="something else\n", after="x = 1\n")
    with pytest.raises(WorkspaceError, match="not what the change was made from"):
        session.apply(ChangeSet(base_commit="c", edits=(edit,), diff="", summary="s"))


def test_a_repository_with_a_symbolic_link_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.symlink("/etc/passwd", os.path.join(folder, "link"))
        _commit(folder)
        with (
            pytest.raises(WorkspaceError, match="symbolic links"),
            LocalWorkspace(folder, "main", "dags", Staging()).open("link"),
        ):
            pytest.fail("it was opened")


def test_every_missing_layer_is_refused_by_name_unless_it_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "none.py").write_text("")
    _commit(str(tmp_path))
    staging = Staging(reach=("127.0.0.1:9",))
    with (
        pytest.raises(WorkspaceError, match=r"network .*accept_weaker_isolation = network"),
        LocalWorkspace(str(tmp_path), "main", "dags", staging).open("refused"),
    ):
        pytest.fail("it was opened")
    with LocalWorkspace(str(tmp_path), "main", "dags", staging, frozenset({"network"})).open("accepted") as opened:
        assert dict(opened.environment())["network"].startswith("missing")


def test_nothing_of_a_workspace_remains_after_it() -> None:
    before = {*os.listdir(tempfile.gettempdir()), *os.listdir("/var/tmp")}
    with tempfile.TemporaryDirectory() as folder:
        with (
            pytest.raises(WorkspaceError, match="Cloning"),
            LocalWorkspace(os.path.join(folder, "none"), "main", "dags", Staging()).open("gone"),
        ):
            pytest.fail("it was opened")
    left = {name for name in {*os.listdir(tempfile.gettempdir()), *os.listdir("/var/tmp")} - before if name.startswith("agentic_workspace_")}
    assert not left


def _run(session: LocalSession, dag_id: str) -> StagedRun:
    return session.run_dag(
        "try", dag_file="dags/hostile.py", dag_id=dag_id, logical_date="2026-11-02T00:00:00+00:00", task_ids=("t",)
    )


def _said(run: StagedRun) -> str:
    errors = [task.error for task in run.tasks if task.error]
    assert errors, run
    return errors[0].message


def _commit(folder: str) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "hostile"]):
        subprocess.run([*git, *arguments], cwd=folder, check=True)


def _processes(session: LocalSession) -> int:
    time.sleep(0.2)
    return sum(1 for line in _command_lines() if session._box in line)


def _command_lines() -> list[str]:
    found = []
    for name in os.listdir("/proc"):
        try:
            found.append((Path("/proc") / name / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
