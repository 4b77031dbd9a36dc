"""Stories killed, held and released by hand: out of every feed at once, kept on record, and back
with the same guid."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import feedparser
import pytest
from lxml import etree
from sqlalchemy import delete, select, update

from desk import hiding
from desk.demo.news_xml import g2_message
from desk.exposition import of_the_store
from desk.headline import HeadlineError, rewrite, unseen
from desk.hiding import HidingError
from desk.status import needs
from publish import renderer
from publish.entry import notice
from publish.formats import WRITERS
from publish.render import Rendered, render_together
from publish.rerender import rerender_if_changed
from publish.web.app import create
from publish.web.proofs import chain_of
from publish.web.story import gone, story_page
from publish.xml import TOMBSTONES
from stories.config import Config
from stories.db import Store, feeds, key_value, outbox, statistics
from stories.db import stories as records
from stories.db.tables import placements, statements, stories
from stories.keys import key_set
from stories.models import ActKind, Story
from tests.conftest import ConfigOf
from tests.differences import compare
from tests.ingest.formats.test_news_formats import RAIN
from tests.ingest.test_life_of_versions import g2
from tests.living import Life, item
from tests.publish.checks import NAMES
from tests.serving import served
from wirecopy import Evidence, verify
from wirecopy.feed import OWN, read_feed
from wirecopy.statement import Link

NOTICE = ("Withdrawn", "This story has been withdrawn.")
HOUR = timedelta(hours=1)


def one_wire(config: ConfigOf, limit: int = 30, **keys: object) -> Config:
    """One wire, with *keys*, and a feed of all."""
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f", **keys}
    return config(wires=[wire], feeds=[{"name": "all", "title": "All", "limit": limit}])


@pytest.fixture
def life(config: ConfigOf, store: Store) -> Life:
    """Two stories of one wire, in a feed of all."""
    lived = Life(one_wire(config), store)
    lived.begin()
    lived.receive(item("a", "Libel", "He stole it."), item("b", "Rain", "It rained."))
    return lived


def act(life: Life, guid: str, kind: ActKind, after: timedelta = HOUR) -> Story:
    life.now += after
    with life.frozen():
        return hiding.act(
            life.store, life.config, life.stories()[guid], kind, "Asha", "the agency's lawyer rang"
        )


def shown(life: Life, store: Store | None = None) -> dict[str, bytes]:
    return {format: body for (_, format), body in life.bodies(store).items()}


def titles(body: bytes) -> list[str]:
    return [each.title for each in feedparser.parse(body).entries]


def waiting(life: Life) -> list[str]:
    with life.store.read() as conn:
        return [w.kind for w in outbox.waiting(conn, life.now) if w.kind != "ingest"]


def documents(life: Life, story: str) -> list[tuple[int, bool]]:
    """What the addresses for partners' systems answer, and whether the copy is in it."""
    app = create(life.config, life.store, ready=dict, metrics=None)
    with life.frozen(), served(app) as port:
        found = [port.ask(f"/stories/{story}/{form}") for form in ("ninjs", "newsml-g2")]
        return [(each.status, b"He stole it" in each.body) for each in found]


def page(life: Life, story: str) -> tuple[bool, str | None]:
    """Whether it has a page, and why it has none any more."""
    with life.frozen(), life.store.read() as conn:
        there = story_page(conn, life.config, story) is not None
        return there, gone(conn, life.config, story)


def test_a_killed_story_is_out_of_every_feed_in_one_transaction(life: Life) -> None:
    story = life.stories()["a"]
    after = act(life, "a", "kill")
    assert (after.status, waiting(life)) == ("killed", [])
    for format, body in shown(life).items():
        assert b"Libel" not in body, format
        assert b"He stole it" not in body, format
        assert b"Rain" in body
        assert b"lawyer" not in body, "the reason is for the record"
    assert page(life, story) == (False, "This story has been withdrawn.")
    with life.store.read() as conn:
        assert records.one(conn, story) == after
        entry = feeds.entry(conn, story)
    assert entry is not None
    assert (entry.scope, entry.measurement, entry.url) == ("unknown", {}, "")
    # As whoever renders and lists it in the usual way leaves it.
    before = shown(life)
    with life.frozen():
        with life.store.write() as conn:
            outbox.want(conn, "story", [story], life.now)
        renderer.render_waiting(life.store, life.config)
        assert not renderer.render_feed(life.store, life.config, "all")
    assert shown(life) == before


