"""Mutants of what stands beside a feed: an agency's statement with its keys, and a log's restores.

They are made of the vectors, and what may come out is told without any code of ours.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any
from urllib.parse import urlsplit

from tests.signing import Log, Signer, b64, canonical, digest, payload_of, short, token_digest
from tests.vectors import custody as ways_of
from tests.vectors import restores as logs_of
from tests.vectors.custody import KEYS, PARTS
from tests.vectors.restores import BEGUN, FIRST, HOUR, NEXT, ORIGIN, Restore, receipts
from tests.wirecopy.forgeries import payload_changed
from tests.wirecopy.structure import json_document
from wirecopy import Evidence, Keys, Refused, TrustedState, read_keys, verify
from wirecopy.custody import MOST_HOPS, Agencies, hops
from wirecopy.errors import Missing
from wirecopy.jose import read_token
from wirecopy.online import with_log
from wirecopy.report import Hop
from wirecopy.statement import read_statement

Row = dict[str, Any]
Found = tuple[str, str, Row, dict[str, str]]
"""A verdict, its fault, what to ask the JavaScript verifier, and what that should say."""

PAPER, THIEF = Signer("paper"), Signer("thief")
SITES = {f"{who.label}.example": who for who in (Signer("agency"), Signer("partner"), THIEF)}
THIEFS = f"https://thief.example{KEYS}"
OTHER = short(digest(b"altered"))


def _make(data: bytes, random: Random, changes: Sequence[Callable[..., None]]) -> tuple[bytes, str]:
    row = json.loads(data)
    change = random.choice([_spelt, *changes])
    change(row, random)
    row["same"] = change is _spelt
    return json.dumps(row).encode(), change.__name__.strip("_")


def _spelt(row: Row, random: Random) -> None:
    """The same in other letters, and in another order."""
    text = json.loads(row["document"], object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    row["document"] = json.dumps(text, indent=random.choice([None, 1])).replace("s", "\\u0073")


def _harmed(text: str, random: Random) -> str:
    return json_document(text.encode(), random).decode("utf-8", "replace")


# The way of a copy


@cache
def ways() -> dict[str, bytes]:
    """The vectors of copies that came as an agency signed them."""
    rows = ways_of.vectors()["vectors"]
    return {row["name"]: canonical(row) for row in rows if row["hops"][:1] == ["ok"]}


def custody(data: bytes, random: Random) -> tuple[bytes, str]:
    """A mutant of one of :func:`ways`."""
    changes = (_document, _document, _site, _statement, _ours, _swapped, _address, _thieves)
    return _make(data, random, changes)


def _document(row: Row, random: Random) -> None:
    row["document"] = _harmed(row["document"], random)


def _site(row: Row, random: Random) -> None:
    at = random.choice(list(row["sites"]))
    row["sites"][at] = _harmed(row["sites"][at], random)


def _held(row: Row) -> tuple[str, str]:
    """The agency's statement, and the address of its keys."""
    [one] = json.loads(row["document"])["custody"].values()
    return _text(one["statement"]), one["keys"]


def _text(token: Any) -> str:
    return token if isinstance(token, str) else canonical(token).decode()


def _hold(row: Row, token: str, address: str, kid: str, *, named: bool = True) -> None:
    """Keep *token* in place of the agency's statement, and name it as by *kid* if wanted."""
    ours = payload_of(row["statement"])
    under = None if named else ours["custody"]["digest"]
    row["document"] = ways_of.held(token, address, under)
    if named:
        said = {"key": kid, "digest": short(token_digest(token))}
        row["statement"] = PAPER.sign({**ours, "custody": said})


