"""Feeds as lists: what they show has its bytes, and nothing else."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.headline import rewrite
from publish import renderer
from publish.document import block, frame, gzip_whole
from publish.formats import WRITERS, Format
from publish.rerender import rerender_if_changed
from publish.selection import metadata
from publish.served import json_of, listing, served
from stories import clock
from stories.config import Config, Feed
from stories.db import Store, feeds, outbox
from stories.db import stories as records
from stories.models import Story
from tests.conftest import ConfigOf
from tests.publish.samples import config as sample_config
from tests.publish.samples import english, story
from tests.publish.shelf import publish, put


def many(count: int) -> list[Story]:
    """So many stories, each of an hour and a half of its own, the last the newest."""
    first = english()
    return [
        first.model_copy(
            update={
                "id": f"{'abcdefghij'[n]}{first.id[1:]}",
                "guid": f"{first.guid[:-1]}{n}",
                "received_at": first.received_at + timedelta(minutes=90 * n),
                "position": 0,
            }
        )
        for n in range(count)
    ]


def titles(store: Store, config: Config, name: str) -> list[str]:
    """The guids in the feed, as served in JSON; the same in the other formats."""
    with store.read() as conn:
        found = {f: served(conn, config, name, f) for f in feeds.FORMATS}
    bodies = {f: row.body for f, row in found.items() if row is not None}
    ids = [item["id"] for item in json.loads(bodies["json"])["items"]]
    for each in ids:
        assert [bodies[f].count(each.encode()) > 0 for f in feeds.FORMATS] == [True] * 3
    assert found["json"] is not None
    assert found["json"].entries == len(ids)
    return ids


def packed(store: Store, stories: Sequence[Story]) -> list[bool]:
    """Of which stories the entry's bytes are kept."""
    with store.read() as conn:
        rows = feeds.entries_of(conn, [each.id for each in stories])
    return [rows[each.id].packed is not None for each in stories]


FEEDS = (Feed(name="two", title="Two", limit=2), Feed(name="four", title="Four", limit=4))


def test_what_no_feed_shows_keeps_no_bytes(store: Store, config: ConfigOf) -> None:
    conf, stories = config(feeds=FEEDS), many(6)
    publish(store, conf, *stories)
    ids = [each.guid for each in reversed(stories)]
    assert titles(store, conf, "two") == ids[:2]
    assert titles(store, conf, "four") == ids[:4]
    assert packed(store, stories) == [False, False, True, True, True, True]
    # One in, one out: to be in another feed is enough.
    rewrite(store, stories[0].id, "The desk wrote this", "Asha")
    renderer.render_waiting(store, conf)
    assert titles(store, conf, "two") == [stories[0].guid, ids[0]]
    assert titles(store, conf, "four") == [stories[0].guid, *ids[:3]]
    assert packed(store, stories) == [True, False, False, True, True, True]


def test_what_a_feed_shows_again_is_rendered_again(store: Store, config: ConfigOf) -> None:
    conf, stories = config(feeds=FEEDS), many(6)
    publish(store, conf, *stories)
    with store.read() as conn:
        before = feeds.entries_of(conn, [each.id for each in stories])
    _leave(store, stories[5], stories[4])
    renderer.render_waiting(store, conf)
    ids = [each.guid for each in reversed(stories[:4])]
    assert titles(store, conf, "two") == ids[:2]  # of which the other feed had the bytes
    assert titles(store, conf, "four") == ids[:4]
    assert packed(store, stories[:4]) == [True] * 4
    with store.read() as conn:
        after = feeds.entries_of(conn, [each.id for each in stories[:4]])
        assert not outbox.waiting(conn, clock.now())
    assert [after[s.id].digests for s in stories[:4]] == [before[s.id].digests for s in stories[:4]]


def _leave(store: Store, *gone: Story) -> None:
    """Have stories be nowhere on record, as a replay might."""
    with store.write() as conn:
        for each in gone:
            for version in records.history(conn, each.id):
                records.drop_version(conn, each.id, version.capture_id)
        records.settle(conn, [each.id for each in gone])
        outbox.want(conn, "story", [each.id for each in gone], clock.now())


def test_until_it_is_rendered_again_nothing_else_is_missing(store: Store, config: ConfigOf) -> None:
    conf, stories = config(feeds=FEEDS[:1]), many(4)
    publish(store, conf, *stories)
    _leave(store, stories[3])
    assert titles(store, conf, "two") == [stories[3].guid, stories[2].guid]
    renderer.render_waiting(store, conf, limit=1)
    assert titles(store, conf, "two") == [stories[2].guid]
    renderer.render_waiting(store, conf)
    assert titles(store, conf, "two") == [stories[2].guid, stories[1].guid]


def test_another_limit(store: Store, config: ConfigOf) -> None:
    stories = many(6)
    publish(store, config(feeds=FEEDS[:1]), *stories)
    for limit in (5, 1, 3):
        conf = config(feeds=(FEEDS[0].model_copy(update={"limit": limit}),))
        rerender_if_changed(store, conf)
        renderer.render_waiting(store, conf)
        assert titles(store, conf, "two") == [s.guid for s in reversed(stories)][:limit]
        assert packed(store, stories) == [n >= 6 - limit for n in range(6)]


