"""What only statements of the present type say: what is left out, details, proofs beside them."""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from publish.entry import Entry
from stories.models import Story
from tests.signed import EMPTY, Issuer, chain_of, earlier, slim
from tests.signing import Log, Signer, b64, canonical, digest, short, token_digest

Case = dict[str, Any]

FIRST = Signer("first")


def tokens(issuer: Issuer, entry: Entry) -> Iterable[Case]:
    """Tokens that are to be refused for their form alone, and some that are not."""
    good = entry.statement or ""
    told = issuer.told[good]
    payload = slim(told)
    written = canonical(payload).decode()
    kid, signature = FIRST.kid, FIRST.signature(written.encode())
    received, published = payload["received"], payload["published"]
    nothing = {
        part: short(digest(canonical(["wirecopy-text-1", part, value])))
        for part, value in EMPTY.items()
    }
    custody = {"key": kid, "digest": short(digest(b"theirs"))}
    yield {"name": "good", "token": good, "ok": True, "payload": payload}

    def without(*names: str) -> Case:
        return {name: value for name, value in payload.items() if name not in names}

    unreceived = slim({**told, "received": None})
    for name, made in (
        ("verbatim", without("published", "disclosure", "changed_at")),
        ("by the second rule", {**payload, "rule": "wirecopy-text-2"}),
        ("without an agency's version", without("agency_version")),
        ("of another version", {**payload, "version": 2, "previous": short(digest(b"x"))}),
        ("nothing received", unreceived),
        ("nothing received, and nothing published", {**unreceived, "published": None}),
        ("a part that was empty", {**payload, "received": {"raw": received["raw"]}}),
        ("a part that is empty now", {**payload, "published": {**published, "text": ""}}),
        ("raw is not known", {**payload, "received": _less(received, "raw")}),
        ("a copy of nothing", {**payload, "received": {}}),
        ("the first leaf", {**payload, "index": 0}),
        ("custody", {**payload, "custody": custody}),
        ("an agency id of signs", {**payload, "agency_id": '<&>\\"\u2028'}),
    ):
        said = {n: value for n, value in made.items() if value is not None}
        yield {"name": name, "token": FIRST.sign(said), "ok": True, "payload": said}

    def assembled(**changes: str) -> str:
        parts = {"key": f'"{kid}"', "payload": written, "signature": f'"{signature}"', **changes}
        return "{" + ",".join(f'"{name}":{value}' for name, value in parts.items()) + "}"

    def spelt(text: str) -> str:
        return assembled(payload=text, signature=f'"{FIRST.signature(text.encode())}"')

    def signed(**changes: Any) -> str:
        return FIRST.sign_text(canonical({**payload, **changes}).decode())

    turned = json.dumps(dict(sorted(payload.items(), reverse=True)), separators=(",", ":"))
    for name, token in (
        ("an empty object", "{}"),
        ("no key", good.replace('"key":', '"kid":', 1)),
        ("a member more", assembled(more="1")),
        ("a header", assembled(header="{}")),
        ("in another order", f'{{"payload":{written},"key":"{kid}","signature":"{signature}"}}'),
        ("key twice", assembled().replace("{", f'{{"key":"{kid}",', 1)),
        ("key with set bits after its end", assembled(key=f'"{kid[:-1]}{_next(kid)}"')),
        ("key too short", assembled(key=f'"{kid[:-1]}"')),
        ("key is a number", assembled(key="1")),
        ("key is null", assembled(key="null")),
        (
            "signature with set bits after its end",
            assembled(signature=f'"{signature[:-1]}{_next(signature)}"'),
        ),
        ("signature padded", assembled(signature=f'"{signature}=="')),
        ("signature too short", assembled(signature=f'"{signature[:-4]}"')),
        ("no signature", assembled(signature='""')),
        ("signature is a list", assembled(signature="[]")),
        ("payload is a text", assembled(payload=json.dumps(written, ensure_ascii=False))),
        ("payload is a list", spelt(f"[{written}]")),
        ("payload is null", assembled(payload="null")),
        ("payload in another order", spelt(turned)),
        ("payload with spaces", spelt(written.replace(",", ", "))),
        ("payload escaped", spelt(written.replace("urn:", r"\u0075rn:"))),
        ("payload with a member twice", spelt(written[:-1] + ',"version":1}')),
        ("payload with a half character", spelt(written.replace("urn:", r"\ud800rn:"))),
        ("payload nested deeply", spelt('{"a":' * 9000 + "1" + "}" * 9000)),
        ("spaces around it", f" {good}"),
        ("a line feed after it", f"{good}\n"),
        ("a byte order mark", f"\ufeff{good}"),
        ("something after it", f"{good}{{}}"),
        ("too long", signed(disclosure="x" * 65_000)),
        ("too long, in few characters", signed(disclosure="क" * 22_000)),
        ("a fraction", spelt(written.replace('"version":1', '"version":1.0'))),
        ("an exponent", spelt(written.replace('"version":1', '"version":1e0'))),
        (
            "a number beyond 2^53",
            spelt(written.replace('"version":1', '"version":9007199254740993')),
        ),
        ("as a list", json.dumps([kid, payload, signature])),
        *((f"without {name}", FIRST.sign(without(name))) for name in payload if name not in FREE),
        *((f"{name} is null", signed(**{name: None})) for name in (*payload, "custody")),
        *((f"{name} is a list", signed(**{name: []})) for name in (*payload, "custody")),
        ("a type", spelt(written[:-1] + ',"type":"wirecopy-statement-3"}')),
        ("a receipt", signed(receipt="x")),
        ("a member nobody knows", signed(note="x")),
        ("version 0", signed(version=0)),
        ("version true", signed(version=True)),
        ("version 1 with a previous", signed(previous=short(digest(b"x")))),
        ("version 2 without a previous", signed(version=2)),
        ("a long previous", signed(version=2, previous=digest(b"x"))),
        ("guid is empty", signed(guid="")),
        ("story in capitals", signed(story=payload["story"].upper())),
        ("an empty agency version", signed(agency_version="")),
        ("the first rule, said", signed(rule="wirecopy-text-1")),
        ("another rule", signed(rule="wirecopy-text-3")),
        ("an unknown scope", signed(scope="untouched")),
        ("an empty disclosure", signed(disclosure="")),
        ("changed when received, said", signed(changed_at=payload["received_at"])),
        ("an instant without fraction", signed(issued_at="2026-11-22T13:10:00Z")),
        ("no place in the log", FIRST.sign(without("index"))),
        ("no time in the log", FIRST.sign(without("logged_at"))),
        ("a place without received", signed_of({**unreceived, "index": 5})),
        (
            "a time in the log without received",
            signed_of({**unreceived, "logged_at": payload["logged_at"]}),
        ),
        ("custody without received", signed_of({**unreceived, "custody": custody})),
        ("index -1", signed(index=-1)),
        ("index as a text", signed(index="5")),
        ("index true", signed(index=True)),
        ("received: an empty part", signed(received={**received, "text": ""})),
        ("received: text of nothing", signed(received={**received, "text": nothing["text"]})),
        ("received: a long digest", signed(received={**received, "raw": digest(b"x")})),
        (
            "received: a digest with set bits after its end",
            signed(received={**received, "raw": "A" * 42 + "B"}),
        ),
        ("received: raw is null", signed(received={**received, "raw": None})),
        ("received: another part", signed(received={**received, "body": received["text"]})),
        ("published: nothing", signed(published={})),
        (
            "published: a part as received",
            signed(published={**published, "text": received["text"]}),
        ),
        ("published: a part of nothing", signed(published={**published, "text": nothing["text"]})),
        (
            "published: a part that was empty, empty",
            signed(received=_less(received, "text"), published={**published, "text": ""}),
        ),
        ("published: raw", signed(published={**published, "raw": received["raw"]})),
        ("published: null", signed(published={**published, "text": None})),
        (
            "published: an empty part of nothing received",
            signed_of({**unreceived, "published": {"text": ""}}),
        ),
        ("details: long", signed(details=digest(b"x"))),
        ("details: empty", signed(details="")),
        ("custody: no digest", signed(custody=_less(custody, "digest"))),
        ("custody: a member more", signed(custody={**custody, "url": "x"})),
        ("custody: a long digest", signed(custody={**custody, "digest": digest(b"x")})),
        ("custody: a short key", signed(custody={**custody, "key": "x"})),
        (
            "all of the type before",
            FIRST.sign_text(canonical({**told, "type": "wirecopy-statement-2"}).decode()),
        ),
    ):
        yield {"name": name, "token": token, "ok": False}


