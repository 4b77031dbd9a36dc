"""The vectors of custody: an agency's statement held against a publisher's (docs/statement.md §10).

Written as the statements are, by the small signer of the tests, without any code of ours.
"""

import json
from collections.abc import Iterator
from typing import Any

from tests.signing import Log, Signer, canonical, digest, jwks, short, token_digest

Case = dict[str, Any]

AGENCY = "https://agency.example"
PARTNER = "https://partner.example"
KEYS = "/.well-known/jwks.json"
STORY = "aaaaaaaaaaaaa"
PARTS = ("headline", "text", "links", "media", "packaging")
COPY = {part: digest(f"{part} of the agency".encode()) for part in PARTS}


def vectors() -> Case:
    """The file: each is a publisher's statement, its chain document, and what other sites serve.

    ``hops`` are the states of the way back, of which the first is that of the check. Who does not
    look for the agency's own chain may find ``unvouched`` instead. ``own`` is the publisher's key
    set, where it matters, and ``site`` where the keys are, in words.
    """
    return {"vectors": list(_vectors())}


def said(**changes: Any) -> Case:
    """The payload of a statement of type 3 of the agency's copy; None takes a member out."""
    payload = {
        "guid": "urn:uuid:6b0ac2a1-4d5e-5d3c-9f0e-0f6f4d2f1a11",
        "story": STORY,
        "version": 1,
        "agency": "Press Trust of India",
        "agency_id": "PTI-42",
        "scope": "unknown",
        "details": short(digest(b"details")),
        "published": {part: short(found) for part, found in COPY.items()},
        "received_at": "2026-11-22T06:00:00.000000Z",
        "issued_at": "2026-11-22T06:01:00.000000Z",
        **changes,
    }
    return {name: value for name, value in payload.items() if value is not None}


def received(**changes: Any) -> Case:
    """The payload of one whose publisher received that copy, and published it as it came."""
    here = {part: short(found) for part, found in COPY.items()}
    usual = {
        "guid": "urn:uuid:11111111-4d5e-5d3c-9f0e-0f6f4d2f1a11",
        "story": "bbbbbbbbbbbbb",
        "scope": "verbatim",
        "published": None,
        "received": here,
        "logged_at": "2026-11-22T06:05:01.000000Z",
        "index": 0,
        "received_at": "2026-11-22T06:05:00.000000Z",
        "issued_at": "2026-11-22T06:06:00.000000Z",
    }
    return said(**{**usual, **changes})


def named(token: str, signer: Signer) -> Case:
    """The member ``custody`` that names a statement."""
    return {"key": signer.kid, "digest": short(token_digest(token))}


def held(token: str, address: str | None, under: str | None = None) -> str:
    """A chain document that holds an agency's statement, and nothing else that matters here."""
    statement = json.loads(token) if token.startswith("{") else token
    one = {"statement": statement} | ({"keys": address} if address else {})
    document = {
        "guid": "x",
        "statements": [],
        "custody": {under or short(token_digest(token)): one},
    }
    return canonical(document).decode()


def _earlier(**changes: Any) -> Case:
    """The payload of the agency's statement of type 2."""
    return {
        "type": "wirecopy-statement-2",
        **{name: said()[name] for name in ("guid", "story", "version", "agency", "agency_id")},
        "agency_version": "",
        "rule": "wirecopy-text-1",
        "scope": "unknown",
        "disclosure": "",
        "received": None,
        "published": COPY,
        "received_at": said()["received_at"],
        "logged_at": None,
        "changed_at": said()["received_at"],
        "issued_at": said()["issued_at"],
        "previous": None,
        "receipt": None,
        **changes,
    }


