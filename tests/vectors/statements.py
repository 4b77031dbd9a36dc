"""Makes ``statements.json``: tokens, entries and whole feeds, with the verdict of every check.

What is expected is written here by hand, case by case; no verifier has a say in it.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from publish.entry import Entry, captioned
from tests.signed import (
    FORMATS,
    ISSUED,
    Issuer,
    chain_of,
    earlier,
    instant,
    receipt,
    samples,
)
from tests.signing import (
    NBF,
    Log,
    Signer,
    b64,
    b64url,
    canonical,
    digest,
    jwks,
    private,
    public_bytes,
    token_digest,
)
from tests.vectors import bodies, feeds, keysets, slim
from wirecopy.scope import PARTS, Copy, digest_of, parts
from wirecopy.text import RULE, UNSIGNED, plain

Case = dict[str, Any]

SAMPLES = ("english", "hindi", "urdu")
CHECKS = [
    "entry",
    "statement",
    "key",
    "signature",
    "guid",
    "agency",
    "headline",
    "text",
    "links",
    "media",
    "packaging",
    "details",
    "disclosure",
    "scope",
    "claim",
    "appearance",
    "times",
    "receipt",
    "chain",
    "custody",
    "continuity",
]
NOW = instant(ISSUED + timedelta(hours=1))

FIRST = Signer("first")
OLD = Signer("old", nbf=NBF - 1000, exp=NBF + 40_000_000)
EXPIRED = Signer("expired", exp=NBF + 1000)
FUTURE = Signer("future", nbf=NBF + 60_000_000)
REVOKED = Signer(
    "revoked", revoked={"revoked_at": NBF + 50_000_000, "reason": "the machine was stolen"}
)
UNKNOWN = Signer("unknown")


def vectors() -> Case:
    """The whole file."""
    issuer, before = Issuer(FIRST), Issuer(FIRST, kind=2)
    sets: Case = {"none": {}}
    stories = samples()
    of_all: Case = {}
    entries: list[Entry] = []
    earlier_ones: list[Entry] = []
    for each, signed, name in ((issuer, entries, ""), (before, earlier_ones, " of before")):
        for n in range(4):
            each.log.add(b"an earlier receipt %d" % n)
        signed.extend(each.sign(story) for story in stories)
        chains = {story.id: each.chain(story).decode() for story in stories}
        sets |= {f"all{name}": chains, f"english{name}": {stories[0].id: chains[stories[0].id]}}
        shown = [neutral(entry, each, signed) for entry in signed]
        of_all |= {f"{sample}{name}": one for sample, one in zip(SAMPLES, shown, strict=True)}
        sets[f"vouched{name}"] = {stories[0].id: _vouched(each, signed[0])}
    sets |= slim.chain_sets(issuer, stories[0])
    return {
        "about": "Statements of Wirecopy; docs/statement.md. A token is the text of a"
        " statement (§2). Checks not named in `expected` are 'ok', but for 'custody' and"
        " 'continuity' ('not checked'). An entry is its sample with what is named"
        " beside it in place of the sample's own. Chains are by story; with `withheld`, they were"
        " asked for and not given. `memory` is what was seen before, `log` the feed's check (§7)."
        " `order` and `logs` are like `entries`, for verifiers that look at whole feeds or"
        " remember; of `logs`, `served` names what of `log_sets` the site gives below /log,"
        " by path, in base64; without it there is nobody to ask. Of `jwks`,"
        " `document` is the key set, in base64 where it is no text, under which the sample is"
        " verified; `expected` is null where it is refused. Of `feeds`, `document` is the feed, in"
        " base64 where it is no text; or it is the one of its format in `documents`, in which the"
        " first of `change`, where it stands first, has become the second; `expected` is null where"
        " the feed is refused.",
        "now": NOW,
        "checks": CHECKS,
        "keys": key_sets(issuer),
        "chain_sets": sets,
        "log_sets": _log_sets(issuer),
        "samples": of_all,
        "jwks": list(_jwks(issuer)),
        "canonical": list(_canonical()),
        "tokens": [*slim.tokens(issuer, entries[0]), *map(_of_before, _tokens(earlier_ones[0]))],
        "entries": [
            *_entries(issuer, entries),
            *slim.entries(issuer, entries, of_all["english"], _expect),
            *map(_of_before, _entries(before, earlier_ones)),
        ],
        "logs": [*_logs(issuer, entries), *map(_of_before, _logs(before, earlier_ones))],
        "order": [*_order(issuer, entries), *map(_of_before, _order(before, earlier_ones))],
        "documents": {format: issuer.feed(entries, format).decode() for format in FORMATS},
        "feeds": list(_feeds(issuer, entries, before.feed(earlier_ones, "rss"))),
        "chains": [*_chains(issuer), *map(_of_before, _chains(before))],
    }


def _resigned(token: str, other: str) -> str:
    """A token with the signature of another."""
    first, payload, _ = _pieces(token)
    return _joined(token, first, payload, _pieces(other)[2])


def _of_before(case: Case) -> Case:
    """A case of statements of the type before, which cover no details."""
    found = {**case, "name": f"of before: {case['name']}"}
    if case.get("chains", "none") != "none":
        found["chains"] = f"{case['chains']} of before"
    if "expected" in case:
        silent = {"details": "not checked"}
        found["expected"] = [
            {**each, "checks": {**silent, **each["checks"]}} for each in case["expected"]
        ]
    return found


def key_sets(issuer: Issuer) -> Case:
    """Key sets by name."""
    signers = (FIRST, OLD, EXPIRED, FUTURE, REVOKED)
    whole = jwks(*signers, log=issuer.log)
    first = FIRST.jwk()
    return {
        "all": whole,
        "no log": jwks(*signers),
        "another log": jwks(FIRST, log=Log("elsewhere.example/log", "log")),
        "none": {"keys": []},
        "wrong kid": {
            "keys": [{**first, "kid": UNKNOWN.kid}, {**UNKNOWN.jwk(), "kid": first["kid"]}]
        },
        "private": {"keys": [{**first, "d": b64url(_seed(FIRST))}]},
        "no nbf": {"keys": [{n: v for n, v in first.items() if n != "nbf"}]},
        "other types": {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}, first]},
        "twice": {"keys": [first, {**first, "nbf": first["nbf"] + 1}]},
        "of small order": {"keys": [{**first, **_named(key)} for key in SMALL_ORDER]},
    }


_FIELD = 2**255 - 19
_OF_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
SMALL_ORDER = [
    (y + sign * 2**255).to_bytes(32, "little")
    for y in (0, 1, _FIELD - 1, _FIELD, _FIELD + 1, _OF_ORDER_8, _FIELD - _OF_ORDER_8)
    for sign in (0, 1)
]
"""Encodings of points whose order divides 8 (RFC 8032 §5.1.3, the unusual ones too)."""


def _named(public: bytes) -> Case:
    """What a JWK says of a public key."""
    x = b64url(public)
    print_ = canonical({"crv": "Ed25519", "kty": "OKP", "x": x})
    return {"x": x, "kid": b64url(hashlib.sha256(print_).digest())}


def _under_anything(public: bytes, token: str) -> str:
    """A token by a signature (R the neutral element, S zero) that many libraries take for one."""
    kid = _named(public)["kid"]
    header = b64url(canonical({**FIRST.header(), "kid": kid}))
    _, payload, _ = _pieces(token)
    signature = b64url(bytes([1, *bytes(63)]))
    return _joined(token, kid if token.startswith("{") else header, payload, signature)


def _pieces(token: str) -> list[str]:
    """Key or header, payload and signature of a token."""
    if not token.startswith("{"):
        return token.split(".")
    found = json.loads(token)
    return [found["key"], canonical(found["payload"]).decode(), found["signature"]]


def _joined(like: str, first: str, payload: str, signature: str) -> str:
    """A token of these, of the type of another."""
    if not like.startswith("{"):
        return f"{first}.{payload}.{signature}"
    return f'{{"key":"{first}","payload":{payload},"signature":"{signature}"}}'


def _jwks(issuer: Issuer) -> Iterable[Case]:
    outcomes = {
        keysets.GOOD: _expect("", "chain"),
        keysets.BAD: _expect("key", AFTER_KEY),
        keysets.SILENT: _expect("", "receipt chain"),
        keysets.FORGED: _expect("receipt", "chain"),
        keysets.ELSEWHERE: _expect("", "receipt chain"),
        keysets.NONE: None,
    }
    for name, document, outcome in keysets.documents(FIRST, UNKNOWN, issuer.log):
        told = document if isinstance(document, str) else {"base64": b64(document)}
        yield {
            "name": name,
            "document": told,
            "sample": "english",
            "expected": outcomes[outcome],
        }


def _seed(signer: Signer) -> bytes:
    return private(signer.label).private_bytes_raw()


def _canonical() -> Iterable[Case]:
    good = (
        '{"b":1,"a":"x"}',
        ' { "a" : [ 1 , true , null ] } ',
        r'{"a":"\u0041\u00e9\/\n\u000b\u2028\ud83d\ude00"}',
        '{"a":"\u007f\u0080\ufeff"}',
        '{"a":9007199254740991,"b":-9007199254740991,"c":-0}',
        '{"ab":1,"a":2,"":3,"A":4,"_":5}',
    )
    for text in good:
        yield {"json": text, "canonical": canonical(json.loads(text)).decode()}
    for text in (
        '{"a":1,"a":1}',
        r'{"a":1,"\u0061":2}',
        '{"x":{"a":1,"a":2}}',
        '{"a":1.0}',
        '{"a":1e2}',
        '{"a":9007199254740992}',
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":-Infinity}',
        '{"a":01}',
        '{"a":1,}',
        "{'a':1}",
        '{"a":1} x',
        '{"a":1}{"a":1}',
        r'{"a":"\ud800"}',
        r'{"a":"\udc00\ud800"}',
        '{"a":"\n"}',
        '{"a":[[[[[[[[1]]]]]]]]}',
        "",
        "[" * 20_000,
    ):
        yield {"json": text, "canonical": None}


def _tokens(entry: Entry) -> Iterable[Case]:
    """Tokens that are to be refused for their form alone, and one that is not."""
    good = entry.statement or ""
    header, body, signature = good.split(".")
    payload = json.loads(_bytes(body))
    plain_header = canonical(FIRST.header())
    public = public_bytes(FIRST.key)

    def signed(**changes: Any) -> str:
        return FIRST.sign({**payload, **changes})

    def without(name: str) -> str:
        return FIRST.sign({n: v for n, v in payload.items() if n != name})

    def headed(**changes: Any) -> str:
        return FIRST.token(canonical({**FIRST.header(), **changes}), canonical(payload))

    def spelt(text: str | bytes) -> str:
        data = text if isinstance(text, bytes) else text.encode()
        return FIRST.token(plain_header, data)

    written = canonical(payload).decode()
    hs256 = canonical({"alg": "HS256", "kid": FIRST.kid, "typ": "wirecopy-statement+jws"})
    confused = f"{b64url(hs256)}.{body}"
    none = canonical({**FIRST.header(), "alg": "none"})
    published = payload["published"]
    slimmed = {name: payload[name] for name in payload if name not in ("type", "receipt")}
    yield {"name": "good", "token": good, "ok": True, "payload": payload}
    for name, changes in (
        ("the first instant there is", {"received_at": "0001-01-01T00:00:00.000000Z"}),
        ("the last instant there is", {"issued_at": "9999-12-31T23:59:59.999999Z"}),
        ("a leap day", {"changed_at": "2000-02-29T23:59:59.000001Z"}),
    ):
        yield {"name": name, "token": signed(**changes), "ok": True, "payload": payload | changes}
    for name, token in (
        ("empty", ""),
        ("one piece", header),
        ("two pieces", f"{header}.{body}"),
        ("four pieces", f"{good}.{signature}"),
        ("five pieces, as of encryption", f"{header}..{body}.{signature}."),
        ("JSON serialisation", '{"payload":"x","signatures":[]}'),
        ("padding", f"{header}.{body}=.{signature}"),
        ("padded signature", f"{good}=="),
        ("a space in it", f"{header}. {body}.{signature}"),
        ("a line feed in it", f"{header}.{body[:60]}\n{body[60:]}.{signature}"),
        ("a line feed after it", f"{good}\n"),
        ("bytes after it", f"{good}AAAA"),
        ("base64 for base64url", f"{header}.{body}.{signature[:-3]}+/A"),
        ("set bits after the signature", good[:-1] + _next(good[-1])),
        ("set bits after the header", f"{b64url(plain_header + b' ')[:-1]}h.{body}.{signature}"),
        ("not ASCII", f"{header}.{body}é.{signature}"),
        ("a full-width letter", f"{header}.Ａ{body[1:]}.{signature}"),
        ("a signature too short", f"{header}.{body}.{signature[:-4]}"),
        ("no signature", f"{header}.{body}."),
        ("alg none", f"{b64url(none)}.{body}."),
        ("alg none, signed", FIRST.token(none, canonical(payload))),
        ("alg NONE", headed(alg="NONE")),
        ("HS256 with the public key", f"{confused}.{b64url(_hmac(public, confused))}"),
        ("HS256 with its base64url", f"{confused}.{b64url(_hmac(FIRST.x.encode(), confused))}"),
        ("RS256", headed(alg="RS256")),
        ("ES256", headed(alg="ES256")),
        ("Ed25519 by its new name", headed(alg="Ed25519")),
        ("eddsa in small letters", headed(alg="eddsa")),
        ("a key in the header", headed(jwk=FIRST.jwk())),
        ("an address of keys in the header", headed(jku="https://evil.example/jwks.json")),
        ("crit", headed(crit=["b64"], b64=False)),
        ("b64 false", headed(b64=False)),
        ("zip", headed(zip="DEF")),
        ("another typ", headed(typ="JWT")),
        ("no typ", FIRST.token(canonical({"alg": "EdDSA", "kid": FIRST.kid}), canonical(payload))),
        ("kid is a number", headed(kid=1)),
        ("header in another order", FIRST.token(_turned(FIRST.header()), canonical(payload))),
        ("header with spaces", FIRST.token(plain_header.replace(b":", b": "), canonical(payload))),
        ("header with alg twice", _twice(plain_header, payload)),
        ("payload in another order", spelt(_turned(payload))),
        ("payload with spaces", spelt(json.dumps(payload, ensure_ascii=False, sort_keys=True))),
        ("payload escaped", spelt(written.replace("urn:", r"\u0075rn:"))),
        ("payload with a solidus escaped", spelt(written.replace("/", r"\/"))),
        ("payload with a member twice", spelt(written[:-1] + ',"version":1}')),
        ("payload with a member twice, escaped", spelt(r'{"\u0061gency":"x",' + written[1:])),
        ("payload with a byte order mark", spelt("\ufeff" + written)),
        ("payload in UTF-16", spelt(written.encode("utf-16"))),
        ("payload is Latin-1", spelt(b'{"a":"\xe9"}')),
        ("payload with overlong UTF-8", spelt(b'{"a":"\xc0\xaf"}')),
        ("payload with an encoded surrogate", spelt(b'{"a":"\xed\xa0\x80"}')),
        ("payload with bytes after it", spelt(written + " ")),
        ("payload is a list", spelt(f"[{written}]")),
        ("payload is a string", spelt('"x"')),
        ("payload is empty", spelt("")),
        ("payload nested deeply", spelt('{"a":' * 9000 + "1" + "}" * 9000)),
        ("too long", signed(disclosure="x" * 50_000)),
        ("a fraction", spelt(written.replace('"version":1', '"version":1.0'))),
        ("an exponent", spelt(written.replace('"version":1', '"version":1e0'))),
        (
            "a number beyond 2^53",
            spelt(written.replace('"version":1', '"version":9007199254740993')),
        ),
        ("a huge number", spelt(written.replace('"version":1', '"version":' + "9" * 5000))),
        ("NaN", spelt(written.replace('"version":1', '"version":NaN'))),
        ("Infinity", spelt(written.replace('"version":1', '"version":Infinity'))),
        ("version 0", signed(version=0)),
        ("version -1", signed(version=-1)),
        ("version true", signed(version=True)),
        ("version as a string", signed(version="1")),
        ("another type", signed(type="wirecopy-statement-3")),
        ("a later type's payload", FIRST.token(plain_header, canonical(slimmed))),
        ("the type before this", FIRST.sign(earlier(payload))),
        ("the type before this, with the members of this", signed(type="wirecopy-statement-1")),
        ("this type, with the members of the one before", without("logged_at")),
        ("a receipt for a statement", FIRST.sign(receipt(payload))),
        ("another rule", signed(rule="wirecopy-text-3")),
        ("an unknown scope", signed(scope="untouched")),
        ("a scope in capitals", signed(scope="Headline-only")),
        ("an extra member", signed(note="x")),
        *((f"without {name}", without(name)) for name in payload),
        ("guid is empty", signed(guid="")),
        ("guid is null", signed(guid=None)),
        ("story in capitals", signed(story=payload["story"].upper())),
        ("story too short", signed(story="abc")),
        ("disclosure is null", signed(disclosure=None)),
        ("published is null", signed(published=None)),
        ("published without text", signed(published={**published, "text": None})),
        ("published with raw", signed(published={**published, "raw": None})),
        ("received without raw", signed(received=published)),
        ("a digest of another hash", signed(published={**published, "text": "sha-512=:AAAA:"})),
        ("a digest in hexadecimal", signed(published={**published, "text": "ab" * 32})),
        ("a short digest", signed(published={**published, "text": "sha-256=:AAAA:"})),
        (
            "a digest with set bits after its end",
            signed(published={**published, "text": "sha-256=:" + "A" * 42 + "B=:"}),
        ),
        ("an instant without fraction", signed(issued_at="2026-11-22T13:10:00Z")),
        ("an instant with offset", signed(issued_at="2026-11-22T13:10:00.000000+00:00")),
        ("a day that does not exist", signed(issued_at="2026-02-30T13:10:00.000000Z")),
        ("a leap day of a year without", signed(issued_at="1900-02-29T13:10:00.000000Z")),
        ("the hour 24", signed(issued_at="2026-11-22T24:00:00.000000Z")),
        ("the year 0", signed(issued_at="0000-11-22T13:10:00.000000Z")),
        ("a scope that is an object", signed(scope={})),
        ("a leap second", signed(issued_at="2026-11-22T13:10:60.000000Z")),
        ("an instant with other digits", signed(issued_at="२०२६-11-22T13:10:00.000000Z")),
        ("version 1 with a previous", signed(previous=digest(b"x"))),
        ("version 2 without a previous", signed(version=2)),
        ("received without receipt", signed(receipt=None)),
        ("received without a time in the log", signed(logged_at=None)),
        ("a time in the log that is none", signed(logged_at="2026-11-22")),
        (
            "a receipt without received",
            signed(received=None, logged_at=None, scope="unknown"),
        ),
        (
            "a time in the log without received",
            signed(received=None, receipt=None, scope="unknown"),
        ),
    ):
        yield {"name": name, "token": token, "ok": False}


def _bytes(piece: str) -> bytes:
    return base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))


def _next(letter: str) -> str:
    """The next letter of the alphabet: it differs in the last bit."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(letter) + 1]


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _turned(value: Case) -> bytes:
    pairs = dict(sorted(value.items(), reverse=True))
    return json.dumps(pairs, ensure_ascii=False, separators=(",", ":")).encode()