def test_feeds_say_in_each_format_that_it_was_withdrawn(life: Life) -> None:
    guid = f"{_of(life, 'a').guid}"
    act(life, "a", "kill")
    bodies = shown(life)
    when = life.now.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    notice, rain = etree.fromstring(bodies["rss"]).findall("channel/item")
    assert rain.findtext("title") == "Rain"
    assert (notice.findtext("title"), notice.findtext("description")) == NOTICE
    assert notice.findtext("guid") == guid
    assert notice.findtext("wc:withdrawn", namespaces=NAMES) == when
    feed = etree.fromstring(bodies["atom"])
    [deleted] = feed.findall(f"{{{TOMBSTONES}}}deleted-entry")
    assert deleted.items() == [("ref", guid), ("when", when)]
    assert [each.tag for each in deleted] == [f"{{{OWN}}}statement"]
    assert len(feed.findall("atom:entry", NAMES)) == 1
    replaced, _ = json.loads(bodies["json"])["items"]
    assert (replaced["id"], replaced["title"], replaced["content_text"]) == (guid, *NOTICE)
    assert titles(bodies["rss"]) == ["Withdrawn", "Rain"]
    assert titles(bodies["atom"]) == ["Rain"]


def test_programs_alone_are_told_where_that_is_configured(life: Life, config: ConfigOf) -> None:
    quiet = life.config.publisher.model_copy(update={"withdrawn": "nothing"})
    life.config = life.config.model_copy(update={"publisher": quiet})
    act(life, "a", "kill")
    bodies = shown(life)
    assert len(json.loads(bodies["json"])["items"]) == 1
    assert titles(bodies["rss"]) == ["Rain"]
    assert b"deleted-entry" in bodies["atom"]
    act(life, "b", "kill")
    assert json.loads(shown(life)["json"])["items"] == []
    assert titles(shown(life)["rss"]) == []


def test_a_notice_stands_where_the_entry_stood(config: ConfigOf, store: Store) -> None:
    """In a feed of one edit scope, too, and however often it is rendered again."""
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
    scopes = {"as-sent": ["verbatim"], "rewritten": ["headline-only"]}
    feeds = [{"name": name, "title": name, "scopes": each} for name, each in scopes.items()]
    life = Life(config(wires=[wire], feeds=feeds), store)
    life.begin()
    life.receive(item("a", "Libel", "He stole it."), item("b", "Rain", "It rained."))
    life.edit(life.stories()["b"], "Rain at last")
    rss = {name: titles(body) for (name, format), body in life.bodies().items() if format == "rss"}
    assert rss == {"as-sent": ["Libel"], "rewritten": ["Rain at last"]}
    for guid in ("a", "b"):
        act(life, guid, "kill")
    with life.frozen():
        with life.store.write() as conn:
            outbox.want(conn, "story", life.stories().values(), life.now)
        renderer.render_waiting(life.store, life.config)
    for (name, _), body in life.bodies().items():
        own, other = ("a", "b") if name == "as-sent" else ("b", "a")
        assert _of(life, own).guid.encode() in body
        assert _of(life, other).guid.encode() not in body


def test_a_held_story_is_nowhere_and_nobody_is_told(life: Life) -> None:
    story = life.stories()["a"]
    assert act(life, "a", "hold").status == "withheld"
    for body in shown(life).values():
        assert b"Libel" not in body
        assert _of(life, "a").guid.encode() not in body
    assert page(life, story) == (False, None)
    assert act(life, "a", "kill").status == "killed"
    assert _of(life, "a").guid.encode() in shown(life)["json"]


def test_partners_get_no_story_that_is_held_or_killed(life: Life) -> None:
    story = life.stories()["a"]
    assert documents(life, story) == [(200, True), (200, True)]
    act(life, "a", "hold")
    assert documents(life, story) == [(404, False), (404, False)]
    act(life, "a", "release")
    assert documents(life, story) == [(200, True), (200, True)]
    act(life, "a", "kill")
    assert documents(life, story) == [(410, False), (410, False)]


