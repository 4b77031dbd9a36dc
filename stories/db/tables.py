"""The tables. The queries are in the modules beside this one, by subject.

Instants are microseconds since 1970 in a BIGINT: exact, ordered and the same on SQLite and
PostgreSQL (SQLite has no type with a zone). Only what queries use is a column; what is only read
back whole is JSON.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
    false,
    literal_column,
    true,
)

from stories.db import packing

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


class TimeSpan(TypeDecorator[timedelta]):
    """A length of time, kept as microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        return None if value is None else value // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:
        return None if value is None else value * _MICROSECOND


class UtcDateTimes(TypeDecorator[list[datetime]]):
    """Aware datetimes, kept as a JSON array of microseconds since 1970 UTC."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: list[datetime] | None, dialect: Dialect) -> Any:
        return None if value is None else [(each - _EPOCH) // _MICROSECOND for each in value]

    def process_result_value(self, value: Any, dialect: Dialect) -> list[datetime] | None:
        return None if value is None else [_EPOCH + each * _MICROSECOND for each in value]


class Packed(TypeDecorator[bytes]):
    """Bytes, kept packed (:mod:`stories.db.packing`); those of before are not."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else packing.pack(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else packing.unpack(value)


class PackedJson(TypeDecorator[Any]):
    """JSON, kept packed."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        return None if value is None else packing.pack_json(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        return None if value is None else packing.unpack_json(value)


class Measured(TypeDecorator[dict[str, Any]]):
    """A measurement, kept as JSON: of the digests published only those that are not the digests
    received. Those of before are kept whole."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> Any:
        if not value or not value["received"]:
            return value
        received, published = value["received"], value["published"]
        others = {name: each for name, each in published.items() if received.get(name) != each}
        return {**value, "published": others}

    def process_result_value(self, value: Any, dialect: Dialect) -> dict[str, Any] | None:
        if not value or not value["received"]:
            return value  # type: ignore[no-any-return]
        return {**value, "published": {**value["received"], **value["published"]}}


# SQLite numbers rows by itself only in a column that is INTEGER exactly.
_Serial = BigInteger().with_variant(Integer, "sqlite")