def _twice(header: bytes, payload: Case) -> str:
    return FIRST.token(b'{"alg":"none",' + header[1:], canonical(payload))


def neutral(entry: Entry, issuer: Issuer, feed: Sequence[Entry]) -> Case:
    """An entry as read of a *feed*, in the form of docs/statement.md §4."""
    return {
        "guid": entry.guid,
        "headline": entry.headline,
        "body": entry.html,
        "media": [medium.url for medium in entry.media],
        "pictures": [],
        "summary": entry.summary or "",
        "tags": [c.label for c in entry.categories] + list(entry.keywords),
        "agency": entry.agency,
        "agency_id": entry.agency_id,
        "agency_version": entry.agency_version,
        "agencies": [entry.agency, entry.source_title],
        "edit_scope": entry.scope,
        "edited_headline_only": entry.edited_headline_only,
        "wire_headline": None if entry.wire_headline == entry.headline else entry.wire_headline,
        "updated": [_second(entry.updated)],
        "published": _second(entry.published),
        "received": _second(entry.source_updated),
        "byline": entry.byline,
        "captions": [captioned(medium) or "" for medium in entry.media],
        "correction": entry.correction,
        "statement": entry.statement,
        "log": issuer.proof([each.statement or "" for each in feed]) or None,
    }