@pytest.mark.parametrize("kinds", [("kill",), ("hold",), ("hold", "kill")])
def test_a_released_story_comes_back_as_the_same_at_the_top(
    life: Life, kinds: Sequence[ActKind]
) -> None:
    before = {entry.guid: entry for entry in read_feed(shown(life)["atom"])}
    guid = _of(life, "a").guid
    for kind in kinds:
        act(life, "a", kind)
    told = life.now
    after = act(life, "a", "release")
    assert (after.status, after.changed_at, after.guid) == ("usable", life.now, guid)
    found = [*read_feed(shown(life)["atom"])]
    assert found[0].guid == guid
    assert found[0].copy == before[guid].copy
    # RFC 6721 §4: what is newer than the notice stands.
    assert found[0].updated[0] > told.strftime("%Y-%m-%dT%H:%M:%SZ") > before[guid].updated[0]
    assert page(life, after.id) == (True, None)
    assert b"ithdrawn" not in b"".join(shown(life).values())


def reported(life: Life, document: bytes) -> list[tuple[str, str]]:
    """What a verifier who has the stories' chains says of each entry of *document*."""

    def chain(statement: Link) -> bytes | None:
        with life.store.read() as conn:
            return chain_of(conn, statement.story)

    with life.store.read() as conn:
        keys = json.dumps(key_set(conn)).encode()
    found = verify(document, keys, Evidence(now=life.now, find_chain=chain))
    return [(entry.headline, entry.verdict) for entry in found.entries]


def test_what_is_withdrawn_and_released_is_signed_each_time(life: Life) -> None:
    rain = ("Rain", "verified")
    libel, withdrawn = ("Libel", "verified"), ("Withdrawn", "verified")
    kept: list[tuple[tuple[str, str], dict[str, bytes]]] = [(libel, shown(life))]
    for kind, first in (("kill", withdrawn), ("release", libel), ("kill", withdrawn)):
        act(life, "a", kind)  # type: ignore[arg-type]
        for format in ("rss", "atom", "json"):
            assert reported(life, shown(life)[format]) == [first, rain], (kind, format)
            for said, bodies in kept:  # what was the other way before does not come back
                verdict = "verified" if said == first else "failed"
                assert reported(life, bodies[format]) == [(said[0], verdict), rain]
        kept.append((first, shown(life)))
    story = life.stories()["a"]
    with life.store.read() as conn:
        chain = chain_of(conn, story) or b""
    times = [said["payload"].get("withdrawn_at") for said in json.loads(chain)["statements"]]
    assert [each is not None for each in times] == [False, True, False, True]
    assert datetime.fromisoformat(times[-1]) == life.now
    assert not any(word in chain for word in (b"Libel", b"stole", b"lawyer", b"Asha"))
    act(life, "b", "hold")
    assert reported(life, shown(life)["atom"]) == [withdrawn]


def test_a_kill_is_done_where_nothing_can_be_signed_and_signed_where_it_can(
    life: Life, tmp_path: Path
) -> None:
    folder, away = life.config.keys_folder, tmp_path / "away"
    folder.rename(away)
    act(life, "a", "kill")
    for body in shown(life).values():
        assert b"He stole it" not in body
        assert reported(life, body) == [("Withdrawn", "unsigned"), ("Rain", "verified")]
    assert waiting(life) == ["story"]
    with life.frozen():
        renderer.render_waiting(life.store, life.config)
    assert reported(life, shown(life)["rss"])[0] == ("Withdrawn", "unsigned")
    assert waiting(life) == ["story"]
    away.rename(folder)
    life.now += HOUR
    with life.frozen():
        renderer.render_waiting(life.store, life.config)
    for body in shown(life).values():
        assert reported(life, body) == [("Withdrawn", "verified"), ("Rain", "verified")]
    assert waiting(life) == []