wires = Table(
    "wires",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("url", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("configured", Boolean, nullable=False, server_default=true()),
    Column("added_at", UtcDateTime, nullable=False),
    # What is due and what is leased: the dispatcher's truth.
    Column("due_at", UtcDateTime, nullable=False),
    Column("due_because", Text, nullable=False, server_default=""),
    Column("lease", String(36)),
    Column("lease_until", UtcDateTime),
    # How the last poll went.
    Column("polled_at", UtcDateTime),
    Column("state", String(32), nullable=False, server_default="new"),
    Column("message", Text, nullable=False, server_default=""),
    Column("failures", Float, nullable=False, server_default="0"),
    Column("failing_since", UtcDateTime),
    Column("polls", Integer, nullable=False, server_default="0"),
    # Validators exactly as received (RFC 9110 §8.8), and the digest of the last 200's body.
    Column("etag", Text),
    Column("last_modified", Text),
    Column("body_digest", String(64)),
    # What the feed says of itself, and what is wrong with its newest capture.
    Column("captured_at", UtcDateTime),
    Column("changed_at", UtcDateTime),
    Column("channel", JSON, nullable=False, server_default="{}"),
    Column("fault", Text),
    # Whether its newest capture was read whole: if not, the next is asked for without validators.
    Column("whole", Boolean, nullable=False, server_default=true()),
    # The configured address; ``url`` is where the wire is polled, which is another one after it has
    # moved (ingest/schedule.py).
    Column("configured_url", Text, nullable=False, server_default=""),
    Column("moved_to", Text),
    Column("moved_count", Integer, nullable=False, server_default="0"),
    Column("moved_since", UtcDateTime),
    # Politeness and order: when the last poll was handed out; lane 1 goes first.
    Column("leased_at", UtcDateTime),
    Column("lane", Integer, nullable=False, server_default="0"),
    # Set by a 410: not polled again until an operator says so or the address changes.
    Column("paused_at", UtcDateTime),
    # Until when the server asked not to be polled (Retry-After, RFC 9110 §10.2.3).
    Column("retry_at", UtcDateTime),
    # When news came, newest last: the measure of novelty.
    Column("news", UtcDateTimes, nullable=False, server_default="[]"),
    # The licence's term as last configured: it binds also when the wire is configured no longer.
    Column("expires_after", TimeSpan),
    # How its captures are read and its stories shown, as last configured (stories.config.RULES): a
    # replay of a wire that left gives what was published. NULL: of a release that kept none.
    Column("rules", JSON(none_as_null=True)),
    # The capture of which ``standing`` has items, and on what reading these depended besides their
    # bytes; NULL: the next capture is read whole. Where it can be compared with that one as bytes:
    # what is around these items, and the story and the length of each, in their order; and the name
    # of items whose trees say all that a parser of the whole finds in them.
    Column("standing_of", BigInteger),
    Column("context", String(80)),
    # Of the last 200's body as it was sent, where that was coded (net/decoder.py).
    Column("sent_digest", String(64)),
    Column("layout", JSON(none_as_null=True)),
    # When its hub pushed last, and until when a hub is trusted to push all that is new: NULL from
    # when a poll found what none had (stories/db/hubs.py).
    Column("pushed_at", UtcDateTime),
    Column("pushed_until", UtcDateTime),
    # The dispatcher's three questions: what is due in a lane, what is under way, what began lately.
    Index(None, "lane", "due_at"),
    Index(None, "lease_until"),
    Index(None, "leased_at"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    # What it is packed against: other bytes, which are kept as long as it is; NULL for none.
    Column("parent", String(64)),
    Column("depth", Integer, nullable=False, server_default="0"),
    Index(None, "parent"),
)

captures = Table(
    "captures",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("wire", String(63), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("url", Text, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("state", String(16), nullable=False, server_default="pending"),
    Column("format", String(32), nullable=False, server_default=""),
    Column("items", Integer, nullable=False, server_default="0"),
    Column("new", Integer, nullable=False, server_default="0"),
    Column("updated", Integer, nullable=False, server_default="0"),
    Column("notes", JSON, nullable=False, server_default="[]"),
    # When its bytes were deleted; since then it is not taken in again, and what it brought stays.
    Column("expired_at", UtcDateTime),
    # The rules under which it came, and is taken in again (stories.models.INTAKE_RULE).
    Column("rule", Integer, nullable=False, server_default="1"),
    # The agency's key sets by which its items are verified, one after the other; NULL: by none.
    Column("key_set", Text),
    # The other wires of its agency when it was taken in (stories.models.Capture).
    Column("siblings", JSON(none_as_null=True)),
    # A hub pushed it: what is not in it may stand on its wire all the same.
    Column("partial", Boolean, nullable=False, server_default=false()),
    Index(None, "wire", "id"),
    Index(None, "state", "wire", "received_at"),
    Index(None, "digest", "expired_at"),
    Index(None, "received_at"),
    Index(None, "expired_at", "received_at"),  # the next to go, without those that went
    sqlite_autoincrement=True,  # an id is never used again, even when its capture expired
)

# What each day (UTC) brought, by its number since 1970, added up once it is over
# (stories.db.storage); null: to be added up again.
days = Table(
    "days",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("captures", Integer),
    Column("received", BigInteger),
    Column("kept", BigInteger),
    Column("versions", Integer),
)

# What was last seen where a wire's files are (stories.models.Sighting): the cursor of wires that
# are no single address. A name is kept as its SHA-256, as others choose it.
files = Table(
    "files",
    metadata,
    Column("wire", String(63), nullable=False),
    Column("name", String(64), nullable=False),
    Column("mark", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("taken", Boolean, nullable=False),
    Column("digest", String(64)),
    Column("unsettled", UtcDateTime),
    PrimaryKeyConstraint("wire", "name"),
    sqlite_with_rowid=False,
)

problems = Table(
    "problems",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("wire", String(63), nullable=False),
    Column("capture_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),  # of the item; -1: the whole capture
    Column("state", String(32), nullable=False),
    Column("message", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("digest", String(64)),  # of the item's bytes, as versions have it
    UniqueConstraint("capture_id", "position"),
    Index(None, "at"),
)

# What people of the desk did about wires, and about what is in quarantine.
wire_acts = Table(
    "wire_acts",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("wire", String(63), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("capture_id", BigInteger),
    Column("position", Integer),
    Column("digest", String(64)),  # of the item's bytes
    Column("due_at", UtcDateTime),  # what is accepted waits since then to be taken in
    Index(None, "wire", "id"),
    Index(None, "wire", "digest"),
)

Index(
    "ix_wire_acts_due_at",
    wire_acts.c.due_at,
    sqlite_where=wire_acts.c.due_at.is_not(None),
    postgresql_where=wire_acts.c.due_at.is_not(None),
)

stories = Table(
    "stories",
    metadata,
    Column("id", String(13), primary_key=True),
    Column("guid", String(64), nullable=False),
    Column("slug", String(80), nullable=False),
    Column("wire", String(63), nullable=False),
    Column("rule", String(8), nullable=False),
    Column("key", Text, nullable=False),
    Column("degraded", Text),
    Column("first_received_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("capture_id", BigInteger, nullable=False),  # of the current version
    Column("position", Integer, nullable=False),  # of its item in that capture
    Column("number", Integer, nullable=False),
    # Whether its wire moved on after the desk wrote the headline in force.
    Column("second_look", Boolean, nullable=False, server_default=false()),
    # The newest form of its addresses with a signature that expires, by that without it.
    Column("addresses", JSON(none_as_null=True)),
    # As the desk's last act left it, and when that was: ``acts`` has them all.
    Column("status", String(8), nullable=False, server_default="usable"),
    Column("status_at", UtcDateTime),
    # When it is to be rendered as its embargo ends; none once it was wanted for that.
    Column("embargo", UtcDateTime),
    # When its agency wants it to expire; none once it was wanted for that.
    Column("expires", UtcDateTime),
    # The newest note to editors, where one came after its version; "" for none any more.
    Column("ed_note", Text),
    UniqueConstraint("guid"),
    Index(None, "changed_at"),
    Index(None, "wire", "changed_at"),
    Index(None, "wire", "first_received_at"),  # whose licence ends next
)

# Of those that wait for the desk only, in their order.
Index(
    "ix_stories_second_look",
    stories.c.changed_at,
    sqlite_where=literal_column("second_look = 1"),  # as SQLAlchemy asks for it there
    postgresql_where=stories.c.second_look,
)

# Of those under embargo only: the next to end is looked for every second.
Index(
    "ix_stories_embargo",
    stories.c.embargo,
    sqlite_where=stories.c.embargo.is_not(None),
    postgresql_where=stories.c.embargo.is_not(None),
)

# Of those that will expire only, likewise.
Index(
    "ix_stories_expires",
    stories.c.expires,
    sqlite_where=stories.c.expires.is_not(None),
    postgresql_where=stories.c.expires.is_not(None),
)

# Of those killed or held only.
Index(
    "ix_stories_hidden",
    stories.c.status_at,
    sqlite_where=stories.c.status != literal_column("'usable'"),
    postgresql_where=stories.c.status != literal_column("'usable'"),
)

identities = Table(
    "identities",
    metadata,
    Column("wire", String(63), nullable=False),
    Column("digest", String(64), nullable=False),  # of a key: they may be long
    Column("story_id", String(13), nullable=False),
    Column("capture_id", BigInteger, nullable=False),
    # From this capture on the key is known to name several stories and identifies none.
    Column("shared_from", BigInteger),
    PrimaryKeyConstraint("digest", "wire"),  # wires of one agency look a key up for all of them
    Index(None, "story_id"),
    Index(None, "capture_id"),
)

Index(
    "ix_identities_shared_from",
    identities.c.shared_from,
    sqlite_where=identities.c.shared_from.is_not(None),
    postgresql_where=identities.c.shared_from.is_not(None),
)

# Items of each wire's newest capture that need not be read again while their bytes stand there.
standing = Table(
    "standing",
    metadata,
    Column("wire", String(63), nullable=False),
    Column("story_id", String(13), nullable=False),
    Column("digest", String(64), nullable=False),  # of its bytes
    Column("key_names", LargeBinary, nullable=False),  # the first 8 bytes of the digest of each key
    PrimaryKeyConstraint("wire", "story_id"),
    sqlite_with_rowid=False,
)

versions = Table(
    "versions",
    metadata,
    Column("story_id", String(13), nullable=False),
    Column("capture_id", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("raw_digest", String(64)),
    Column("content_digest", String(80), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    # As versions were kept before they were packed; null in those that are.
    Column("data", JSON, nullable=False),
    Column("received", JSON, nullable=False),
    # Both, packed; and what is asked for beside.
    Column("packed", PackedJson),
    Column("updated", UtcDateTime),
    # The agency's own statement of it, by its digest; NULL where none came that is good.
    Column("custody", String(64)),
    Column("embargo", UtcDateTime),
    Column("expires", UtcDateTime),
    PrimaryKeyConstraint("story_id", "capture_id"),
    Index(None, "capture_id"),
)

# What may have been replaced, for retention: a story's first version never is.
Index(
    "ix_versions_replaced",
    versions.c.received_at,
    sqlite_where=versions.c.number > literal_column("1"),
    postgresql_where=versions.c.number > literal_column("1"),
)

headlines = Table(
    "headlines",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("story_id", String(13), nullable=False),
    Column("text", Text),
    Column("by", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("against", Integer, nullable=False),
    Index(None, "story_id"),
    Index(None, "by", "id"),
)

# Stories killed, held and released: by the desk, or by what an agency said in a capture.
acts = Table(
    "acts",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("story_id", String(13), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("capture_id", BigInteger),
    Column("digest", String(64)),  # of the item's bytes
    Index(None, "story_id"),
)

Index("ix_acts_capture_id", acts.c.capture_id, acts.c.story_id, unique=True)

entries = Table(
    "entries",
    metadata,
    Column("story_id", String(13), primary_key=True),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("scope", String(16), nullable=False),
    Column("edited_headline_only", Boolean, nullable=False, server_default=false()),
    Column("disclosure", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("measurement", Measured, nullable=False),
    # Its bytes as they were kept of every entry, before feeds were lists; empty in those rendered
    # since.
    Column("rss", LargeBinary, nullable=False),
    Column("atom", LargeBinary, nullable=False),
    Column("json", LargeBinary, nullable=False),
    Column("rendered_at", UtcDateTime, nullable=False),
    # Of its bytes, by format; empty when it has none, as its licence is over.
    Column("digests", String(80), nullable=False, server_default=""),
    # The bytes, while some feed shows it. Last: to reach a column behind it, SQLite walks over it.
    Column("packed", LargeBinary),
)

placements = Table(
    "placements",
    metadata,
    Column("feed", String(63), nullable=False),
    Column("story_id", String(13), nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("position", Integer, nullable=False),
    # Of the entry, while the feed shows it; none for what is beyond the feed's end.
    Column("digests", String(80)),
    # The number of the story's version, where one is shown; of before it is not known.
    Column("version", Integer),
    # The number of its last change in the feed (sequences); 0 until it has one.
    Column("seq", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("feed", "story_id"),
    Index(None, "story_id"),
    Index(None, "feed", "changed_at"),
    Index(None, "feed", "seq"),
)

# What feeds show, with all that is asked of it.
Index(
    "ix_placements_shown",
    placements.c.feed,
    placements.c.changed_at,
    placements.c.position,
    placements.c.story_id,
    placements.c.digests,
    sqlite_where=placements.c.digests.is_not(None),
    postgresql_where=placements.c.digests.is_not(None),
)

# Stories that left a feed and have not come back, and the number of that change.
departures = Table(
    "departures",
    metadata,
    Column("feed", String(63), nullable=False),
    Column("story_id", String(13), nullable=False),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("feed", "story_id"),
    Index(None, "story_id"),
    Index(None, "feed", "seq"),
)

# The number of each feed's last change. Kept when the feed goes, as no number is given twice.
sequences = Table(
    "sequences",
    metadata,
    Column("feed", String(63), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

feeds = Table(
    "feeds",
    metadata,
    Column("name", String(63), nullable=False),
    Column("format", String(8), nullable=False),
    Column("etag", String(80), nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    Column("entries", Integer, nullable=False),
    # Of all that it is joined of: the list of its entries, and what stands around them.
    Column("digest", String(80), nullable=False, server_default=""),
    PrimaryKeyConstraint("name", "format"),
)

# Who is told of changes of a feed (WebSub), each of one document of it at one address.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("topic", Text, nullable=False),
    Column("callback", Text, nullable=False),
    Column("digest", String(64), nullable=False),  # of both: they may be long
    Column("host", String(255), nullable=False),  # of the callback
    Column("feed", String(63), nullable=False),
    Column("format", String(8), nullable=False),
    Column("secret", Text),
    # None until it was verified that it is wanted there.
    Column("expires_at", UtcDateTime),
    # The number of the feed's last change that was delivered (sequences).
    Column("seq", BigInteger, nullable=False),
    # What is asked for and has to be verified there first, or said.
    Column("asked", String(11)),
    Column("asked_secret", Text),
    Column("asked_seconds", Integer, nullable=False),
    Column("challenge", String(43), nullable=False),
    Column("tries", Integer, nullable=False),
    # When it is next verified, or delivered to if there is anything.
    Column("due_at", UtcDateTime, nullable=False),
    Column("failures", Float, nullable=False),
    Column("failing_since", UtcDateTime),
    Column("error", Text),
    Column("lease", String(36)),
    Column("lease_until", UtcDateTime),
    UniqueConstraint("digest"),
    Index(None, "feed", "seq"),
    Index(None, "host"),
)

Index(
    "ix_subscriptions_asked",
    subscriptions.c.due_at,
    sqlite_where=subscriptions.c.asked.is_not(None),
    postgresql_where=subscriptions.c.asked.is_not(None),
)

# Where agencies' hubs are asked to push to us (W3C WebSub): a row for each wire, and for what is to
# be ended. Who knows the token, the end of the callback's address, may ask what we want there.
hubs = Table(
    "hubs",
    metadata,
    Column("token", String(43), primary_key=True),
    Column("wire", String(63), nullable=False),
    Column("url", Text, nullable=False),  # of the wire, as configured
    Column("topic", Text, nullable=False),
    Column("hub", Text, nullable=False),
    Column("named", JSON, nullable=False),  # all hubs that the feed names
    Column("secret", String(43), nullable=False),
    Column("allow_private", Boolean, nullable=False),
    # It is to be ended: unsubscribed, and deleted.
    Column("leaving", Boolean, nullable=False, server_default=false()),
    # When the hub is asked next; it was asked, and its verification is awaited.
    Column("due_at", UtcDateTime, nullable=False),
    Column("awaited", Boolean, nullable=False, server_default=false()),
    Column("failures", Float, nullable=False, server_default="0"),
    Column("error", Text),
    # None until it was verified.
    Column("verified_at", UtcDateTime),
    Column("expires_at", UtcDateTime),
    # What came, and what was not signed as it had to be.
    Column("deliveries", BigInteger, nullable=False, server_default="0"),
    Column("refused", BigInteger, nullable=False, server_default="0"),
    Index(None, "wire"),
    Index(None, "due_at"),
)

# Who may read private feeds: a row for each token that was ever given, by its SHA-256. None is
# deleted. What it opens is given with it: names of feeds, wires and agencies, empty for all.
subscribers = Table(
    "subscribers",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("name", String(100), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("feeds", JSON, nullable=False),
    Column("wires", JSON, nullable=False),
    Column("agencies", JSON, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("revoked_by", Text),
    Column("used_at", UtcDateTime),
    Column("uses", BigInteger, nullable=False, server_default="0"),
    Column("lead", BigInteger, nullable=False, server_default="0"),  # seconds
    UniqueConstraint("digest"),
    sqlite_autoincrement=True,  # webs know by the last id whether there are new ones
)

# One token for a subscriber at a time.
Index(
    "ix_subscribers_name",
    subscribers.c.name,
    unique=True,
    sqlite_where=subscribers.c.revoked_at.is_(None),
    postgresql_where=subscribers.c.revoked_at.is_(None),
)

# Who may use the desk in the browser, by the key of their name (stories.db.people). None is
# deleted: what they did stays on record under their names.
people = Table(
    "people",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("role", String(8), nullable=False),
    Column("password", Text),  # its argon2id hash, as PHC writes it; none until one is set
    # The link by which a password is set, by its SHA-256, and until when it may be used.
    Column("link", String(64)),
    Column("link_until", UtcDateTime),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("signed_in_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("revoked_by", Text),
    UniqueConstraint("link"),
)

# What was done to people, by whom and when: the role before and after.
people_acts = Table(
    "people_acts",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("person", String(100), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("before", String(8)),
    Column("after", String(8)),
)

# Who is signed in, by the SHA-256 of the token in their cookie.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("person", String(200), nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Index(None, "person"),
    Index(None, "until"),
)

# Stories that somebody of the desk looked at and left as they are: at which version, who and when.
settled = Table(
    "settled",
    metadata,
    Column("story_id", String(13), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "by", "at"),
)

# Each time that somebody settled a story, and that it was taken back: the record, which is kept.
settlings = Table(
    "settlings",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("story_id", String(13), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "story_id"),
)

# Who has which story open to write its headline, as far as is known, until when.
writing = Table(
    "writing",
    metadata,
    Column("story_id", String(13), nullable=False),
    Column("name", String(100), nullable=False),
    Column("until", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("story_id", "name"),
    Index(None, "until"),
)

pictures = Table(
    "pictures",
    metadata,
    Column("digest", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("digest", "width"),
)

story_pictures = Table(
    "story_pictures",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("story_id", String(13), nullable=False),
    Column("url", Text, nullable=False),
    Column("number", Integer, nullable=False),  # of the version as of which this is known
    Column("digest", String(64)),
    Column("why", Text),
    Column("kept_at", UtcDateTime, nullable=False),
    Index(None, "story_id"),
    Index(None, "digest"),
    Index(None, "kept_at"),
    sqlite_autoincrement=True,  # pages know by the last id whether there are new ones
)

alerts = Table(
    "alerts",
    metadata,
    Column("kind", String(32), nullable=False),
    Column("subject", String(63), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("message", Text, nullable=False),
    Column("told_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    PrimaryKeyConstraint("kind", "subject"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("kind", String(16), nullable=False),
    Column("key", String(63), nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("lease", String(36)),
    Column("lease_until", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    PrimaryKeyConstraint("kind", "key"),
    Index(None, "kind", "since", "key"),  # the oldest first, whatever waits behind them
)

notes = Table(
    "notes",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("value", JSON, nullable=False),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(43), primary_key=True),
    Column("x", String(43), nullable=False),
    Column("not_before", UtcDateTime, nullable=False),
    Column("not_after", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("reason", Text, nullable=False, server_default=""),
)

statements = Table(
    "statements",
    metadata,
    Column("story_id", String(13), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kid", String(43), nullable=False),
    Column("digest", String(64), nullable=False),
    # As statements were kept before they were packed; empty in those that are.
    Column("jws", Text, nullable=False),
    Column("packed", LargeBinary),
    # Of the log when it was signed; none where the statement holds one itself, or has no receipt.
    Column("checkpoint", Text),
    PrimaryKeyConstraint("story_id", "version"),
    Index(None, "kid"),
)

# The log, and its latest checkpoint; who locks its row may append. After a restore another one with
# the next id follows: then that is the log, and those before it are never appended to again.
translog = Table(
    "translog",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False),
    Column("x", String(43), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("checkpoint", Text, nullable=False),
    # The number of its first receipt: they are numbered on from log to log.
    Column("first", BigInteger, nullable=False, server_default="0"),
)

tiles = Table(
    "tiles",
    metadata,
    Column("log", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log", "level", "number"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("story_id", String(13), nullable=False),
    Column("capture_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    # The place in the logs, and since when; none while it waits for one. The leaf says both what
    # was received and, from then on, when it was logged.
    Column("idx", BigInteger),
    Column("leaf", Packed, nullable=False),
    Column("logged_at", UtcDateTime),
    UniqueConstraint("idx"),
)

# Key sets of agencies, each as it was had from its address; empty for a file. Never changed.
key_sets = Table(
    "key_sets",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("address", Text, nullable=False),
    Column("document", Packed, nullable=False),
)

# By which key set each wire's items are verified, and another that was offered and not believed.
pins = Table(
    "pins",
    metadata,
    Column("wire", String(63), primary_key=True),
    Column("address", Text, nullable=False),
    Column("key_set", String(64)),
    Column("since", UtcDateTime),
    Column("asked_at", UtcDateTime),
    Column("fault", Text),
    Column("notice", Text),
    Column("offered", String(64)),
    Column("offered_at", UtcDateTime),
)

# The agencies' own statements of versions, and by which key set they were found to be good.
agency_statements = Table(
    "agency_statements",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("kid", String(43), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("key_set", String(64), nullable=False),
    Column("statement", Packed, nullable=False),
)

# What the full-text index has of each story: its words, one after the other.
searched = Table(
    "searched",
    metadata,
    # In the order of time (stories.db.search).
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("story_id", String(13), nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("words", Packed, nullable=False),
    # No word of it is public: only the desk finds it (stories.db.search.DESK).
    Column("hidden", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("story_id"),
)

# Stories in no public feed whose words are to be put into the index, for the desk.
unsearched = Table("unsearched", metadata, Column("story_id", String(13), primary_key=True))

# The index itself, which no two databases have alike. All that SQLite's takes for the end of a word
# is what words are not made of.
for _dialect, _made in (
    (
        "sqlite",
        "CREATE VIRTUAL TABLE search_words"
        " USING fts5(words, content='', columnsize=0, tokenize='ascii')",
    ),
    ("sqlite", "CREATE VIRTUAL TABLE search_vocabulary USING fts5vocab(search_words, instance)"),
    (
        "postgresql",
        "CREATE TABLE search_words (rowid BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
    ),
    (
        "postgresql",
        # A story costs 0.1 ms more; but no search reads up to 4 MB of words that wait.
        "CREATE INDEX ix_search_words_words ON search_words USING gin (words)"
        " WITH (fastupdate = off)",
    ),
):
    event.listen(searched, "after_create", DDL(_made).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