def _statement(row: Row, random: Random) -> None:
    """Another payload, or one of an earlier type: by the agency, a thief, or as strangers sign."""
    token, address = _held(row)
    theirs = next(who for site, who in SITES.items() if f"://{site}/" in address)
    payload = payload_of(token)
    if random.random() < 0.8:
        payload = json.loads(payload_changed(json.dumps(payload), random))
    if random.random() < 0.2:
        payload = ways_of._earlier(type=f"wirecopy-statement-{random.randint(0, 3)}")
    by = random.choice([theirs, THIEF])
    made = by.sign(payload | random.choice([{}, {"agency_id": "PTI-43"}]))
    if made[0] != "{":
        odd: list[Row] = [{}, {"alg": "none"}, {"typ": "JWT"}, {"jwk": THIEF.jwk()}]
        made = by.token(canonical(theirs.header() | random.choice(odd)), canonical(payload))
    elif token[0] == "{" and random.random() < 0.5:
        kept = {"signature": json.loads(token)["signature"]}
        forged = json.loads(made) | {"key": theirs.kid} | random.choice([{}, kept])
        made = canonical(forged).decode()
    _hold(row, made, address, random.choice([by, theirs]).kid, named=random.random() < 0.8)


def _ours(row: Row, random: Random) -> None:
    """The publisher says otherwise what it received, and signs that."""
    ours = payload_of(row["statement"])
    changes: list[Row] = [
        *({"received": {**ours["received"], part: OTHER}} for part in PARTS),
        {"received": {**ours["received"], "text": ours["received"]["headline"]}},
        *({name: "9"} for name in ("agency", "agency_id", "agency_version", "rule")),
        {"received_at": "2026-11-22T05:55:59.999999Z"},
        *({"custody": {**ours["custody"], name: OTHER}} for name in ("digest", "key")),
    ]
    row["statement"] = PAPER.sign({**ours, **random.choice(changes)})


def _swapped(row: Row, random: Random) -> None:
    name = random.choice(["document", "statement", "sites"])
    row[name] = json.loads(random.choice(list(ways().values())))[name]


def _address(row: Row, random: Random) -> None:
    """The keys are said to be elsewhere, mostly where a thief has his, who signed the same."""
    token, there = _held(row)
    site = there.removesuffix(KEYS).partition("://")[2]
    odd = random.choice([
        THIEFS, f"https://{site}@thief.example{KEYS}", f"https://thief.example/{site}{KEYS}",
        f"http://thief.example:443{KEYS}", f"https://{site}\\@thief.example/", f" {there}", "",
        f"//thief.example{KEYS}", f"file{there[5:]}", f"{there}\n", f"{THIEFS}\u202e",
        there.upper(),
        f"{THIEFS} {there}", f"https://thief.example#{there}", "https:///x", f"{THIEFS}\x1b[2J",
        f"https://\u0430{site[1:]}{KEYS}", f"https://thief.example/\n{site}{KEYS}",
    ])  # fmt: skip
    kid = payload_of(row["statement"])["custody"]["key"]
    row["sites"][odd] = row["sites"].get(there, "")
    if urlsplit(odd).hostname not in (None, *list(SITES)[:2]) and random.random() < 0.8:
        row["sites"][odd] = json.dumps({"keys": [THIEF.jwk()]})
        token, kid = THIEF.sign(payload_of(token)), THIEF.kid
    _hold(row, token, odd, kid)


def _thieves(row: Row, random: Random) -> None:
    """Thieves between the agency and the publisher, who say that they had the copy from it."""
    token, address = _held(row)
    ours = payload_of(row["statement"])
    kid = ours["custody"]["key"]
    for letter in "abcdefghij"[: random.choice([1, 1, 2, MOST_HOPS + 2])]:
        named = {"key": kid, "digest": short(token_digest(token))}
        said = {**ours, "story": letter * 13, "custody": named, "issued_at": ours["received_at"]}
        if random.random() < 0.3:
            part = random.choice(PARTS)
            said["received"] = {**ours["received"], part: OTHER}
            said |= {"published": {part: ours["received"][part]}, "scope": "edited"}
        chain = f"https://thief.example/stories/{letter * 13}/statements"
        row["sites"][chain] = ways_of.held(token, address)
        token, address, kid = THIEF.sign(said), THIEFS, THIEF.kid
    row["sites"][THIEFS] = json.dumps({"keys": [THIEF.jwk()]})
    _hold(row, token, address, kid)


