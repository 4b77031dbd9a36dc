import gzip
import os
import tracemalloc
import zlib
from collections.abc import Callable, Iterable
from itertools import pairwise

import brotli
import pytest
import zstandard
from hypothesis import assume, given
from hypothesis import strategies as st

from net.decoder import MOST_MEMBERS, Body
from net.errors import FetchError
from tests import hostile


def collect(pieces: Iterable[bytes], limit: int = 1 << 20, codings: Iterable[str] = ()) -> bytes:
    body = Body(limit, codings)
    for piece in pieces:
        body.feed(piece)
    return body.whole()


def state_of(pieces: Iterable[bytes], limit: int = 1 << 20, codings: Iterable[str] = ()) -> str:
    with pytest.raises(FetchError) as caught:
        collect(pieces, limit, codings)
    assert "; " in str(caught.value)
    return caught.value.state


@st.composite
def split(draw: st.DrawFn, data: bytes) -> list[bytes]:
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return [data[a:b] for a, b in pairwise([0, *cuts, len(data)])]


@given(st.data(), st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.booleans())
def test_gzip_comes_out_whole_however_it_comes_in(
    data: st.DataObject, members: list[bytes], padded: bool
) -> None:
    assume(not b"".join(members).startswith(b"\x1f\x8b"))  # packed twice
    sent = b"".join(gzip.compress(m) for m in members) + bytes(padded * 20)
    assert collect(data.draw(split(sent)), codings=["gzip"]) == b"".join(members)


@given(st.data(), st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_gzip_is_taken_for_what_zlib_takes_it_for(
    data: st.DataObject, members: list[bytes]
) -> None:
    coded = bytearray(
        b"".join(gzip.compress(m, data.draw(st.sampled_from((1, 9)))) for m in members)
    )
    for at in data.draw(st.lists(st.integers(0, len(coded) - 1), max_size=3)):
        coded[at] = data.draw(st.integers(0, 255))
    sent = bytes(coded)
    try:
        expected = by_zlib(sent)
        assume(not expected.startswith(b"\x1f\x8b"))  # what is packed twice is unpacked twice
    except (zlib.error, EOFError):
        assert state_of([sent], codings=["gzip"]) in ("protocol", "truncated", "too-large")
    else:
        assert collect([sent], codings=["gzip"]) == expected


def by_zlib(sent: bytes) -> bytes:
    """All members of *sent*, and nothing else up to its padding."""
    found = b""
    while True:
        member = zlib.decompressobj(wbits=31)
        found += member.decompress(sent)
        if not member.eof:
            raise EOFError
        sent = member.unused_data
        if sent[:1] != b"\x1f":
            return found


@pytest.mark.parametrize("codings", [[], ["gzip"], ["br", "gzip"]])
def test_the_name_of_a_body_is_of_all_that_decoding_depends_on(codings: list[str]) -> None:
    def name(sent: bytes, limit: int = 1 << 20, codings: Iterable[str] = codings) -> str | None:
        body = Body(limit, codings)
        body.feed(sent[:7])
        body.feed(sent[7:])
        found = body.name()
        assert found == body.name()
        return found

    sent = gzip.compress(FEED)
    names = [name(sent), name(sent + b"\0"), name(sent, 1 << 19), name(sent, codings=["x-gzip"])]
    assert None not in names
    assert len(set(names)) == 4
    assert name(sent) == name(sent)


def test_a_body_that_is_not_coded_has_no_name() -> None:
    body = Body(1 << 20, ["identity"])
    body.feed(b"<rss/>")
    assert body.name() is None
    assert body.whole() == b"<rss/>"


@given(st.data(), st.binary(max_size=300))
def test_identity_comes_out_whole_however_it_comes_in(data: st.DataObject, sent: bytes) -> None:
    assert collect(data.draw(split(sent))) == sent


@given(st.data(), st.binary(max_size=300))
def test_gzip_that_breaks_off_anywhere_is_no_body(data: st.DataObject, plain: bytes) -> None:
    sent = gzip.compress(plain)
    kept = data.draw(st.integers(1, len(sent) - 1))
    assert state_of(data.draw(split(sent[:kept])), codings=["gzip"]) == "truncated"


def test_a_second_member_that_breaks_off_is_no_body() -> None:
    sent = gzip.compress(b"one") + gzip.compress(b"two")[:-1]
    assert state_of([sent], codings=["gzip"]) == "truncated"


@pytest.mark.parametrize(
    "sent",
    [b"<rss/>", gzip.compress(b"x" * 50)[:-8] + bytes(8), gzip.compress(b"x") + b"\x1f?"],
    ids=["not at all", "a wrong checksum", "something behind it"],
)
def test_what_is_not_gzip_is_no_body(sent: bytes) -> None:
    assert state_of([sent], codings=["gzip"]) == "protocol"


def test_nothing_at_all_is_an_empty_body_even_as_gzip() -> None:
    assert collect([], codings=["gzip"]) == b""


@pytest.mark.parametrize("codings", [["x-gzip"], ["GZIP"], [" gzip "], ["identity, gzip"]])
def test_names_of_gzip(codings: list[str]) -> None:
    assert collect([gzip.compress(b"x")], codings=codings) == b"x"


@pytest.mark.parametrize("codings", [["utf-8"], ["none"], [""], ["identity"], [",", "binary"]])
def test_codings_that_are_none(codings: list[str]) -> None:
    assert collect([b"<rss/>"], codings=codings) == b"<rss/>"


@pytest.mark.parametrize("codings", [["compress"], ["gzip", "dcb"], ["gzip, gzip, gzip, gzip"]])
def test_codings_that_are_not_read_are_refused_before_the_body(codings: list[str]) -> None:
    assert state_of([], codings=codings) == "protocol"


def deflated(data: bytes) -> bytes:
    """*data* as deflate without the wrapper of zlib, as some servers send it."""
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(data) + coder.flush()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "deflate": zlib.compress,
    "deflate ": deflated,
    "gzip": gzip.compress,
}


