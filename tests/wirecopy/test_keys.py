"""Key sets and files of trusted state, good and damaged."""

import json
from typing import Any

import pytest

from tests.signed import ISSUED, instant
from tests.signing import Log, Signer, canonical, digest, jwks
from wirecopy import Refused, TrustedState, read_keys
from wirecopy.trusted_state import LeafTime, Seen

GOOD = Signer("first").jwk()
SEEN = {"g": {"version": 2, "digest": digest(b"x"), "log": None}}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b"\xff",
        b'{"keys":[],"keys":[]}',
        b'{"keys":[],"wirecopy_log":1}',
        b'{"keys":[],"wirecopy_log":"x"}',
        b'{"keys":[],"x":' + b"[" * 9 + b"]" * 9 + b"}",
        b" " * 1_048_577,
    ],
    ids=range(10),
)
def test_what_is_no_key_set(document: bytes) -> None:
    with pytest.raises(Refused, match="key"):
        read_keys(document)


@pytest.mark.parametrize(
    "changes",
    [
        {"x": None},
        {"x": "AAAA"},
        {"x": GOOD["x"] + "="},
        {"x": GOOD["x"][:-1] + "B"},
        {"kid": "first"},
        {"kid": None},
        {"nbf": None},
        {"nbf": "1"},
        {"nbf": True},
        {"nbf": -1},
        {"nbf": 10**12},
        {"exp": "never"},
        {"use": "enc"},
        {"alg": "HS256"},
        {"revoked": True},
        {"d": "AAAA"},
    ],
)
def test_a_key_that_cannot_be_used(changes: dict[str, Any]) -> None:
    other = Signer("old").jwk()
    found = read_keys(
        json.dumps({"keys": [{**GOOD, **changes}, other, {"kty": "RSA"}, 1]}).encode()
    )
    assert list(found.statement) == [other["kid"]]
    assert len(found.refused) == 1


def test_a_key_with_more_to_say_is_a_key() -> None:
    whole = {**GOOD, "exp": None, "revoked": None, "key_ops": ["verify"], "x5c": ["…"]}
    assert list(read_keys(json.dumps({"keys": [whole]}).encode()).statement) == [GOOD["kid"]]
    assert read_keys(canonical(jwks(Signer("first"), log=Log()))).log is not None


def test_a_trusted_state_comes_back_from_its_file() -> None:
    log = Log()
    log.add(b"x")
    memory = TrustedState(
        {"g": Seen(2, digest(b"x"), log.origin), "ü": Seen(1, digest(b"y"), None)},
        {log.origin: log.checkpoint()},
        {"kid": log.origin},
        {log.origin: LeafTime(3, ISSUED)},
    )
    assert TrustedState.load(memory.dump()) == memory
    assert TrustedState.load(TrustedState().dump()) == TrustedState()


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "x"},
        {"statements": None},
        {"statements": {"g": {}}},
        {"statements": {"g": {**SEEN["g"], "version": "2"}}},
        {"statements": {"g": {**SEEN["g"], "digest": "x"}}},
        {"statements": [1]},
        {"checkpoints": None},
        {"checkpoints": {"o": "x"}},
        {"checkpoints": {"o": 1}},
        {"checkpoints": {"another": Log().checkpoint(0)}},
        {"logs": None},
        {"logs": {"kid": 1}},
        {"leaves": None},
        {"leaves": {"o": {}}},
        {"leaves": {"o": {"index": "3", "logged_at": instant(ISSUED)}}},
        {"leaves": {"o": {"index": 3, "logged_at": "today"}}},
    ],
)
def test_a_file_that_is_no_trusted_state(changes: dict[str, Any]) -> None:
    whole = {"type": "wirecopy-memory-1", "statements": SEEN, "checkpoints": {}}
    assert TrustedState.load(json.dumps(whole).encode()).statements
    with pytest.raises(Refused, match="memory"):
        TrustedState.load(json.dumps({**whole, **changes}).encode())
