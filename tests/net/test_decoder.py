import gzip
import tracemalloc
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
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
    sent = b"".join(gzip.compress(m) for m in members) + bytes(padded * 20)
    assert collect(data.draw(split(sent)), codings=["gzip"]) == b"".join(members)


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


@pytest.mark.parametrize("codings", [["br"], ["deflate"], ["zstd"], ["gzip, gzip"], ["gzip", "br"]])
def test_codings_not_offered_are_refused_before_the_body(codings: list[str]) -> None:
    assert state_of([], codings=codings) == "protocol"


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
