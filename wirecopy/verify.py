"""Entries held against their statements: every check of ``docs/statement.md`` §7.

Pure: everything there is to fetch comes in as bytes or by a callable, the present as an argument.
"""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import cast

from .chain import Chain, key_fault, read_chain
from .claims import claim, contradiction
from .consistency import TilesOf, become, check_log
from .custody import Agencies, hops
from .encoding import LARGEST_DOCUMENT, SLACK, bounded, to_instant
from .errors import Missing, Refused
from .feed import Entry, read_feed, unbracketed
from .form import body_fault, unwritten
from .html import TangleError
from .jose import Keys, Token, read_keys, read_token
from .report import Check, Hop, Report, Result, State, complete, late
from .restore import Restore
from .scope import PARTS, changed_parts, digest_of, parts, scope_of
from .statement import Link, Statement, Withdrawal, read_statement, read_withdrawal
from .text import UNSIGNED, Projection, plain, project
from .tlog import (
    FetchTile,
    LogKey,
    Proved,
    Pruned,
    leaf_hash,
    origin_of_pruned,
    pruned_proofs,
    read_pruned,
)
from .trusted_state import LeafTime, Seen, TrustedState, misplaced
from .urls import resolve, unsigned

Document = bytes | str | os.PathLike[str]
"""The bytes of a document, or the path of a file that holds them."""

FindChain = Callable[[Link], bytes | None]
"""The chain document of a statement's story, None where there is nobody to ask for it. Raises
:class:`.errors.Missing` when it was asked for and could not be had."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is at hand besides feed and keys. What is missing is not checked.

    ``now`` is the present; ``find_chain`` gives the chain of a story, ``fetch_tile`` the log's
    tiles, and ``tiles_of`` those of a log by its name, as a key set may name several;
    ``checkpoint`` is the log's present one, as it is served; ``state`` is that of the last
    verification; ``agencies`` is what is at hand of those whose copy it is.
    """

    now: datetime | None = None
    find_chain: FindChain | None = None
    fetch_tile: FetchTile | None = None
    checkpoint: str | None = None
    state: TrustedState = field(default_factory=TrustedState)
    tiles_of: TilesOf | None = None
    agencies: Agencies = field(default_factory=Agencies)


def verify(
    feed: Document,
    keys: Keys | Document | list[Keys | Document],
    evidence: Evidence | None = None,
) -> Report:
    """Verify every entry and notice of *feed* (RSS, Atom or JSON Feed) against the publisher's
    *keys*.

    *keys* are a JWK Set, or what :func:`read_keys` made of it. They say whom to believe, so there
    is no default. A list of them is for a feed of several publishers' entries.

    :raises Refused: when *feed* is no feed, or *keys* no key set. What is wrong with an entry is in
        its result.
    :raises OSError: when a file cannot be read.
    """
    sets = keys if isinstance(keys, list) else [keys]
    read = [one if isinstance(one, Keys) else read_keys(content(one)) for one in sets]
    evidence = evidence or Evidence()
    return verify_publishers(read_feed(content(feed)), [(one, evidence) for one in read])


def is_address(source: str) -> bool:
    """Whether *source* is a web address and not a path."""
    return source.lower().startswith(("http://", "https://"))


def content(document: Document) -> bytes:
    """The bytes of *document*, read from its file when it is a path."""
    if isinstance(document, bytes):
        return document
    if isinstance(document, str) and is_address(document):
        raise Refused(f"{document}: is an address, and not fetched here; Verifier(SITE) fetches")
    return bounded(Path(document), LARGEST_DOCUMENT)


def verify_entries(
    entries: Sequence[Entry], keys: Keys, evidence: Evidence | None = None
) -> Report:
    """The same for entries that have been read already."""
    return verify_publishers(entries, [(keys, evidence or Evidence())])


