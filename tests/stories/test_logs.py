"""Logs: whole lines, with ids, without secrets, whoever wrote them."""

import io
import json
import logging
import sys
import warnings
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from stories import clock, logs


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The JSON lines written."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_when_nobody_watches_else_for_people() -> None:
    pipe, terminal = io.StringIO(), Terminal()
    logs.configure("auto", pipe)
    structlog.get_logger("a").info("hello", n=1)
    logs.configure("auto", terminal)
    structlog.get_logger("a").info("hello", n=1)
    assert lines(pipe)[0]["event"] == "hello"
    assert len(lines(pipe)) == 1
    assert "hello" in terminal.getvalue()
    assert "{" not in terminal.getvalue()


def test_a_line_has_time_level_logger_event_then_the_rest() -> None:
    out = io.StringIO()
    logs.configure("json", out)
    with clock.reading(lambda: datetime(2026, 11, 22, 6, 30, 0, 123456, tzinfo=UTC)):
        structlog.get_logger("net.client").warning("late", wire="pti")
    (line,) = lines(out)
    assert list(line) == ["timestamp", "level", "logger", "event", "wire"]
    assert line["timestamp"] == "2026-11-22T06:30:00.123Z"
    assert (line["level"], line["logger"]) == ("warning", "net.client")


def test_ids_are_bound_for_every_library() -> None:
    out = io.StringIO()
    logs.configure("json", out)
    with structlog.contextvars.bound_contextvars(wire="pti", capture=7, task_id="t"):
        structlog.get_logger("x").info("ours")
        logging.getLogger("celery.worker").warning("theirs %d", 1)
    structlog.get_logger("x").info("after")
    ours, theirs, after = lines(out)
    for line in (ours, theirs):
        assert (line["wire"], line["capture"], line["task_id"]) == ("pti", 7, "t")
    assert theirs["event"] == "theirs 1"
    assert "wire" not in after


def test_configured_twice_it_still_says_everything_once() -> None:
    out = io.StringIO()
    for _ in range(3):
        logs.configure("json", out)
    logging.getLogger("a").warning("once")
    structlog.get_logger("b").info("once")
    assert len(lines(out)) == 2


def test_levels_hold_for_ours_and_theirs() -> None:
    out = io.StringIO()
    logs.configure("json", out, level="WARNING")
    structlog.get_logger("a").info("no")
    logging.getLogger("b").info("no")
    logging.getLogger("celery.app.trace").info("no")
    structlog.get_logger("a").error("yes")
    assert [line["event"] for line in lines(out)] == ["yes"]


def test_warnings_are_logged() -> None:
    out = io.StringIO()
    logs.configure("json", out)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)  # inside, or pytest's own catching has the last word
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    assert "old ways" in lines(out)[0]["event"]
    assert lines(out)[0]["logger"] == "py.warnings"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:hunter2@h:6379/0", "redis://:***@h:6379/0"),
        ("postgresql+psycopg://w:p%40ss@h/db", "postgresql+psycopg://w:***@h/db"),
        ("https://u:p@h/x?apikey=abc&b=1", "https://u:***@h/x?apikey=***&b=1"),
        ("GET /f?access_token=abc.def HTTP/1.1", "GET /f?access_token=*** HTTP/1.1"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("{'Authorization': 'Basic dTpw'}", "{'Authorization': '***'}"),
        ("sent Bearer abcdef012345", "sent Bearer ***"),
        ("Cookie: a=b; c=d", "Cookie: ***"),
        ("https://h/x?id=1&page=2", "https://h/x?id=1&page=2"),
        ("https://h/x?k=9f8e7d6c5b4a39281706&of=india", "https://h/x?k=***&of=india"),
        ("https://h/x?of=2026-india-elections-live", "https://h/x?of=2026-india-elections-live"),
        ("https://h/x?u=550e8400-e29b-41d4-a716-446655440000", "https://h/x?u=***"),
        ("https://h/x?user=ndtv&p=rosebud", "https://h/x?user=ndtv&p=***"),
        ("https://h/x?pw=rosebud&p=12", "https://h/x?pw=***&p=12"),
        ("https://h/x?code=abc&postcode=1", "https://h/x?code=***&postcode=1"),
        ("https://h/x?license=A-1&pass=b&pin=4711", "https://h/x?license=***&pass=***&pin=***"),
        ("https://h/x?9f8e7d6c5b4a39281706", "https://h/x?***"),
        ("https://h/x?2026-india-elections-live", "https://h/x?2026-india-elections-live"),
        ("sent Basic dTpwYXNz==", "sent Basic ***"),
        ("a basic mistake, the bearer said", "a basic mistake, the bearer said"),
        ("keys: 3", "keys: 3"),
    ],
)
def test_secrets_in_texts(text: str, shown: str) -> None:
    assert logs.masked(text) == shown


