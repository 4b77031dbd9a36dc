"""Makes ``restores.json``: key sets whose log follows another, receipts in both, and what verifiers
say of it that remember the one before."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.signed import ISSUED, instant
from tests.signing import Log, Signer, b64, b64url, canonical, digest, jwks

Case = dict[str, Any]

HOUR = timedelta(hours=1)
BACKUP, BEGUN = ISSUED + HOUR, ISSUED + 3 * HOUR
"""A statement was issued; an hour later a backup was made, and two hours later restored."""

FIRST, SECOND = Signer("first"), Signer("second")
LOST = Signer("log")
"""The key of the log of before, and of the one after if it was not lost."""
UNKNOWN = Signer("unknown")
ORIGIN = "feeds.ndtv.com/log"
NEXT = f"{ORIGIN}/{BEGUN:%Y%m%d%H%M%S}"


@dataclass
class Restore:
    """A log that follows another, as its key set says."""

    former: Log
    known: int
    log: Log
    signers: tuple[Signer, ...] = (LOST, FIRST)
    known_until: datetime = BACKUP
    begun_at: datetime = BEGUN
    changes: Case = field(default_factory=dict)

    def payload(self) -> Case:
        return {
            "type": "wirecopy-restore-1",
            "former": self.former.vkey,
            "checkpoint": self.former.checkpoint(self.known),
            "log": self.log.vkey,
            "known_until": instant(self.known_until),
            "begun_at": instant(self.begun_at),
            **self.changes,
        }

    def told(self) -> Case:
        """As it stands in a key set; its canonical form is the leaf."""
        payload = self.payload()
        return {
            "payload": payload,
            "signatures": {each.kid: signature(each, payload) for each in self.signers},
        }

    def begin(self) -> Case:
        told = self.told()
        assert not self.log.leaves
        self.log.add(told)
        return told


def signature(signer: Signer, payload: Case) -> str:
    header = {
        "alg": "EdDSA",
        "b64": False,
        "crit": ["b64"],
        "kid": signer.kid,
        "typ": "wirecopy-restore-1",
    }
    signed = b64url(canonical(header)).encode() + b"." + canonical(payload)
    return b64url(signer.key.sign(signed))


def receipts(count: int, start: int = 0) -> list[bytes]:
    return [b"receipt %d" % n for n in range(start, start + count)]


def key_set(told: list[Case], log: Log, *signers: Signer) -> Case:
    return {**jwks(*(signers or (FIRST,)), log=log), "wirecopy_restores": told}


def vectors() -> Case:
    """The whole file."""
    former, log = Log(ORIGIN, leaves=receipts(7)), Log(NEXT)
    told = Restore(former, 5, log).begin()
    log.leaves += receipts(3, 5)
    return {
        "about": "Logs that follow others after a restore; docs/statement.md §3, §5, §7."
        " `key_sets`: whether the document is a key set, and then its logs, with the size at which"
        " those of before end. `receipts`: whether a proof of the leaf (base64) is good by"
        " the key set `keys`. `memories`: the check `log` of a feed without entries, the guids of"
        " what is lost (`log` stands for receipts), by the file `memory`, the present checkpoint,"
        " and tiles by their paths below /log.",
        "keys": key_set([told], log),
        "key_sets": list(_key_sets(former, log, told)),
        "receipts": list(_receipts(former, log)),
        "memories": list(_memories()),
    }


def _key_sets(former: Log, log: Log, told: Case) -> Iterator[Case]:
    good = key_set([told], log)
    ends = [[ORIGIN, 5], [NEXT, None]]
    third = Log(f"{ORIGIN}/20270101000000", "third")
    later = BEGUN + HOUR
    then = Restore(log, 4, third, (FIRST,), known_until=later, begun_at=later).told()
    alone = {name: value for name, value in good.items() if name != "wirecopy_log"}

    def stated(**changes: Any) -> Case:
        return key_set([Restore(former, 5, log, changes=changes).told()], log)

    def changed(**members: Any) -> Case:
        return key_set([{**told, **members}], log)

    elsewhere = Log("elsewhere.example/log")
    signatures, payload = told["signatures"], told["payload"]
    [kid, *_] = signatures
    rows: list[tuple[str, Any, list[Any] | None]] = [
        ("one restore", good, ends),
        ("two", key_set([told, then], third), [[ORIGIN, 5], [NEXT, 4], [third.origin, None]]),
        ("a lost log key", key_set([then], third), [[NEXT, 4], [third.origin, None]]),
        ("none", jwks(FIRST, log=log), [[NEXT, None]]),
        ("none, an empty list", key_set([], log), [[NEXT, None]]),
        ("none, null", {**jwks(FIRST, log=log), "wirecopy_restores": None}, [[NEXT, None]]),
        ("no list", {**good, "wirecopy_restores": told}, None),
        ("false", {**good, "wirecopy_restores": False}, None),
        ("no object in it", key_set(["x"], log), None),  # type: ignore[list-item]
        ("null in it", key_set([None], log), None),  # type: ignore[list-item]
        ("without the log", alone, None),
        ("another log than the present one", key_set([told], third), None),
        ("in another order", key_set([then, told], log), None),
        ("one left out", key_set([told, then], log), None),
        ("the same twice", key_set([told, told], log), None),
        ("a member more", changed(note="x"), None),
        ("no signatures", key_set([{"payload": payload}], log), None),
        ("signatures of nobody", changed(signatures={}), None),
        ("signatures that are a list", changed(signatures=[signatures[kid]]), None),
        ("a signature that is null", changed(signatures={kid: None}), None),
        ("a signature of 63 bytes", changed(signatures={kid: b64url(bytes(63))}), None),
        ("a key id of 31 bytes", changed(signatures={b64url(bytes(31)): signatures[kid]}), None),
        ("a key id that is none", changed(signatures={"first": signatures[kid]}), None),
        # Who signed it is looked at by those who remember what was before.
        ("a false signature", changed(signatures={kid: b64url(bytes(64))}), ends),
        ("another type", stated(type="wirecopy-restore-2"), None),
        ("a member more in the payload", stated(note="x"), None),
        ("a number", stated(known_until=1), None),
        ("no instant", stated(known_until="2026-11-22T12:00:00Z"), None),
        ("no former log", stated(former=""), None),
        ("a checkpoint of another log", stated(checkpoint=elsewhere.checkpoint()), None),
        (
            "a checkpoint by another key",
            stated(checkpoint=Log(ORIGIN, "x", former.leaves).checkpoint()),
            None,
        ),
        (
            "a checkpoint of nothing",
            stated(checkpoint=Log(ORIGIN).checkpoint()),
            [[ORIGIN, 0], ends[1]],
        ),
        (
            "a former log whose key is one of statements",
            key_set([Restore(Log(ORIGIN, "first", former.leaves), 5, log).told()], log),
            None,
        ),
        ("a log of the same name", key_set([Restore(former, 5, former).told()], former), None),
        ("begun as it was backed up", stated(known_until=instant(BEGUN)), ends),
        ("begun before it was backed up", stated(known_until=instant(BEGUN + HOUR)), None),
    ]
    for name, document, logs in rows:
        yield {"name": name, "document": json.dumps(document), "logs": logs}
    twice = json.dumps(good)[:-1] + ',"wirecopy_restores":[]}'
    yield {"name": "twice", "document": twice, "logs": None}


def _receipts(former: Log, log: Log) -> Iterator[Case]:
    other = Log("elsewhere.example/log", leaves=former.leaves)
    for name, of, index, size, ok in (
        ("in the log", log, 2, 4, True),
        ("in the log of before", former, 2, 5, True),
        ("in the log of before, earlier", former, 2, 4, True),
        ("in the log of before, beyond its end", former, 6, 7, False),
        ("in the log of before, proved beyond its end", former, 2, 6, False),
        ("in another log", other, 2, 5, False),
        ("in the log of before, by another key", Log(ORIGIN, "x", former.leaves), 2, 5, False),
    ):
        leaf = b64(of.leaves[index])
        yield {"name": name, "receipt": of.receipt(index, size), "leaf": leaf, "ok": ok}


def _memories() -> Iterator[Case]:
    """A feed without entries: its publisher is known by keys."""

    def case(
        name: str,
        log: str,
        *lost: str,
        seen: int | None = 5,
        known: int = 5,
        signers: tuple[Signer, ...] = (LOST, FIRST),
        keys: tuple[Signer, ...] = (FIRST,),
        kid: str = FIRST.kid,
        label: str = "log",
        rewritten: bool = False,
        hidden: str = "nothing",
        first: bytes | None = None,
        statements: Case | None = None,
        known_until: datetime = BACKUP,
        learnt: str = ORIGIN,
        forged: Signer | None = None,
        told: bool = True,
    ) -> Case:
        """The log of before had *seen* receipts when it was seen last, *known* of which are in the
        backup; *signers* vouch for the one after, whose key is called *label*."""
        before = Log(ORIGIN, leaves=receipts(8))
        former = Log(ORIGIN, leaves=[b"rewritten", *receipts(7, 1)] if rewritten else receipts(8))
        log_ = Log(NEXT, label)
        restore = Restore(former, known, log_, signers, known_until=known_until)
        restored = restore.told()
        if forged is not None:
            restored["signatures"][forged.kid] = b64url(bytes(64))
        log_.add(restored if first is None else first)
        log_.leaves += receipts(2, 20)
        checkpoints = {} if seen is None else {ORIGIN: before.checkpoint(seen)}
        memory: Case = {
            "type": "wirecopy-memory-1",
            "checkpoints": checkpoints,
            "logs": {kid: learnt},
            "statements": statements or {},
        }
        number = NEXT.rpartition("/")[2]
        tiles = {
            f"tile/0/000.p/{known}": b64(former.tile(0, 0, known)),
            f"{number}/tile/0/000.p/3": b64(log_.tile(0, 0, 3)),
        }
        published = key_set([restored], log_, *keys) if told else jwks(*keys, log=log_)
        return {
            "name": name,
            "keys": published,
            "memory": canonical(memory).decode(),
            "checkpoint": log_.checkpoint(),
            "tiles": {path: data for path, data in tiles.items() if not path.startswith(hidden)},
            "log": log,
            "lost": list(lost),
        }

    def issued(at: datetime | None, log: str | None = ORIGIN) -> Case:
        kept = {"version": 1, "digest": digest(b"x"), "log": log}
        return kept if at is None else {**kept, "issued_at": instant(at)}

    statements = {
        "urn:before": issued(BACKUP - HOUR),
        "urn:lost": issued(BACKUP + HOUR),
        "urn:slack": issued(BACKUP - timedelta(minutes=5)),
        "urn:after": issued(BEGUN + timedelta(minutes=6)),
        "urn:unknown": issued(None),
        "urn:elsewhere": issued(BACKUP + HOUR, "elsewhere.example/log"),
    }
    yield case("nothing lost that was seen", "ok")
    yield case("seen when it was shorter", "ok", seen=3)
    yield case("seen when it was longer", "ok", "log", seen=7)
    yield case(
        "statements of after the backup", "ok", "urn:lost", "urn:slack", statements=statements
    )
    yield case("the key of the log is lost", "ok", signers=(FIRST,), label="third")
    yield case("the key of statements is lost", "ok", signers=(LOST,), keys=(FIRST, SECOND))
    yield case("only the key of the log is known", "ok", signers=(LOST,), keys=(FIRST,))
    yield case("nothing is left", "failed", signers=(Signer("third"),), label="third")
    yield case(
        "a key of statements that was not seen", "failed", signers=(SECOND,), keys=(FIRST, SECOND)
    )
    yield case(
        "a key that was revoked",
        "failed",
        signers=(FIRST,),
        keys=(Signer("first", revoked={"reason": "stolen"}),),
        label="third",
    )
    yield case("a known key whose signature is false", "failed", signers=(LOST,), forged=FIRST)
    yield case("an unknown key whose signature is false", "ok", forged=UNKNOWN)
    yield case(
        "the log of before was never seen, its key was", "failed", seen=None, signers=(LOST,)
    )
    yield case("the log of before was rewritten", "failed", rewritten=True)
    yield case(
        "the log of before was rewritten, seen when shorter", "failed", rewritten=True, seen=3
    )
    yield case("the tiles of before are gone, seen when shorter", "failed", seen=3, hidden="tile/")
    yield case("the tiles of before are gone, seen at its end", "ok", hidden="tile/")
    yield case("the tiles of the new one are withheld", "failed", hidden="2")
    yield case("the new log begins with something else", "failed", first=b"receipt")
    yield case("without a restore it is another log", "failed", told=False)
    yield case(
        "nothing was lost, only a key", "ok", known_until=BEGUN, statements={"urn:x": issued(BEGUN)}
    )
    yield case("nobody was seen before", "ok", seen=None, kid=UNKNOWN.kid)
    yield case("it was seen before", "ok", seen=7, learnt=NEXT)
    yield case("both were seen before, by themselves", "failed", learnt=NEXT, first=b"receipt")
