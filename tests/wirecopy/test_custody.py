"""The way of a copy, by the vectors that every verifier is held against."""

import json
from pathlib import Path
from typing import Any

import pytest

from wirecopy import read_keys
from wirecopy.custody import Agencies, hops
from wirecopy.errors import Missing
from wirecopy.jose import Keys, read_token
from wirecopy.online import agencies_of
from wirecopy.statement import Statement, read_statement

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "custody.json").read_text(encoding="utf-8")
)["vectors"]


def statement(row: dict[str, Any]) -> Statement:
    return read_statement(read_token(row["statement"]))


def served(row: dict[str, Any]) -> Agencies:
    def fetch(address: str) -> bytes:
        if address not in row["sites"]:
            raise Missing(f"{address}: is not to be had")
        return str(row["sites"][address]).encode()

    return Agencies(fetch=fetch)


def own(row: dict[str, Any]) -> Keys:
    return read_keys(json.dumps(row["own"]).encode()) if "own" in row else Keys()


def document(row: dict[str, Any]) -> bytes | None:
    return None if row["document"] is None else str(row["document"]).encode()


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in VECTORS])
def test_the_way_of_a_copy(row: dict[str, Any]) -> None:
    found = list(hops(statement(row), document(row), served(row), own(row)))
    assert [hop.state for hop in found] == row["hops"], found
    assert all(hop.reason for hop in found)
    assert all(bool(hop.site) == (hop.state == "ok") for hop in found)
    assert "site" not in row or found[0].site == row["site"]


def of(name: str) -> dict[str, Any]:
    return next(row for row in VECTORS if row["name"] == name)


def test_keys_that_are_given_are_believed_before_those_that_the_publisher_names() -> None:
    row = of("keys in a file of the publisher's")
    [theirs] = of("the copy as the agency signed it")["sites"].values()
    given = Agencies(given=(read_keys(theirs.encode()),))
    [hop] = hops(statement(row), document(row), given, Keys())
    assert (hop.state, hop.given) == ("ok", True)
    # A thief may name a site of his own, and serve a key there under which he signed.
    stolen = of("by a key that is not the agency's")
    [hop] = hops(statement(stolen), document(stolen), given, Keys())
    assert hop.state == "not checked"


def test_a_publisher_is_no_agency_of_its_own_though_its_keys_are_given() -> None:
    row = of("the publisher's own key")
    given = Agencies(given=(own(row),))
    [hop] = hops(statement(row), document(row), given, own(row))
    assert hop.state == "not checked"
    # Nor does what it names as an address break anything.
    row = of("keys at http://[::1/.well-known/jwks.json")
    [theirs] = of("the copy as the agency signed it")["sites"].values()
    given = Agencies(given=(read_keys(theirs.encode()),))
    [hop] = hops(statement(row), document(row), given, Keys())
    assert hop.state == "ok"


@pytest.mark.parametrize(
    "address",
    [
        "http://10.0.0.1/.well-known/jwks.json",
        "file:///etc/passwd",
        "http://[::1/",
        "gopher://agency.example/",
        "",
    ],
)
def test_a_publisher_can_have_nobody_asked_but_by_https(address: str) -> None:
    def fetch(_urls: object) -> dict[str, bytes | Missing]:
        raise AssertionError("asked")

    with pytest.raises(Missing):
        agencies_of("https://paper.example", fetch).fetch(address)


def test_each_document_is_asked_for_once() -> None:
    asked: list[str] = []

    def fetch(urls: Any) -> dict[str, bytes | Missing]:
        asked.extend(urls)
        return dict.fromkeys(urls, b"{}")

    agencies = agencies_of("https://paper.example", fetch)
    for _ in range(3):
        assert agencies.fetch("https://agency.example/k") == b"{}"
    assert asked == ["https://agency.example/k"]
