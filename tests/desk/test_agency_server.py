"""The demo's agency over real HTTP on loopback."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise

import pytest
from lxml import etree

from desk.demo import __main__ as command
from desk.demo import newswire
from desk.demo.newswire import Script
from desk.demo.server import running, serve
from stories.errors import WirecopyError
from tests.desk.agency import Client, Hand, stories_at

NATIONAL = "/wires/national.rss"


@pytest.fixture
def script() -> Iterator[Client]:
    clock = Hand()
    with serve(Script(), clock) as base:
        client = Client(base, clock)
        try:
            yield client
        finally:
            client.connection.close()


def test_a_feed_as_the_pure_core_has_it(script: Client) -> None:
    script.clock.moment = 45
    status, headers, body = script.ask(NATIONAL)
    assert status == 200
    assert headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert headers["X-Simulation"] == "yes"
    assert headers["Date"] == "Sun, 22 Nov 2026 03:30:45 GMT"
    assert headers["Last-Modified"] == "Sun, 22 Nov 2026 03:30:45 GMT"
    items = stories_at(Script(site=script.base), 0, 45)
    titles = etree.fromstring(body).xpath("//item/title/text()")
    assert titles == [item.headline for item in items]
    guids = [node.text or "" for node in etree.fromstring(body).iter("guid")]
    assert guids == [item.guid for item in items]


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("/wires/national.atom", "application/atom+xml; charset=utf-8"),
        ("/wires/business.rdf", "application/rdf+xml; charset=utf-8"),
        ("/wires/languages.rss?utm=1", "application/rss+xml; charset=utf-8"),
        ("/", "text/html; charset=utf-8"),
        ("/stories/1-1", "text/html; charset=utf-8"),
        ("/pictures/3.svg", "image/svg+xml"),
        ("/pixel.gif?story=1-5&reads=0", "image/gif"),
    ],
)
def test_what_is_there(script: Client, path: str, media: str) -> None:
    status, headers, body = script.ask(path)
    assert (status, headers["Content-Type"], headers["X-Simulation"]) == (200, media, "yes")
    assert int(headers["Content-Length"]) == len(body) > 0


@pytest.mark.parametrize(
    "path",
    [
        "/wires/local.rss",
        "/wires/national.txt",
        "/wires/national",
        "/national.rss",
        "/w/0.rss",
        "/stories/",
        "/stories/1-99",
        "/stories/2-1",
        "/stories/1-w0-1",
        "/stories/1-x",
        "/pictures/x.svg",
        "/pictures/12345678901.svg",
        "/nowhere",
    ],
)
def test_what_is_not_there(script: Client, path: str) -> None:
    status, headers, body = script.ask(path)
    assert (status, headers["X-Simulation"]) == (404, "yes")
    assert b"THIS IS A SIMULATION" in body


# Validators (RFC 9110 §13)


def test_both_validators_are_honoured(script: Client) -> None:
    _, headers, _ = script.ask(NATIONAL)
    tag, modified = headers["ETag"], headers["Last-Modified"]
    for name, value in (
        ("If-None-Match", tag),
        ("If-None-Match", f"W/{tag}"),
        ("If-None-Match", f'"other", {tag}'),
        ("If-None-Match", "*"),
        ("If-Modified-Since", modified),
        ("If-Modified-Since", "Sun, 22 Nov 2026 04:00:00 GMT"),
    ):
        status, again, body = script.ask(NATIONAL, **{name: value})
        assert (status, body) == (304, b""), value
        assert (again["ETag"], again["Last-Modified"]) == (tag, modified)
    for name, value in (
        ("If-None-Match", '"other"'),
        ("If-Modified-Since", "Sat, 21 Nov 2026 00:00:00 GMT"),
        ("If-Modified-Since", "yesterday"),
    ):
        assert script.ask(NATIONAL, **{name: value})[0] == 200, value


def test_if_none_match_goes_before_if_modified_since(script: Client) -> None:
    _, headers, _ = script.ask(NATIONAL)
    asked = {"If-None-Match": '"other"', "If-Modified-Since": headers["Last-Modified"]}
    assert script.ask(NATIONAL, **asked)[0] == 200


@pytest.mark.slow
def test_the_tag_changes_exactly_when_the_wire_does(script: Client) -> None:
    tags: list[str] = []
    bodies: list[bytes] = []
    moments = [step / 2 for step in range(130)]
    for moment in moments:
        script.clock.moment = moment
        _, headers, body = script.ask(NATIONAL)
        tags.append(headers["ETag"])
        bodies.append(body)
    changed = [m for m, (a, b) in zip(moments[1:], pairwise(tags), strict=True) if a != b]
    assert changed == [10, 20, 25, 30, 35, 40, 45, 50, 60]
    pairs = set(zip(tags, bodies, strict=True))
    assert len(pairs) == len(set(tags)) == len(set(bodies)) == len(changed) + 1


def test_last_modified_never_lies_after_the_date(script: Client) -> None:
    for moment in (0.0, 9.9, 45.0, 500.5):
        script.clock.moment = moment
        _, headers, _ = script.ask(NATIONAL)
        modified, date = (parsedate_to_datetime(headers[n]) for n in ("Last-Modified", "Date"))
        assert modified <= date


def test_a_clock_put_back_shows_what_stood_then(script: Client) -> None:
    first = script.ask(NATIONAL)
    script.clock.moment = 25
    assert script.ask(NATIONAL)[2] != first[2]
    script.clock.moment = 0
    assert script.ask(NATIONAL)[2] == first[2]
    script.clock.moment = -5
    assert script.ask(NATIONAL)[2] == first[2]


def test_head_is_get_without_the_body(script: Client) -> None:
    _, got, body = script.ask(NATIONAL)
    status, headers, nothing = script.ask(NATIONAL, "HEAD")
    assert (status, nothing) == (200, b"")
    assert headers["Content-Length"] == str(len(body))
    assert headers["ETag"] == got["ETag"]


def test_connections_are_kept(script: Client) -> None:
    script.ask(NATIONAL)
    kept = script.connection.sock
    assert kept is not None
    for path in ("/", "/nowhere", NATIONAL, "/pictures/1.svg"):
        script.ask(path)
        assert script.connection.sock is kept


def test_the_front_page_says_what_it_is_and_what_happened(script: Client) -> None:
    script.clock.moment = 45
    page = script.ask("/")[2].decode()
    assert "THIS IS A SIMULATION" in page
    assert "Published so far: 11<" in page
    for happening in newswire.happenings(Script(), -1, 45):
        assert f'<td>{happening.kind}</td><td><a href="/stories/{happening.key}">' in page
    script.clock.moment = 1e7
    assert len(script.ask("/")[2]) < 60_000


def test_a_port_in_use_is_said_plainly() -> None:
    with serve(Script(), Hand()) as base:
        port = int(base.rsplit(":", 1)[1])
        with pytest.raises(WirecopyError, match=f"cannot listen on 127.0.0.1:{port}"):
            serve(Script(), Hand(), port=port).__enter__()


def test_the_clock_runs_at_its_speed() -> None:
    clock = running(1000)
    first = clock()
    time.sleep(0.02)
    assert clock() - first >= 20


@pytest.mark.parametrize(
    "stop", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_the_process_prints_its_url_and_ends_on_a_signal(stop: signal.Signals) -> None:
    arguments = [sys.executable, "-m", "desk.demo", "--port", "0"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline().strip()
            assert line.startswith("Simulated agency (a simulation): http://127.0.0.1:")
            client = Client(line.rpartition(" ")[2].rstrip("/"), Hand())
            status, headers, _ = client.ask(NATIONAL)
            assert status == 200
            age = datetime.now(UTC) - parsedate_to_datetime(headers["Date"])
            assert abs(age.total_seconds()) < 60
            client.connection.close()
        finally:
            process.send_signal(stop)
        assert process.wait(20) == 0


@pytest.mark.parametrize("given", [["--speed", "0"], ["--items", "0"]])
def test_wrong_usage(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(given)
    assert ended.value.code == 2
    assert "must be" in capsys.readouterr().err


def test_a_port_in_use_ends_the_process_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with serve(Script(), Hand()) as base:
        assert command.main(["--port", base.rsplit(":", 1)[1]]) == 1
    assert "name another port" in capsys.readouterr().err