def verify_publishers(
    entries: Sequence[Entry], publishers: Sequence[tuple[Keys, Evidence]]
) -> Report:
    """The same for entries of several *publishers*, each with its keys and what is at hand of it.

    An entry is held against the key set that has the key of its statement; one without such a set
    against the first. All share the state of the first.

    :raises Refused: when two key sets that differ have the same key: one of them may name another
        log for it; and when they name one log by different keys.
    """
    # One entry may come twice, when feeds are put together; two that differ may not share a guid.
    times = Counter(guid for guid, _ in {(entry.guid, entry.statement) for entry in entries})
    shares = _shares(entries, [keys for keys, _ in publishers])
    state = publishers[0][1].state
    results: dict[int, Result] = {}
    logs: list[tuple[str, Check]] = []
    lost: list[str] = []
    for (keys, evidence), share in zip(publishers, shares, strict=True):
        if share or not logs:
            mine = [entries[n] for n in share]
            report = _verify_share(mine, times, keys, replace(evidence, state=state))
            state = report.state
            lost += report.lost
            results.update(zip(share, report.entries, strict=True))
            logs.append((keys.log.name if keys.log else "without a log", report.log))
    every = tuple(results[n] for n in range(len(entries)))
    return Report(every, _of_all(logs), state, tuple(lost))


def _shares(entries: Sequence[Entry], sets: Sequence[Keys]) -> list[list[int]]:
    """The numbers of the entries that are to be held against each of the key *sets*."""
    named: dict[str, LogKey] = {}
    for name, log in (item for keys in sets for item in keys.logs.items()):
        if named.setdefault(name, log) != log:
            raise Refused(f"two key sets name the log {name!r}, by different keys: whose is it?")
    found: list[list[int]] = [[] for _ in sets]
    for n, entry in enumerate(entries):
        kid = _kid(entry)
        having = [place for place, keys in enumerate(sets) if keys.has(kid)]
        if any(sets[place] != sets[having[0]] for place in having):
            raise Refused(f"the key {kid} stands in two key sets that differ; give the newer alone")
        found[having[0] if having else 0].append(n)
    return found


def _kid(entry: Entry) -> str:
    try:
        return read_token(entry.statement or "").kid
    except Refused:
        return ""


def _of_all(logs: Sequence[tuple[str, Check]]) -> Check:
    """One check of all *logs*: the worst of their states, and each one's reason by its name."""
    if len(logs) == 1:
        return logs[0][1]
    states = [check.state for _, check in logs]
    state = next((s for s in ("failed", "not checked") if s in states), "ok")
    said = (f"{name}: {log.reason or log.state}" for name, log in logs)
    return Check("log", cast(State, state), "; ".join(said))


def _verify_share(
    entries: Sequence[Entry], times: Mapping[str, int], keys: Keys, evidence: Evidence
) -> Report:
    """The report of one publisher's entries; *times* is how often a guid stands in the feed."""
    state = evidence.state
    proofs = _Proofs()
    checked = [_EntryChecks(entry, keys, evidence, times[entry.guid], proofs) for entry in entries]
    _check_leaf_times(checked, keys, state)
    results = [one.result() for one in checked]
    log = check_log(
        keys,
        state,
        proved=[one.proved.head for one in checked if one.proved],
        fresh=[one.proved.head for one in checked if one.proved and not one.seen],
        present=evidence.checkpoint,
        logs=state.logs_of(keys.statement, [entry.guid for entry in entries]),
        tiles_of=_tiles_of(evidence),
    )
    lost = [*log.lost, *(one.lost for one in checked if one.lost)]
    if log.check.state != "failed":
        here = {entry.guid for entry in entries}
        elsewhere = _lost(state, log.restores, here)
        lost += elsewhere.values()
        state = replace(state, statements={
            guid: seen for guid, seen in state.statements.items() if guid not in elsewhere
        })  # fmt: skip
        # Nothing is learnt from a log that failed, or it would pass the next time.
        good = [c for c, r in zip(checked, results, strict=True) if r.verdict == "verified"]
        state = _learnt(state, good, keys, log.newest)
    return Report(tuple(results), log.check, state, tuple(lost))


def _tiles_of(evidence: Evidence) -> TilesOf | None:
    fetch = evidence.fetch_tile
    return evidence.tiles_of or (None if fetch is None else lambda _: fetch)


