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

def leaves():
    for folder in ("/tmp", "/dev/shm"):
        os.makedirs(folder + "/left/deep")
        open(folder + "/left_file", "w").close()

def finds():
    raise RuntimeError(f"seen: {[name for folder in ('/tmp', '/dev/shm') for name in os.listdir(folder) if 'left' in name]}")

def fills():
    for number in range(1000):
        with open(f"filler{number}", "wb") as file:
            file.write(b"x" * 5_000_000)
        time.sleep(0.05)

for f in (harmless, sleeps, daemon, forks, prints, environment, proc_environ, descriptors, reads, writes, connects, who,
          kills_its_parent, asks, mapped, exits, leaves, finds, fills):
    dag(f.__name__, f)
"""


FORGED = """
import glob, json, os, sqlite3, sys, time
from airflow.sdk import DAG, task

def out():
    return os.path.join(os.environ["AIRFLOW_HOME"], "..", "out")

def forged_result():
    tasks = [{"task_id": "t", "map_index": -1, "state": "success"}]
    return {"runs": 1, "run_id": "r", "state": "success", "tasks": tasks, "logs": [], "handed_on": []}

def write_result():
    for folder in (out(), ".", os.path.dirname(os.getcwd()) + "/out"):
        try:
            with open(os.path.join(folder, "result.json"), "w") as file:
                json.dump(forged_result(), file)
        except OSError:
            continue

def patch_harness():
    for module in list(sys.modules.values()):
        for name in ("_states", "_tell", "run", "_try"):
            if getattr(module, "__name__", "").startswith(("agentic_", "__main__")) and hasattr(module, name):
                setattr(module, name, lambda *a, **k: forged_result())
    from airflow.sdk.execution_time import supervisor
    supervisor.ActivitySubprocess.final_state = property(lambda self: "success")

def edit_database():
    paths = glob.glob(os.environ["AIRFLOW_HOME"] + "/../**/*.db", recursive=True) + [out() + "/airflow.db"]
    for number in os.listdir("/proc/self/fd"):
        try:
            paths.append(os.readlink("/proc/self/fd/" + number))
        except OSError:
            continue
    for path in paths:
        try:
            with sqlite3.connect(path, timeout=1) as db:
                db.execute("update task_instance set state = 'success'")
                db.execute("update dag_run set state = 'success'")
        except sqlite3.Error:
            continue

def answer_for_the_harness():
    for number in range(3, 64):
        try:
            os.write(number, b'{"id": 2, "timed_out": false, "status": 0, "elapsed_s": 1}\\n')
        except OSError:
            continue

def by_the_orm():
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    with create_session() as session:
        for one in session.query(TaskInstance):
            one.state = "success"

def stop_the_harness():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) not in (os.getpid(),):
            try:
                os.kill(int(pid), 19)
            except OSError:
                continue

def nothing():
    pass

AT_IMPORT

with DAG("forged", schedule=None):
    @task
    def t():
        IN_TASK
        raise RuntimeError("red")
    t()
"""
FORGERIES = {
    "writes a result and ends at import": ("write_result(); os._exit(0)", "nothing()"),
    "writes a result and ends in the task": ("nothing()", "write_result(); os._exit(0)"),
    "patches the harness at import": ("patch_harness()", "nothing()"),
    "patches the harness in the task": ("nothing()", "patch_harness(); os._exit(0)"),
    "ends with status 0": ("nothing()", "os._exit(0)"),
    "ends by sys.exit": ("nothing()", "sys.exit(0)"),
    "edits the database at import": ("edit_database()", "edit_database()"),
    "edits the database and ends": ("nothing()", "edit_database(); os._exit(0)"),
    "answers in the harness's name": ("answer_for_the_harness()", "answer_for_the_harness(); os._exit(0)"),
    "asks the ORM": ("nothing()", "by_the_orm(); os._exit(0)"),
    "stops the harness": ("nothing()", "stop_the_harness()"),
}


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
        (Path(folder) / "dags" / "needs.py").write_text("import no_such_module_here\n")
        for number, (at_import, in_task) in enumerate(FORGERIES.values()):
            text = FORGED.replace("AT_IMPORT", at_import).replace("IN_TASK", in_task)
            (Path(folder) / "dags" / f"forged{number}.py").write_text(text)
        _commit(folder)
        workspace = LocalWorkspace(
            folder,
            "main",
            "dags",
            Staging(connections=(("shop", "http://staging.example"),)),
            limits=Limits(run_s=45, file_mb=40, processes=64, disk_mb=300),
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


def test_a_task_that_ends_itself_with_status_0_and_no_answer_has_failed(session: LocalSession) -> None:
    run = _run(session, "exits")
    assert (run.state, [task.state for task in run.tasks]) == ("failed", ["failed"])


@pytest.mark.parametrize("forgery", list(FORGERIES))
def test_code_under_test_cannot_say_that_it_passed(session: LocalSession, forgery: str) -> None:
    file = f"dags/forged{list(FORGERIES).index(forgery)}.py"
    run = _run(session, "forged", file=file)
    assert run.state in ("failed", "broken"), run
    assert "success" not in {task.state for task in run.tasks}


def test_what_a_run_left_in_temporary_folders_is_gone_in_the_next(session: LocalSession) -> None:
    assert _run(session, "leaves").state == "success"
    assert _said(_run(session, "finds")) == "seen: []"


def test_a_run_that_fills_the_disk_is_ended_and_the_worker_goes_on(session: LocalSession) -> None:
    assert "it wrote more than 300 MB" in str(_run(session, "fills").broken_because)
    assert _run(session, "harmless").state == "success"


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


def test_a_change_that_adds_a_binary_is_refused(session: LocalSession) -> None:
    edit = FileEdit(path="dags/model.bin", before=None, after="\x7fELF\0")
    with pytest.raises(WorkspaceError, match="binary"):
        session.apply(ChangeSet(base_commit="c", edits=(edit,), diff="", summary="s"))


def test_a_change_that_needs_a_missing_module_fails_by_its_name(session: LocalSession) -> None:
    run = _run(session, "needs", file="dags/needs.py")
    assert run.state == "failed"
    assert run.import_error is not None
    assert "no_such_module_here" in run.import_error.message


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
    left = {
        name
        for name in {*os.listdir(tempfile.gettempdir()), *os.listdir("/var/tmp")} - before
        if name.startswith("agentic_workspace_")
    }
    assert not left


def _run(session: LocalSession, dag_id: str, *, file: str = "dags/hostile.py") -> StagedRun:
    return session.run_dag(
        "try", dag_file=file, dag_id=dag_id, logical_date="2026-11-02T00:00:00+00:00", task_ids=("t",)
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
