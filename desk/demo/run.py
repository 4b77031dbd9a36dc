"""The demo: a newsroom in a temporary folder, its simulated agency, and all that runs."""

import contextlib
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

from desk import up as crew
from desk.demo.script import narrate
from desk.supervisor import Member, supervise
from stories import logs
from stories.config import load
from workers.start import start

CONFIG = """\
# Made by `wirecopy demo`. The agency is a simulation on this machine; all its copy is invented.
[publisher]
name = "The Demo Daily"
url = "https://daily.example"

[site]
url = "{site}"

[politeness]
gap = "0s"      # all wires of the demo are on one host, this one

[[wires]]
name = "sim-national"
agency = "Simulated Press Agency"
code = "SIM"
url = "{agency}/wires/national.rss"
every = "2s"
timezone = "Asia/Kolkata"
allow_private = true

[[wires]]
name = "sim-business"
agency = "Simulated Press Agency"
code = "SIM"
url = "{agency}/wires/business.atom"
every = "3s"
allow_private = true

[[wires]]
name = "sim-languages"
agency = "Simulated Press Agency"
code = "SIM"
url = "{agency}/wires/languages.rdf"
every = "3s"
allow_private = true

[[feeds]]
name = "india"
title = "India (demo)"
wires = ["sim-national"]
limit = 50

[[feeds]]
name = "business"
title = "Business (demo)"
wires = ["sim-business"]

[[feeds]]
name = "languages"
title = "हिन्दी · தமிழ் · اردو (demo)"
wires = ["sim-languages"]
"""


def run(port: int, speed: float, *, once: bool) -> int:
    """Run the demo until Ctrl-C (or, with *once*, until the entry is shown); the exit code."""
    with tempfile.TemporaryDirectory(prefix="wirecopy-demo-") as name:
        folder = Path(name)
        site = f"http://127.0.0.1:{_free(port)}"
        agency = f"http://127.0.0.1:{_free(0)}"
        config_file = folder / "wirecopy.toml"
        config_file.write_text(CONFIG.format(site=site, agency=agency), encoding="utf-8")
        with _logs_into(folder / "demo.log"):
            config = load(config_file)
            start(config).close()
            simulated = [
                *(sys.executable, "-m", "desk.demo", "--port", agency.rpartition(":")[2]),
                *("--speed", str(speed), "--ttl", "0"),
            ]
            members = [Member("agency", simulated), *crew.members(config, config_file)]
            done = threading.Event()
            failed: list[str] = []
            narrator = threading.Thread(
                target=_narrate, args=(config_file, agency, folder, once, done, failed), daemon=True
            )
            narrator.start()
            code = supervise(members, config.data)
            done.set()
            narrator.join(timeout=5)
        if failed:
            sys.stderr.write(failed[0] + "\n" + (folder / "demo.log").read_text()[-4000:])
            code = 1
    return code


def _narrate(
    config_file: Path,
    agency: str,
    folder: Path,
    once: bool,
    done: threading.Event,
    failed: list[str],
) -> None:
    try:
        narrate(load(config_file), agency, folder, once=once, done=done)
    except Exception as error:
        failed.append(f"wirecopy: demo: {error}")
    if once or failed:
        os.kill(os.getpid(), signal.SIGTERM)


def _free(port: int) -> int:
    """*port* if it can be had, else any that is free."""
    for wanted in (port, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", wanted))
            return int(probe.getsockname()[1])
    raise OSError("no port is free on 127.0.0.1")


@contextlib.contextmanager
def _logs_into(file: Path) -> Iterator[None]:
    """Send what all processes say and log to *file*, so that the demo's own words can be read.

    The two descriptors are what children inherit; our own words go to a copy of the first.
    """
    sys.stdout.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in kept:
        os.dup2(target, number)
    os.close(target)
    with os.fdopen(os.dup(kept[1]), "w", encoding="utf-8") as ours, redirect_stdout(ours):
        try:
            logs.configure("json")
            yield
        finally:
            for number, copy in kept.items():
                os.dup2(copy, number)
                os.close(copy)