def _second(moment: datetime) -> str:
    return f"{instant(moment)[:19]}Z"


def _expect(
    failed: str = "", unchecked: str = "", *, ok: str = "", verdict: str | None = None
) -> Case:
    states = dict.fromkeys(failed.split(), "failed") | dict.fromkeys(
        unchecked.split(), "not checked"
    )
    states |= dict.fromkeys(ok.split(), "ok")
    return {"verdict": verdict or ("failed" if failed else "verified"), "checks": states}


AFTER_SIGNATURE = " ".join(CHECKS[CHECKS.index("guid") : -1])
AFTER_KEY = f"signature {AFTER_SIGNATURE}"
AFTER_STATEMENT = f"key {AFTER_KEY}"


def _against(samples: Case, entry: Case) -> Case:
    """*entry* told by what is different from one of the samples."""

    def differing(name: str) -> Case:
        return {n: v for n, v in entry.items() if v != samples[name][n]}

    best = min(samples, key=lambda name: len(differing(name)))
    return {"sample": best, **differing(best)}


def _entries(  # noqa: PLR0912 - a list, told apart by type
    issuer: Issuer, signed: Sequence[Entry]
) -> Iterable[Case]:
    first, second, third = (neutral(each, issuer, signed) for each in signed)
    slim_ = issuer.kind == 3
    names = SAMPLES if slim_ else tuple(f"{name} of before" for name in SAMPLES)
    known = dict(zip(names, (first, second, third), strict=True))

    def case(name: str, entry: Case, *expected: Case, **more: Any) -> Case:
        return {
            "name": name,
            "keys": "all",
            "chains": "english",
            "expected": list(expected),
            **more,
            "entries": [_against(known, e) for e in more.get("entries", [entry])],
        }

    def with_(**changes: Any) -> Case:
        return {**first, **changes}

    def body(old: str, new: str) -> Case:
        assert old in first["body"], old
        return with_(body=first["body"].replace(old, new, 1))

    yield case("good", first, _expect())
    yield case("good, without the chain", first, _expect("", "chain"), chains="none")
    yield case("good, Hindi", second, _expect("", "chain"))
    yield case("good, Urdu, pictures differ", third, _expect("", "chain"))
    yield case("no log key", first, _expect("", "receipt"), keys="no log")

    # Form
    for name, entry in (
        ("entities for letters", body("Monday", "&#77;ond&#x61;y")),
        ("another tag of the table", body("<b>33</b>", "<strong>33</strong>")),
        ("div for p", body("<p>New", "<div>New")),
        ("self-closing", body("<ul>", "<br/><hr /><ul>")),
        ("attributes in single quotes", body('<p lang="en" dir="ltr">', "<p dir='ltr' lang=en>")),
        ("end tags left out", body("</li><li>", "<li>")),
        ("white space", body("<p>New Delhi", "\n  <p>\n\tNew  Delhi")),
        ("no-break space", body("New Delhi", "New&nbsp;Delhi")),
        ("a language and a direction", body("<p>New", '<p lang="en" dir="auto" title="x">New')),
        ("a table in order", _tabled(first, "<caption><col><thead><tbody><tbody><tfoot>")),
        ("cells beside each other", body("<ul>", bodies.CELLS.format(2, 1))),
        ("cells of no numbers", body("<ul>", bodies.CELLS.format("x", "-2"))),
        ("a player that holds nothing", body("<ul>", "<video controls> </video><ul>")),
        ("small three deep", body("members", "<small><sup><small>members</small></sup></small>")),
        (
            "words by themselves where a direction is stated",
            with_(
                body=first["body"]
                .replace("<p>The", '<p dir="LTR">The')
                .replace("members", "<bdi>members</bdi>")
            ),
        ),
        ("a direction that is none", body("<p>New", '<p dir="down">New')),
        ("lists eight deep", body("<ul>", f"{'<ul>' * 7}<ul>")),
        ("the scheme in capitals", body("https://www.ptinews", "HTTPS://WWW.PTINEWS")),
        ("the port spelt out", body("ptinews.example/topic", "ptinews.example:443/topic")),
        ("decomposed letters", with_(headline=first["headline"] + "")),
        ("spaces in the headline", with_(headline=f"\n {first['headline']} \t")),
        ("tags in another order", with_(tags=first["tags"][::-1])),
        ("an enclosure of its own picture", with_(pictures=[first["media"][0]])),
        ("no claims of its own", _expectless(first)),
        ("nothing but the agency", {**_expectless(first), "agencies": first["agencies"]}),
        ("a date more", with_(updated=first["updated"] * 3)),
        ("no dates of a change", with_(updated=[], received=None)),
        ("the wire's headline spaced", with_(wire_headline=f" {first['wire_headline']}\n")),
        ("no headline of the wire", with_(wire_headline=None)),
    ):
        if not slim_:  # what is read of an entry does not depend on the type of its statement
            break
        without = {"no claims of its own": "agency claim", "nothing but the agency": "claim"}
        unchecked = without.get(name, "")
        yield case(f"form: {name}", entry, _expect("", unchecked))

    # Meaning
    disclosure = '<p lang="en" dir="ltr"><i>(Except for the headline, this story'
    swapped = first["body"].split("</p>")
    swapped[0], swapped[1] = swapped[1], swapped[0]
    for name, entry, failed in (
        ("a word changed", body("on Monday", "on Tuesday"), "text"),
        ("a word added", body("will meet", "will not meet"), "text"),
        ("a word taken out", body("the states", "states"), "text"),
        ("a word in capitals", body("Monday", "MONDAY"), "text"),
        ("a digit", body("Nov 22", "Nov 23"), "text"),
        ("a comma", body("Delhi, Nov", "Delhi Nov"), "text"),
        ("a look-alike letter", body("Delhi", "Dеlhi"), "text"),
        ("a zero-width space", body("Delhi", "Del\u200bhi"), "text"),
        ("a soft hyphen", body("Delhi", "Del&shy;hi"), "text"),
        ("a right-to-left override", body("22", "\u202e22\u202c"), "text"),
        ("a word joiner", body("New Delhi", "New\u2060 Delhi"), "text"),
        ("a paragraph added first", with_(body=f"<p>More.</p>{first['body']}"), "text"),
        ("a paragraph added last", with_(body=f"{first['body']}<p>More.</p>"), "text disclosure"),
        ("a paragraph added before the end", body(disclosure, f"<p>More.</p>{disclosure}"), "text"),
        ("a paragraph taken out", body("<li>cess</li>", ""), "text"),
        ("paragraphs swapped", with_(body="</p>".join(swapped)), "text"),
        ("paragraphs joined", body("<li>cess</li><li>", "<li>cess "), "text"),
        ("a paragraph split", body("the states will", "the states<br>will"), "text"),
        ("another link", body("topic/gst", "topic/tax"), "links"),
        ("another host", body("www.ptinews.example", "www.ptinews.example.evil.example"), "links"),
        ("a link on other words", body(">GST</a> Council", ">GST Council</a>"), "links"),
        ("a link taken out", body(">GST</a>", "></a>GST"), "links"),
        ("a link added", body("members", '<a href="https://x.example/">members</a>'), "links"),
        ("a link to nothing", body("members", '<a href="#">members</a>'), "links"),
        ("a picture added", body("<ul>", '<img src="https://x.example/p.jpg"><ul>'), "media"),
        ("another picture", with_(media=["https://x.example/p.jpg", first["media"][1]]), "media"),
        (
            "a picture taken out",
            with_(media=first["media"][1:], captions=first["captions"][1:]),
            "media details",
        ),
        ("pictures swapped", with_(media=first["media"][::-1]), "media"),
        ("a further picture", with_(pictures=["https://x.example/p.jpg"]), "media"),
        ("another headline", with_(headline="Centre bows to states"), "headline"),
        (
            "a look-alike in the headline",
            with_(headline=first["headline"].replace("e", "е", 1)),
            "headline",
        ),
        ("another summary", with_(summary="33 members agree"), "packaging"),
        ("a tag added", with_(tags=[*first["tags"], "scandal"]), "packaging"),
        ("a tag taken out", with_(tags=first["tags"][1:]), "packaging"),
        ("the disclosure taken out", with_(body=first["body"].split(disclosure)[0]), "disclosure"),
        (
            "the disclosure changed",
            body("has not been edited", "has been edited"),
            "text disclosure",
        ),
        ("the disclosure shortened", body("NDTV staff", "staff"), "text disclosure"),
        ("the disclosure moved up", with_(body=_moved(first["body"])), "text disclosure"),
        ("the disclosure twice", with_(body=first["body"] + disclosure_of(first)), "text"),
        ("a disclosure added", {**third, "body": third["body"] + _SAID}, "text disclosure"),
        ("the scope changed", with_(edit_scope="verbatim"), "claim"),
        ("the flag changed", with_(edited_headline_only=False), "claim"),
        ("the flag set", {**third, "edited_headline_only": True}, "claim"),
        ("another agency", with_(agency="Reuters"), "agency"),
        ("another agency id", with_(agency_id="PTI1"), "agency"),
        ("another agency version", with_(agency_version="4"), "agency"),
        ("another author", with_(agencies=["Reuters", first["agency"]]), "agency"),
        ("another source", with_(agencies=[first["agency"], "Reuters"]), "agency"),
        ("another headline of the wire", with_(wire_headline="Centre bows"), "headline"),
        ("an empty headline of the wire", with_(wire_headline=""), "headline"),
        ("another date", with_(updated=[*first["updated"], "2026-11-22T13:07:31Z"]), "times"),
        ("another date of receipt", with_(received="2026-11-22T13:05:31Z"), "times"),
        (
            "published after it was changed",
            with_(published="2026-11-22T13:07:31Z"),
            "details times",
        ),
        ("another guid", with_(guid="urn:uuid:00000000-0000-0000-0000-000000000000"), "guid"),
        ("a sign for a space in the headline", with_(headline=_sign(first)), "appearance"),
        *(
            (f"unwritten: {name}", with_(body=changed), failed)
            for name, changed, failed in bodies.unwritten(first["body"])
        ),
    ):
        if not slim_:
            break
        where = "chain" if entry["guid"] == third["guid"] else ""
        yield case(f"meaning: {name}", entry, _expect(failed, where))
    moved = {**second, "statement": first["statement"]}
    # The disclosure is the same sentence under both.
    wrong = _expect("guid agency headline text links media packaging" + " details" * slim_)
    yield case("meaning: the statement of another entry", moved, wrong)
    alike = [_expect(), _expect("", "agency claim")]
    yield case("form: the same entry twice", first, *alike, entries=[first, _expectless(first)])
    unlike = [_expect(), _expect("headline")]
    changed = with_(headline="Government falls")
    yield case("meaning: twice, once changed", first, *unlike, entries=[first, changed])
    bare = {**_expectless(first), "statement": None}
    left = _expect("entry statement", f"{AFTER_STATEMENT} continuity")
    yield case(
        "the same guid without statement", first, _expect("entry"), left, entries=[first, bare]
    )
    yield case("no guid", with_(guid=""), _expect("entry guid"))

    # Claims without a statement
    bare = with_(statement=None)
    still = f"{AFTER_STATEMENT} continuity"
    silent = {"edit_scope": None, "edited_headline_only": None}
    no_line = first["body"].split(disclosure)[0]
    wordless = {**bare, **silent}

    def closing(*paragraphs: str) -> Case:
        said = "".join(f"<p>{words}</p>" for words in paragraphs)
        return {**wordless, "body": no_line + said}

    unsigned = (
        ("unsigned, with a disclosure and a line", closing(_PLAIN_SAID, "-"), True),
        ("unsigned, with a disclosure and two lines", closing(_PLAIN_SAID, "-", "-"), True),
        ("unsigned, with the words far up", closing(_PLAIN_SAID, "-", "-", "-"), False),
        ("unsigned, in Hindi", closing("इस खबर को NDTV ने संपादित नहीं किया है।"), True),
        ("unsigned, in Urdu", closing("اس خبر میں ادارے نے کوئی ترمیم نہیں کی ہے۔"), True),
        ("unsigned, in Marathi", closing("ही बातमी लोकमतने संपादित केलेली नाही."), True),
        ("unsigned, reworked", closing("Only the headline may have been reworked."), True),
        ("unsigned, in capitals", closing("NOT EDITED BY STAFF"), True),
        ("unsigned, with flag", bare, True),
        ("unsigned, with scope", {**bare, "edited_headline_only": None, "body": no_line}, True),
        ("unsigned, with disclosure", {**bare, **silent}, True),
        ("unsigned, claiming nothing", {**bare, **silent, "body": no_line}, False),
        (
            "unsigned, edited",
            {**bare, "edit_scope": "edited", "edited_headline_only": False, "body": no_line},
            False,
        ),
    )
    for name, entry, claims in unsigned if slim_ else ():
        expected = (
            _expect("statement", still)
            if claims
            else _expect("", f"statement {still}", verdict="unsigned")
        )
        yield case(name, entry, expected)

    # Keys
    payload = issuer.told[signed[0].statement or ""]
    for signer, failed, rest in (
        (OLD, "", ""),
        (EXPIRED, "key", AFTER_KEY),
        (FUTURE, "key", AFTER_KEY),
        (REVOKED, "key", AFTER_KEY),
        (UNKNOWN, "key", AFTER_KEY),
    ):
        token = issuer.seal(payload, signer)
        yield case(
            f"key: {signer.label}",
            with_(statement=token),
            _expect(failed, rest or "chain"),
            chains="none",
        )
    yield case(
        "key: revoked, and a later statement of the chain vouches for this one",
        with_(statement=issuer.seal(payload, REVOKED)),
        _expect("key", AFTER_KEY),
        chains="vouched",
    )
    for keys in ("none", "wrong kid", "private", "no nbf", "twice"):
        yield case(f"key set: {keys}", first, _expect("key", AFTER_KEY), keys=keys)
    for key in SMALL_ORDER:
        yield case(
            f"key of small order: {key.hex()}",
            with_(statement=_under_anything(key, first["statement"])),
            _expect("key", AFTER_KEY),
            keys="of small order",
        )
    yield case("key set: other types", first, _expect("", "receipt"), keys="other types")
    yield case("key set: another log", first, _expect("receipt"), keys="another log")
    good = first["statement"]
    head, middle, signature = _pieces(good)
    stranger = _pieces(issuer.seal(payload, UNKNOWN))[2]
    other = _pieces(issuer.seal({**payload, "agency": "Reuters"}))
    for name, pieces in (
        ("of another key", (head, middle, stranger)),
        ("of another payload", (head, other[1], signature)),
        ("of nothing", (head, middle, b64url(bytes(64)))),
        ("with S beyond the order", (head, middle, b64url(_beyond(signature)))),
        *(
            (
                f"under a header with {name}",
                (head, middle, FIRST.signature(middle.encode(), **said)),
            )
            for name, said in (
                ("another type", {"typ": "wirecopy-statement+jws"}),
                ("a member more", {"cty": "x"}),
                ("another algorithm", {"alg": "Ed25519"}),
                ("b64 not critical", {"crit": []}),
            )
            if slim_
        ),
    ):
        yield case(
            f"signature {name}",
            with_(statement=_joined(good, *pieces)),
            _expect("signature", AFTER_SIGNATURE),
        )
    for name, token in (
        ("statement that is none", "x.y.z"),
        (
            "statement whose signature has 63 bytes",
            _joined(good, head, middle, b64url(bytes(63))),
        ),
        ("statement with spaces around it", f" {first['statement']}\n"),
        (
            "statement whose receipt has no place",
            issuer.seal({**payload, ("index" if slim_ else "receipt"): None}),
        ),
    ):
        yield case(name, with_(statement=token), _expect("statement", AFTER_STATEMENT))

    # What a publisher may sign and still be wrong about
    def resigned(**changes: Any) -> Case:
        made = {**payload, **changes}
        entry = with_(edit_scope=made["scope"], **_dates(first, made))
        return {**entry, "statement": issuer.seal({**made, **_details(entry, made)})}

    received = payload["received"]
    received_at, issued_at = payload["received_at"], payload["issued_at"]
    worded = {**received, "text": digest(b"other words")}
    summed = {**received, "packaging": digest(b"another summary")}

    def logged(shown: Case | None = None, **changes: Any) -> Case:
        """The same with an honest receipt, of an entry that shows something else, too."""
        made = {**payload, **changes}
        log = Log(issuer.log.origin, issuer.log.label, list(issuer.log.leaves))
        place = log.add(receipt(made))
        made |= issuer.place(log, place)
        words = made["disclosure"]
        entry = with_(
            log=log.proof([place]) if slim_ else None,
            body=first["body"].replace(payload["disclosure"], words),
            edit_scope=made["scope"],
            edited_headline_only=made["scope"] == "headline-only",
            **_dates(first, made),
            **(shown or {}),
        )
        return {**entry, "statement": issuer.seal({**made, **_details(entry, made)})}

    def by_rule(rule: str, signature: str, *, picture: str = "", then: str = "1") -> Case:
        """The sample with a film that has a signed address, stated as it was *then*."""
        film = "https://films.example/gst.mp4?Expires=179000000{0}&Signature=s{0}~&Key-Pair-Id=K"
        of = Copy(first["headline"], first["body"], (*first["media"], film.format(then)))
        of = replace(of, summary=first["summary"], tags=tuple(first["tags"]))
        made = parts(of, disclosure=payload["disclosure"], rule=rule).digests()
        then_: Case = {part: getattr(made, part) for part in PARTS}
        wired = digest_of(rule, "headline", first["wire_headline"])
        before = {**then_, "headline": wired, "raw": received["raw"]}
        url = film.replace("gst", picture or "gst").format(signature)
        captions = [*first["captions"], ""]
        shown = {"media": [*first["media"], url], "captions": captions, "pictures": [url]}
        return logged(shown, rule=rule, published=then_, received=before)

    from_pti: Case = {"disclosure": "(From PTI.)"}
    nobody: Case = {"disclosure": "(This story has not been edited by NDTV staff.)"}
    for name, entry, failed in (
        ("verbatim, but the headline differs", logged(scope="verbatim"), "scope"),
        ("headline-only, but the words differ", logged(received=worded), "scope"),
        ("headline-only, but the summary differs", logged(received=summed), "scope"),
        ("house-style, but no word differs", logged(scope="house-style", **from_pti), "scope"),
        ("edited, and the words differ", logged(received=worded, scope="edited", **from_pti), ""),
        ("excerpt, and the words differ", logged(received=worded, scope="excerpt", **from_pti), ""),
        ("unknown", logged(scope="unknown", **from_pti), ""),
        (
            "packaging, and the summary differs",
            logged(received=summed, scope="packaging", **from_pti),
            "",
        ),
        (
            "packaging, but it prints that all stands as received but for the headline",
            logged(received=summed, scope="packaging"),
            "claim",
        ),
        (
            "packaging, and it prints that nobody edited",
            logged(received=summed, scope="packaging", **nobody),
            "",
        ),
        *(
            (
                f"{scope}, but it prints that nobody edited",
                logged(received=worded, scope=scope, **nobody),
                "claim",
            )
            for scope in ("edited", "with-inputs", "unknown")
        ),
        (
            "other received digests than were logged",
            resigned(received=worded, scope="edited"),
            "receipt claim",
        ),
        *(
            (f"a receipt that is no proof: {text!r}", resigned(receipt=text), "receipt")
            for text in ("x", "")
            if not slim_
        ),
        (
            "an earlier receipt than was logged",
            resigned(received_at="2026-11-22T12:00:00.000000Z"),
            "receipt",
        ),
        (
            "received 8 minutes after it was issued, and changed between",
            logged(
                received_at=_minutes(issued_at, 8),
                changed_at=_minutes(issued_at, 4),
                logged_at=_minutes(issued_at, 4),
            ),
            "",
        ),
        (
            "received 10 minutes after it was issued, and changed between",
            logged(
                received_at=_minutes(issued_at, 10),
                changed_at=_minutes(issued_at, 4),
                logged_at=_minutes(issued_at, 5),
            ),
            "times",
        ),
        ("issued tomorrow", resigned(issued_at="2026-11-23T14:20:00.000000Z"), "times"),
        ("issued at the end of time", resigned(issued_at="9999-12-31T23:59:59.999999Z"), "times"),
        ("changed 5 minutes after", resigned(changed_at="2026-11-22T13:15:00.000005Z"), ""),
        ("changed later still", resigned(changed_at="2026-11-22T13:15:00.000006Z"), "times"),
        (
            "issued before it was received",
            resigned(issued_at="2026-11-22T12:00:00.000000Z"),
            "times",
        ),
        (
            "changed before it was received",
            resigned(changed_at="2026-11-22T12:00:00.000000Z"),
            "times",
        ),
        (
            "another time in the log than was logged",
            resigned(logged_at="2026-11-22T13:09:59.000000Z"),
            "receipt",
        ),
        (
            "logged long before it was received",
            logged(logged_at=_minutes(received_at, -6)),
            "times",
        ),
        ("logged just before it was received", logged(logged_at=_minutes(received_at, -4)), ""),
        ("logged long after it was issued", logged(logged_at=_minutes(issued_at, 6)), ""),
        ("logged at the end of time", logged(logged_at="9999-12-31T23:59:59.999999Z"), ""),
        (
            "logged and issued at the end of time",
            logged(
                logged_at="9999-12-31T23:59:59.999999Z", issued_at="9999-12-31T23:59:59.999999Z"
            ),
            "times",
        ),
        ("logged just after it was issued", logged(logged_at=_minutes(issued_at, 4)), ""),
        (
            "logged before what is published was changed",
            logged(changed_at=issued_at, logged_at=received_at),
            "",
        ),
        (
            "logged long after what is published was changed",
            logged(changed_at=received_at, logged_at=issued_at),
            "",
        ),
        ("received long before it was logged", logged(received_at=_LONG_AGO), ""),
        ("a signed address", by_rule(UNSIGNED, "1"), ""),
        ("a signed address, signed anew", by_rule(UNSIGNED, "2"), ""),
        ("a signed address, of another film", by_rule(UNSIGNED, "2", picture="x"), "media"),
        ("a signed address, by the first rule", by_rule(RULE, "1"), ""),
        ("a signed address, signed anew, by the first rule", by_rule(RULE, "2"), "media"),
        (
            "the second rule, and digests by the first",
            logged(rule=UNSIGNED),
            "headline text links media packaging",
        ),
    ):
        yield case(f"stated: {name}", entry, _expect(failed, "chain"), chains="none")
    absent = {"received": None, "receipt": None, "logged_at": None, "index": None}
    absent = {name: None for name in absent if name in payload}
    nothing = {**payload, **absent, "scope": "unknown"}
    nothing |= from_pti
    unknown = with_(
        statement=issuer.seal(nothing),
        body=first["body"].replace(payload["disclosure"], nothing["disclosure"]),
        edit_scope="unknown",
        edited_headline_only=False,
    )
    yield case("stated: nothing received", unknown, _expect("", "receipt chain"), chains="none")
    claimed = {**unknown, "edit_scope": None, "edited_headline_only": None}
    claimed["statement"] = issuer.seal({**nothing, "scope": "headline-only"})
    yield case(
        "stated: nothing received, yet a scope",
        claimed,
        _expect("scope", "receipt chain claim"),
        chains="none",
    )
    fork = Log(issuer.log.origin, issuer.log.label, [*issuer.log.leaves[:4], b"another"])
    place = fork.add(receipt(payload))
    if slim_:
        fork.add(b"a third")  # of the size of the others' checkpoint
    forked = with_(
        statement=issuer.seal({**payload, **issuer.place(fork, place)}),
        log=fork.proof([place]) if slim_ else None,
    )
    yield case(
        "a forked log",
        first,
        *[_expect("", "chain")] * 2,
        entries=[forked, second],
        chains="none",
        log="failed",
    )

    # What was seen before
    made = token_digest(first["statement"])

    def memory(version: int, of: str, log: str | None = issuer.log.origin) -> str:
        return _memory(statements={first["guid"]: {"version": version, "digest": of, "log": log}})

    for name, kept, state in (
        ("the same", memory(1, made), "ok"),
        ("another of that version", memory(1, digest(b"x")), "failed"),
        ("a later version", memory(2, digest(b"x")), "failed"),
        ("in another log", memory(1, made, "elsewhere.example/log"), "failed"),
    ):
        expected = _expect("continuity") if state == "failed" else _expect(ok="continuity")
        log = {"log": "failed"} if name == "in another log" else {}
        yield case(f"seen before: {name}", first, expected, memory=kept, **log)
    for name, number, previous, state, more in (
        ("the one before", 2, made, "ok", {}),
        ("the one before, but it names another", 2, digest(b"x"), "failed", {}),
        ("one long before, and there is nobody to ask for the chain", 3, digest(b"x"), "", {}),
        (
            "one long before, and the chain is withheld",
            3,
            digest(b"x"),
            "failed",
            {"withheld": True},
        ),
    ):
        later = with_(statement=issuer.seal({**payload, "version": number, "previous": previous}))
        failed, fine = (("continuity", ""), ("", state and "continuity"))[state != "failed"]
        yield case(
            f"seen before: {name}",
            later,
            _expect(failed, "chain", ok=fine),
            memory=memory(1, made),
            chains="none",
            **more,
        )
    yield from _taken_back(issuer, case, first, memory(1, made))
    gone = {**bare, **silent, "body": no_line}
    yield case(
        "seen before: and now without a statement",
        gone,
        _expect("continuity", f"statement {AFTER_STATEMENT}"),
        memory=memory(1, made),
    )


