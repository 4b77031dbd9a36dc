"""The containers in earnest: ``python -m tests.containers`` (``make containers``).

Builds the image and, in a project and folder of its own, does what an operator would: up, poll,
a headline, more workers, a kill, down. Needs Docker Engine with Compose 2, and says so without.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import hostile
from tests.serving import free_port

ROOT = Path(__file__).parent.parent

PASSWORD = "p@ss%41/:#?w$rd"
"""Of characters that mean something in addresses, in .env and in shells."""

CONFIGURATION = """
[publisher]
name = "Chronicle"
url = "https://www.chronicle.example"

[[wires]]
name = "w"
agency = "Agency"
url = "http://agency:8000/feed.xml"
every = "5s"
allow_private = true
headers_env = { X-Key = "AGENCY_KEY" }
"""

AGENCY = """
services:
  agency:
    image: wirecopy
    pull_policy: never
    entrypoint: [python, -m, http.server, "8000", --directory, /feed]
    command: []
    networks: [outside]
    volumes: ["./feed:/feed:ro"]
"""


class Project:
    """A compose project in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.name = f"wirecopy-test-{os.getpid()}"

    def write(self) -> None:
        """The files that an operator has beside compose.yaml, and an agency."""
        for name in (".dockerignore", "Dockerfile", "compose.yaml", "pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, self.folder)
        shutil.copy(ROOT / "LICENSE", self.folder)
        for room in (*(path.parent for path in ROOT.glob("*/__init__.py")), ROOT / "requirements"):
            if room.name not in ("tests", "bench"):
                shutil.copytree(
                    room, self.folder / room.name, ignore=shutil.ignore_patterns("*.pyc")
                )
        (self.folder / "wirecopy.toml").write_text(CONFIGURATION)
        settings = f"POSTGRES_PASSWORD='{PASSWORD}'\nWEB_PORT={self.port}\nAGENCY_KEY=k\n"
        (self.folder / ".env").write_text(settings)
        (self.folder / "agency.yaml").write_text(AGENCY)
        (self.folder / "feed").mkdir()
        (self.folder / "feed/feed.xml").write_bytes(hostile.FEED)

    def compose(self, *words: str) -> str:
        """Standard output of ``docker compose``, which must succeed."""
        files = ("--file", "compose.yaml", "--file", "agency.yaml")
        command = ["docker", "compose", "--project-name", self.name, *files, *words]
        print("$", " ".join(command), flush=True)
        done = subprocess.run(
            command, cwd=self.folder, stdout=subprocess.PIPE, text=True, timeout=900, check=True
        )
        return done.stdout

    def wirecopy(self, *words: str) -> Any:
        """What ``wirecopy … --json`` prints in a worker's container."""
        return json.loads(self.compose("run", "--rm", "-T", "worker", *words, "--json"))

    def get(self, path: str) -> bytes:
        """What the web answers."""
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bytes(answer.read())


def until(happened: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Wait until something *happened*; refusals on the way are none."""
    end = time.monotonic() + seconds
    while True:
        try:
            if happened():
                return
        except (OSError, ValueError, subprocess.CalledProcessError):
            pass
        if time.monotonic() > end:
            raise AssertionError(f"did not happen in {seconds:g} s: {what}")
        time.sleep(1)


def run(project: Project) -> None:
    """Do what an operator does."""
    project.compose("up", "--detach", "--build", "--wait")
    until(lambda: b"Rain stops play" in project.get("/feeds/all.rss"), "polled by itself")
    assert json.loads(project.get("/readyz"))["ready"]
    assert project.wirecopy("poll")[0]["state"] in ("ok", "unchanged", "not-modified")
    story = project.wirecopy("stories")[0]["id"]
    headline = f"Edited {secrets.token_hex(4)}"
    words = ("headline", story, headline, "--by", "Asha")
    project.compose("run", "--rm", "-T", "worker", *words)
    until(lambda: headline.encode() in project.get("/feeds/all.rss"), "the headline is served")
    project.compose("up", "--detach", "--wait", "--scale", "worker=3")
    workers = project.compose("ps", "--quiet", "worker").split()
    assert len(workers) == 3, workers
    images = set(project.compose("images", "--quiet").split())
    assert len(images) == 3, "ours, PostgreSQL and Valkey"
    project.compose("kill", "worker", "poller", "redis")
    assert headline.encode() in project.get("/feeds/all.rss")
    project.compose("up", "--detach", "--wait", "--scale", "worker=3")
    until(lambda: json.loads(project.get("/readyz"))["ready"], "ready again")
    began = time.monotonic()
    project.compose("stop", "poller")
    assert time.monotonic() - began < 30, "a poller ends when it is told to"
    logs = project.compose("logs", "--no-log-prefix", "web", "worker", "poller", "beat")
    assert PASSWORD not in logs
    assert all(line.startswith("{") for line in logs.splitlines() if line.strip()), logs[:2000]


def main() -> int:
    """0 when all was well; 1 when not, or when there is no engine."""
    for command in (["docker", "compose", "version"], ["docker", "info"]):
        there = shutil.which("docker")
        if not there or subprocess.run(command, check=False, capture_output=True).returncode:
            sys.stderr.write(
                f"{' '.join(command)} fails: no Docker Engine with Compose 2 answers here;"
                " nothing was tried\n"
            )
            return 1
    with tempfile.TemporaryDirectory(prefix="wirecopy-containers-") as name:
        project = Project(Path(name))
        project.write()
        try:
            run(project)
        finally:
            project.compose("down", "--volumes", "--timeout", "60")
    print("built, started, polled, edited, scaled, killed, ended: all was well")
    return 0


if __name__ == "__main__":
    sys.exit(main())