@given(st.data(), st.binary(min_size=1, max_size=300), st.sampled_from(sorted(PACKED)))
def test_each_coding_comes_out_whole_or_not_at_all(
    data: st.DataObject, plain: bytes, coding: str
) -> None:
    sent = PACKED[coding](plain)
    assert collect(data.draw(split(sent)), codings=[coding]) == plain
    kept = data.draw(st.integers(1, len(sent) - 1))
    assert state_of(data.draw(split(sent[:kept])), codings=[coding]) == "truncated"


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip"])
def test_what_is_not_in_its_coding_is_no_body(coding: str) -> None:
    assert state_of([b"<rss/>"], codings=[coding]) == "protocol"


FEED = b"<rss version='2.0'/>"


@pytest.mark.parametrize(
    ("sent", "codings"),
    [
        (gzip.compress(FEED), []),  # a .gz that is served as it is
        (gzip.compress(gzip.compress(FEED)), ["gzip"]),  # and one that the server packs once more
        (gzip.compress(gzip.compress(FEED)), ["gzip, gzip"]),
        (gzip.compress(gzip.compress(FEED)), []),
        (brotli.compress(gzip.compress(FEED)), ["gzip", "br"]),
        (zstandard.compress(gzip.compress(FEED)), ["zstd"]),
        (zstandard.compress(FEED[:5]) + zstandard.compress(FEED[5:]), ["zstd"]),
    ],
    ids=range(7),
)
def test_codings_within_codings(sent: bytes, codings: list[str]) -> None:
    assert collect([sent], codings=codings) == FEED


def test_a_gz_that_breaks_off_within_a_coding_is_no_body() -> None:
    assert state_of([gzip.compress(gzip.compress(FEED)[:-9])], codings=["gzip"]) == "truncated"


def test_a_frame_that_wants_a_large_window_is_no_body() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    coder = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    sent = coder.compress(os.urandom(1 << 20)) + coder.flush()
    assert state_of([sent], 1 << 22, ["zstd"]) == "protocol"


def runs(blocks: int) -> bytes:
    """A zstd frame of blocks that say "this byte 128 KiB times" in four bytes (RFC 8878 §3.1.1)."""
    head = b"\x28\xb5\x2f\xfd" + bytes([0, (23 - 10) << 3])
    block = (1 << 1) | (131_072 << 3)
    return head + b"".join(
        (block | (n == blocks - 1)).to_bytes(3, "little") + b"x" for n in range(blocks)
    )


@pytest.mark.parametrize(
    ("bomb", "codings"),
    [
        (lambda: runs(8000), ["zstd"]),
        (lambda: brotli.compress(bytes(1 << 28), quality=5), ["br"]),
        (lambda: zlib.compress(bytes(1 << 28)), ["deflate"]),
        (lambda: gzip.compress(gzip.compress(bytes(1 << 28))), ["gzip"]),
    ],
    ids=["zstd", "br", "deflate", "gzip twice"],
)
def test_a_bomb_of_any_coding_is_stopped_in_bounded_memory(
    bomb: Callable[[], bytes], codings: list[str]
) -> None:
    sent = bomb()  # takes a second: not while tests are collected, which every process does
    limit = 1 << 21
    assert len(sent) < limit
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        assert state_of([sent], limit, codings) == "too-large"
        assert tracemalloc.get_traced_memory()[1] - before < 3 * limit + (20 << 20)
    finally:
        tracemalloc.stop()


def test_runs_of_zstd_are_what_they_say() -> None:
    assert collect([runs(3)], codings=["zstd"]) == b"x" * 3 * 131_072


@pytest.mark.parametrize("codings", [[], ["gzip"]])
def test_the_limit_is_exact(codings: list[str]) -> None:
    def coded(length: int) -> bytes:
        return gzip.compress(bytes(length)) if codings else bytes(length)

    assert collect([coded(5000)], 5000, codings) == bytes(5000)
    assert state_of([coded(5001)], 5000, codings) == "too-large"


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_lets_nothing_through(limit: int) -> None:
    assert collect([], limit) == b""
    assert state_of([b"x"], limit) == "too-large"
    assert state_of([gzip.compress(b"x")], limit, ["gzip"]) == "too-large"


def test_an_announced_length_over_the_limit_is_refused_unseen() -> None:
    body = Body(10)
    body.announce(10)
    with pytest.raises(FetchError) as caught:
        body.announce(11)
    assert caught.value.state == "too-large"


def test_a_bomb_is_stopped_in_bounded_memory() -> None:
    limit = 1 << 21
    bomb = hostile.bomb(512)  # half a megabyte; refused for what it decodes to, not for its size
    assert len(bomb) < limit
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        assert state_of([bomb], limit, ["gzip"]) == "too-large"
        assert tracemalloc.get_traced_memory()[1] - before < 3 * limit
    finally:
        tracemalloc.stop()


def test_a_stream_of_empty_members_is_stopped() -> None:
    empty = gzip.compress(b"")
    assert collect([empty * MOST_MEMBERS], codings=["gzip"]) == b""
    assert state_of([empty * (MOST_MEMBERS + 1)], codings=["gzip"]) == "protocol"