_PLAIN_SAID = "This story has not been edited by NDTV staff."


_LONG_AGO = "2019-01-02T10:00:00.000000Z"


def _minutes(moment: str, count: int) -> str:
    """So many minutes after *moment*."""
    return instant(datetime.fromisoformat(moment) + timedelta(minutes=count))


def _order(issuer: Issuer, signed: Sequence[Entry]) -> Iterable[Case]:
    """Whether leaves of one log say times in the order of their places."""
    samples_ = [neutral(each, issuer, signed) for each in signed]
    slim_ = issuer.kind == 3
    names = SAMPLES if slim_ else tuple(f"{name} of before" for name in SAMPLES)
    known = dict(zip(names, samples_, strict=True))
    payloads = [issuer.told[entry.statement or ""] for entry in signed]
    logged_at = payloads[0]["logged_at"]

    def told(*later: tuple[int, int]) -> list[Case]:
        """Samples by number, logged one after the other, each so many minutes later."""
        log = Log(issuer.log.origin, issuer.log.label, list(issuer.log.leaves[:4]))
        said = [{**payloads[n], "logged_at": _minutes(logged_at, by)} for n, by in later]
        places = [log.add(receipt(each)) for each in said]
        return [
            {
                **samples_[n],
                "statement": issuer.seal({**each, **issuer.place(log, place)}),
                "log": log.proof(places) if slim_ else None,
            }
            for (n, _), each, place in zip(later, said, places, strict=True)
        ]

    def seen(index: int, at: str) -> str:
        return _memory(leaves={issuer.log.origin: {"index": index, "logged_at": at}})

    def noticed(size: int, by: int) -> str:
        at = {issuer.log.origin: _minutes(logged_at, by)}
        return _memory(checkpoints=_note(issuer, size), seen_at=at)

    size = len(issuer.log.leaves) if slim_ else 5
    fine, wrong = _expect("", "chain"), _expect("receipt", "chain")
    rising, falling = told((0, -3), (1, -2), (2, -2)), told((0, -2), (1, -3), (2, -1))
    for name, entries, expected, memory in (
        ("rising", rising, [fine] * 3, None),
        ("rising, the feed in another order", rising[::-1], [fine] * 3, None),
        ("one falls", falling, [fine, wrong, fine], None),
        ("one falls, the feed in another order", falling[::-1], [fine, wrong, fine], None),
        ("two fall behind one", told((0, -1), (1, -3), (2, -2)), [fine, wrong, wrong], None),
        ("seen before: this leaf", rising[:1], [fine], seen(4, _minutes(logged_at, -3))),
        ("seen before: this leaf, later", rising[:1], [wrong], seen(4, logged_at)),
        ("seen before: this leaf, earlier", rising[:1], [wrong], seen(4, _LONG_AGO)),
        ("seen before: one before it, earlier", rising[:1], [fine], seen(2, _LONG_AGO)),
        ("seen before: one before it, later", rising[:1], [wrong], seen(2, logged_at)),
        ("seen before: one behind it, later", rising[:1], [fine], seen(9, logged_at)),
        ("seen before: one behind it, earlier", rising[:1], [wrong], seen(9, _LONG_AGO)),
        ("seen before: the log with it, then", [samples_[0]], [fine], noticed(size, -5)),
        (
            "seen before: the log with it, long before then",
            [samples_[0]],
            [fine],
            noticed(size, -6),
        ),
    ):
        yield {
            "name": name,
            "keys": "all",
            "chains": "none",
            "expected": expected,
            **({} if memory is None else {"memory": memory}),
            "entries": [_against(known, entry) for entry in entries],
        }


