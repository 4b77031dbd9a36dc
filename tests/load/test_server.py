"""A load over real HTTP on loopback."""

import gzip
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import parsedate_to_datetime
from itertools import pairwise

import pytest
from lxml import etree

from desk.demo.items import EPOCH
from stories.errors import WirecopyError
from tests.desk.agency import Client, Hand
from tests.load import __main__ as command
from tests.load import load
from tests.load.load import Fault, Load
from tests.load.server import serve
from tests.load.site import describe, recall

WIRE = "/w/0.rss"


@contextmanager
def agency(show: Load) -> Iterator[Client]:
    clock = Hand()
    with serve(show, clock=clock) as base:
        client = Client(base, clock)
        try:
            yield client
        finally:
            client.connection.close()


@pytest.fixture
def plain() -> Iterator[Client]:
    with agency(Load(wires=100_000)) as client:
        yield client


def test_the_headers_of_a_feed(plain: Client) -> None:
    plain.clock.moment = 45
    status, headers, body = plain.ask(WIRE)
    assert (status, int(headers["Content-Length"])) == (200, len(body))
    assert headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert headers["X-Simulation"] == "yes"
    assert headers["Date"] == "Sun, 22 Nov 2026 03:30:45 GMT"


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("/w/99999.atom", "application/atom+xml; charset=utf-8"),
        ("/w/0.rdf", "application/rdf+xml; charset=utf-8"),
        ("/w/0.rss?utm=1", "application/rss+xml; charset=utf-8"),
        ("/", "text/html; charset=utf-8"),
        ("/stories/1-w99999-3", "text/html; charset=utf-8"),
        ("/pictures/3.svg", "image/svg+xml"),
        ("/pixel.gif?story=1-5&reads=0", "image/gif"),
        ("/simulation.json", "application/json"),
    ],
)
def test_what_is_there(plain: Client, path: str, media: str) -> None:
    status, headers, body = plain.ask(path)
    assert (status, headers["Content-Type"], headers["X-Simulation"]) == (200, media, "yes")
    assert int(headers["Content-Length"]) == len(body) > 0


@pytest.mark.parametrize(
    "path",
    [
        "/w/100000.rss",
        "/w/-1.rss",
        "/w/x.rss",
        "/w/\N{SUPERSCRIPT TWO}.rss".encode().decode("latin-1"),
        "/wires/national.rss",
        "/stories/1-w100000-3",
        "/stories/1-w1-999",
        "/stories/1-w1",
        "/stories/1-w1-1-1",
        "/stories/2-w1-1",
        "/stories/",
        "/pictures/12345678901.svg",
        "//",
    ],
)
def test_what_is_not_there(plain: Client, path: str) -> None:
    answer = plain.raw(f"GET {path} HTTP/1.0\r\n\r\n".encode("latin-1"))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"THIS IS A SIMULATION" in answer


# Validators (RFC 9110 §13)


def test_the_tag_changes_exactly_when_the_wire_does(plain: Client) -> None:
    tags: list[str] = []
    bodies: list[bytes] = []
    moments = [step * 10.0 for step in range(130)]
    for moment in moments:
        plain.clock.moment = moment
        _, headers, body = plain.ask(WIRE)
        tags.append(headers["ETag"])
        bodies.append(body)
    changed = [m for m, (a, b) in zip(moments[1:], pairwise(tags), strict=True) if a != b]
    stood = [load.standing(Load(), 0, moment) for moment in moments]
    assert changed == [m for m, (a, b) in zip(moments[1:], pairwise(stood), strict=True) if a != b]
    assert len(changed) > 3
    pairs = set(zip(tags, bodies, strict=True))
    assert len(pairs) == len(set(tags)) == len(set(bodies)) == len(changed) + 1


def test_last_modified_never_lies_after_the_date(plain: Client) -> None:
    for moment in (0.0, 9.9, 45.0, 500.5):
        plain.clock.moment = moment
        _, headers, _ = plain.ask(WIRE)
        modified, date = (parsedate_to_datetime(headers[n]) for n in ("Last-Modified", "Date"))
        assert modified <= date


def test_a_clock_put_back_shows_what_stood_then(plain: Client) -> None:
    first = plain.ask(WIRE)
    plain.clock.moment = 400
    assert plain.ask(WIRE)[2] != first[2]
    plain.clock.moment = 0
    assert plain.ask(WIRE)[2] == first[2]
    plain.clock.moment = -5
    assert plain.ask(WIRE)[2] == first[2]


