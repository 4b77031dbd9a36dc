"""Both verifiers of what nobody foresaw: whatever one takes, the other takes as the same."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings

from tests.publish import variations
from tests.publish.node import ask
from tests.publish.tree import tree
from tests.publish.variations import FIRST, drawn
from tests.signed import ISSUED, Issuer, samples
from tests.signing import Log, b64, jwks
from wirecopy import Entry, Evidence, Refused, read_keys, verify_entries
from wirecopy.chain import read_chain
from wirecopy.encoding import canonical, parse_json
from wirecopy.jose import LARGEST_SET, payload_of, read_token
from wirecopy.statement import read_statement
from wirecopy.tlog import check_proof, log_key, read_checkpoint, read_pruned

pytestmark = pytest.mark.hypothesis  # `make test-all` draws more

REFUSED = object()
"""What both say of what they do not take."""
COUNT = min(8 * settings().max_examples, 600)


def told(take: Callable[..., Any], *what: Any) -> Any:
    """What the Python verifier says. Any error but its own is a fault, and fails the test."""
    try:
        return take(*what)
    except Refused:
        return REFUSED


def compare(made: Sequence[Any], here: Sequence[Any], there: Sequence[Any]) -> None:
    """Hold the answers against each other; without both kinds nothing was tried."""
    for one, mine, its in zip(made, here, there, strict=True):
        refused = isinstance(its, dict) and "refused" in its
        assert mine == (REFUSED if refused else its), one
    assert len(made) * 0.02 < sum(mine is REFUSED for mine in here) < len(made) * 0.98


def issuer(kind: int = 3) -> Issuer:
    """A issuer with one story in three statements."""
    made = Issuer(FIRST, kind=kind)
    for n in range(4):
        made.log.add(b"an earlier receipt %d" % n)
    for _ in range(3):
        made.sign(samples()[0])
    return made


def test_json() -> None:
    texts = drawn(variations.jsons(), COUNT)

    def read_json(text: str) -> str:
        return canonical(parse_json(text)).decode()

    here = [told(read_json, text) for text in texts]
    compare(texts, here, ask([{"ask": "canonical", "json": text} for text in texts]))


def test_key_sets() -> None:
    sets = drawn(variations.key_sets(), 3 * COUNT)

    def read_set(document: bytes) -> dict[str, Any]:
        found = read_keys(document)
        good = [[k.kid, [k.nbf, k.exp, k.revoked is not None]] for k in found.statement.values()]
        return {"good": good, "log": found.log.name if found.log else None}

    here = [told(read_set, document) for document in sets]
    compare(sets, here, ask([{"ask": "keys", "jwks": {"base64": b64(s)}} for s in sets]))
    assert sum(one is not REFUSED and one["good"] != [] for one in here) > COUNT / 2


def test_key_sets_as_large_as_may_be() -> None:
    whole = json.dumps(jwks(FIRST)).encode()
    sets = [whole.ljust(LARGEST_SET + more) for more in (0, 1)]

    def good_keys(document: bytes) -> int:
        return len(read_keys(document).statement)

    said = ask([{"ask": "keys", "jwks": {"base64": b64(s)}} for s in sets])
    assert [told(good_keys, s) for s in sets] == [1, REFUSED]
    assert (len(said[0]["good"]), "refused" in said[1]) == (1, True)


def test_log_keys() -> None:
    keys = drawn(variations.log_keys(), COUNT)

    def read_key(vkey: str) -> str:
        return log_key(vkey).name

    here = [told(read_key, vkey) for vkey in keys]
    there = ask([{"ask": "logKey", "vkey": vkey} for vkey in keys])
    compare(keys, here, [{"refused": ""} if found is None else found["name"] for found in there])


@pytest.mark.parametrize("kind", [2, 3])
def test_tokens(kind: int) -> None:
    made = issuer(kind)
    (whole, *_) = made.chains.values()
    listed = drawn(variations.tokens(payload_of(whole[0])), COUNT)

    def take_token(text: str) -> dict[str, Any]:
        found = read_token(text)
        read_statement(found)
        return found.payload

    here = [told(take_token, text) for text in listed]
    compare(listed, here, ask([{"ask": "token", "token": text} for text in listed]))


@pytest.mark.parametrize("kind", [2, 3])
def test_chains(kind: int) -> None:
    made = issuer(kind)
    (whole,) = made.chains.values()
    guid = payload_of(whole[0])["guid"]
    keyset = json.dumps(jwks(FIRST))
    keys = read_keys(keyset.encode())
    documents = drawn(variations.chains(guid, whole), COUNT)

    def take_chain(document: bytes) -> int:
        return len(read_chain(document, keys).digests)

    here = [told(take_chain, d) for d in documents]
    asked = [{"ask": "chain", "chain": {"base64": b64(d)}, "jwks": keyset} for d in documents]
    compare(documents, here, ask(asked))


def _log() -> Log:
    return Log(leaves=[b"receipt %d" % n for n in range(11)])


def test_checkpoints() -> None:
    log = _log()
    notes = drawn(variations.checkpoints(log), COUNT)

    def read_note(note: str) -> dict[str, Any]:
        found = read_checkpoint(note, log_key(log.vkey))
        return {"size": found.size, "root": b64(found.root)}

    here = [told(read_note, note) for note in notes]
    there = ask([{"ask": "checkpoint", "note": note, "vkey": log.vkey} for note in notes])
    compare(notes, here, there)


def test_proofs() -> None:
    log = _log()
    proofs = drawn(variations.proofs(log), 2 * COUNT)
    key = log_key(log.vkey)

    def size_in(text: str, leaf: bytes) -> int:
        return check_proof(text, leaf, key).head.size

    here = [told(size_in, text, log.leaves[at]) for text, at in proofs]
    there = ask(
        [
            {"ask": "receipt", "receipt": text, "leaf": b64(log.leaves[at]), "vkey": log.vkey}
            for text, at in proofs
        ]
    )
    compare(proofs, here, [found.get("size", found) for found in there])


def test_proofs_of_many_leaves() -> None:
    log = _log()
    texts = drawn(variations.proofs_of_many(log), 2 * COUNT)
    key = log_key(log.vkey)

    def leaves_in(text: str) -> dict[str, Any]:
        found = read_pruned(text, key)
        leaves = {str(n): b64(hash_) for n, hash_ in found.leaves.items()}
        return {"size": found.head.size, "leaves": leaves}

    here = [told(leaves_in, text) for text in texts]
    there = ask([{"ask": "proof", "text": text, "vkey": log.vkey} for text in texts])
    compare(texts, here, there)


def test_instants() -> None:
    """Which key is in force, and what follows what, to the microsecond."""
    signed = issuer().sign(samples()[0])
    good = payload_of(signed.statement or "")
    second = int(ISSUED.timestamp())
    terms = [(second + a, second + b) for a in (-300, 0, 1, 300) for b in (-1, 0, 1, 300)]
    entry = Entry(
        guid=signed.guid,
        headline=signed.headline,
        body=signed.html,
        agency=signed.agency,
    )
    asked: list[dict[str, Any]] = []
    here: list[dict[str, str]] = []
    body = tree(entry.body)
    for at, payload in enumerate(drawn(variations.payloads(good), COUNT)):
        nbf, exp = terms[at % len(terms)]
        keyset = json.dumps({"keys": [{**FIRST.jwk(), "nbf": nbf if at % 3 else 0, "exp": exp}]})
        if at % 2:
            keyset = json.dumps(jwks(FIRST))
        now = ISSUED.replace(microsecond=0) + timedelta(milliseconds=at % 5 - 2)
        one = replace(entry, statement=FIRST.sign(payload))
        (result,) = verify_entries([one], read_keys(keyset.encode()), Evidence(now=now)).entries
        here.append({c.name: c.state for c in result.checks if c.name in ("key", "times")})
        neutral = {**asdict(one), "body": body}
        asked.append(
            {"ask": "check", "entry": neutral, "jwks": keyset, "now": now.timestamp() * 1000}
        )
    there = [
        {name: found["checks"][name]["state"] for name in ("key", "times")} for found in ask(asked)
    ]
    for question, mine, its in zip(asked, here, there, strict=True):
        assert mine == its, (payload_of(question["entry"]["statement"]), question)
    for name in ("key", "times"):
        assert COUNT * 0.05 < sum(states[name] == "failed" for states in here) < COUNT * 0.95
