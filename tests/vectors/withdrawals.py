"""Makes ``withdrawals.json``: notices that stories were withdrawn, and what they make of a chain.

As in ``statements.json``, what is expected is written by hand.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from tests.signed import FORMATS, ISSUED, WITHDRAWN, Issuer, chain_of, instant, samples
from tests.signing import Signer, canonical, digest, jwks, payload_of, short, token_digest
from tests.vectors.statements import CHECKS, FIRST, UNKNOWN, neutral

Case = dict[str, Any]

NOW = ISSUED + timedelta(hours=1)
MADE = ("entry", "statement", "key", "signature", "guid", "times", "chain")
"""The checks of a notice, but for continuity."""
AFTER = {"statement": MADE[1:], "key": MADE[2:], "signature": MADE[3:]}
"""What is not checked once one of these is not ok."""


def vectors() -> Case:
    """The whole file."""
    issuer = Issuer(FIRST)
    first, second, third = samples()
    entry = issuer.sign(first)
    notice = issuer.withdraw(first)
    withdrawn = list(issuer.chains[first.id])
    later = instant(WITHDRAWN + timedelta(minutes=5))
    again = issuer.sign(first, issued_at=later)
    other = issuer.withdraw(second)
    alone = issuer.sign(third)
    whole = issuer.chains[first.id]
    shown = _neutral(notice.guid, notice.title, whole[1])
    chains = {
        "withdrawn": withdrawn,
        "published": whole[:1],
        "published again": whole,
        "withdrawn again": [*whole, _sealed(whole[1], version=4, previous=_named(whole[2]))],
        "never published": issuer.chains[second.id],
    }
    guids = dict.fromkeys(chains, first.guid) | {"never published": second.guid}
    return {
        "about": "Withdrawals of Wirecopy; docs/statement.md. `notices` are in neutral form, and"
        " some entries of the stories; `chain` names the one at hand, null for none. Of a notice"
        " every check is in `checks`, of an entry only what fails. `memory` is what was seen"
        " before. Of `feeds`, `expected` are the verdicts without any chain.",
        "now": instant(NOW),
        "keys": jwks(FIRST, log=issuer.log),
        "tokens": list(_tokens(whole[1])),
        "chains": {
            name: chain_of(guids[name], tokens, issuer.proof(tokens)).decode()
            for name, tokens in chains.items()
        },
        "refused_chains": {
            name: chain_of(first.guid, tokens, issuer.proof(tokens)).decode()
            for name, tokens in _refused_chains(whole)
        },
        "notices": [
            *_notices(shown, other.statement or ""),
            *_entries(neutral(entry, issuer, [entry]), neutral(again, issuer, [again])),
        ],
        "feeds": [
            {
                "name": format,
                "document": issuer.feed([notice, other, alone], format).decode(),
                "expected": ["verified", "verified", "verified"],
            }
            for format in FORMATS
        ],
    }


def _neutral(guid: str, headline: str, token: str) -> Case:
    at = f"{instant(WITHDRAWN)[:19]}Z"
    return {
        "guid": guid,
        "headline": headline,
        "body": "",
        "updated": [at, at],
        "statement": token,
        "withdrawn": at,
    }


def _sealed(token: str, signer: Signer = FIRST, **changes: Any) -> str:
    """The statement *token* with another payload; None takes a member out."""
    payload = {**payload_of(token), **changes}
    return signer.sign({name: said for name, said in payload.items() if said is not None})


def _named(token: str) -> str:
    return short(token_digest(token))


def _tokens(token: str) -> Iterator[Case]:
    """Statements that are withdrawals, and that are neither these nor anything else."""
    for name, changes in (
        ("good", {}),
        ("the first of its story", {"version": 1, "previous": None}),
        ("the last instant there is", {"issued_at": "9999-12-31T23:59:59.999999Z"}),
    ):
        yield {"name": name, "token": _sealed(token, **changes), "ok": True}
    for name, wrong in (
        ("no time", {"withdrawn_at": None}),
        ("a time without fraction", {"withdrawn_at": "2026-11-22T13:30:00Z"}),
        ("a time that is a number", {"withdrawn_at": 1}),
        ("no guid", {"guid": None}),
        ("an empty guid", {"guid": ""}),
        ("no story", {"story": None}),
        ("another story id", {"story": "A" * 13}),
        ("version 0", {"version": 0, "previous": None}),
        ("version true", {"version": True, "previous": None}),
        ("no previous", {"previous": None}),
        ("a previous of the first", {"version": 1}),
        ("a long previous", {"previous": digest(b"x")}),
        ("no issued_at", {"issued_at": None}),
        ("a reason", {"reason": "the lawyer rang"}),
        ("an agency", {"agency": "Press Trust of India"}),
        ("a scope", {"scope": "unknown"}),
        ("digests", {"received": {}}),
        ("a place in the log", {"index": 4}),
    ):
        yield {"name": name, "token": _sealed(token, **wrong), "ok": False}
    whole = json.loads(token)
    kept = {**whole, "payload": {**whole["payload"], "withdrawn_at": None}}
    yield {"name": "a time that is null", "token": canonical(kept).decode(), "ok": False}


def _refused_chains(whole: list[str]) -> Iterator[tuple[str, list[str]]]:
    first, withdrawal, again = whole
    yield "the withdrawal left out", [first, again]
    yield "the withdrawal first", [withdrawal, first]
    yield "the withdrawal twice", [first, withdrawal, withdrawal]
    yield "by an unknown key", [first, _sealed(withdrawal, UNKNOWN)]
    yield "of another guid", [first, _sealed(withdrawal, guid="urn:x")]
    yield "of another story", [first, _sealed(withdrawal, story="a" * 13)]
    yield "issued before", [first, _sealed(withdrawal, issued_at="2026-11-22T13:00:00.000000Z")]
    yield "another time", [first, _sealed(withdrawal, withdrawn_at=instant(ISSUED)), again]


def _notices(good: Case, others: str) -> Iterator[Case]:
    token = good["statement"]
    kid, payload = json.loads(token)["key"], payload_of(token)
    forged = {**json.loads(token), "payload": {**payload, "withdrawn_at": instant(ISSUED)}}
    thief = {**json.loads(_sealed(token, UNKNOWN)), "key": kid}
    seen = {
        "type": "wirecopy-memory-1",
        "statements": {good["guid"]: {"version": 2, "digest": token_digest(token), "log": None}},
        "checkpoints": {},
    }
    for name, changes, chain, failed in (
        ("alone", {}, None, ""),
        ("with its chain", {}, "withdrawn", ""),
        ("an earlier one", {}, "withdrawn again", ""),
        ("of what was published again", {}, "published again", "chain"),
        ("that the chain does not have", {}, "published", "chain"),
        ("with another's chain", {}, "never published", "chain"),
        ("in place of another", {"guid": "urn:x"}, None, "guid"),
        ("with another's statement", {"statement": others}, None, "guid"),
        ("a second later", {"withdrawn": "2026-11-22T13:30:01Z"}, None, "times"),
        ("a date a second later", {"updated": ["2026-11-22T13:30:01Z"]}, None, "times"),
        (
            "withdrawn after it was signed",
            {"statement": _sealed(token, issued_at="2026-11-22T13:24:59.000000Z")},
            None,
            "times",
        ),
        (
            "signed after the present",
            {"statement": _sealed(token, issued_at="2026-11-22T14:16:00.000000Z")},
            None,
            "times",
        ),
        ("with another time in its statement", {"statement": _text(forged)}, None, "signature"),
        ("by a thief", {"statement": _text(thief)}, None, "signature"),
        ("by an unknown key", {"statement": _sealed(token, UNKNOWN)}, None, "key"),
        ("with a reason", {"statement": _sealed(token, reason="x")}, None, "statement"),
    ):
        yield {
            "name": f"notice {name}",
            "entry": {**good, **changes},
            "chain": chain,
            "verdict": "failed" if failed else "verified",
            "checks": _states(failed, chain),
        }
    yield {
        "name": "notice without a statement",
        "entry": {**good, "statement": None},
        "chain": None,
        "verdict": "unsigned",
        "checks": {**_states("statement", None), "statement": "not checked"},
    }
    yield {
        "name": "notice seen before",
        "entry": good,
        "chain": None,
        "memory": seen,
        "verdict": "verified",
        "checks": {**_states("", None), "continuity": "ok"},
    }


def _states(failed: str, chain: str | None) -> dict[str, str]:
    states = dict.fromkeys(CHECKS, "not checked") | dict.fromkeys(MADE, "ok")
    states |= {} if chain else {"chain": "not checked"}
    states |= dict.fromkeys(AFTER.get(failed, ()), "not checked")
    return states | ({failed: "failed"} if failed else {})


def _text(statement: Case) -> str:
    return canonical(statement).decode()


def _entries(before: Case, again: Case) -> Iterator[Case]:
    """Entries of the story, before it was withdrawn and after it was published again."""
    told = {**before, "withdrawn": "2026-11-22T13:30:00Z"}
    for name, entry, chain, failed in (
        ("entry that was withdrawn since", before, "withdrawn", "chain"),
        ("entry that was withdrawn twice since", again, "withdrawn again", "chain"),
        ("entry published again", again, "published again", ""),
        ("entry of before, and published again", before, "published again", ""),
        ("entry as a notice", told, None, "statement"),
    ):
        yield {
            "name": name,
            "entry": entry,
            "chain": chain,
            "verdict": "failed" if failed else "verified",
            "checks": {failed: "failed"} if failed else {},
        }
