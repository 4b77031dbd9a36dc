"""Key sets as a stranger may serve them, each with what it makes of one and the same statement."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tests.signed import ISSUED
from tests.signing import Log, Signer, b64, b64url, jwks, private

Jwk = dict[str, Any]

GOOD = "good"
"""The statement verifies, its receipt too."""
BAD = "bad key"
"""The key set is one, but has no good key for the statement."""
SILENT = "no log"
"""The statement verifies, its receipt cannot be checked."""
FORGED = "another key of the log"
"""The statement verifies, its receipt does not."""
ELSEWHERE = "another log"
"""The statement verifies, its receipt is not in that log."""
NONE = "no key set"
"""The document is refused."""

_SECOND = int(ISSUED.timestamp())
"""The statement is issued some microseconds after it."""


def documents(signer: Signer, other: Signer, log: Log) -> Iterator[tuple[str, str | bytes, str]]:
    """Name, document and outcome, for a statement by *signer* with a receipt in *log*."""
    for name, keys, outcome in (*_members(signer), *_twins(signer, other)):
        yield name, json.dumps({"keys": keys, "wirecopy_log": log.vkey}), outcome
    whole = json.dumps(jwks(other, signer, log=log))
    yield from _spellings(whole)
    for name, vkey, outcome in _logs(signer, log):
        yield f"wirecopy_log: {name}", json.dumps({**jwks(signer), "wirecopy_log": vkey}), outcome
    yield "wirecopy_log: absent", json.dumps(jwks(signer)), SILENT
    for told, jwk, outcome in (
        ("another statement's key", other.jwk(), NONE),
        ("a key that is refused", {**other.jwk(), "kid": "x"}, FORGED),
    ):
        mine = {"keys": [signer.jwk(), jwk], "wirecopy_log": Log(log.origin, other.label).vkey}
        yield f"wirecopy_log: {told}", json.dumps(mine), outcome
    yield "wirecopy_log: twice", whole[:-1] + f',"wirecopy_log":{json.dumps(log.vkey)}}}', NONE


def _members(signer: Signer) -> Iterable[tuple[str, list[Any], str]]:
    good = signer.jwk()
    yield "good", [good], GOOD
    for name in good:
        left = {n: v for n, v in good.items() if n != name}
        yield f"{name}: absent", [left], GOOD if name in ("alg", "use") else BAD
    for name in (*good, "exp", "revoked", "d"):
        needed = name in ("kty", "crv", "x", "kid", "nbf")
        yield f"{name}: null", [{**good, name: None}], BAD if needed else GOOD
    last = 253_402_300_799
    for name, values, outcome in (
        ("kty", ("okp", "EC", ["OKP"]), BAD),
        ("crv", ("ed25519", "X25519", "Ed448"), BAD),
        ("alg", ("Ed25519",), GOOD),
        ("alg", ("eddsa", "HS256", "none", "", 1, ["EdDSA"]), BAD),
        ("use", ("enc", "Sig", "", True, ["sig"]), BAD),
        ("key_ops", (["verify"], ["sign"], "x"), GOOD),
        ("x", (f"{signer.x}=", signer.x[:-1] + "B", "", "AAAA", f"{signer.x}AA", 1), BAD),
        ("kid", (f"{signer.kid}=", signer.kid[:-1], "", "first", 1, {}), BAD),
        ("nbf", (0, _SECOND), GOOD),
        ("nbf", (_SECOND + 1, last, last + 1, -1, 2**53 - 1), BAD),
        ("nbf", (True, False, "1763000000", [1_763_000_000]), BAD),
        ("exp", (_SECOND + 1, last), GOOD),
        ("exp", (_SECOND, 0, last + 1, -1, "never", True, False, {}), BAD),
        ("revoked", ({}, {"reason": 1}, {"revoked_at": last}, [], True, False, 0, "yes"), BAD),
        ("d", (b64url(private(signer.label).private_bytes_raw()), "", 0, False), BAD),
        ("__proto__", ({}, {"d": "AAAA"}, None), GOOD),
        ("x5c", (["…"], {"a": [1, None, True]}, 2**53 - 1), GOOD),
    ):
        for value in values:
            yield f"{name}: {json.dumps(value)[:50]}", [{**good, name: value}], outcome
    yield "all of it inherited", [{"__proto__": good}], BAD


def _twins(signer: Signer, other: Signer) -> Iterable[tuple[str, list[Any], str]]:
    good, second = signer.jwk(), other.jwk()
    unnamed = {n: v for n, v in good.items() if n != "kid"}
    for name, twin, outcome in (
        ("the same again", good, BAD),
        ("another nbf", {**good, "nbf": 0}, BAD),
        ("the private part", {**good, "d": "AAAA"}, BAD),
        ("revoked", {**good, "revoked": {}}, BAD),
        ("an odd alg", {**good, "alg": "HS256"}, BAD),
        ("another type", {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": signer.kid}, BAD),
        ("no type", {"kid": signer.kid}, BAD),
        ("its kid on another key", {**second, "kid": signer.kid}, BAD),
        ("the private part, without kid", {**unnamed, "d": "AAAA"}, BAD),
        ("revoked, by another kid", {**good, "kid": "old", "revoked": {}}, BAD),
        ("its x on another curve", {"kty": "OKP", "crv": "X25519", "x": signer.x}, BAD),
        ("its kid null", {**second, "kid": None}, GOOD),
        ("another key", second, GOOD),
        ("another key with d", {**second, "d": "AAAA"}, GOOD),
        ("another type and kid", {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa"}, GOOD),
        ("no object", [good], GOOD),
        ("null", None, GOOD),
        ("its kid alone, as a string", signer.kid, GOOD),
        ("an empty object", {}, GOOD),
    ):
        yield f"beside it: {name}", [good, twin], outcome
        yield f"before it: {name}", [twin, good], outcome
    yield "beside it: others, twice", [good, second, second, {}, {}], GOOD


def _spellings(whole: str) -> Iterable[tuple[str, str | bytes, str]]:
    inside = whole[1:-1]
    yield from (
        ("with spaces", f" \t\r\n{whole.replace(',', ' , ')}\n", GOOD),
        ("a byte order mark", f"\ufeff{whole}", GOOD),
        ("two byte order marks", f"\ufeff\ufeff{whole}", NONE),
        ("a space, then a byte order mark", f" \ufeff{whole}", NONE),
        ("UTF-16", whole.encode("utf-16"), NONE),
        ("UTF-8 that is none", whole[:-1].encode() + b',"x":"\xe9"}', NONE),
        ("an encoded surrogate", whole[:-1].encode() + b',"x":"\xed\xa0\x80"}', NONE),
        ("overlong UTF-8", whole[:-1].encode() + b',"x":"\xc0\xaf"}', NONE),
        ("half a byte order mark", b"\xef\xbb" + whole.encode(), NONE),
        ("a lone surrogate", f'{{"x":"\\ud800",{inside}}}', NONE),
        ("a lone surrogate in a name", f'{{"\\udc00":1,{inside}}}', NONE),
        ("a surrogate pair", f'{{"x":"\\ud83d\\ude00",{inside}}}', GOOD),
        ("letters escaped", whole.replace("kty", "k\\u0074y"), GOOD),
        ("a form feed", f"\f{whole}", NONE),
        ("a no-break space", f"\xa0{whole}", NONE),
        ("a line feed in a string", f'{{"x":"\n",{inside}}}', NONE),
        ("an escape that is none", f'{{"x":"\\x41",{inside}}}', NONE),
        ("an open string", f'{{{inside},"x":"', NONE),
        ("keys twice", f'{{"keys":[],{inside}}}', NONE),
        ("keys twice, escaped", f'{{{inside},"\\u006beys":[]}}', NONE),
        ("another member twice", f'{{"x":1,{inside},"x":1}}', NONE),
        ("a member of a key twice", whole.replace('"use"', '"nbf":0,"use"'), NONE),
        ("a member of an unknown member twice", f'{{"x":{{"a":1,"a":1}},{inside}}}', NONE),
        ("an empty name", f'{{"":1,{inside}}}', GOOD),
        ("nbf -0", whole.replace("1763000000", "-0"), GOOD),
        ("nbf with a fraction", whole.replace("1763000000", "1763000000.0"), NONE),
        ("nbf with an exponent", whole.replace("1763000000", "1763e6"), NONE),
        ("nbf with a leading zero", whole.replace("1763000000", "01763000000"), NONE),
        ("nbf with a sign", whole.replace("1763000000", "+1763000000"), NONE),
        ("a fraction elsewhere", f'{{"x":0.5,{inside}}}', NONE),
        ("a large number elsewhere", f'{{"x":9007199254740992,{inside}}}', NONE),
        ("a huge number elsewhere", f'{{"x":1{"0" * 400},{inside}}}', NONE),
        ("the largest number elsewhere", f'{{"x":-9007199254740991,{inside}}}', GOOD),
        ("NaN elsewhere", f'{{"x":NaN,{inside}}}', NONE),
        ("Infinity elsewhere", f'{{"x":-Infinity,{inside}}}', NONE),
        ("a word that is none", f'{{"x":True,{inside}}}', NONE),
        ("nested to 8", f'{{"x":{"[" * 7}{"]" * 7},{inside}}}', GOOD),
        ("nested to 9", f'{{"x":{"[" * 8}{"]" * 8},{inside}}}', NONE),
        ("brackets in a string", f'{{"x":"{"[" * 20}",{inside}}}', GOOD),
        ("a comment", f"/* keys */{whole}", NONE),
        ("a comma too many", whole[:-1] + ",}", NONE),
        ("single quotes", f"{{'x':1,{inside}}}", NONE),
        ("something after it", f"{whole}x", NONE),
        ("twice over", whole * 2, NONE),
        ("cut short", whole[:-1], NONE),
        ("keys within keys", f'{{"keys":{whole}}}', NONE),
        ("keys is null", '{"keys":null}', NONE),
        ("keys inherited", f'{{"__proto__":{whole}}}', NONE),
        ("no keys", "{}", NONE),
        ("of no key", '{"keys":[]}', BAD),
        ("a list of keys", "[]", NONE),
        ("a string", '"keys"', NONE),
        ("null", "null", NONE),
        ("empty", "", NONE),
    )


def _logs(signer: Signer, log: Log) -> Iterable[tuple[str, Any, str]]:
    name, mark, coded = log.vkey.split("+", 2)
    yield "null", None, SILENT
    yield "another log", Log("elsewhere.example/log", "log").vkey, ELSEWHERE
    yield "another key of that name", Log(name, "another").vkey, FORGED
    yield "a name that holds U+FEFF", Log(f"{name}\ufeff", "log").vkey, ELSEWHERE
    for told, vkey in (
        ("a number", 1),
        ("a list of it", [log.vkey]),
        ("the statement's key", Log(name, signer.label).vkey),
        ("empty", ""),
        ("a name alone", name),
        ("another key id", f"{name}+00000000+{coded}"),
        ("another algorithm", f"{name}+{mark}+{b64(b'2' + bytes(32))}"),
        ("cut short", log.vkey[:-4]),
        ("no name", Log("", "log").vkey),
        ("a space in its name", Log("a b", "log").vkey),
        ("a tab in its name", Log("a\tb", "log").vkey),
        ("a plus in its name", Log("a+b", "log").vkey),
        ("U+0085 in its name", Log("a\x85b", "log").vkey),
        ("U+3000 in its name", Log("a\u3000b", "log").vkey),
        ("U+001C in its name", Log("a\x1cb", "log").vkey),
    ):
        yield told, vkey, NONE
