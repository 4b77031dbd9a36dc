"""Statements and receipts: their bytes, which never change, and that both sides mean the same."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from wirecopy.encoding import canonical, to_instant
from wirecopy.errors import Refused
from wirecopy.jose import Signer, payload_of, read_token
from wirecopy.scope import Copy, digests, measure
from wirecopy.statement import (
    Credit,
    Details,
    Logged,
    claims,
    claims_of,
    compose,
    logged,
    read_statement,
    receipt,
    receipt_of,
)
from wirecopy.tlog import LONGEST_LEAF

texts = st.one_of(
    st.text(max_size=20),
    st.text(',":{}\\receivd', max_size=40),
    st.sampled_from(['","received":{"', ',"received":', ',\\"received":{']),
)
NOON = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC)
GUID = "urn:uuid:0b3a1c5e-5d3f-5c0a-9a3e-000000000001"
CREDIT = Credit("PTI", "पुल-7", "2")
RAW = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
RECEIVED = digests(Copy(headline="Bridge opens", body="<p>It is long.</p>"))
DETAILS = Details("By Asha Rao", "2026-11-22T11:00:00Z", ("A bridge. Photo: PTI", ""))
PUBLISHED = Copy(headline="At last", body="<p>It is long.</p>")
RECEIPT = (
    '{"agency":"PTI","agency_id":"पुल-7","agency_version":"2",'
    '"guid":"urn:uuid:0b3a1c5e-5d3f-5c0a-9a3e-000000000001",'
    '"received":{"headline":"sha-256=:8jzkjwtVUebsj099D5H9jTe4o6HrQYrBTQXpVBifGgw=:",'
    '"links":"sha-256=:9RqUPiLeHYb8pKYpF7Q3czl+ySU7nDIhcm/el5s46gI=:",'
    '"media":"sha-256=:jtiVQaaRjDM2jEvHSfxsmGDhbiz9Wr1sDFhXGhdIeNY=:",'
    '"packaging":"sha-256=:MfKnM9uW2oWlGQ2YWm633RvApMxVz/WjEumPh//wE/Y=:",'
    '"raw":"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",'
    '"text":"sha-256=:AYlYGrJXvJ1xgLfdpx9CWjMaht3aEe1sTFK6rziMEqQ=:"},'
    '"received_at":"2026-11-22T12:00:00.000005Z","rule":"wirecopy-text-1",'
    '"type":"wirecopy-receipt-2"}'
).encode()


def stated() -> dict[str, object]:
    measured = measure(None, PUBLISHED, received_digests=RECEIVED)
    claimed = claims(
        GUID,
        "abcdefghijkl2",
        CREDIT,
        measured,
        raw=RAW,
        details=DETAILS,
        disclosure="",
        received_at=NOON,
        changed_at=NOON,
    )
    later = NOON + timedelta(seconds=1)
    return compose(claimed, 1, None, Logged(7, later, "a checkpoint"), later)


def test_the_bytes_of_a_receipt_stay_as_they_are() -> None:
    """Their hash is what a receipt is known by in every store."""
    assert receipt(GUID, CREDIT, RECEIVED, RAW, NOON) == RECEIPT


def test_a_leaf_is_its_receipt_and_when_it_was_logged() -> None:
    at = NOON + timedelta(hours=3)
    assert logged(RECEIPT, at) == RECEIPT.replace(
        b'"received":', b'"logged_at":"2026-11-22T15:00:00.000005Z","received":'
    )


def test_whoever_has_the_statement_can_make_the_receipt_again() -> None:
    statement = stated()
    assert receipt_of(statement) == RECEIPT
    assert receipt_of({n: v for n, v in statement.items() if n != "received"}) is None
    token = read_token(Signer.of(Ed25519PrivateKey.generate()).sign(statement))
    found = read_statement(token)
    assert found.logged_at is not None
    assert found.leaf == logged(RECEIPT, found.logged_at)
    assert (found.index, found.details) == (7, DETAILS.digest("wirecopy-text-1"))
    assert (found.received, found.published) == (RECEIVED, digests(PUBLISHED))
    assert payload_of(token.text) == token.payload == statement


def test_two_statements_that_claim_the_same() -> None:
    first = stated()
    later = {**first, "version": 2, "previous": RAW, "issued_at": "x", "logged_at": "y", "index": 3}
    assert claims_of(first) == claims_of(later)
    for name in claims_of(first):
        assert claims_of({**first, name: "another"}) != claims_of(first)


def test_a_receipt_out_of_all_proportion_is_refused() -> None:
    conf = LONGEST_LEAF - len(logged(RECEIPT, NOON))
    longest = replace_id(CREDIT, "x" * conf)
    assert len(logged(receipt(GUID, longest, RECEIVED, RAW, NOON), NOON)) == LONGEST_LEAF
    with pytest.raises(ValueError, match="out of all proportion"):
        receipt(GUID, replace_id(CREDIT, "x" * (conf + 1)), RECEIVED, RAW, NOON)
    with pytest.raises(Refused, match="lone surrogate"):
        receipt(GUID, replace_id(CREDIT, "\ud800"), RECEIVED, RAW, NOON)


def replace_id(credit: Credit, more: str) -> Credit:
    return credit._replace(agency_id=credit.agency_id + more)


@given(texts, texts, st.one_of(st.none(), st.just(RAW)), st.datetimes(timezones=st.just(UTC)))
def test_a_leaf_is_its_receipt_with_one_member_more(
    guid: str, agency: str, raw: str | None, at: datetime
) -> None:
    try:
        made = receipt(guid, Credit(agency, guid, agency), RECEIVED, raw, NOON)
    except Refused:
        return  # a lone surrogate
    for found in (made, canonical({"n": guid})):
        assert logged(found, at) == canonical({**json.loads(found), "logged_at": to_instant(at)})
