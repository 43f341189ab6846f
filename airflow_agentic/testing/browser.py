"""A headless Chromium for pages: the npm package ``@sparticuz/chromium`` driven by ``playwright``; no root, no Debian.

The package (some 75 MB) is kept in *cache*, and the browser is unpacked beside it on first use.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_agentic.testing.npm import node, npm_package

PACKAGE, VERSION = "@sparticuz/chromium", "153.0.0"
_UNPACK = f"import chromium from {PACKAGE!r}; console.log(await chromium.executablePath())"


@contextmanager
def headless_page(cache: Path | None = None, *, timeout_s: float = 30.0) -> Iterator[Any]:
    """Open one page of a fresh browser; yields playwright's ``Page``.

    :param timeout_s: how long a wait of the page may take.
    :raises RuntimeError: Chromium could not be fetched or unpacked.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        # No sandbox of its own: tests run as root in containers, and the page is ours.
        options = ["--no-sandbox", "--disable-gpu", "--no-proxy-server"]
        browser = tool.chromium.launch(executable_path=str(chromium(cache)), args=options)
        try:
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.set_default_timeout(timeout_s * 1000)
            yield page
        finally:
            browser.close()


def chromium(cache: Path | None = None) -> Path:
    """Return the browser, fetched and unpacked on first use.

    :raises RuntimeError: that failed; with the words of npm or Node.
    """
    folder = cache or Path(tempfile.gettempdir()) / f"agentic-chromium-{VERSION}-{os.getuid()}"
    npm_package(PACKAGE, VERSION, folder)
    ready = folder / "chromium"
    if not ready.exists():
        script = folder / "unpack.mjs"
        script.write_text(_UNPACK)
        env = {**os.environ, "TMPDIR": str(folder)}
        done = subprocess.run(
            [str(node()), str(script)], capture_output=True, text=True, timeout=120, check=False, cwd=folder, env=env
        )
        if done.returncode or not ready.exists():
            raise RuntimeError(f"Unpacking {PACKAGE} {VERSION} failed: {done.stdout}{done.stderr[-2000:]}")
    return ready