def _memory(**kept: Case) -> str:
    whole = {"type": "wirecopy-memory-1", "statements": {}, "checkpoints": {}, **kept}
    return canonical(whole).decode()


def _taken_back(
    issuer: Issuer, case: Callable[..., Case], first: Case, seen: str
) -> Iterable[Case]:
    """A log that was seen before and is gone, or that nobody can compare with what was seen."""
    origin = issuer.log.origin
    of_the_key = _memory(logs={FIRST.kid: origin})
    size = len(issuer.log.leaves) if issuer.kind == 3 else 5
    fine = _expect()
    for name, keys, expected, kept, state in (
        ("the same log by its key", "all", fine, of_the_key, "ok"),
        ("a log, and now no log key", "no log", _expect("", "receipt"), of_the_key, "failed"),
        (
            "the entry in a log, and now no log key",
            "no log",
            _expect("continuity", "receipt"),
            seen,
            "failed",
        ),
        ("another log", "all", fine, _memory(logs={FIRST.kid: "elsewhere.example/log"}), "failed"),
        (
            "a log by another key of the set",
            "all",
            fine,
            _memory(logs={OLD.kid: "elsewhere.example/log"}),
            "failed",
        ),
        ("a log of nobody here", "all", fine, _memory(logs={UNKNOWN.kid: "x.example/log"}), "ok"),
        ("a checkpoint of its size", "all", fine, _memory(checkpoints=_note(issuer, size)), "ok"),
        (
            "a checkpoint of another size",
            "all",
            fine,
            _memory(checkpoints=_note(issuer, 4)),
            "failed",
        ),
    ):
        yield case(
            f"log seen before: {name}",
            first,
            expected,
            keys=keys,
            memory=kept,
            log=state,
        )