def test_notices_of_a_release_before_are_signed_once(life: Life) -> None:
    act(life, "a", "kill")
    signed = shown(life)
    with life.store.write() as conn:  # as release 0.1 left it
        conn.execute(delete(statements).where(statements.c.version == 2))
        said = notice(_of(life, "a"), life.config, life.now)
        written = {format: writer.notice(said) for format, writer in WRITERS.items()}
        row = feeds.entry(conn, life.stories()["a"])
        assert row is not None
        digests = feeds.digests_of(written)
        feeds.put_entries(conn, [replace(row, digests=digests, packed=feeds.pack(written))])
        conn.execute(
            update(placements).where(placements.c.story_id == row.story_id).values(digests=digests)
        )
        key_value.write(conn, key_value.RENDERED_FOR, "that of the release before")
    assert reported(life, shown(life)["rss"])[0] == ("Withdrawn", "unsigned")
    life.now += HOUR
    with life.frozen():
        assert rerender_if_changed(life.store, life.config)
        renderer.render_waiting(life.store, life.config)
    assert reported(life, shown(life)["rss"]) == [("Withdrawn", "verified"), ("Rain", "verified")]

    def unsigned(body: bytes) -> bytes:
        return re.sub(rb"(?s)<wirecopy:statement>.*?</wirecopy:statement>", b"", body)

    assert unsigned(shown(life)["rss"]) == unsigned(signed["rss"]), "neither moved nor dated anew"


def test_the_agency_may_go_on_and_nothing_of_it_is_seen(life: Life) -> None:
    act(life, "a", "kill")
    told = shown(life)["rss"].partition(b"<item>")[2]
    life.receive(item("a", "Libel, corrected", "He did not."), item("b", "Rain", "It rained."))
    assert (_of(life, "a").status, _of(life, "a").number) == ("killed", 2)
    assert shown(life)["rss"].partition(b"<item>")[2] == told, "nor is the notice moved"
    with life.frozen():
        rewrite(life.store, life.stories()["a"], "The desk's words", "Ravi")
        renderer.render_waiting(life.store, life.config)
        with life.store.read() as conn:
            assert "it is killed" in unseen(conn, life.config, _of(life, "a"))
    assert shown(life)["rss"].partition(b"<item>")[2] == told
    act(life, "a", "release")
    assert titles(shown(life)["rss"]) == ["The desk's words", "Rain"]


