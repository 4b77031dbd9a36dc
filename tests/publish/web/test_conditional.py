"""Conditional requests by table, and what the dates and lists in them mean."""

import gzip
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from publish.web.conditional import Conditions, Status, evaluate, http_date, matches
from publish.web.representation import accepted, answer, represent

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MODIFIED = datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
SAME = "Sun, 22 Nov 2026 11:00:00 GMT"
BEFORE = "Sun, 22 Nov 2026 10:59:59 GMT"
AFTER = "Sun, 22 Nov 2026 11:30:00 GMT"
AHEAD = "Sun, 22 Nov 2026 12:00:01 GMT"
TAG = '"abc"'


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        # RFC 9110 §13.1.2
        ({"if-none-match": TAG}, 304),
        ({"if-none-match": 'W/"abc"'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"x", "abc"'}, 304),
        ({"if-none-match": '"x",W/"abc"'}, 304),
        ({"if-none-match": ', , "abc" ,'}, 304),
        ({"if-none-match": '"a,b", "abc"'}, 304),
        ({"if-none-match": '"x"'}, 200),
        ({"if-none-match": '"abc'}, 200),
        ({"if-none-match": "abc"}, 200),
        ({"if-none-match": '"ABC"'}, 200),
        ({"if-none-match": '"x, \\"abc\\""'}, 200),
        ({"if-none-match": '""'}, 200),
        ({"if-none-match": ""}, 200),
        ({"if-none-match": '"*"'}, 200),
        # §13.1.3: a date beside a tag says nothing, whichever way it points
        ({"if-none-match": '"x"', "if-modified-since": AFTER}, 200),
        ({"if-none-match": TAG, "if-modified-since": BEFORE}, 304),
        ({"if-modified-since": SAME}, 304),
        ({"if-modified-since": AFTER}, 304),
        ({"if-modified-since": BEFORE}, 200),
        ({"if-modified-since": AHEAD}, 200),
        ({"if-modified-since": "Sunday, 22-Nov-26 11:00:00 GMT"}, 304),
        ({"if-modified-since": "Sun Nov 22 11:00:00 2026"}, 304),
        ({"if-modified-since": "Sun, 22 Nov 2026 11:00:00 +0000"}, 200),
        ({"if-modified-since": "22 Nov 2026 11:00:00 GMT"}, 200),
        ({"if-modified-since": f"{SAME}, {SAME}"}, 200),
        ({"if-modified-since": "yesterday"}, 200),
        # §13.1.1 and §13.1.4, judged before the others (§13.2.2)
        ({"if-match": TAG}, 200),
        ({"if-match": "*"}, 200),
        ({"if-match": 'W/"abc"'}, 412),
        ({"if-match": '"x"'}, 412),
        ({"if-match": '"x"', "if-none-match": TAG}, 412),
        ({"if-match": TAG, "if-none-match": TAG}, 304),
        ({"if-unmodified-since": SAME}, 200),
        ({"if-unmodified-since": BEFORE}, 412),
        ({"if-unmodified-since": "yesterday"}, 200),
        ({"if-match": TAG, "if-unmodified-since": BEFORE}, 200),
    ],
)
def test_status(headers: dict[str, str], status: Status) -> None:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert evaluate(Conditions.of(sent), TAG, MODIFIED, NOW) == status


@pytest.mark.parametrize("name", ["if-modified-since", "if-unmodified-since"])
@pytest.mark.parametrize("date", [SAME, BEFORE, AFTER])
def test_without_a_date_of_our_own_dates_say_nothing(name: str, date: str) -> None:
    assert evaluate(Conditions.of([(name.encode(), date.encode())]), TAG, None, NOW) == 200


def test_a_field_in_several_lines_is_one_list() -> None:
    sent = [(b"if-none-match", b'"x"'), (b"accept", b"*/*"), (b"if-none-match", b'"abc"')]
    assert Conditions.of(sent) == Conditions(if_none_match='"x", "abc"')
    assert evaluate(Conditions.of(sent), TAG, None, NOW) == 304