def _note(issuer: Issuer, size: int) -> Case:
    return {issuer.log.origin: issuer.log.checkpoint(size)}


def _vouched(issuer: Issuer, entry: Entry) -> str:
    """A chain whose first statement is by a key that was revoked later."""
    payload = issuer.told[entry.statement or ""]
    stolen = issuer.seal(payload, REVOKED)
    second = issuer.seal({**payload, "version": 2, "previous": token_digest(stolen)})
    return chain_of(payload["guid"], [stolen, second], issuer.proof([stolen])).decode()


def _log_sets(issuer: Issuer) -> Case:
    """What a site serves of the log, by path."""
    log = issuer.log
    rewritten = Log(log.origin, log.label, [b"another", *log.leaves[1:]])
    tiles = _tiles(log)
    foreign = Log(log.origin, "another log", log.leaves)
    return {
        "all": {"checkpoint": _sent(log), **tiles},
        "tiles alone": tiles,
        "no tiles": {"checkpoint": _sent(log)},
        "tiles rewritten": {"checkpoint": _sent(log), **_tiles(rewritten)},
        "a tile cut short": {"checkpoint": _sent(log), **_tiles(log, missing=1)},
        "rewritten": {"checkpoint": _sent(rewritten), **_tiles(rewritten)},
        "signed by another": {"checkpoint": _sent(foreign), **tiles},
        "nothing": {},
    }


