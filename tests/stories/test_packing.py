"""What is kept packed comes out as it was, letter by letter, whatever it was."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from stories.db import Store, packing, proofs, tables
from stories.db import stories as records
from stories.models import StatementRow
from tests.conftest import ConfigOf
from tests.living import Life, item
from tests.signing import Signer
from wirecopy.encoding import to_base64url

WIRE = {"name": "w", "url": "https://agency.example/w"}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some),
)


@given(st.binary())
def test_bytes(data: bytes) -> None:
    assert packing.unpack(packing.pack(data)) == data


@given(values)
def test_json(value: object) -> None:
    assert packing.unpack_json(packing.pack_json(value)) == value


def test_halves_of_surrogates() -> None:
    assert packing.unpack_json(packing.pack_json(["\ud800\0\udfff"])) == ["\ud800\0\udfff"]


@given(st.binary(), st.binary(), st.binary())
def test_a_statement_of_any_bytes(head: bytes, claims: bytes, signature: bytes) -> None:
    """One that would not come out as it is, is not packed."""
    jws = ".".join(map(to_base64url, (head, claims, signature)))
    packed = packing.pack_statement(jws)
    assert packed is None or packing.unpack_statement(packed) == jws
    if b"\0" not in head + claims and not head.startswith(b"+"):
        assert packed is not None


@given(st.dictionaries(st.text(), st.text()))
def test_a_statement_of_the_present_type(said: dict[str, str]) -> None:
    token = Signer().sign({name: text for name, text in said.items() if name != "type"})
    packed = packing.pack_statement(token)
    assert packed is not None
    assert packing.unpack_statement(packed) == token


@pytest.mark.parametrize(
    "jws",
    [
        *("", "a", "a.b", "e30.e30.!!", "e31.e30.e30", "e30.e30.e30.e30", "{}", "{" + "x" * 300),
        Signer().sign({"a": "b"})[:-1],
        Signer().sign({"a": "b"}).replace('"a"', '"a\0"'),
    ],
)
def test_what_is_no_statement_is_not_packed_or_comes_out(jws: str) -> None:
    packed = packing.pack_statement(jws)
    assert packed is None or packing.unpack_statement(packed) == jws


def test_the_dictionary_is_never_changed() -> None:
    """What was packed could not be read any more. A better one gets the next number."""
    known = hashlib.sha256(packing._DICTIONARY).hexdigest()
    assert known == "0b8856adcbc94424c9150f30e934431a84602f907bdfdb422486f4b78890bf98"
    kept = bytes.fromhex("0128b52ffd20178d0000505b78227d2c6e756c6c5d0100e7c71202")
    assert packing.unpack_json(kept) == [{"headline": "x"}, None]


@pytest.fixture
def life(config: ConfigOf, store: Store) -> Life:
    found = Life(config(wires=[WIRE]), store)
    found.begin()
    found.receive(item("a", "A headline", "Some words. " * 400))
    found.receive(item("a", "A headline, updated", "Some other words. " * 400))
    return found


def test_little_is_kept_of_a_version_and_a_statement(life: Life) -> None:
    with life.store.read() as conn:
        [story] = life.stories().values()
        version = records.history(conn, story)[-1]
        plain = len(json.dumps(version.data))
        size = func.length(tables.versions.c.packed)
        assert max(conn.execute(select(size)).scalars()) < plain / 4
        for column in (tables.statements.c.packed, tables.receipts.c.leaf):
            assert max(conn.execute(select(func.length(column))).scalars()) < 1000


def test_what_was_kept_before_is_read_as_before(life: Life) -> None:
    """As a release that packed nothing left it: every row with its JSON and its JWS."""
    [story] = life.stories().values()
    with life.store.read() as conn:
        before = (
            records.history(conn, story),
            records.get(conn, [story]),
            proofs.statements_of(conn, story),
            proofs.last_statements(conn, [story]),
            records.known_stories(conn, [story], 99),
            records.versions_before(conn, [story], 99),
        )
    with life.store.write() as conn:
        for row in before[0]:
            this = tables.versions.c.capture_id == row.capture_id
            plain = {"data": row.data, "received": row.received, "packed": None, "updated": None}
            conn.execute(update(tables.versions).where(this).values(**plain))
        for said in before[2]:
            this = tables.statements.c.version == said.version
            conn.execute(update(tables.statements).where(this).values(jws=said.token, packed=None))
    with life.store.read() as conn:
        after = (
            records.history(conn, story),
            records.get(conn, [story]),
            proofs.statements_of(conn, story),
            proofs.last_statements(conn, [story]),
            records.known_stories(conn, [story], 99),
            records.versions_before(conn, [story], 99),
        )
    assert after == before
    assert life.replayed() == []


def test_a_statement_that_cannot_be_packed_is_kept_as_it_is(store: Store) -> None:
    row = StatementRow("s", 1, "k", "d", "no.such thing")
    with store.write() as conn:
        proofs.add_statements(conn, [row])
        assert proofs.last_statements(conn, ["s"]) == {"s": row}