def test_bytes_that_are_no_ascii_are_no_fault() -> None:
    assert evaluate(Conditions.of([(b"if-none-match", b'"\xe9\xff"')]), TAG, None, NOW) == 200
    assert evaluate(Conditions.of([(b"if-modified-since", b"\xff" * 40)]), TAG, NOW, NOW) == 200


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sun Nov  6 08:49:37 1994", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sunday, 06-Nov-76 08:49:37 GMT", datetime(2076, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sunday, 06-Nov-77 08:49:37 GMT", datetime(1977, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Fri, 30 Jun 2017 23:59:60 GMT", datetime(2017, 6, 30, 23, 59, 59, tzinfo=UTC)),
        ("Sun, 6 Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37 gmt", None),
        ("Sun, 06 Nov 1994 08:49:37 UTC", None),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 25:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:61 GMT", None),
        ("Sun, 06 Nov 0000 08:49:37 GMT", None),
        ("Sun, ०६ Nov 1994 08:49:37 GMT", None),
        ("", None),
    ],
)
def test_dates(text: str, moment: datetime | None) -> None:
    assert http_date(text, NOW) == moment


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_date_we_write_is_read_back(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    assert http_date(format_datetime(whole, usegmt=True), NOW) == whole


@given(st.text(max_size=60))
def test_no_text_is_a_fault(text: str) -> None:
    assert isinstance(matches(text, TAG), bool)
    found = http_date(text, NOW)
    assert found is None or found.tzinfo is UTC


_tags = st.text(st.characters(min_codepoint=0x23, max_codepoint=0x7E), max_size=20)


@given(st.lists(st.tuples(st.booleans(), _tags), max_size=6), _tags)
def test_a_list_matches_exactly_what_it_lists(listed: list[tuple[bool, str]], own: str) -> None:
    field = ", ".join(f'{"W/" if weak else ""}"{tag}"' for weak, tag in listed)
    assert matches(field, f'"{own}"') == (own in [tag for _, tag in listed])


@given(st.integers(-5000, 5000))
def test_a_date_is_honoured_from_the_change_up_to_now(seconds: int) -> None:
    since = MODIFIED + timedelta(seconds=seconds)
    conditions = Conditions(if_modified_since=format_datetime(since, usegmt=True))
    expected = 304 if MODIFIED <= since <= NOW else 200
    assert evaluate(conditions, TAG, MODIFIED, NOW) == expected


@pytest.mark.parametrize(
    ("field", "gzipped"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("br;q=1.0, gzip ; q=0.8, *;q=0.1", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("deflate, br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("*;q=0", False),
        ("identity, gzip;q=0.5", False),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("gzip;q=nonsense", False),
        ("gzipped", False),
        ("gzip\x00", False),
    ],
)
def test_who_gets_gzip(field: str, gzipped: bool) -> None:
    assert accepted(field, ("zstd", "gzip")) == (("gzip",) if gzipped else ())


@pytest.mark.parametrize(
    ("field", "codings"),
    [
        ("zstd", ("zstd",)),
        ("gzip, deflate, br, zstd", ("zstd", "gzip")),  # as browsers write it
        ("zstd;q=0.5, gzip", ("gzip", "zstd")),
        ("zstd;q=0, gzip", ("gzip",)),
        ("zstd;q=0, *", ("gzip",)),
        ("identity;q=0.6, zstd;q=0.5, gzip;q=0.7", ("gzip",)),
        ("x-zstd", ("zstd",)),
        ("zstdx", ()),
    ],
)
def test_who_gets_zstd(field: str, codings: tuple[str, ...]) -> None:
    assert accepted(field, ("zstd", "gzip")) == codings


BODY = b"<rss>" + b"a headline " * 500
READY = represent(BODY, TAG, "text/plain", MODIFIED, [("cache-control", "max-age=60")])


@pytest.mark.parametrize(
    ("accepts", "holds", "status", "tag"),
    [
        (None, None, 200, '"abc"'),
        ("gzip", None, 200, '"abc-gzip"'),
        (None, '"abc"', 304, '"abc"'),
        ("gzip", '"abc-gzip"', 304, '"abc-gzip"'),
        ("gzip", 'W/"abc-gzip"', 304, '"abc-gzip"'),
        # Whoever takes gzip also takes the plain bytes, and this one has them.
        ("gzip", '"abc"', 304, '"abc"'),
        # Whoever does not take gzip cannot be told to keep it.
        (None, '"abc-gzip"', 200, '"abc"'),
        ("gzip;q=0", '"abc-gzip"', 200, '"abc"'),
        ("gzip", '"old"', 200, '"abc-gzip"'),
        ("gzip", '"old-gzip", "abc-gzip", "abc"', 304, '"abc"'),
        ("gzip, zstd", None, 200, '"abc-zstd"'),
        ("gzip, zstd", '"abc-zstd"', 304, '"abc-zstd"'),
        ("gzip, zstd", '"abc-gzip"', 304, '"abc-gzip"'),
        ("zstd", '"abc-gzip"', 200, '"abc-zstd"'),
        ("gzip", '"abc-zstd"', 200, '"abc-gzip"'),
    ],
)
def test_each_coding_has_its_tag(
    accepts: str | None, holds: str | None, status: int, tag: str
) -> None:
    sent = [
        (name, value.encode())
        for name, value in ((b"accept-encoding", accepts), (b"if-none-match", holds))
        if value is not None
    ]
    found = answer("GET", sent, READY, NOW)
    told = dict(found.headers)
    assert (found.status, told[b"etag"].decode()) == (status, tag)
    assert (told[b"vary"], told[b"cache-control"]) == (b"Accept-Encoding", b"max-age=60")
    if status == 304:
        # RFC 9110 §15.4.5: nothing that describes the content
        assert not told.keys() & {b"content-type", b"content-length", b"content-encoding"}
        assert found.body == b""


def test_what_is_packed_is_unpacked_to_the_same() -> None:
    for coding, unpack in (("gzip", gzip.decompress), ("zstd", zstandard.decompress)):
        found = answer("GET", [(b"accept-encoding", coding.encode())], READY, NOW)
        assert (b"content-encoding", coding.encode()) in found.headers
        assert unpack(found.body) == BODY


@pytest.mark.parametrize("coding", [b"gzip", b"zstd"])
def test_little_is_not_packed_and_the_same_packs_the_same(coding: bytes) -> None:
    little = represent(b"ok", TAG, "text/plain", None)
    packs = [(b"accept-encoding", coding)]
    assert answer("GET", packs, little, NOW).body == b"ok"
    again = represent(BODY, TAG, "text/plain", MODIFIED, [("cache-control", "max-age=60")])
    assert answer("GET", packs, again, NOW) == answer("GET", packs, READY, NOW)