def judged_custody(data: bytes, _source: str) -> Found:
    """What is said of a mutant of the way of a copy."""
    row = json.loads(data)

    def fetch(address: str) -> bytes:
        if address not in row["sites"]:
            raise Missing(f"{address}: is not to be had")
        return str(row["sites"][address]).encode("utf-8")

    found: list[Hop] = []
    first = "failed"
    with suppress(Refused):
        ours = read_statement(read_token(row["statement"]))
        found = list(hops(ours, row["document"].encode(), Agencies(fetch=fetch), Keys()))
        first = found[0].state if found else "not checked"
    fault = next(_unbelievable(row, found), "")
    if row["same"] and [hop.state for hop in found] != row["hops"]:
        fault = f"form is {found}"
    asked = {"ask": "custody", "token": row["statement"], "document": row["document"]}
    # It does not ask for the agency's own chain, which may vouch for a revoked key.
    revoked = any("revoked" in text for text in row["sites"].values())
    asked = {} if revoked else {**asked, "agencies": row["sites"]}
    verdict = {"ok": "verified", "failed": "failed"}.get(first, "unsigned")
    return verdict, fault, asked, {"custody": found[0].site if first == "ok" else first}


def _unbelievable(row: Row, found: Sequence[Hop]) -> Iterator[str]:
    """What is wrong with hops that are ok: each has to be the untouched statement, by the key of
    the site that is told, of the copy that was received."""
    ours, document = payload_of(row["statement"]), row["document"]
    if len(found) > MOST_HOPS:
        yield "there is no end of it"
    for hop in found:
        if hop.state != "ok":
            return
        # A thief may show the keys of others, too.
        host = urlsplit(f"//{hop.site}").hostname or ""
        shown = SITES.values() if SITES[host] == THIEF else [SITES[host]]
        signer = next((who for who in shown if who.kid == hop.key), PAPER)
        token = _text(json.loads(document)["custody"][ours["custody"]["digest"]]["statement"])
        theirs = payload_of(token)
        if token != signer.sign(theirs) or ours["custody"] != ways_of.named(token, signer):
            yield f"{hop.site} has not signed {token}"
        if not hop.site.isascii() or not hop.site.isprintable() or " " in hop.site:
            yield f"it is said to be by {hop.site!r}"
        stated = {**(theirs.get("received") or {}), **(theirs.get("published") or {})}
        sent = {p: stated[p] if len(stated[p]) == 43 else short(stated[p]) for p in PARTS}
        credit = ("agency", "agency_id", *(["agency_version"] * bool(theirs.get("agency_version"))))
        if sent != {p: ours["received"][p] for p in PARTS}:
            yield "it is not of the copy received"
        if any(theirs[name] != ours.get(name) for name in credit):
            yield "it is of another story"
        document = row["sites"].get(f"https://{hop.site}/stories/{theirs['story']}/statements")
        ours = theirs


# Logs after a restore


@cache
def logs() -> dict[str, bytes]:
    """The vectors of memories that saw a log, and believe the one after it."""
    rows = [
        {**row, "document": json.dumps(row["keys"])}
        for row in logs_of.vectors()["memories"]
        if row["log"] == "ok"
        and row["name"] not in ("nobody was seen before", "it was seen before")
    ]
    former, log, at = Log(ORIGIN, leaves=receipts(8)), Log(NEXT), BEGUN + HOUR
    third = Log(f"{ORIGIN}/{at:%Y%m%d%H%M%S}")
    told = [Restore(former, 5, log).begin()]
    log.leaves += receipts(2, 20)
    told.append(Restore(log, 3, third, known_until=at, begun_at=at).begin())
    rows.append({**json.loads(json.dumps(rows[0])), "name": "two restores"})
    _tell(rows[-1], json.dumps(told), third)
    return {row["name"]: canonical(row) for row in rows}