def _sent(log: Log) -> str:
    return b64(log.checkpoint().encode())


def _tiles(log: Log, *, missing: int = 0) -> Case:
    """The tiles of a log of fewer than 256 leaves, of every size from 1 on."""
    sizes = range(1, len(log.leaves) + 1)
    return {f"tile/0/000.p/{n}": b64(log.tile(0, 0, n - missing)) for n in sizes}


def _logs(issuer: Issuer, signed: Sequence[Entry]) -> Iterable[Case]:
    """The check of the whole feed, rule by rule. The samples' proofs name the sizes 5, 6, 7."""
    slim_ = issuer.kind == 3
    names = SAMPLES if slim_ else tuple(f"{name} of before" for name in SAMPLES)
    known = {name: neutral(each, issuer, signed) for name, each in zip(names, signed, strict=True)}
    logs = [issuer.log.proof([n], n + 1) if slim_ else None for n in (4, 5, 6)]
    first, second, third = (
        {**each, "log": log} for each, log in zip(known.values(), logs, strict=True)
    )
    payload = issuer.told[first["statement"]]
    absent = {"received": None, "receipt": None, "logged_at": None, "scope": "unknown"}
    silent = {"edit_scope": None, "edited_headline_only": None}
    nothing = {**first, **silent}
    nothing["body"] = first["body"].replace(payload["disclosure"], "(From PTI.)")
    nothing["statement"] = issuer.seal({**payload, **absent, "disclosure": "(From PTI.)"})
    receiptless = {"log": "x"} if slim_ else {"statement": issuer.seal({**payload, "receipt": "x"})}
    unproved = {**first, **receiptless}
    fine, seen_fine = _expect("", "chain"), _expect("", "chain", ok="continuity")
    bare = _expect("", "chain receipt claim")
    seen = {
        first["guid"]: {
            "version": 1,
            "digest": token_digest(first["statement"]),
            "log": issuer.log.origin,
        }
    }
    origin = issuer.log.origin
    nought = {origin: issuer.log.checkpoint(0)}
    odd = {origin: issuer.log.checkpoint(0, issuer.log.root(0, 1))}
    older, newer = _note(issuer, 4), _note(issuer, 7)

    def checkpoints(notes: Case, **more: Case) -> str:
        return _memory(checkpoints=notes, **more)

    for name, entries, expected, memory, served, state in (
        ("one head", [first], fine, "", "", "ok"),
        ("one head, and the present one of its size", [third], fine, "", "no tiles", "ok"),
        ("two heads, and nobody to ask", [first, second], fine, "", "", "not checked"),
        ("two heads of one log", [first, second], fine, "", "all", "ok"),
        ("two heads of one log, no present one", [first, third], fine, "", "tiles alone", "ok"),
        ("two heads, and no tiles", [first, second], fine, "", "no tiles", "not checked"),
        ("two heads, and tiles rewritten", [first], fine, "", "tiles rewritten", "failed"),
        ("two heads, and tiles cut short", [first], fine, "", "a tile cut short", "failed"),
        ("another present head of that size", [third], fine, "", "rewritten", "failed"),
        ("a present head of another key", [first], fine, "", "signed by another", "failed"),
        ("nothing in hand", [nothing], bare, "", "nothing", "not checked"),
        ("nothing in hand, a head seen", [nothing], bare, checkpoints(older), "", "not checked"),
        ("a proof that does not hold", [unproved], _expect("receipt", "chain"), "", "",
         "not checked"),
        ("the present head alone", [nothing], bare, "", "all", "ok"),
        ("the present head alone, a head seen", [nothing], bare, checkpoints(older), "all", "ok"),
        ("a head seen, and tiles", [first], fine, checkpoints(older), "all", "ok"),
        ("a head seen, and no tiles", [first], fine, checkpoints(older), "no tiles", "failed"),
        ("a head seen, and nobody to ask", [first], fine, checkpoints(newer), "", "failed"),
        ("a head seen, nobody to ask of a statement seen", [first], seen_fine,
         checkpoints(newer, statements=seen), "", "not checked"),
        ("a head seen of nothing", [first], fine, checkpoints(nought), "all", "ok"),
        ("a head seen of nothing, with a root", [first], fine, checkpoints(odd), "all", "failed"),
    ):  # fmt: skip
        yield {
            "name": f"log: {name}",
            "keys": "all",
            "chains": "none",
            "expected": [expected] * len(entries),
            **({"memory": memory} if memory else {}),
            **({"served": served} if served else {}),
            "log": state,
            "entries": [_against(known, entry) for entry in entries],
        }
    yield {
        "name": "log: no log key",
        "keys": "no log",
        "chains": "none",
        "expected": [_expect("", "receipt chain")],
        "log": "not checked",
        "entries": [_against(known, first)],
    }


_SAID = "<p><i>(This story has not been edited by NDTV staff.)</i></p>"