def test_compression_is_another_representation_of_the_same_state(plain: Client) -> None:
    _, whole, body = plain.ask(WIRE)
    _, packed, small = plain.ask(WIRE, Accept_Encoding="br, gzip;q=0.8")
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(small) == body
    assert (whole["Vary"], packed["Vary"]) == ("Accept-Encoding", "Accept-Encoding")
    assert whole["ETag"] != packed["ETag"]
    assert plain.ask(WIRE, If_None_Match=packed["ETag"])[0] == 304
    assert "Content-Encoding" not in plain.ask(WIRE, Accept_Encoding="gzip;q=0")[1]


# HTTP/1.1 (RFC 9112)


def test_head_is_get_without_the_body(plain: Client) -> None:
    _, got, body = plain.ask(WIRE)
    status, headers, nothing = plain.ask(WIRE, "HEAD")
    assert (status, nothing) == (200, b"")
    assert headers["Content-Length"] == str(len(body))
    assert headers["ETag"] == got["ETag"]


def test_connections_are_kept(plain: Client) -> None:
    plain.ask(WIRE)
    kept = plain.connection.sock
    assert kept is not None
    for path in ("/", "/nowhere", WIRE, "/pictures/1.svg"):
        plain.ask(path)
        assert plain.connection.sock is kept


def test_requests_sent_together_are_answered_in_order(plain: Client) -> None:
    ask = "GET /pictures/{}.svg HTTP/1.1\r\nHost: x\r\n\r\n"
    last = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = plain.raw(("".join(ask.format(n) for n in range(1, 6)) + last).encode())
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 6
    places = [answer.index(f"<title>SIMULATED PICTURE {n}<".encode()) for n in range(1, 6)]
    assert places == sorted(places)


def test_a_request_in_pieces_is_one_request(plain: Client) -> None:
    with socket.create_connection(plain.address, timeout=20) as wire:
        for piece in (b"GE", b"T /pixel.gif HTTP/1.1\r", b"\nConnection: close\r\n\r", b"\n"):
            wire.sendall(piece)
            time.sleep(0.01)
        assert wire.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", 200),
        (b"GET http://agency/pixel.gif HTTP/1.1\r\nConnection: close\r\n\r\n", 200),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"DELETE / HTTP/1.1\r\nConnection: close\r\n\r\n", 405),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 17_000, 431),
    ],
)
def test_what_ends_the_connection(plain: Client, request_: bytes, status: int) -> None:
    answer = plain.raw(request_)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert answer.count(b"HTTP/1.1") == 1
    assert (b"Allow: GET, HEAD\r\n" in answer) == (status == 405)


# Faults


def faulty(fault: Fault, **more: float) -> Load:
    show = Load(error_share=1, faults=(fault,))
    return replace(show, **more) if more else show  # type: ignore[arg-type]


