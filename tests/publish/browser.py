"""A real browser, where the machine has one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import html

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

LONGEST = 20_000
"""Milliseconds of the page's own time in which its scripts have to come to an end."""


def program() -> str:
    """The browser's program; skips the test where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser on this machine (looked for {', '.join(NAMES)})")
    return found


def opened(url: str, profile: Path, *options: str) -> html.HtmlElement:
    """The page at *url* as it stands when its scripts have run. *profile* is an empty folder,
    *options* are further ones of the browser's."""
    command = [
        program(),
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        # /dev/shm is small in containers.
        "--disable-dev-shm-usage",
        f"--user-data-dir={profile}",
        f"--virtual-time-budget={LONGEST}",
        *options,
        "--dump-dom",
        url,
    ]
    if os.geteuid() == 0:  # its sandbox refuses to serve root
        command.insert(1, "--no-sandbox")
    done = subprocess.run(command, capture_output=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr.decode()
    return html.document_fromstring(done.stdout.decode())