def _lost(
    state: TrustedState, restores: Sequence[Restore], here: Collection[str]
) -> dict[str, str]:
    """Of the statements seen before those that by these *restores* are lost, of entries that are
    not *here*; each with a sentence."""
    ended = {restore.former.name for restore in restores}
    return {
        guid: f"{guid}: version {seen.version}, seen before, is not in this feed since a backup was"
        " restored: it is lost, was taken back, or has left the feed"
        for guid, seen in state.statements.items()
        if guid not in here
        and seen.log in ended
        and seen.issued_at is not None
        and any(restore.may_have_lost(seen.issued_at) for restore in restores)
    }


def _taken_back(guid: str, seen: Seen) -> str:
    return (
        f"{guid}: version {seen.version}, seen before, is not in the backup that was restored:"
        " it is lost, or was taken back"
    )


def _check_leaf_times(checked: Sequence["_EntryChecks"], keys: Keys, state: TrustedState) -> None:
    """Fail receipts whose times are not in the order of their places in the log."""
    first = {one.log.name: LeafTime(0, one.begun_at) for one in keys.restores}
    for log in {one.proved.head.origin for one in checked if one.proved}:
        mine = [one for one in checked if one.proved and one.proved.head.origin == log]
        leaves = [one.leaf for one in mine if one.leaf is not None]
        began = [first[log]] if log in first else []
        wrong = misplaced([*began, *leaves], state.leaves.get(log))
        for one in mine:
            if one.leaf in wrong:
                one.checks.append(_failed("receipt", wrong[one.leaf]))


def _learnt(
    state: TrustedState, good: Sequence["_EntryChecks"], keys: Keys, newest: Mapping[str, str]
) -> TrustedState:
    """The *state* with the *good* entries and the *newest* checkpoints."""
    statements, logs = dict(state.statements), dict(state.logs)
    leaves = dict(state.leaves)
    if keys.log is not None:  # which may have followed the one that was seen before
        logs |= {kid: keys.log.name for kid in logs if kid in keys.statement}
    for one in good:
        if one.signed is None or not one.follows:
            continue
        token, statement = one.signed
        before = statements.get(statement.guid)
        log = before.log if before else None
        if keys.log is not None and (log is not None or keys.restores):
            log = keys.log.name  # even without a receipt: no restore excuses twice
        if keys.log is not None and one.leaf is not None and one.proved is not None:
            log = logs[token.kid] = keys.log.name
            of = one.proved.head.origin
            leaves[of] = max(one.leaf, leaves.get(of, one.leaf))
        statements[statement.guid] = Seen(statement.version, token.digest, log, statement.issued_at)
    return TrustedState(statements, {**state.checkpoints, **newest}, logs, leaves)


class _Proofs:
    """Proofs of many leaves, each read once: all entries of a feed have the same."""

    def __init__(self) -> None:
        self._found: dict[str, Pruned | Refused] = {}
        self._parted: dict[str, list[tuple[str, LogKey]]] = {}

    def parted(self, text: str, keys: Keys) -> list[tuple[str, LogKey]]:
        """The proofs in a *text* of the logs of *keys*, the first of each log."""
        if text not in self._parted:
            of: dict[LogKey, str] = {}
            for one in pruned_proofs(text):
                if log := keys.named(origin_of_pruned(one)):
                    of.setdefault(log, one)
            self._parted[text] = [(one, log) for log, one in of.items()]
        return self._parted[text]

    def read(self, text: str, key: LogKey) -> Pruned:
        """As :func:`.tlog.read_pruned` does."""
        if text not in self._found:
            try:
                self._found[text] = read_pruned(text, key)
            except Refused as error:
                self._found[text] = error
        found = self._found[text]
        if isinstance(found, Refused):
            raise found
        return found