@pytest.mark.parametrize(("fault", "status"), [("500", 500), ("503", 503), ("html", 200)])
def test_answers_that_are_no_feed(fault: Fault, status: int) -> None:
    with agency(faulty(fault)) as client:
        got, headers, body = client.ask("/w/1.rss", If_None_Match="*")
        assert (got, headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert headers["X-Simulation-Fault"] == fault
        assert headers["Retry-After"] == ("2" if fault == "503" else None)
        assert b"THIS IS A SIMULATION" in body
        assert client.ask("/")[0] == 200


def test_a_slow_answer_is_the_right_one_late() -> None:
    with agency(faulty("slow", slow_seconds=0.3)) as client:
        start = time.monotonic()
        status, _, body = client.ask("/w/1.rss")
        assert time.monotonic() - start >= 0.3
        assert (status, b"</rss>" in body) == (200, True)
        assert client.ask("/w/1.rss", If_None_Match="*")[0] == 304


def test_a_client_that_does_not_wait_for_a_slow_answer_does_no_harm() -> None:
    with agency(faulty("slow", slow_seconds=30)) as client:
        with socket.create_connection(client.address, timeout=20) as wire:
            wire.sendall(b"GET /w/1.rss HTTP/1.1\r\n\r\n")
        assert client.ask("/")[0] == 200


def test_a_truncated_answer_breaks_off_halfway() -> None:
    with agency(faulty("truncated")) as client:
        client.connection.request("GET", "/w/1.rss", headers={"If-None-Match": "*"})
        response = client.connection.getresponse()
        length = int(response.headers["Content-Length"])
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
        assert len(caught.value.partial) == length // 2
        client.connection.close()
        assert client.ask("/w/1.rss", "HEAD")[1]["Content-Length"] == str(length)


def test_a_reset_is_a_reset() -> None:
    # A connection that is merely closed would read as b"" here.
    with agency(faulty("reset")) as client, pytest.raises(ConnectionResetError):
        client.raw(b"GET /w/1.rss HTTP/1.1\r\n\r\n")


def test_faults_over_http_are_those_foretold() -> None:
    show = Load(error_share=0.5, faults=("500", "503", "html"), not_modified_share=0.5)
    with agency(show) as client:
        for wire in range(3):
            for request in range(20):
                status, headers, _ = client.ask(f"/w/{wire}.rss", If_None_Match="*")
                fault = load.fault_at(show, wire, request)
                assert headers["X-Simulation-Fault"] == fault
                if fault is None:
                    unchanged = load.not_modified_at(show, wire, request)
                    assert status == (304 if unchanged else 200)


def test_a_load_over_http_is_as_the_pure_core_has_it() -> None:
    show = Load(wires=1000, novelty_per_minute=6, update_share=0.5)
    with agency(show) as client:
        here = replace(show, site=client.base)
        for wire, moment in ((0, 0.0), (999, 30.0), (0, 31.0), (999, 4000.0)):
            client.clock.moment = moment
            _, _, body = client.ask(f"/w/{wire}.rss")
            items = load.state_at(here, wire, moment)
            titles = etree.fromstring(body).xpath("//item/title/text()")
            assert titles == [item.headline for item in items]


# Pages, the description, the process


def test_the_front_page_of_a_load() -> None:
    with agency(Load(wires=5)) as client:
        page = client.ask("/")[2].decode()
        assert "THIS IS A SIMULATION" in page
        assert "5 simulated wires" in page
        assert page.count(".atom") == 5


def test_another_process_can_recall_the_load() -> None:
    show = Load(seed=5, faults=("500", "slow"))
    with agency(show) as client:
        client.clock.moment = 12.5
        found, moment = recall(client.ask("/simulation.json")[2])
    assert found == replace(show, site=client.base)
    assert moment == 12.5
    assert recall(json.dumps(describe(show, 1.0))) == (show, 1.0)


def test_a_port_in_use_is_said_plainly() -> None:
    with serve(Load(), clock=Hand()) as base:
        port = int(base.rsplit(":", 1)[1])
        with pytest.raises(WirecopyError, match=f"cannot listen on 127.0.0.1:{port}"):
            serve(Load(), port=port).__enter__()


def test_serving_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with agency(Load()) as client:
        client.ask("/")
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_the_default_clock_runs_at_its_speed() -> None:
    with serve(Load(), speed=1000) as base:
        client = Client(base, Hand())
        moments = []
        for _ in range(2):
            moments.append(json.loads(client.ask("/simulation.json")[2])["moment"])
            time.sleep(0.02)
        client.connection.close()
    assert moments[1] - moments[0] >= 20


def test_the_process_serves_a_load() -> None:
    given = "50 --novelty 6 --errors 0.5 --seed 9 --items 3 --slow-seconds 1 --updates 0.4"
    arguments = [sys.executable, "-m", "tests.load", *given.split()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            client = Client(process.stdout.readline().strip(), Hand())
            shown, _ = recall(client.ask("/simulation.json")[2])
            client.connection.close()
        finally:
            process.terminate()
        assert process.wait(20) == 0
    assert shown.epoch != EPOCH
    found = (shown.wires, shown.novelty_per_minute, shown.error_share, shown.seed, shown.items)
    assert found == (50, 6.0, 0.5, 9, 3)
    assert (shown.slow_seconds, shown.update_share) == (1.0, 0.4)


@pytest.mark.parametrize(
    "given", [["1", "--speed", "0"], ["1", "--items", "0"], ["0"], ["1", "--errors", "2"]]
)
def test_wrong_usage(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(given)
    assert ended.value.code == 2
    assert "must be" in (said := capsys.readouterr().err) or "between" in said
