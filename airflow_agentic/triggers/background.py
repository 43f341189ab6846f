"""One daemon thread per process for what a scheduler or api-server must not do on its own threads.

The scheduler's main thread holds a database session that refuses any other commit: reading a connection there, or
triggering a Dag, ends the process. A thread has a session of its own. It is keyed by process, because the
LocalExecutor forks the scheduler and a thread does not survive a fork.
"""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

_LIMIT = 1_000
_LAST_WORDS_S = 3.0


def submit(job: Callable[[], object]) -> bool:
    """Run *job* soon, in order, and log what it raises; return False when 1,000 jobs are already waiting."""
    try:
        _of_this_process().jobs.put_nowait(job)
    except queue.Full:
        return False
    return True


def is_here() -> bool:
    """Say whether the caller runs on this process's background thread."""
    return threading.current_thread() is getattr(_workers.get(os.getpid()), "thread", None)


class _Worker:
    def __init__(self) -> None:
        self.jobs: queue.Queue[Callable[[], object]] = queue.Queue(_LIMIT)
        self.thread = threading.Thread(target=self._run, name="airflow-agentic", daemon=True)

    def _run(self) -> None:
        while True:
            job = self.jobs.get()
            try:
                job()
            except Exception:
                # A border: nobody waits for this job, and the next one must still run.
                log.exception("Reporting a failure from the background failed")
            finally:
                self.jobs.task_done()


_workers: dict[int, _Worker] = {}
_lock = threading.Lock()


def _of_this_process() -> _Worker:
    with _lock:
        worker = _workers.get(os.getpid())
        if worker is None:
            _workers.clear()
            worker = _workers[os.getpid()] = _Worker()
            worker.thread.start()
            atexit.register(_finish, worker, os.getpid())
        return worker


def _finish(worker: _Worker, pid: int) -> None:
    """Give what waits a last chance when the process ends: a daemon thread is simply cut off."""
    deadline = time.monotonic() + _LAST_WORDS_S
    while os.getpid() == pid and worker.jobs.unfinished_tasks and time.monotonic() < deadline:
        time.sleep(0.05)


def _new_lock() -> None:
    global _lock  # noqa: PLW0603 - a forked child must not inherit a held lock
    _lock = threading.Lock()


# A fork may copy the lock while another thread holds it; nobody would ever open it in the child.
os.register_at_fork(after_in_child=_new_lock)