def test_secrets_by_name_at_any_depth() -> None:
    out = io.StringIO()
    logs.configure("json", out)
    structlog.get_logger("a").info(
        "fetch",
        headers={"X-Api-Key": "s3cret", "Accept": "*/*"},
        password="s3cret",
        n=[{"token": 1}],
    )
    (line,) = lines(out)
    assert line["headers"] == {"X-Api-Key": "***", "Accept": "*/*"}
    assert line["password"] == "***"
    assert line["n"] == [{"token": "***"}]


def test_secrets_in_tracebacks() -> None:
    out = io.StringIO()
    logs.configure("json", out)
    try:
        raise ConnectionError("redis://:hunter2@h refused")
    except ConnectionError:
        structlog.get_logger("a").exception("broker gone")
        logging.getLogger("b").exception("broker gone")
    for line in lines(out):
        assert "ConnectionError: redis://:***@h refused" in line["exception"]
    assert "hunter2" not in out.getvalue()


@given(st.text(max_size=300), st.sampled_from(["json", "console"]))
def test_hostile_text_cannot_forge_a_line_or_drive_a_terminal(text: str, mode: Any) -> None:
    out = io.StringIO()
    logs.configure(mode, out)
    structlog.get_logger("a").info("headline", headline=text, nested={"headline": text})
    logging.getLogger("b").warning("headline %s", text)
    written = out.getvalue()
    assert written.endswith("\n")
    assert len(written.splitlines()) == 2
    assert not set(written) & {chr(n) for n in (*range(10), *range(11, 32), *range(127, 160))}


@given(
    st.lists(st.sampled_from(["://", ":", "@", "?token=", "&", "Cookie: ", "bearer ", "a" * 50]))
)
def test_masking_ends_whatever_comes(pieces: list[str]) -> None:
    text = "".join(pieces) * 20
    assert isinstance(logs.masked(text), str)


def test_what_is_long_is_cut() -> None:
    out = io.StringIO()
    logs.configure("json", out)
    structlog.get_logger("a").info("x", headline="h" * 1_000_000)
    assert lines(out)[0]["headline"] == "h" * logs.LONGEST + "… (1000000 characters)"


def test_what_json_does_not_know_is_still_said() -> None:
    out = io.StringIO()
    logs.configure("json", out)
    structlog.get_logger("a").info("x", when=datetime(2026, 1, 1, tzinfo=UTC), raw=b"\x00\xff")
    (line,) = lines(out)
    assert line["when"] == "2026-01-01 00:00:00+00:00"
    assert line["raw"] == "b'\\x00\\xff'"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://wire:p@ss@db/wire", "postgresql://wire:***@db/wire"),
        ("postgresql+psycopg://wire:p/a#s?s@db/wire", "postgresql+psycopg://wire:***@db/wire"),
        ("redis://:p/@ss@broker:6379/0", "redis://:***@broker:6379/0"),
        ("redis+socket://me:p?w@/run/r.sock", "redis+socket://me:***@/run/r.sock"),
        (
            "rediss://u:p@@h/0 and https://h:8443/feed@1",
            "rediss://u:***@h/0 and https://h:8443/feed@1",
        ),
        ("postgresql://wire@db/wire", "postgresql://wire@db/wire"),
    ],
)
def test_of_an_address_of_a_store_no_part_of_the_password_is_logged(
    address: str, shown: str
) -> None:
    assert logs.masked(f"cannot reach {address}") == f"cannot reach {shown}"


def test_a_log_of_json_is_utf8_whatever_the_terminal() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1", line_buffering=True)
    logs.configure("json", stream)
    headline = "“हिन्दी” 🌧 é \udc80"
    structlog.get_logger("x").info("captured", headline=headline)
    (line,) = raw.getvalue().splitlines()
    assert json.loads(line.decode("utf-8"))["headline"] == headline


def test_what_nobody_caught_is_logged_as_json_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    out = io.StringIO()
    logs.configure("json", out)
    logs.log_crashes()
    try:
        raise ZeroDivisionError("a mistake")
    except ZeroDivisionError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    (line,) = lines(out)
    assert (line["event"], line["level"]) == ("crashed", "critical")
    assert line["exception"].endswith("ZeroDivisionError: a mistake")