def test_a_worker_that_rendered_it_before_keeps_nothing_of_that(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    story, killed = life.stories()["a"], list[str]()

    def late(found: Sequence[tuple[Story, datetime | None]], of: Config) -> object:
        done: list[Rendered | Exception] = render_together(found, of)
        if found and not killed:
            killed.append(story)
            act(life, "a", "kill")
        return done

    with life.store.write() as conn:
        outbox.want(conn, "story", [story], life.now)
    monkeypatch.setattr(renderer, "render_together", late)
    with life.frozen():
        renderer.render_waiting(life.store, life.config)
    assert killed
    assert b"He stole it" not in b"".join(shown(life).values())
    assert waiting(life) == []


@pytest.mark.parametrize(
    ("before", "refused", "told"),
    [
        ((), "release", "neither killed nor held"),
        (("hold",), "hold", "held"),
        (("kill",), "kill", "killed"),
        (("kill",), "hold", "killed"),
        (("kill", "release"), "release", "neither killed nor held"),
    ],
)
def test_what_is_so_already_is_refused(
    life: Life, before: Sequence[ActKind], refused: ActKind, told: str
) -> None:
    for kind in before:
        act(life, "a", kind)
    then = shown(life), _of(life, "a")
    with pytest.raises(HidingError, match=f": is {told}, so there is nothing to {refused}"):
        act(life, "a", refused)
    assert (shown(life), _of(life, "a")) == then


def test_an_act_says_who_and_why(life: Life) -> None:
    story = life.stories()["a"]
    for by, reason in (("", "why"), ("Asha", " "), ("Asha", "x" * 301), ("A\u202e", "why")):
        with pytest.raises(HeadlineError):
            hiding.act(life.store, life.config, story, "kill", by, reason)
    with pytest.raises(HidingError, match="there is none"):
        hiding.act(life.store, life.config, "none", "kill", "Asha", "why")
    act(life, "a", "hold")
    act(life, "a", "release")
    with life.store.read() as conn:
        found = records.acts_of(conn, [story])[story]
    assert [(a.kind, a.by, a.at - life.now) for a in found] == [
        ("hold", "Asha", -HOUR),
        ("release", "Asha", timedelta(0)),
    ]


def test_acts_keep_their_order_when_the_clock_is_set_back(life: Life) -> None:
    killed = act(life, "a", "kill")
    back = act(life, "a", "release", after=-2 * HOUR)
    assert killed.status_at is not None
    assert back.status_at is not None
    assert back.status_at > killed.status_at > life.now
    assert (_of(life, "a").status, _of(life, "a").changed_at) == ("usable", back.changed_at)


@pytest.mark.parametrize("kind", ["kill", "hold", "release"])
def test_an_act_leaves_a_storys_row_as_it_would_be_made_anew(life: Life, kind: ActKind) -> None:
    if kind == "release":
        act(life, "a", "hold")
    story = act(life, "a", kind)
    with life.store.write() as conn:
        query = select(stories).where(stories.c.id == story.id)
        kept = conn.execute(query).one()
        records.settle(conn, [story.id])
        assert conn.execute(query).one() == kept
        assert records.one(conn, story.id) == story


def test_a_rebuild_gives_every_feed_again(life: Life, tmp_path: Path) -> None:
    life.receive(item("c", "Third", "Words of it."), item("b", "Rain", "It rained."))
    act(life, "a", "kill")
    act(life, "b", "hold")
    act(life, "c", "kill")
    act(life, "c", "release")
    life.receive(item("a", "Libel, again", "He stole it."), item("d", "Fourth", "Words."))
    before = shown(life)
    with life.rebuilt(f"sqlite:///{tmp_path}/rebuilt.sqlite3") as target:
        assert list(compare(life.store, target, ["w"])) == []
        assert shown(life, target) == before
        with life.store.read() as old, target.read() as new:
            ids = life.stories().values()
            assert records.acts_of(new, ids) == records.acts_of(old, ids)
    assert life.replayed() == []
    assert shown(life) == before


def test_what_was_killed_is_known_when_it_comes_again_years_later(
    life: Life, config: ConfigOf
) -> None:
    life.config = one_wire(config, limit=1)
    life.begin()
    act(life, "a", "kill")
    for _ in range(3):
        life.receive(item("e", "Else", "Other words."), after=timedelta(days=4000))
        life.clean()
    assert {*life.stories()} == {"a", "e"}, "what nobody touched is forgotten"
    life.receive(item("a", "Libel", "He stole it."), item("b", "Rain", "It rained."))
    assert _of(life, "a").status == "killed"
    assert b"He stole it" not in b"".join(shown(life).values())
    assert b"It rained" in shown(life)["json"]


def test_a_story_whose_licence_ended_leaves_no_notice(life: Life, config: ConfigOf) -> None:
    act(life, "a", "kill")
    life.config = one_wire(config, expires_after="1d")
    life.begin()
    life.clean(timedelta(days=2))
    assert titles(shown(life)["rss"]) == []
    assert b"deleted-entry" not in shown(life)["atom"]


def _of(life: Life, guid: str) -> Story:
    with life.store.read() as conn:
        found = records.one(conn, life.stories()[guid])
    assert found is not None
    return found


def test_what_nobody_sees_is_counted_and_so_are_kills_of_what_nobody_knows(life: Life) -> None:
    life.receive(item("c", "Hail", "It hailed."))
    life.act("a", "kill", HOUR)
    life.act("b", "hold", HOUR)
    until = f"<embargoed>{life.now + 60 * HOUR:%Y-%m-%dT%H:%M:%SZ}</embargoed>"
    life.receive_bytes(g2_message(g2("Secret", "3", until)).encode())
    other = g2("", "4", status="canceled").replace(RAIN.guid, "urn:x:whose")
    life.receive_bytes(g2_message(other).encode(), after=HOUR)
    with life.frozen(), life.store.read() as conn:
        told = of_the_store(conn, life.config)
        status = statistics.status(conn, life.now, HOUR)
    assert told["stories_hidden"] == {"killed": 1, "withheld": 1, "embargoed": 1}
    assert told["kills_waiting"] == 1
    assert any("1 kill waits for a person" in line for line in needs(status))
