"""The desk as a member: a process of its own, on an address of its own, where there is one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from desk import up
from desk.cli.app import main
from desk.newsroom.__main__ import serve
from stories.config import Config
from stories.errors import WirecopyError
from tests.conftest import ConfigOf
from tests.processes import until
from tests.serving import Port, free_port

CONFIGURATION = """
data = "data"
log = "json"
redis_url = "redis://127.0.0.1:1/0"
[publisher]
name = "The Daily Test"
url = "https://daily.example"
[desk]
listen = "127.0.0.1:{port}"
"""


def test_it_runs_where_it_is_configured(config: ConfigOf) -> None:
    without: Config = config()
    assert [m.name for m in up.members(without)] == ["broker", "web", "worker", "poller", "beat"]
    assert "desk" in [member.name for member in up.members(config(desk={}))]
    with pytest.raises(WirecopyError, match=r"desk: there is none; write a table \[desk\]"):
        serve(without, started=False)


@pytest.mark.slow
def test_it_serves_without_a_broker_and_ends_on_a_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = Port(free_port())
    (tmp_path / "wirecopy.toml").write_text(CONFIGURATION.format(port=port.number))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["people", "add", "Priya", "--role", "editor"])
    assert not ended.value.code
    with (tmp_path / "log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "desk.newsroom"],
            cwd=Path(__file__).parents[3],
            env={**os.environ, "WIRECOPY_CONFIG": str(tmp_path / "wirecopy.toml")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        until(lambda: process.poll() is not None or port.open())
        assert port.ask("/healthz").status == 200
        assert port.ask("/queues/all").status == 303
        page = port.ask("/sign-in")
        assert (page.status, page.headers["server"]) == (200, "Wirecopy")
        assert "Sign in" in page.text
        for path in ("/feeds/all.rss", "/metrics", "/status", "/log/checkpoint"):
            assert port.ask(path).status == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert '"desk ended"' in (tmp_path / "log").read_text()
    finally:
        process.kill()
        process.wait()