def restores(data: bytes, random: Random) -> tuple[bytes, str]:
    """A mutant of one of :func:`logs`."""
    return _make(data, random, (_members, _members, _listed, _signatures, _followed))


def _told(row: Row) -> list[Row]:
    found: list[Row] = json.loads(row["document"])["wirecopy_restores"]
    return found


def _tell(row: Row, told: str, log: Log | None = None) -> None:
    """Put *told*, JSON, in place of the restores; *log*, if it is given, is the present one."""
    keys = json.loads(row["document"])
    del keys["wirecopy_restores"]
    if log:
        keys["wirecopy_log"], row["checkpoint"] = log.vkey, log.checkpoint()
        count = len(log.leaves)
        path = f"{log.origin.rpartition('/')[2]}/tile/0/000.p/{count}"
        row["tiles"][path] = b64(log.tile(0, 0, count))
    row["document"] = f'{json.dumps(keys)[:-1]},"wirecopy_restores":{told}}}'


def _members(row: Row, random: Random) -> None:
    _tell(row, _harmed(json.dumps(_told(row)), random))


def _listed(row: Row, random: Random) -> None:
    """One less, one twice, another's, or another order."""
    told, other = _told(row), _told(json.loads(random.choice(list(logs().values()))))
    lists = [told[::-1], told[1:], told[:-1], [*told, told[0]], [*other, *told], [*told, *other]]
    _tell(row, json.dumps(random.choice(lists)))


def _signatures(row: Row, random: Random) -> None:
    """Those of others, of another restore, or under another's name."""
    told = _told(row)
    one = random.choice(told)
    signed = one["signatures"]
    others = [*signed.values(), logs_of.signature(THIEF, one["payload"])]
    signed[random.choice([*signed, THIEF.kid, FIRST.kid])] = random.choice(others)
    _tell(row, json.dumps(told))


def _followed(row: Row, random: Random) -> None:
    """A thief's log, which begins with a restore that nobody who was seen has signed."""
    told = _told(row)
    before = told[: random.randint(0, len(told))]
    log = Log(f"{ORIGIN}/20270101000000", "thief")
    leaves = receipts(8) if not before else [canonical(before[-1]), *receipts(2, 20)]
    former = Log(before[-1]["payload"]["log"].split("+")[0] if before else ORIGIN, leaves=leaves)
    after = Restore(former, 3, log, (THIEF,), begun_at=BEGUN + 2 * HOUR).told()
    [own] = after["signatures"].values()
    after["signatures"] |= random.choice([{}, told[0]["signatures"], {FIRST.kid: own}])
    log.add(after)
    _tell(row, json.dumps([*before, after]), log)


def judged_restores(data: bytes, source: str) -> Found:
    """What is said of a mutant of the row of :func:`logs` called *source*."""
    row = json.loads(data)
    tiles = {path: b64decode(tile) for path, tile in row["tiles"].items()}
    state, said, names = "refused", "", "refused"
    with suppress(Refused):
        keys = read_keys(row["document"].encode())
        names = json.dumps([[n, (end := keys.ended(n)) and end.head.size] for n in keys.logs])
        memory = TrustedState.load(row["memory"].encode())
        evidence = with_log(Evidence(state=memory), tiles.get, keys.log.name if keys.log else "")
        feed = b'{"version":"https://jsonfeed.org/version/1.1","items":[]}'
        report = verify(feed, keys, replace(evidence, checkpoint=row["checkpoint"]))
        state, said = report.log.state, report.log.reason
    fault = f"form is {state}: {said}" if row["same"] and state != "ok" else ""
    if state == "ok" and _told(row) != _told(json.loads(logs()[source])):
        fault = f"it is believed: {said}: {row['document']}"
    verdict = {"ok": "verified", "not checked": "unsigned"}.get(state, state)
    return verdict, fault, {"ask": "logs", "jwks": row["document"]}, {"logs": names}
