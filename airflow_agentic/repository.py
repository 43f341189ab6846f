"""A path as a worker printed it → the file of the checkout that it means. Stdlib only; reads names, never contents."""

from __future__ import annotations

import os
from collections.abc import Iterator

from airflow_agentic.records import Checkout

MAX_FILES = 50_000
_SKIPPED = {".git", "__pycache__", "node_modules", ".venv", "venv"}


def repository_path(checkout: Checkout, printed_path: str) -> str | None:
    """Return the repository-relative path of the file that *printed_path* names; None if it is not of the repository.

    Workers print absolute paths of their own machine, so the file whose path shares the longest tail wins. A bare
    file name counts only at the root or in the folder of the Dags; two equally good files are none.
    """
    wanted = [part for part in printed_path.replace("\\", "/").split("/") if part not in {"", "."}]
    if not wanted or ".." in wanted or wanted[-1].startswith("<"):
        return None
    best: list[str] = []
    length = 0
    for path in files(checkout.path):
        parts = path.split("/")
        if parts[-1] != wanted[-1]:
            continue
        shared = _shared_tail(parts, wanted)
        if shared == 1 and not _counts_alone(parts, wanted, checkout.dags_path):
            continue
        if shared > length:
            best, length = [path], shared
        elif shared == length:
            best.append(path)
    return _only(best, wanted, checkout.dags_path)


def files(root: str) -> Iterator[str]:
    """Yield the repository-relative paths of the regular files below *root*, sorted per folder, at most 50,000."""
    seen = 0
    for folder, folders, names in os.walk(root, followlinks=False):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        for name in sorted(names):
            full = os.path.join(folder, name)
            if os.path.islink(full):
                continue
            seen += 1
            if seen > MAX_FILES:
                return
            yield os.path.relpath(full, root).replace(os.sep, "/")


def read_text(checkout: Checkout, path: str, *, limit: int = 400_000) -> str | None:
    """Return the text of a repository-relative *path*, at most *limit* characters; None if it is no readable file."""
    full = os.path.realpath(os.path.join(checkout.path, path))
    if not full.startswith(os.path.realpath(checkout.path) + os.sep) or not os.path.isfile(full):
        return None
    try:
        with open(full, encoding="utf-8", errors="replace") as text:
            return text.read(limit)
    except OSError:
        return None


def _shared_tail(parts: list[str], wanted: list[str]) -> int:
    count = 0
    for a, b in zip(reversed(parts), reversed(wanted), strict=False):
        if a != b:
            break
        count += 1
    return count


def _counts_alone(parts: list[str], wanted: list[str], dags_path: str) -> bool:
    """A name alone is weak: ``utils.py`` of another package must not become ours."""
    folder = "/".join(parts[:-1])
    return folder in {"", dags_path.strip("/.")} and "site-packages" not in wanted


def _only(best: list[str], wanted: list[str], dags_path: str) -> str | None:
    if len(best) <= 1:
        return best[0] if best else None
    whole = [
        path
        for path in best
        if len(path.split("/")) <= len(wanted) and path == "/".join(wanted[-len(path.split("/")) :])
    ]
    if len(whole) == 1:
        return whole[0]
    prefix = dags_path.strip("/.") + "/"
    near = [path for path in best if path.startswith(prefix)]
    return near[0] if len(near) == 1 else None
