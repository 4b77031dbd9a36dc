"""Entries held against their statements: every check of docs/statement.md §7.

Pure: everything there is to fetch comes in as bytes or by a callable, the present as an argument.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from .chain import Chain, key_fault, read_chain
from .claims import claim, contradiction
from .errors import Missing, Refused
from .feed import Entry, read_feed
from .growth import Heads, become, check_growth
from .html import TangleError
from .keys import Keys
from .memory import Memory, Seen
from .order import Place, faults
from .result import Check, Report, Result, State, complete, late
from .scope import PARTS, changed_parts, parts, scope_of
from .statement import SLACK, Statement, read_statement
from .text import Projection, plain, project
from .tlog import FetchTile, Proved, check_proof, parse_checkpoint
from .token import Token, read_token
from .urls import resolve

FindChain = Callable[[Statement], bytes | None]
"""The chain document of a statement's story, or None where there is nobody to ask for it. Raises
:class:`.errors.Missing` where it was asked for, and is withheld."""

_BRACKETS = re.compile("%(5B|5D|23|25)")
_Found = tuple[Token, Statement]


@dataclass(frozen=True, slots=True)
class Aids:
    """What else there is at hand, besides feed and keys.

    ``now`` is the present; ``find_chain`` gives chains; ``fetch_tile`` the log's tiles; ``head`` is
    its present checkpoint; ``memory`` is what an earlier verification told to remember.
    """

    now: datetime | None = None
    find_chain: FindChain | None = None
    fetch_tile: FetchTile | None = None
    head: str | None = None
    memory: Memory = field(default_factory=Memory)


def verify(feed: bytes, keys: Keys, aids: Aids | None = None) -> Report:
    """Verify every entry of *feed*, the bytes of RSS, Atom or JSON Feed.

    :raises Refused: when *feed* is no feed. Whatever is wrong with an entry is told in its result.
    """
    return verify_entries(read_feed(feed), keys, aids)


def verify_entries(entries: Sequence[Entry], keys: Keys, aids: Aids | None = None) -> Report:
    """The same for entries that have been read already."""
    aids = aids or Aids()
    # One entry may come twice, when feeds are put together; two that differ may not share a guid.
    times = Counter(guid for guid, _ in {(entry.guid, entry.statement) for entry in entries})
    made = [_Verification(entry, keys, aids, times[entry.guid]) for entry in entries]
    _look_at_order(made, keys, aids.memory)
    results = [one.result() for one in made]
    heads = Heads(
        proved_by=[one.proved.head for one in made if one.proved],
        fresh=[one.proved.head for one in made if one.proved and not one.seen],
        present=aids.head,
    )
    logs = aids.memory.logs_of(keys.statement, times)
    log_check, newest = check_growth(heads, keys.log, aids.memory, logs, aids.fetch_tile)
    memory = aids.memory
    if log_check.state != "failed":
        # Nothing is learnt by a log that was taken back, or the next time it would pass.
        good = [o for o, r in zip(made, results, strict=True) if r.verdict == "verified"]
        memory = _learnt(aids, good, keys, newest)
    return Report(tuple(results), log_check, memory)


def _look_at_order(made: Sequence["_Verification"], keys: Keys, memory: Memory) -> None:
    """Let receipts fail whose times are not in the order of their places in the log."""
    if keys.log is None:
        return
    name = keys.log.name
    places = [one.place for one in made if one.place is not None]
    wrong = faults(places, memory.leaves.get(name), memory.head_of(name))
    for one in made:
        if one.place in wrong:
            one.checks.append(Check("receipt", "failed", wrong[one.place]))


def _learnt(
    aids: Aids, good: Sequence["_Verification"], keys: Keys, newest: Mapping[str, str]
) -> Memory:
    """What to remember, with the entries that are *good* and the checkpoints that are *newest*."""
    memory = aids.memory
    statements, logs = dict(memory.statements), dict(memory.logs)
    leaves, seen_at = dict(memory.leaves), dict(memory.seen_at)
    for origin, note in newest.items():
        # Of one that is still the newest it counts when it was first seen.
        if _size(memory.checkpoints.get(origin)) != _size(note):
            seen_at.pop(origin, None)
            if aids.now is not None:
                seen_at[origin] = aids.now
    for one in good:
        if one.found is None or not one.follows:
            continue
        made, said = one.found
        before = statements.get(said.guid)
        log = before.log if before else None
        if keys.log is not None and one.place is not None:
            log = keys.log.name
            logs.setdefault(made.kid, log)
            leaves[log] = max(one.place, leaves.get(log, one.place))
        statements[said.guid] = Seen(said.version, made.digest, log)
    return Memory(statements, {**memory.checkpoints, **newest}, logs, leaves, seen_at)


def _size(note: str | None) -> int | None:
    return None if note is None else parse_checkpoint(note).size


class _Verification:
    """The checks of one entry."""

    def __init__(self, entry: Entry, keys: Keys, aids: Aids, times: int) -> None:
        self.found: _Found | None = None
        self.proved: Proved | None = None
        self.place: Place | None = None
        self.seen = False
        """Whether the statement is the one that was seen before."""
        self.follows = True
        """Whether it is known to follow what was seen before, if anything was."""
        self._entry = entry
        self._keys = keys
        self._aids = aids
        self._times = times
        self._chain: Chain | None = None
        self._paragraphs: tuple[str, ...] = ()
        self._withheld = False
        self.checks = list(self._checks())

    def result(self) -> Result:
        said = self.found[1] if self.found else None
        why = "the statement is not good" if self._entry.statement else "there is no statement"
        return Result(
            guid=self._entry.guid,
            headline=self._entry.headline,
            checks=complete(self.checks, why),
            scope=said.scope if said else None,
            version=said.version if said else None,
            disclosure=said.disclosure if said else None,
            received_at=said.received_at if said else None,
            logged_at=said.logged_at if said else None,
        )

    def _checks(self) -> Iterator[Check]:
        yield self._whole()
        if self._entry.statement is None:
            yield from self._unsigned()
            return
        yield from self._signed(self._entry.statement)
        if self.found is None:
            return
        said = self.found[1]
        yield _equal("guid", said.guid, self._entry.guid)
        yield self._agency(said)
        yield from self._content(said)
        yield self._scope(said)
        yield self._claim(said)
        yield self._in_time(said)
        yield self._receipt(said)
        yield self._in_chain(*self.found)
        yield self._continued(*self.found)

    def _whole(self) -> Check:
        faults = list(self._entry.faults)
        if not self._entry.guid:
            faults.append("it has no guid")
        if self._times > 1:
            faults.append(f"the guid stands on {self._times} entries, and their statements differ")
        return Check("entry", "failed" if faults else "ok", "; ".join(faults))

    def _unsigned(self) -> Iterator[Check]:
        claimed = claim(self._entry)
        if claimed:
            yield Check("statement", "failed", f"there is none, but the entry {claimed}")
        else:
            yield Check("statement", "not checked", "there is none, and the entry claims nothing")
        if self._entry.guid in self._aids.memory.statements:
            yield Check("continuity", "failed", "an earlier copy had a statement")

    def _signed(self, text: str) -> Iterator[Check]:
        try:
            made = read_token(text)
            said = read_statement(made)
        except Refused as error:
            yield Check("statement", "failed", str(error))
            return
        yield Check("statement", "ok")
        if fault := key_fault(made, said, self._keys):
            yield Check("key", "failed", fault)
            return
        yield Check("key", "ok")
        if not made.signed_by(self._keys.statement[made.kid].public):
            yield Check(
                "signature", "failed", "it is not that of the key, or the bytes were changed"
            )
            return
        yield Check("signature", "ok")
        self.found = made, said

    def _agency(self, said: Statement) -> Check:
        pairs = [
            (name, getattr(self._entry, name), getattr(said, name))
            for name in ("agency", "agency_id", "agency_version")
            if getattr(self._entry, name) is not None
        ]
        for name, here, there in pairs:
            if plain(here) != plain(there):
                return Check(
                    "agency", "failed", f"{name}: {here!r} here, {there!r} in the statement"
                )
        return (
            Check("agency", "ok") if pairs else Check("agency", "not checked", "not in the entry")
        )

    def _content(self, said: Statement) -> Iterator[Check]:
        entry = self._entry
        try:
            body = project(entry.body, watch=True)
        except TangleError as error:
            for name in ("text", "links", "media", "disclosure", "appearance"):
                yield Check(name, "failed", f"the body {error.clause}")
            return
        self._paragraphs = body.paragraphs
        copy = parts(entry.copy, disclosure=said.disclosure, body=body)
        changed = changed_parts(said.published, copy.digests())
        for name in PARTS:
            fits = name not in changed
            yield Check(name, "ok" if fits else "failed", "" if fits else _DIFFERS[name])
        if "media" not in changed:
            shown = {_unbracketed(url) for url, _ in copy.media}
            for picture in entry.pictures:
                url = resolve(picture, None, shown=True)
                if url is not None and _unbracketed(url) not in shown:
                    yield Check("media", "failed", f"{url[:80]!r} stands beside it, unsigned")
                    break
        yield self._disclosure(said, body, fits="text" not in changed)
        yield Check("appearance", "failed" if body.suspect else "ok", body.suspect)

    def _disclosure(self, said: Statement, body: Projection, *, fits: bool) -> Check:
        sentence = plain(said.disclosure)
        last = body.paragraphs[-1] if body.paragraphs else ""
        if sentence:
            if last == sentence:
                return Check("disclosure", "ok")
            return Check("disclosure", "failed", f"the last paragraph is not {sentence!r}")
        if not fits and last:
            less = parts(self._entry.copy, disclosure=last, body=body).digests()
            if less.text == said.published.text:
                return Check(
                    "disclosure", "failed", f"the statement has none; {last[:80]!r} was added"
                )
        return Check("disclosure", "ok", "none is due")

    def _scope(self, said: Statement) -> Check:
        if said.scope == "unknown":
            return Check("scope", "ok", "nothing is claimed")
        if said.received is None:
            return Check("scope", "failed", f"{said.scope}, but there is no received copy")
        measured = scope_of(changed_parts(said.received, said.published))
        # Only the words themselves can tell these four apart, and digests have none.
        allowed = _OF_CHANGED_WORDS if measured == "edited" else {measured}
        if said.scope in allowed:
            return Check("scope", "ok")
        follows = " or ".join(sorted(allowed))
        return Check("scope", "failed", f"stated {said.scope}; from the digests follows {follows}")

    def _claim(self, said: Statement) -> Check:
        scope, flag = self._entry.edit_scope, self._entry.edited_headline_only
        if words := contradiction(said.scope, self._paragraphs):
            return Check("claim", "failed", f"it prints {words!r}, but the scope is {said.scope}")
        if scope is None and flag is None:
            return Check("claim", "not checked", "not in the entry")
        if scope is not None and scope != said.scope:
            return Check(
                "claim", "failed", f"the entry says {scope!r}, the statement {said.scope!r}"
            )
        if flag is not None and flag != (said.scope == "headline-only"):
            told = "true" if flag else "false"
            return Check(
                "claim", "failed", f"editedHeadlineOnly is {told}, but the scope {said.scope}"
            )
        return Check("claim", "ok")

    def _in_time(self, said: Statement) -> Check:
        # A desk changes what is published before or after its receipt is logged: no order there.
        for name, earlier, then, later in (
            ("received_at", said.received_at, "changed_at", said.changed_at),
            ("changed_at", said.changed_at, "issued_at", said.issued_at),
            ("received_at", said.received_at, "logged_at", said.logged_at),
            ("logged_at", said.logged_at, "issued_at", said.issued_at),
            ("issued_at", said.issued_at, "now", self._aids.now),
        ):
            if earlier is not None and later is not None and earlier - later > SLACK:
                return Check("times", "failed", f"{name} is after {then}")
        return Check("times", "ok")

    def _receipt(self, said: Statement) -> Check:
        if said.receipt is None or said.leaf is None or said.logged_at is None:
            return Check("receipt", "not checked", "no received copy is kept")
        if self._keys.log is None:
            return Check("receipt", "not checked", "the key set has no log key")
        try:
            self.proved = check_proof(said.receipt, said.leaf, self._keys.log)
        except Refused as error:
            return Check("receipt", "failed", str(error))
        self.place = Place(self.proved.index, said.logged_at)
        told = (f"in the log of {self.proved.head.size}", late(said.received_at, said.logged_at))
        return Check("receipt", "ok", "; ".join(filter(None, told)))

    def _in_chain(self, made: Token, said: Statement) -> Check:
        try:
            document = self._aids.find_chain(said) if self._aids.find_chain else None
        except Missing as error:
            self._withheld = True
            return Check("chain", "not checked", str(error))
        if document is None:
            return Check("chain", "not checked", "the chain is not at hand")
        try:
            found = read_chain(document, self._keys)
        except Refused as error:
            return Check("chain", "failed", str(error))
        if found.guid != said.guid:
            return Check("chain", "failed", "it is of another guid")
        if made.digest not in found.digests[said.version - 1 : said.version]:
            return Check("chain", "failed", f"it has not this statement as version {said.version}")
        self._chain = found
        later = len(found.digests) - said.version
        return Check("chain", "ok", f"{later} later" if later else "the last one")

    def _continued(self, made: Token, said: Statement) -> Check:
        seen = self._aids.memory.statements.get(said.guid)
        if seen is None:
            return Check("continuity", "not checked", "never seen before")
        self.seen = made.digest == seen.digest
        state, why = self._after(seen, made, said)
        self.follows = state == "ok"
        return Check("continuity", state, why)

    def _after(self, seen: Seen, made: Token, said: Statement) -> tuple[State, str]:
        """Whether a statement follows the one *seen*, and why not."""
        version = seen.version
        log = self._keys.log.name if self._keys.log else None
        there = self._chain.digests[version - 1 : version] if self._chain else (seen.digest,)
        for wrong, why in (
            (said.version < version, f"version {version} was seen before"),
            (
                said.version == version and made.digest != seen.digest,
                f"another version {version} was seen before",
            ),
            (
                seen.log is not None and log != seen.log,
                f"its log was {seen.log!r} before, and {become(log)}",
            ),
            (
                said.version == version + 1 and said.previous != seen.digest,
                f"it names another version {version} than the one seen before",
            ),
            (seen.digest not in there, f"the version {version} seen is not in the chain"),
        ):
            if wrong:
                return "failed", why
        if self._chain or said.version <= version + 1:
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


def _equal(name: str, there: str, here: str) -> Check:
    if here == there:
        return Check(name, "ok")
    return Check(name, "failed", f"{here[:80]!r} here, {there[:80]!r} in the statement")


def _unbracketed(url: str) -> str:
    # Atom's links are IRIs (RFC 3987), which have to escape these; the media themselves need not.
    return _BRACKETS.sub(lambda found: chr(int(found[1], 16)), url)