def test_the_same_entries_keep_tag_and_date(store: Store, config: ConfigOf) -> None:
    conf, stories = config(feeds=FEEDS), many(3)
    publish(store, conf, *stories)
    with store.read() as conn:
        before = feeds.rows_of(conn, "two")
    with store.write() as conn:
        outbox.want(conn, "story", [each.id for each in stories], clock.now())
        outbox.want(conn, "feed", ["two"], clock.now())
    renderer.render_waiting(store, conf)
    with store.read() as conn:
        assert feeds.rows_of(conn, "two") == before


def test_a_page_of_what_no_feed_shows_is_as_it_was_published(
    store: Store, config: ConfigOf
) -> None:
    conf, stories = config(feeds=FEEDS[:1]), many(3)
    publish(store, conf, stories[0])
    with store.read() as conn:
        entry = feeds.entry(conn, stories[0].id)
        assert entry is not None
        before = json_of(conn, conf, stories[0], entry)
    assert b'"statement"' in before
    publish(store, conf, *stories[1:])
    with store.read() as conn:
        entry = feeds.entry(conn, stories[0].id)
        [now] = records.get(conn, [stories[0].id])
        assert entry is not None
        assert entry.packed is None
        assert json_of(conn, conf, now, entry) == before


def test_only_what_is_new_is_read(store: Store, config: ConfigOf) -> None:
    conf, stories = config(feeds=FEEDS), many(4)
    publish(store, conf, *stories[:3])
    known: dict[str, object] = {}
    with store.read() as conn:
        first = listing(conn, "four", feeds.rows_of(conn, "four"), known)  # type: ignore[arg-type]
    publish(store, conf, stories[3])
    with store.write() as conn:
        for row in feeds.entries_of(conn, [s.id for s in stories[:3]]).values():
            feeds.put_entries(conn, [replace(row, packed=None)])
    with store.read() as conn:
        second = listing(conn, "four", feeds.rows_of(conn, "four"), known)  # type: ignore[arg-type]
    assert list(second.entries.values())[1:] == list(first.entries.values())


@given(
    st.sampled_from(feeds.FORMATS),
    st.lists(st.binary(max_size=300) | st.integers(1, 90_000).map(lambda n: b"ab" * n), max_size=5),
)
def test_a_feed_packed_in_blocks_is_the_feed(form: Format, entries: list[bytes]) -> None:
    import gzip

    conf = sample_config()
    of = metadata(conf.feeds[0], conf, None)
    whole = frame(of, form).join(entries)
    separator = WRITERS[form].separator
    blocks = frame(of, form).gzip_of_blocks([block(entry, separator) for entry in entries])
    assert gzip.decompress(blocks) == gzip.decompress(gzip_whole(whole)) == whole
    opening, closing = WRITERS[form].feed(of)
    assert whole.startswith(opening)
    assert whole.endswith(closing)


@given(*[st.tuples(st.binary(max_size=99), st.binary(max_size=99))] * 3)
def test_a_statement_is_not_packed_with_its_entry(
    rss: tuple[bytes, bytes], atom: tuple[bytes, bytes], plain: tuple[bytes, bytes]
) -> None:
    statement = "eyJh.eyJi.c2ln"
    rss_, atom_, plain_ = (statement.encode().join(each) for each in (rss, atom, plain))
    written: dict[Format, bytes] = {"rss": rss_, "atom": atom_, "json": plain_}
    packed = feeds.pack(written, statement)
    assert feeds.unpack(packed, statement) == written
    for other in ("", "eyJh.eyJi.c2lm"):
        with pytest.raises(ValueError, match="not the one"):
            feeds.unpack(packed, other)


@given(st.binary(max_size=2000), st.binary(max_size=2000), st.binary(max_size=2000))
def test_what_is_packed_is_unpacked(rss: bytes, atom: bytes, plain: bytes) -> None:
    written: dict[Format, bytes] = {"rss": rss, "atom": atom, "json": plain}
    assert feeds.unpack(feeds.pack(written)) == written
    assert feeds.unpack(feeds.pack(written, "a.b.c"), "a.b.c") == written
    entries = [feeds.digests_of(written)] * 2
    for form in feeds.FORMATS:
        each = feeds.digest_of([written[form]]).encode()
        whole = feeds.digest_of([b"<", b">", each, each])
        assert feeds.document_digest(form, (b"<", b">"), entries) == whole


@pytest.mark.parametrize("form", feeds.FORMATS)
def test_the_tag_follows_list_and_frame(form: Format) -> None:
    conf = sample_config()
    of = metadata(conf.feeds[0], conf, story().changed_at)
    other = of.model_copy(update={"title": "Another"})
    seen = {
        feeds.document_digest(form, WRITERS[form].feed(what), digests)
        for what in (of, other)
        for digests in ([], ["a" * 72], ["a" * 72, "b" * 72], ["b" * 72, "a" * 72])
    }
    assert len(seen) == 8


def test_a_story_of_which_nothing_is_known_leaves(store: Store, config: ConfigOf) -> None:
    conf, stories = config(feeds=FEEDS), many(2)
    put(store, *stories)
    renderer.render_waiting(store, conf)
    _leave(store, stories[0])
    renderer.render_waiting(store, conf)
    assert titles(store, conf, "four") == [stories[1].guid]
    with store.read() as conn:
        assert feeds.entry(conn, stories[0].id) is None