class _EntryChecks:
    """The checks of one entry."""

    def __init__(
        self, entry: Entry, keys: Keys, evidence: Evidence, times: int, proofs: "_Proofs"
    ) -> None:
        self.signed: tuple[Token, Statement | Withdrawal] | None = None
        """The statement of the entry, or notice, once its signature was found to be good."""
        self.proved: Proved | None = None
        self.leaf: LeafTime | None = None
        self.seen = False
        """Whether the statement is the one that was seen before."""
        self.follows = True
        """Whether it is known to follow what was seen before, if anything was."""
        self.lost = ""
        """What is lost of that since a restore, in a sentence."""
        self._entry = entry
        self._keys = keys
        self._evidence = evidence
        self._times = times
        self._proofs = proofs
        self._chain: Chain | None = None
        self._chain_log: str | None = None
        self._asked = False
        self._paragraphs: tuple[str, ...] = ()
        self._withheld = False
        self._document: bytes | None = None
        self._hops: tuple[Hop, ...] = ()
        self.checks = list(self._checks())

    def result(self) -> Result:
        link = self.signed[1] if self.signed else None
        statement = link if isinstance(link, Statement) else None
        why = "the statement is not good" if self._entry.statement else "there is no statement"
        if isinstance(link, Withdrawal):
            why = "there is no copy, as the story is withdrawn"
        return Result(
            guid=self._entry.guid,
            headline=self._entry.headline,
            checks=complete(self.checks, why),
            scope=statement.scope if statement else None,
            version=link.version if link else None,
            disclosure=statement.disclosure if statement else None,
            received_at=statement.received_at if statement else None,
            logged_at=statement.logged_at if statement else None,
            issued_at=link.issued_at if link else None,
            withdrawn_at=link.withdrawn_at if isinstance(link, Withdrawal) else None,
            custody=self._hops,
        )

    def _checks(self) -> Iterator[Check]:
        yield self._check_entry()
        if self._entry.statement is None:
            yield from self._check_unsigned()
            return
        yield from self._check_signature(self._entry.statement)
        if self.signed is None:
            return
        token, statement = self.signed
        yield _equal("guid", statement.guid, self._entry.guid)
        if isinstance(statement, Withdrawal):
            yield self._check_withdrawn(statement)
            yield self._check_chain(token, statement)
            yield self._check_continuity(token, statement)
            return
        yield self._check_agency(statement)
        yield from self._check_content(statement)
        yield self._check_details(statement)
        yield self._check_scope(statement)
        yield self._check_claim(statement)
        yield self._check_times(statement)
        yield self._check_chain(token, statement)
        yield self._check_receipt(statement)  # the chain may prove what the feed does not
        yield self._check_custody(statement)
        yield self._check_continuity(token, statement)

    def _check_entry(self) -> Check:
        faults = list(self._entry.faults)
        if not self._entry.guid:
            faults.append("it has no guid")
        if self._times > 1:
            faults.append(f"the guid stands on {self._times} entries, and their statements differ")
        return Check("entry", "failed" if faults else "ok", "; ".join(faults))

    def _check_unsigned(self) -> Iterator[Check]:
        claimed = claim(self._entry)
        if self._entry.withdrawn is not None:
            yield Check("statement", "not checked", "there is none, so anybody may have written it")
        elif claimed:
            yield _failed("statement", f"there is none, but the entry {claimed}")
        else:
            yield Check("statement", "not checked", "there is none, and the entry claims nothing")
        if self._entry.guid in self._evidence.state.statements:
            yield _failed("continuity", "an earlier copy had a statement")

    def _check_signature(self, text: str) -> Iterator[Check]:
        try:
            token = read_token(text)
            read = read_statement if self._entry.withdrawn is None else read_withdrawal
            statement: Statement | Withdrawal = read(token)
        except Refused as error:
            yield _failed("statement", str(error))
            return
        yield Check("statement", "ok")
        if fault := key_fault(token, statement, self._keys):
            yield _failed("key", fault)
            return
        yield Check("key", "ok")
        if not token.signed_by(self._keys.statement[token.kid].public):
            yield _failed("signature", "it is not that of the key, or the bytes were changed")
            return
        yield Check("signature", "ok")
        self.signed = token, statement

    def _check_agency(self, statement: Statement) -> Check:
        pairs = [
            (name, getattr(self._entry, name), getattr(statement, name))
            for name in ("agency", "agency_id", "agency_version")
            if getattr(self._entry, name) is not None
        ]
        for name, here, there in pairs:
            if plain(here) != plain(there):
                return _failed("agency", f"{name}: {here!r} here, {there!r} in the statement")
        for name in self._entry.agencies:
            if plain(name) != plain(statement.agency):
                return _failed(
                    "agency", f"{name!r} is named, {statement.agency!r} in the statement"
                )
        if not pairs and not self._entry.agencies:
            return Check("agency", "not checked", "not in the entry")
        return Check("agency", "ok")

    def _check_content(self, statement: Statement) -> Iterator[Check]:
        entry = self._entry
        try:
            body = project(entry.body)
            dressed = body_fault(entry.body)
        except TangleError as error:
            for name in ("text", "links", "media", "disclosure", "appearance"):
                yield _failed(name, f"the body {error.clause}")
            return
        self._paragraphs = body.paragraphs
        rule = statement.published.rule
        copy = parts(entry.copy, disclosure=statement.disclosure, body=body, rule=rule)
        changed = changed_parts(statement.published, copy.digests())
        for name in PARTS:
            fits = name not in changed
            yield Check(name, "ok" if fits else "failed", "" if fits else _DIFFERS[name])
        wired = entry.wire_headline
        # Where nothing is claimed, the copy at hand may not be the one that was received.
        if wired is not None and statement.received is not None and statement.scope != "unknown":
            received = statement.received
            if digest_of(received.rule, "headline", plain(wired)) != received.headline:
                yield _failed("headline", "the wire's headline is not the one that was received")
        if "media" not in changed:
            shown = {unbracketed(url) for url, _ in copy.media}
            for picture in entry.pictures:
                url = resolve(picture, None, shown=True)
                if url is not None and rule == UNSIGNED:
                    url = unsigned(url)
                if url is not None and unbracketed(url) not in shown:
                    yield _failed("media", f"{url[:80]!r} stands beside it, unsigned")
                    break
        yield self._check_disclosure(statement, body, fits="text" not in changed)
        odd = dressed or unwritten((entry.headline, entry.summary, *entry.tags))
        yield Check("appearance", "failed" if odd else "ok", f"{odd} is not what Wirecopy writes"
                    if odd else "")  # fmt: skip

    def _check_details(self, statement: Statement) -> Check:
        if statement.details is None:
            return Check("details", "not checked", "statements of its type do not cover them")
        if self._entry.details.digest(statement.published.rule) == statement.details:
            return Check("details", "ok")
        return _failed("details", "byline, first date, captions or correction are not as signed")

    def _check_disclosure(self, statement: Statement, body: Projection, *, fits: bool) -> Check:
        sentence = plain(statement.disclosure)
        last = body.paragraphs[-1] if body.paragraphs else ""
        if sentence:
            if last == sentence:
                return Check("disclosure", "ok")
            return _failed("disclosure", f"the last paragraph is not {sentence!r}")
        if not fits and last:
            rule = statement.published.rule
            less = parts(self._entry.copy, disclosure=last, body=body, rule=rule).digests()
            if less.text == statement.published.text:
                return _failed("disclosure", f"the statement has none; {last[:80]!r} was added")
        return Check("disclosure", "ok", "none is due")

    def _check_scope(self, statement: Statement) -> Check:
        if statement.scope == "unknown":
            return Check("scope", "ok", "nothing is claimed")
        if statement.received is None:
            return _failed("scope", f"{statement.scope}, but there is no received copy")
        measured = scope_of(changed_parts(statement.received, statement.published))
        # Only the words themselves can tell these four apart, and digests have none.
        allowed = _OF_CHANGED_WORDS if measured == "edited" else {measured}
        if statement.scope in allowed:
            return Check("scope", "ok")
        follows = " or ".join(sorted(allowed))
        return _failed("scope", f"stated {statement.scope}; from the digests follows {follows}")

    def _check_claim(self, statement: Statement) -> Check:
        scope, flag = self._entry.edit_scope, self._entry.edited_headline_only
        if words := contradiction(statement.scope, self._paragraphs):
            return _failed("claim", f"it prints {words!r}, but the scope is {statement.scope}")
        if scope is None and flag is None:
            return Check("claim", "not checked", "not in the entry")
        if scope is not None and scope != statement.scope:
            return _failed("claim", f"the entry says {scope!r}, the statement {statement.scope!r}")
        if flag is not None and flag != (statement.scope == "headline-only"):
            claimed = "true" if flag else "false"
            return _failed(
                "claim", f"editedHeadlineOnly is {claimed}, but the scope {statement.scope}"
            )
        return Check("claim", "ok")

    def _check_times(self, statement: Statement) -> Check:
        # A desk changes what is published before or after its receipt is logged: no order there.
        # Nor between logged_at and issued_at: a log once written by a clock that ran ahead goes on
        # from there. The later it says that a receipt was logged, the less it claims.
        for name, earlier, then, later in (
            ("received_at", statement.received_at, "changed_at", statement.changed_at),
            ("changed_at", statement.changed_at, "issued_at", statement.issued_at),
            ("received_at", statement.received_at, "logged_at", statement.logged_at),
            ("issued_at", statement.issued_at, "now", self._evidence.now),
        ):
            if earlier is not None and later is not None and earlier - later > SLACK:
                return _failed("times", f"{name} is after {then}")
        entry = self._entry
        changed, received = (
            to_instant(each)[:19] + "Z" for each in (statement.changed_at, statement.received_at)
        )
        for name, here, there in (
            *(("updated", each, changed) for each in entry.updated),
            ("received", entry.received or received, received),
        ):
            if here != there:
                return _failed("times", f"{name} {here} in the entry, {there} in the statement")
        if entry.published is not None and entry.published > changed:
            return _failed("times", f"published {entry.published}, after it was changed")
        return Check("times", "ok")

    def _check_withdrawn(self, statement: Withdrawal) -> Check:
        now = self._evidence.now
        for name, earlier, then, later in (
            ("withdrawn_at", statement.withdrawn_at, "issued_at", statement.issued_at),
            ("issued_at", statement.issued_at, "now", now or statement.issued_at),
        ):
            if earlier - later > SLACK:
                return _failed("times", f"{name} is after {then}")
        there = to_instant(statement.withdrawn_at)[:19] + "Z"
        for here in (self._entry.withdrawn, *self._entry.updated):
            if here != there:
                return _failed("times", f"withdrawn {here} by the notice, {there} by its statement")
        return Check("times", "ok")

    def _check_receipt(self, statement: Statement) -> Check:
        if statement.leaf is None or statement.logged_at is None:
            return Check("receipt", "not checked", "no received copy is kept")
        if self._keys.log is None:
            return Check("receipt", "not checked", "the key set has no log key")
        try:
            self.proved = self._prove(statement, statement.leaf)
        except Missing as error:
            return Check("receipt", "not checked", str(error))
        except Refused as error:
            return _failed("receipt", str(error))
        self.leaf = LeafTime(self.proved.index, statement.logged_at)
        notes = (
            f"in the log of {self.proved.head.size}",
            late(statement.received_at, statement.logged_at, statement.issued_at),
        )
        return Check("receipt", "ok", "; ".join(filter(None, notes)))

    def _prove(self, statement: Statement, leaf: bytes) -> Proved:
        """That the receipt, which is *leaf*, stands in a log of the key set: by the statement's own
        proof, or by that of its feed or of its chain.

        :raises Missing: when there is no proof at hand.
        :raises Refused: when it is not proved by those at hand.
        """
        if statement.index is None:
            return self._keys.prove(statement.receipt or "", leaf)
        wrong = "the chain does not prove it" if self._asked else ""
        texts = [text for text in (self._entry.log, self._chain_log) if text is not None]
        for text, log in (one for each in texts for one in self._proofs.parted(each, self._keys)):
            try:
                found = self._proofs.read(text, log)
                self._keys.check_end(found.head)
            except Refused as error:
                wrong = str(error)
                continue
            shown = found.leaves.get(statement.index)
            if shown == leaf_hash(leaf):
                return Proved(statement.index, found.head)
            if shown is not None:  # a feed may be put together of several, with the head of one
                wrong = f"leaf {statement.index} of the log is not its receipt"
        if wrong:
            raise Refused(wrong)
        raise Missing("there is no proof at hand, in the feed or in the chain")

    def _check_chain(self, token: Token, statement: Link) -> Check:
        try:
            document = self._evidence.find_chain(statement) if self._evidence.find_chain else None
        except Missing as error:
            self._withheld = True
            return Check("chain", "not checked", str(error))
        if document is None:
            return Check("chain", "not checked", "the chain is not at hand")
        self._asked = True
        self._document = document
        try:
            found = read_chain(document, self._keys)
            self._chain_log = found.log
            if found.guid != statement.guid:
                raise Refused("it is of another guid")
            if token.digest not in found.digests[statement.version - 1 : statement.version]:
                raise Refused(f"it has not this statement as version {statement.version}")
        except Refused as error:
            return _failed("chain", str(error))
        self._chain = found
        # A feed may be older than the chain, but not bring back what was withdrawn since.
        if isinstance(statement, Withdrawal) != (found.withdrawn_at is not None):
            at = found.withdrawn_at and to_instant(found.withdrawn_at)
            since = f"withdrew the story, {at}" if at else "has published the story again since"
            return _failed("chain", f"its publisher {since}")
        later = len(found.digests) - statement.version
        return Check("chain", "ok", f"{later} later" if later else "the last one")

    def _check_custody(self, statement: Statement) -> Check:
        if statement.custody is None:
            return Check("custody", "not checked", "it names no statement of an agency")
        self._hops = tuple(hops(statement, self._document, self._evidence.agencies, self._keys))
        first, *further = self._hops
        told = (f"before that: {hop.reason}" for hop in further)
        return Check("custody", first.state, "; ".join((first.reason, *told)))

    def _check_continuity(self, token: Token, statement: Link) -> Check:
        seen = self._evidence.state.statements.get(statement.guid)
        if seen is None:
            return Check("continuity", "not checked", "never seen before")
        self.seen = token.digest == seen.digest
        state, why = self._succession(seen, token, statement)
        self.follows = state == "ok" or bool(self.lost)
        return Check("continuity", state, why)

    def _succession(self, seen: Seen, token: Token, statement: Link) -> tuple[State, str]:
        """Whether a statement follows the one *seen*, and why not."""
        version = seen.version
        log = self._keys.log.name if self._keys.log else None
        restores = self._keys.since(seen.log)
        there = self._chain.digests[version - 1 : version] if self._chain else (seen.digest,)
        for wrong, why in (
            (statement.version < version, f"version {version} was seen before"),
            (
                statement.version == version and token.digest != seen.digest,
                f"another version {version} was seen before",
            ),
            (
                seen.log is not None and seen.log not in self._keys.logs,
                f"its log was {seen.log!r} before, and {become(log)}",
            ),
            (
                statement.version == version + 1 and statement.previous != seen.digest,
                f"it names another version {version} than the one seen before",
            ),
            (seen.digest not in there, f"the version {version} seen is not in the chain"),
        ):
            if not wrong:
                continue
            if any(one.may_have_lost(seen.issued_at) for one in restores):
                self.lost = _taken_back(statement.guid, seen)
                return "not checked", self.lost
            return "failed", why
        if self._chain or statement.version <= version + 1:
            return "ok", ""
        # A story has to serve its chain: withheld, it may hide that what was seen is gone.
        why = f"version {version} was seen before, and only the chain could show what follows"
        return ("failed" if self._withheld else "not checked"), why


_OF_CHANGED_WORDS = {"house-style", "excerpt", "with-inputs", "edited"}
_DIFFERS = {
    "headline": "the headline is not the one that was signed",
    "text": "the words of the body are not those that were signed",
    "links": "the links are not those that were signed",
    "media": "the pictures and other media are not those that were signed",
    "packaging": "summary or tags are not those that were signed",
}


def _failed(name: str, reason: str) -> Check:
    return Check(name, "failed", reason)


def _equal(name: str, there: str, here: str) -> Check:
    if here == there:
        return Check(name, "ok")
    return _failed(name, f"{here[:80]!r} here, {there[:80]!r} in the statement")