def _details(entry: Case, payload: Case) -> Case:
    """What the statement of an entry says besides the copy, if it is of a type that does."""
    if "details" not in payload:
        return {}
    told = [plain(entry["byline"] or ""), entry["published"] or "", entry["captions"]]
    told += [plain(entry["correction"])] if entry.get("correction") else []
    return {"details": digest(canonical([payload["rule"], "details", told]))}


def _dates(entry: Case, payload: Case) -> Case:
    """The dates of an entry as those of its statement demand."""
    changed, received = (f"{payload[name][:19]}Z" for name in ("changed_at", "received_at"))
    published = min(entry["published"], changed)
    return {"updated": [changed], "received": received, "published": published}


def _tabled(entry: Case, rows: str) -> Case:
    """The entry with a table without words before its list."""
    return {**entry, "body": entry["body"].replace("<ul>", f"<table>{rows}</table><ul>", 1)}


def _sign(entry: Case) -> str:
    return str(entry["headline"]).replace(" ", "\u1680", 1)


def disclosure_of(entry: Case) -> str:
    """The last paragraph of a body."""
    body: str = entry["body"]
    return body[body.rindex("<p ") :]


def _moved(body: str) -> str:
    at = body.rindex("<p ")
    return body[at:] + body[:at]


def _expectless(entry: Case) -> Case:
    names = ("agency", "agency_id", "agency_version", "edit_scope", "edited_headline_only")
    return {**entry, **dict.fromkeys(names), "agencies": []}


def _beyond(signature: str) -> bytes:
    """The same signature with the group's order added to S (RFC 8032 §5.1.7 forbids it)."""
    order = 2**252 + 27742317777372353535851937790883648493
    raw = _bytes(signature)
    return raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")


def _feeds(issuer: Issuer, signed: Sequence[Entry], of_before: bytes) -> Iterable[Case]:
    good = [_expect() for _ in signed]
    yield _of_before(
        {
            "name": "rss: good",
            "format": "rss",
            "document": of_before.decode(),
            "keys": "all",
            "chains": "all",
            "expected": good,
        }
    )
    for format in FORMATS:
        document = issuer.feed(signed, format).decode()
        for name, before, after, failed in (
            ("good", "", "", ""),
            ("a word changed", "on Monday", "on Tuesday", "text"),
            ("a headline changed", "Big GST Meet", "GST Meet", "headline"),
            *(feeds.in_json() if format == "json" else feeds.in_xml(atom=format == "atom")),
        ):
            assert before in document, (format, name)
            yield {
                "name": f"{format}: {name}",
                "format": format,
                "change": [before, after],
                "keys": "all",
                "chains": "all",
                "expected": _first(failed, good),
            }
        for name, changed in feeds.spelt(document, xml=format != "json"):
            told = changed if isinstance(changed, str) else {"base64": b64(changed)}
            yield {
                "name": f"{format}: form: {name}",
                "format": format,
                "document": told,
                "keys": "all",
                "chains": "all",
                "expected": good,
            }


def _first(failed: str, good: Sequence[Case]) -> list[Case] | None:
    """What is expected of a feed by the word of a :data:`feeds.Change`."""
    unsigned = f"statement {AFTER_STATEMENT} continuity"
    checks, _, more = failed.rpartition(" ") if failed.endswith(feeds.MORE) else (failed, "", "")
    if failed == feeds.REFUSED:
        return None
    if failed == feeds.ODD:
        return [good[0], _expect("entry", unsigned), *good[1:]]
    behind = [_expect("", unsigned, verdict="unsigned")] if more else []
    rest = AFTER_STATEMENT if checks == "statement" else ""
    return [_expect(checks, rest), *behind, *good[1:]]


def _chains(issuer: Issuer) -> Iterable[Case]:
    """Chains of one story: three statements, and what can be wrong with them."""
    own = Issuer(FIRST, Log(issuer.log.origin, issuer.log.label), kind=issuer.kind)
    story = samples()[0]
    for _ in range(3):
        own.sign(story)
    good = own.chains[story.id]
    payloads = [own.told[token] for token in good]
    third = payloads[2]
    stolen = [own.seal(payloads[0], REVOKED)]
    stolen.append(own.seal({**payloads[1], "previous": token_digest(stolen[0])}, REVOKED))
    gone_on = own.seal({**third, "previous": token_digest(stolen[1])})
    before = [FIRST.sign(earlier(payloads[0]))]
    before.append(
        FIRST.sign(earlier({**payloads[1], "previous": token_digest(before[0])})),
    )
    after = own.seal({**third, "previous": token_digest(before[1])})
    back = FIRST.sign(earlier(third))
    for name, tokens, ok in (
        ("good", good, True),
        ("one", good[:1], True),
        ("of the first type", before, True),
        ("begun with the first type", [*before, after], True),
        ("back to the first type", [*good[:2], back], False),
        *(slim.chains(own, payloads, before[0]) if own.kind == 3 else ()),
        ("without the first", good[1:], False),
        ("without the middle", [good[0], good[2]], False),
        ("turned around", good[::-1], False),
        ("one twice", [good[0], good[0], *good[1:]], False),
        (
            "previous is another's",
            [*good[:2], own.seal({**third, "previous": digest(b"x")})],
            False,
        ),
        ("a gap in the numbers", [*good[:2], own.seal({**third, "version": 4})], False),
        ("of another guid", [*good[:2], own.seal({**third, "guid": "urn:x"})], False),
        ("of another story", [*good[:2], own.seal({**third, "story": "a" * 13})], False),
        (
            "issued before the one before",
            [*good[:2], own.seal({**third, "issued_at": "2026-11-22T13:00:00.000000Z"})],
            False,
        ),
        (
            "issued 5 minutes before the one before",
            [*good[:2], own.seal({**third, "issued_at": "2026-11-22T13:06:00.000005Z"})],
            True,
        ),
        (
            "issued earlier still",
            [*good[:2], own.seal({**third, "issued_at": "2026-11-22T13:06:00.000004Z"})],
            False,
        ),
        ("by an unknown key", [*good[:2], own.seal(third, UNKNOWN)], False),
        ("by a revoked key", [*good[:2], own.seal(third, REVOKED)], False),
        ("the earlier ones by a revoked key", [*stolen, gone_on], True),
        ("all by a revoked key", stolen, False),
        # Of the present type a statement is what it says, whoever signs it.
        ("an earlier one by a revoked key", [stolen[0], *good[1:]], own.kind == 3),
        (
            "an earlier one by a revoked key, not named",
            [own.seal({**payloads[0], "agency": "x"}, REVOKED), *good[1:]],
            False,
        ),
        ("by an old key", [*good[:2], own.seal(third, OLD)], True),
        (
            "a broken signature",
            [*good[:2], _resigned(good[2], good[1])],
            False,
        ),
        ("no token", [*good[:2], "x"], False),
    ):
        document = chain_of(story.guid, tokens, own.proof(tokens)).decode()
        yield {"name": name, "keys": "all", "chain": document, "ok": ok}
    whole = own.chain(story).decode()
    inside = whole[1:-1]
    for name, document, ok in (
        ("with spaces", f" {json.dumps(json.loads(whole), ensure_ascii=False)}\n", True),
        ("with a further member", f'{{"next":null,{inside}}}', True),
        ("a byte order mark", f"\ufeff{whole}", True),
        ("two byte order marks", f"\ufeff\ufeff{whole}", False),
        ("guid twice", f'{{"guid":"urn:x",{inside}}}', False),
        ("statements twice", f'{{{inside},"statements":[]}}', False),
        ("a fraction", f'{{"next":0.5,{inside}}}', False),
        ("nested to 9", f'{{"next":{"[" * 8}{"]" * 8},{inside}}}', False),
        ("something after it", f"{whole};", False),
        ("no guid", whole.replace('"guid":"', '"guide":"', 1), False),
        ("guid is null", whole.replace(f'"guid":"{story.guid}"', '"guid":null', 1), False),
        ("one is a list", whole.replace('"statements":[', '"statements":[[],', 1), False),
        *slim.chain_documents(whole),
    ):
        yield {"name": name, "keys": "all", "chain": document, "ok": ok}
    nothing = canonical({"guid": story.guid, "statements": []}).decode()
    yield {"name": "of none", "keys": "all", "chain": nothing, "ok": False}
    yield {"name": "empty", "keys": "all", "chain": "{}", "ok": False}
    yield {"name": "a list", "keys": "all", "chain": "[]", "ok": False}