def _vectors() -> Iterator[Case]:
    agency, paper = Signer("agency"), Signer("paper")
    address = f"{AGENCY}{KEYS}"
    served = {address: json.dumps(jwks(agency))}
    theirs = agency.sign(said())
    ours = paper.sign(received(custody=named(theirs, agency)))

    def case(name: str, *hops: str, **changes: Any) -> Case:
        return {
            "name": name,
            "statement": ours,
            "document": held(theirs, address),
            "sites": served,
            "hops": list(hops),
            **changes,
        }

    def by(name: str, state: str, payload: Case, signer: Signer = agency, **changes: Any) -> Case:
        """The agency's statement is of *payload*, and is named as it is."""
        token = signer.sign(payload)
        mine = received(custody=named(token, signer)) | changes.pop("mine", {})
        return case(
            name,
            state,
            **{"statement": paper.sign(mine), "document": held(token, address), **changes},
        )

    yield case("the copy as the agency signed it", "ok")
    yield by("by the type of before", "ok", _earlier())
    yield by("a headline edited by the paper", "ok", said(), mine={
        "scope": "headline-only", "published": {"headline": short(digest(b"another"))},
    })  # fmt: skip
    yield by("what the agency's desk edited itself, and its disclosure", "ok", received(
        guid=said()["guid"], story=STORY, disclosure="Not edited.", scope="headline-only",
        received={**{p: short(d) for p, d in COPY.items()}, "headline": short(digest(b"wire"))},
        published={"headline": short(COPY["headline"])},
        received_at="2026-11-22T06:00:00.000000Z", logged_at="2026-11-22T06:00:01.000000Z",
        issued_at="2026-11-22T06:01:00.000000Z",
    ))  # fmt: skip
    yield by("a version that the agency does not number", "ok", said(), mine={
        "agency_version": "3"})  # fmt: skip
    yield by("its clock four minutes ahead", "ok", said(issued_at="2026-11-22T06:09:00.000000Z"))

    yield case("no agency's statement named", statement=paper.sign(received()))
    yield case("no chain document", "not checked", document=None)
    yield case("another's statement alone", "not checked", document=held(theirs, address, "A" * 43))
    yield case("keys that are not to be had", "not checked", sites={})
    yield case("keys in a file of the publisher's", "not checked", document=held(theirs, None))
    yield case("a key set that is none", "not checked", sites={address: "<html>"})
    itself = {address: json.dumps(jwks(paper))}
    yield by("the publisher's own key", "not checked", said(), paper, sites=itself, own=jwks(paper))
    further = f"{AGENCY}/go/thief.example"
    yield case(
        "keys below a path, which is told", "ok", site="agency.example/go/thief.example",
        document=held(theirs, f"{further}{KEYS}"), sites={f"{further}{KEYS}": served[address]},
    )  # fmt: skip
    for spoofed in (
        f"https://agency.example@thief.example{KEYS}",
        f"http://[::1{KEYS}",
        "x",
        f"https://thief.example{KEYS}\n",
        f"https://thief.example/ {AGENCY}{KEYS}",
        f"https://thief.example/\u202e{KEYS}",
    ):
        yield case(
            f"keys at {spoofed}", "not checked",
            document=held(theirs, spoofed), sites={spoofed: json.dumps(jwks(agency))},
        )  # fmt: skip
    other = agency.sign(said(version=2, previous=short(token_digest(theirs))))
    yield case(
        "another statement under its digest", "failed",
        document=held(other, address, short(token_digest(theirs))),
    )  # fmt: skip
    for part in PARTS:
        wrong = {**said()["published"], part: short(digest(b"altered"))}
        yield by(f"another {part}", "failed", said(published=wrong))
    yield by("by another rule", "failed", said(rule="wirecopy-text-2"))
    yield by("of another agency", "failed", said(agency="Reuters"))
    yield by("of another story of the agency", "failed", said(agency_id="PTI-43"))
    yield by("of another version of the agency's", "failed", said(agency_version="2"), mine={
        "agency_version": "3"})  # fmt: skip
    yield by("issued after it came", "failed", said(issued_at="2026-11-22T06:10:01.000000Z"))
    first = _earlier(type="wirecopy-statement-1")
    del first["logged_at"]
    yield by("of the first type", "failed", first)
    yield by("with a member too many", "failed", said(note="x"))
    yield by("by a key that is not the agency's", "failed", said(), Signer("thief"))
    yield case("another key named", "failed", statement=paper.sign(
        received(custody={**named(theirs, agency), "key": paper.kid})))  # fmt: skip
    forged = json.loads(theirs)
    forged["signature"] = json.loads(Signer("thief").sign(said()))["signature"]
    forged_text = canonical(forged).decode()
    yield case("a signature by another", "failed", document=held(forged_text, address))
    late = Signer("agency", nbf=1_900_000_000)
    yield case("a key that was not good yet", "failed", sites={address: json.dumps(jwks(late))})
    over = Signer("agency", exp=1_770_000_000)
    yield case("a key that was good no more", "failed", sites={address: json.dumps(jwks(over))})

    revoked = Signer("agency", revoked={"reason": "stolen"})
    fresh = Signer("agency, since")
    gone = {address: json.dumps(jwks(revoked, fresh))}
    yield case("a key that was revoked", "not checked", sites=gone)
    later = fresh.sign(said(version=2, previous=short(token_digest(theirs))))
    chain = {"guid": said()["guid"], "statements": [json.loads(theirs), json.loads(later)]}
    own = f"{AGENCY}/stories/{STORY}/statements"
    yield case(
        "a key that was revoked, its statement vouched for", "ok", unvouched="not checked",
        sites={**gone, own: json.dumps(chain)},
    )  # fmt: skip
    alone = {"guid": said()["guid"], "statements": [json.loads(theirs)]}
    yield case(
        "a key that was revoked, and its own word for it", "not checked",
        sites={**gone, own: json.dumps(alone)},
    )  # fmt: skip
    yield from _of_two_hops(case)


def _of_two_hops(case: Any) -> Iterator[Case]:
    agency, partner, paper = Signer("agency"), Signer("partner"), Signer("paper")
    first = agency.sign(said())
    second = partner.sign(received(custody=named(first, agency)))
    third = received(
        custody=named(second, partner),
        story="ccccccccccccc",
        received_at="2026-11-22T06:10:00.000000Z",
        logged_at="2026-11-22T06:10:01.000000Z",
        issued_at="2026-11-22T06:11:00.000000Z",
    )
    chain = f"{PARTNER}/stories/bbbbbbbbbbbbb/statements"
    sites = {
        f"{AGENCY}{KEYS}": json.dumps(jwks(agency)),
        f"{PARTNER}{KEYS}": json.dumps(jwks(partner, log=Log())),
        chain: held(first, f"{AGENCY}{KEYS}"),
    }
    two: Case = {"statement": paper.sign(third), "document": held(second, f"{PARTNER}{KEYS}")}
    yield case("from the agency over a partner", "ok", "ok", **two, sites=sites)
    less = {address: document for address, document in sites.items() if address != chain}
    yield case(
        "a partner that does not say where it had it", "ok", "not checked", **two, sites=less
    )
    broken = {**sites, f"{AGENCY}{KEYS}": json.dumps(jwks(Signer("thief")))}
    yield case("a partner that made its agency up", "ok", "failed", **two, sites=broken)
