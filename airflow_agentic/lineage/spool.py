"""Events that could not be delivered, one file each, bounded; delivered twice at worst, which changes nothing."""

from __future__ import annotations

import itertools
import os
import time
from contextlib import suppress

MOST_BYTES = 100_000_000
MOST_FILES = 20_000
_numbers = itertools.count()


class Spool:
    """A folder of waiting events.

    :param folder: made when the first event comes, for its owner only.
    :param most_bytes: of all files together; what would go beyond is not kept.
    """

    def __init__(self, folder: str, *, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self._most_bytes = most_bytes

    def keep(self, body: bytes) -> bool:
        """Keep one event; return False when the spool is full. :raises OSError: the folder cannot be written."""
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        files, size = self.waiting()
        if files >= MOST_FILES or size + len(body) > self._most_bytes:
            return False
        path = os.path.join(self.folder, f"{time.time_ns():020}-{os.getpid()}-{next(_numbers)}")
        with open(os.open(f"{path}.part", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(body)
        os.rename(f"{path}.part", f"{path}.json")
        return True

    def waiting(self) -> tuple[int, int]:
        """Return how many events wait, and their bytes."""
        files = size = 0
        with suppress(FileNotFoundError), os.scandir(self.folder) as found:
            for entry in found:
                with suppress(FileNotFoundError):
                    size += entry.stat().st_size
                    files += entry.name.endswith(".json")
        return files, size

    def oldest(self, most: int) -> list[tuple[str, bytes]]:
        """Return the path and content of the *most* events that have waited longest."""
        found: list[tuple[str, bytes]] = []
        with suppress(FileNotFoundError):
            for name in sorted(name for name in os.listdir(self.folder) if name.endswith(".json"))[:most]:
                path = os.path.join(self.folder, name)
                with suppress(FileNotFoundError), open(path, "rb") as file:  # another process may have been faster
                    found.append((path, file.read()))
        return found

    def done(self, paths: list[str]) -> None:
        """Forget events that were delivered."""
        for path in paths:
            with suppress(FileNotFoundError):
                os.unlink(path)