FREE = ("agency_version", "disclosure", "changed_at", "published", "received")
"""Members that may be left out, by themselves or with others."""


def signed_of(payload: Case) -> str:
    return FIRST.sign_text(canonical(payload).decode())


def _less(value: Case, name: str) -> Case:
    return {n: v for n, v in value.items() if n != name}


def _next(text: str) -> str:
    """The last letter of a text, with the last bit of its value set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(text[-1]) + 1]


def chain_sets(issuer: Issuer, story: Story) -> Case:
    """Chains of the first sample whose proof is another."""
    listed = issuer.chains[story.id]
    elsewhere = Log("elsewhere.example/log", issuer.log.label, list(issuer.log.leaves))
    return {
        name: {story.id: chain_of(story.guid, listed, proof).decode()}
        for name, proof in (
            ("without a proof", ""),
            ("with a proof that is none", "x"),
            ("with a proof of another leaf", issuer.log.proof([0])),
            ("with a proof of another log", elsewhere.proof([4])),
        )
    }


def entries(
    issuer: Issuer, signed: Sequence[Entry], first: Case, expect: Callable[..., Case]
) -> Iterable[Case]:
    """Details, and where a proof may stand."""
    own = issuer.told[signed[0].statement or ""]["index"]
    log, good = issuer.log, first["log"]
    listed = sorted(issuer.told[each.statement or ""]["index"] for each in signed)
    elsewhere = Log("elsewhere.example/log", log.label, list(log.leaves))
    lines = good.split("\n")
    raw = lines[2]
    bad = good.replace(raw, raw[:9] + _swapped(raw[9]) + raw[10:])
    for name, text, chains, failed, unchecked in (
        ("in the feed alone", good, "none", "", "chain"),
        ("of this leaf alone", log.proof([own]), "none", "", "chain"),
        ("of all leaves", log.proof(range(len(log.leaves))), "none", "", "chain"),
        ("of a larger log", _larger(log, 300).proof([own, 290]), "none", "", "chain"),
        ("with white space around it", f"\n      {good} \n ", "none", "", "chain"),
        ("in the chain alone", None, "english", "", ""),
        ("in the chain, and the feed's is of another leaf", log.proof([0]), "english", "", ""),
        ("in the chain, and the feed's is none", "x", "english", "", ""),
        ("in the feed, and the chain has none", good, "without a proof", "", ""),
        ("in the feed, and the chain's is none", good, "with a proof that is none", "", ""),
        ("nowhere", None, "none", "", "receipt chain"),
        ("nowhere, and the chain was asked", None, "without a proof", "receipt", ""),
        ("none in the chain", None, "with a proof that is none", "receipt", ""),
        ("of another leaf in the chain", None, "with a proof of another leaf", "receipt", ""),
        ("of another log in the chain", None, "with a proof of another log", "receipt", ""),
        ("of another log", elsewhere.proof([own]), "none", "", "receipt chain"),
        ("of another leaf", log.proof([own + 1]), "none", "", "receipt chain"),
        ("of before this leaf", log.proof([0], 1), "none", "", "receipt chain"),
        ("twice", f"{good.strip()}\n\n{good}", "none", "", "chain"),
        ("and one that is none", f"{good.strip()}\n\n{bad}", "none", "", "chain"),
        ("behind one that is none", f"{bad.strip()}\n\n{good}", "none", "receipt", "chain"),
        (
            "behind one of another leaf",
            f"{log.proof([0]).strip()}\n\n{good}",
            "none",
            "",
            "receipt chain",
        ),
        (
            "behind one of another log",
            f"{elsewhere.proof([own]).strip()}\n\n{good}",
            "none",
            "",
            "chain",
        ),
        ("of another leaf in its place", _other(log, own).proof([own]), "none", "receipt", "chain"),
        ("empty", "", "none", "receipt", "chain"),
        ("that is none", "x", "none", "receipt", "chain"),
        ("of the type before", log.receipt(own), "none", "receipt", "chain"),
        (
            "with another hash",
            bad,
            "none",
            "receipt",
            "chain",
        ),
        (
            "by another key",
            Log(log.origin, "another", list(log.leaves)).proof(listed),
            "none",
            "receipt",
            "chain",
        ),
    ):
        shown: Case = {} if text == good else {"log": text}
        yield _case(f"proof {name}", shown, expect(failed, unchecked), chains)

    captions = first["captions"]
    details: Sequence[tuple[str, Case, str]] = (
        ("another byline", {"byline": "By Somebody"}, "details"),
        ("no byline", {"byline": None}, "details"),
        ("form: spaces around the byline", {"byline": f" {first['byline']}\n"}, ""),
        ("published a second later", {"published": _later(first["published"])}, "details"),
        ("no date of publication", {"published": None}, "details"),
        ("another caption", {"captions": ["Not this one", *captions[1:]]}, "details"),
        ("captions swapped", {"captions": captions[::-1]}, "details"),
        ("a caption said in two ways", {"captions": [None, *captions[1:]]}, "details"),
        ("a caption left out", {"captions": captions[:-1]}, "details"),
        ("a caption more", {"captions": [*captions, ""]}, "details"),
        ("a correction added", {"correction": "It was Tuesday."}, "details"),
        ("form: a correction of no words", {"correction": " \n"}, ""),
    )
    for name, changed, failed in details:
        yield _case(f"details: {name}", changed, expect(failed), "english")
    told = [first["byline"], first["published"], captions, "It was Tuesday."]
    corrected = issuer.told[signed[0].statement or ""] | {
        "details": digest(canonical(["wirecopy-text-1", "details", told]))
    }
    said: Case = {"statement": FIRST.sign(slim(corrected)), "correction": "It was Tuesday."}
    for name, changed, failed in (
        ("", {}, ""),
        (" in other space", {"correction": " It was\nTuesday. "}, ""),
        (" that says something else", {"correction": "It was Monday."}, "details"),
        (" left out", {"correction": None}, "details"),
    ):
        yield _case(f"a correction{name}", said | changed, expect(failed, "chain"), "none")


def _case(name: str, changed: Case, expected: Case, chains: str) -> Case:
    return {
        "name": name,
        "keys": "all",
        "chains": chains,
        "expected": [expected],
        "entries": [{"sample": "english", **changed}],
    }


def _later(second: str) -> str:
    return f"{second[:18]}{(int(second[18]) + 1) % 10}Z"


def _swapped(letter: str) -> str:
    return "A" if letter != "A" else "B"


def _larger(log: Log, size: int) -> Log:
    more = [b"%d" % n for n in range(len(log.leaves), size)]
    return Log(log.origin, log.label, [*log.leaves, *more])


def _other(log: Log, index: int) -> Log:
    leaves = list(log.leaves)
    leaves[index] = b"another"
    return Log(log.origin, log.label, leaves)


def chains(
    own: Issuer, payloads: Sequence[Case], first: str
) -> Iterable[tuple[str, list[str], bool]]:
    """Chains that begin with statements of earlier types; *first* is of the first."""

    def before(number: int, previous: str | None) -> str:
        whole = _less(_less(payloads[number], "details"), "index")
        index = payloads[number]["index"]
        named = {"previous": token_digest(previous) if previous else None}
        return FIRST.sign({**whole, **named, "receipt": own.log.receipt(index)})

    def now(number: int, previous: str) -> str:
        return own.seal({**payloads[number], "previous": token_digest(previous)})

    one = before(0, None)
    both = [first, before(1, first)]
    yield "begun with the type before", [one, now(1, one)], True
    yield "begun with both types before", [*both, now(2, both[1])], True
    back = FIRST.sign(earlier({**payloads[1], "previous": token_digest(one), "receipt": "x"}))
    yield "back from the second type to the first", [one, back], False
    third = own.seal(payloads[0])
    yield "back to the type before", [third, before(1, third)], False


def chain_documents(whole: str) -> Iterable[tuple[str, str, bool]]:
    """Chains spelt in other ways; *whole* is a good one."""
    found = json.loads(whole)
    text = canonical(found["statements"][0]).decode()
    quoted = json.dumps(text, ensure_ascii=False)
    yield "indented", json.dumps(found, indent=1), True
    yield "a payload escaped", whole.replace("urn:", r"\u0075rn:"), True
    if text.startswith("{"):
        yield "a statement as text", whole.replace(text, quoted, 1), False
        yield "a proof that is none", canonical({**found, "log": "x"}).decode(), True
        yield "a proof that is no text", canonical({**found, "log": {}}).decode(), False
        yield "a proof that is null", canonical({**found, "log": None}).decode(), False
        yield "without a proof", canonical(_less(found, "log")).decode(), True
        part = found["statements"][0]
        for name, changed in (
            ("a statement with a member more", {**part, "more": 1}),
            ("a statement without its key", _less(part, "key")),
        ):
            listed = [changed, *found["statements"][1:]]
            yield name, canonical({**found, "statements": listed}).decode(), False


def proofs(log: Log) -> Iterable[Case]:
    """Proofs of many leaves in a *log*, and what is none."""
    for size in (1, 2, 3, 7, 8, 13, 21):
        for listed in ([0], [size - 1], [0, size - 1], list(range(size)), [size // 3, size // 2]):
            indexes = sorted(set(listed))
            yield _proof(f"{indexes} of {size}", log.proof(indexes, size), log, size, indexes)
    good = log.proof([3, 4, 9], 13)
    lines = good.split("\n")
    joined = lines[2]

    def with_line(number: int, text: str) -> str:
        return "\n".join([*lines[:number], text, *lines[number + 1 :]])

    yield _proof("with white space around it", f"\u3000\n {good}\n\n\t", log, 13, [3, 4, 9])
    # Its hash stands there too, so this is as true.
    yield _proof("of the leaf beside", with_line(1, "leaves 3 5 9"), log, 13, [3, 5, 9])
    witnessed = good + f"\n\u2014 witness {b64(b'4' * 70)}"
    yield _proof("with a witness", witnessed, log, 13, [3, 4, 9])
    for name, text in (
        ("empty", ""),
        ("another format", with_line(0, "wirecopy-proof-2")),
        ("another log", Log("elsewhere.example/log", log.label, log.leaves).proof([3, 4, 9], 13)),
        ("no checkpoint", good.partition("\n\n")[0]),
        ("no leaves", with_line(1, "leaves ")),
        ("no word for leaves", with_line(1, "3 4 9")),
        ("two spaces", with_line(1, "leaves 3  4 9")),
        ("leading zero", with_line(1, "leaves 03 4 9")),
        ("leaves that fall", with_line(1, "leaves 4 3 9")),
        ("a leaf twice", with_line(1, "leaves 3 4 4 9")),
        ("another leaf", with_line(1, "leaves 1 4 9")),
        ("a leaf less", with_line(1, "leaves 3 4")),
        ("a leaf more", with_line(1, "leaves 3 4 9 10")),
        ("a leaf beyond", with_line(1, "leaves 3 4 13")),
        ("a hash less", with_line(2, b64(_bytes(joined)[:-32]))),
        ("a hash more", with_line(2, b64(_bytes(joined) + bytes(32)))),
        ("half a hash", with_line(2, b64(_bytes(joined)[:-16]))),
        ("another hash", with_line(2, b64(bytes(32) + _bytes(joined)[32:]))),
        ("hashes on two lines", with_line(2, f"{joined[:44]}\n{joined[44:]}")),
        ("hashes in base64url", with_line(2, joined.replace("+", "-").replace("/", "_"))),
        ("a line more", with_line(2, f"{joined}\nx")),
        ("CR LF", good.replace("\n", "\r\n")),
        ("of another size", good.replace("\n13\n", "\n12\n")),
        ("under another checkpoint", f"{good.partition(chr(10) * 2)[0]}\n\n{log.checkpoint(12)}"),
        ("a proof of one leaf", log.receipt(3, 13)),
        ("too long", with_line(2, b64(bytes(32) * 24_600))),
    ):
        yield {"name": name, "text": text, "ok": False}


def _proof(name: str, text: str, log: Log, size: int, indexes: Sequence[int]) -> Case:
    leaves = {str(n): b64(log.root(n, n + 1)) for n in indexes}
    return {"name": name, "text": text, "ok": True, "size": size, "leaves": leaves}


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
