"""An excerpt of a store: what it takes to take some captures in again, in another store.

So a rehearsal costs what its captures cost, however much else is kept. What a capture needs is
known only when it is read, and so is what follows from a change: it is copied then. Of a story that
is needed everything is copied, and of a key whether it is known.
"""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, Table, insert, literal, or_, select

from stories.db import wires
from stories.db.captures import CHUNK, copy_bytes, first_of
from stories.db.engine import Store
from stories.db.tables import (
    acts,
    agency_statements,
    captures,
    entries,
    headlines,
    identities,
    key_sets,
    signing_keys,
    statements,
    stories,
    versions,
    wire_acts,
)
from stories.models import key_digest

_OF_STORIES = (
    (stories, stories.c.id),
    (versions, versions.c.story_id),
    (headlines, headlines.c.story_id),
    (acts, acts.c.story_id),
    (entries, entries.c.story_id),
    (statements, statements.c.story_id),
)


class Excerpt:
    """What the empty *store* has of the one that is read by *source*, one snapshot for all the
    time, for captures of the wires *names*."""

    def __init__(self, source: Connection, store: Store, names: Collection[str]) -> None:
        self.source, self.store = source, store
        self._stories: set[str] = set()
        self._keys: set[tuple[str, str]] = set()
        self._theirs: set[str] = set()
        with store.write() as new:
            wires.copy(source, new, names)
            self._copy(new, signing_keys)
            self._copy(new, key_sets)
            self._copy(new, wire_acts)
            for name in names:  # whose stories take the places of their own dates in feeds
                first = source.execute(select(first_of(literal(name)))).scalar()
                self._captures(new, [first] if first is not None else [])

    def capture(self, number: int) -> None:
        """Bring a capture with its bytes, and what it put on record."""
        one = self.source.execute(select(captures).where(captures.c.id == number)).mappings().one()
        brought = select(versions.c.story_id).where(versions.c.capture_id == number)
        with self.store.write() as new:
            self._captures(new, [number])
            copy_bytes(self.source, new, one)
            self._identities(
                new, or_(identities.c.capture_id == number, identities.c.shared_from == number)
            )
            self._stories_of(new, self.source.execute(brought).scalars().all())

    def known(self, wires: Sequence[str], keys: Iterable[str]) -> None:
        """Bring what is known of the *keys* of items of the *wires*."""
        digests = sorted({key_digest(key) for key in keys})
        with self.store.write() as new:
            for at in range(0, len(digests), CHUNK):
                here = identities.c.digest.in_(digests[at : at + CHUNK])
                self._identities(new, identities.c.wire.in_(wires), here)
            self._keys.update((wire, digest) for wire in wires for digest in digests)

    def stories(self, names: Iterable[str]) -> None:
        """Bring the stories *names*."""
        with self.store.write() as new:
            self._stories_of(new, names)

    def _stories_of(self, new: Connection, names: Iterable[str]) -> None:
        wanted = sorted(set(names) - self._stories)
        self._stories.update(wanted)
        for at in range(0, len(wanted), CHUNK):
            some = wanted[at : at + CHUNK]
            for table, column in _OF_STORIES:
                self._copy(new, table, column.in_(some))
            theirs = select(versions.c.custody).where(versions.c.story_id.in_(some))
            self._statements_of_agencies(new, self.source.execute(theirs).scalars().all())
            for table in (versions, acts):  # each was said on one of the agency's wires
                by = select(table.c.capture_id).where(table.c.story_id.in_(some)).distinct()
                by = by.where(table.c.capture_id.is_not(None))
                self._captures(new, self.source.execute(by).scalars().all())
            self._identities(new, identities.c.story_id.in_(some))

    def _statements_of_agencies(self, new: Connection, digests: Iterable[str | None]) -> None:
        wanted = {digest for digest in digests if digest} - self._theirs
        self._theirs.update(wanted)
        self._copy(new, agency_statements, agency_statements.c.digest.in_(wanted))

    def _identities(self, new: Connection, *where: ColumnElement[bool]) -> None:
        """Bring the keys *where*, and the stories that they name, but what was there before: that
        may be another by now."""
        found = self.source.execute(select(identities).where(*where)).mappings()
        fresh = [dict(r) for r in found if (r["wire"], r["digest"]) not in self._keys]
        self._keys.update((row["wire"], row["digest"]) for row in fresh)
        if fresh:
            new.execute(insert(identities), fresh)
            self._stories_of(new, {row["story_id"] for row in fresh})

    def _captures(self, new: Connection, numbers: Sequence[int]) -> None:
        """Bring the rows of captures that are not there; not their bytes."""
        for at in range(0, len(numbers), CHUNK):
            some = numbers[at : at + CHUNK]
            there = select(captures.c.id).where(captures.c.id.in_(some))
            missing = set(some) - set(new.execute(there).scalars())
            self._copy(new, captures, captures.c.id.in_(missing))

    def _copy(self, new: Connection, table: Table, *where: ColumnElement[bool]) -> None:
        rows = [dict(row) for row in self.source.execute(select(table).where(*where)).mappings()]
        if rows:
            new.execute(insert(table), rows)
