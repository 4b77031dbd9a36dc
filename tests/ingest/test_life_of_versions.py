"""Corrections, notes to editors, expiry, and what an agency's own numbers and ids mean."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk import status
from desk.demo.news_lines import anpa_1312, iptc_7901
from desk.demo.news_xml import g2_item, g2_message, nitf
from ingest.decide import Known, decide
from ingest.parse import parse
from publish import renderer
from publish.web.app import create
from publish.web.story import gone
from stories.db import Store, captures, statistics
from stories.db import stories as records
from stories.db.feeds import FORMATS
from stories.keys import key_set
from stories.models import KnownKey, KnownStory, Story, licence_end, licence_over
from tests.conftest import ConfigOf
from tests.differences import compare
from tests.ingest.formats.test_news_formats import HINTS, RAIN, WIRE, read
from tests.ingest.newswires import Block
from tests.living import Life
from tests.serving import served
from wirecopy import Evidence, verify

MINUTE = timedelta(minutes=1)
CORRECTION = "<signal qcode='sig:correction'/>"
FOR_READERS = "<edNote role='agencyrole:correctionshort'>It was Tuesday.</edNote>"


@pytest.fixture
def life(config: ConfigOf, store: Store) -> Life:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
    lived = Life(config(wires=[wire], feeds=[{"name": "all", "title": "All"}]), store)
    lived.begin()
    return lived


def g2(
    words: str = "Words of it",
    version: str = "3",
    more: str = "",
    *,
    created: str = "2025-12-31T07:00:00Z",
    status: str = "usable",
    ed_note: str = "Adds quotes",
) -> str:
    blocks = [Block("p", [[[("", words)]]])]
    said = replace(RAIN, blocks=blocks, version=version, status=status, ed_note=ed_note)
    item = g2_item(said, attributes="")
    item = item.replace("2026-11-22T07:00:00+05:30", created)
    return item.replace("</itemMeta>", f"{more}</itemMeta>")


def send(life: Life, *items: str) -> None:
    life.receive_bytes(g2_message("".join(items)).encode(), after=MINUTE)


def the_story(life: Life) -> Story:
    [name] = life.stories().values()
    with life.store.read() as conn:
        found = records.one(conn, name)
    assert found is not None
    return found


def notes(life: Life) -> list[str]:
    with life.store.read() as conn:
        capture = captures.get(conn, life.taken[-1].capture.id)
    assert capture is not None
    return capture.notes


def shown(life: Life) -> str:
    return life.bodies()["all", "json"].decode()


# Corrections, and notes to editors


def test_a_correction_in_a_note_alone_is_one_version_with_words_for_readers(life: Life) -> None:
    send(life, g2())
    before = the_story(life)
    send(life, g2(version="4", more=CORRECTION + FOR_READERS))
    after = the_story(life)
    assert (after.guid, after.number, after.corrected) == (before.guid, 2, "It was Tuesday.")
    assert after.changed_at == life.now > before.changed_at
    send(life, g2(version="5", more=CORRECTION + FOR_READERS, ed_note="Again"))
    assert (the_story(life).number, the_story(life).changed_at) == (2, after.changed_at)


def test_the_words_on_a_correction_are_in_feeds_page_and_documents(life: Life) -> None:
    send(life, g2())
    by_address = FOR_READERS.replace("role='agencyrole:", "roleuri='https://agency.example/roles/")
    send(life, g2(version="4", more=CORRECTION + by_address))
    story = the_story(life)
    with life.store.read() as conn:
        keys = json.dumps(key_set(conn)).encode()
    for format in FORMATS:
        body = life.bodies()["all", format]
        [entry] = verify(body, keys, Evidence(now=life.now)).entries
        assert entry.verdict == "verified"
        [item] = read(body).found
        assert item.version.signals is not None
        assert item.version.signals.corrected == "It was Tuesday.", "the next publisher has it, too"
    app = create(life.config, life.store, ready=dict, metrics=lambda: b"")
    with life.frozen(), served(app) as port:
        for end in ("", "/ninjs", "/newsml-g2"):
            assert "It was Tuesday." in port.ask(f"/stories/{story.id}{end}").text


def test_a_headline_of_the_desk_looks_like_no_correction(life: Life) -> None:
    send(life, g2())
    life.edit(the_story(life).id, "Rain, and wind")
    assert "Rain, and wind" in shown(life)
    assert all(b"correction" not in body.lower() for body in life.bodies().values())


@pytest.mark.parametrize(
    "item",
    [
        g2(ed_note="Corrects the day", more=CORRECTION),
        g2(ed_note="CORRECTION: it was Tuesday"),
        g2(more=CORRECTION + FOR_READERS.replace("It was", "Eds: It was")),
    ],
)
def test_a_note_to_editors_is_never_for_readers(life: Life, item: str) -> None:
    send(life, item)
    assert the_story(life).corrected is None
    assert "Tuesday" not in shown(life)
    assert "the day" not in shown(life)


def test_a_correction_of_nitf_says_so_in_its_place(life: Life) -> None:
    told = nitf(RAIN).replace("<urgency", "<correction info='It was Tuesday.'/><urgency")
    life.receive_bytes(told.encode(), after=MINUTE)
    assert the_story(life).corrected == "It was Tuesday."


def test_the_newest_note_to_editors_is_shown_and_makes_no_version(life: Life) -> None:
    send(life, g2(ed_note="First"))
    before, bytes_before = the_story(life), life.bodies()
    send(life, g2(ed_note="Second", version="4"))
    after = the_story(life)
    assert (after.ed_note, after.number) == ("Second", 1)
    assert (after.changed_at, life.bodies()) == (before.changed_at, bytes_before)
    assert life.replayed() == []
    assert the_story(life).ed_note == "Second"


# Expiry


def test_a_story_leaves_when_its_agency_has_it_expire_and_a_later_version_moves_that(
    life: Life,
) -> None:
    def expiring(at: datetime, version: str) -> str:
        return g2(version=version, more=f"<expires>{at:%Y-%m-%dT%H:%M:%SZ}</expires>")

    first = (life.now + timedelta(hours=2)).replace(microsecond=0)
    send(life, expiring(first, "3"))
    assert "Words of it" in shown(life)

    def at(moment: datetime) -> None:
        life.now = moment
        with life.frozen():
            renderer.render_waiting(life.store, life.config)

    at(first - MINUTE)
    assert "Words of it" in shown(life)
    at(first)
    assert "Words of it" not in shown(life)
    story = the_story(life)
    with life.frozen(), life.store.read() as conn:
        assert "licence" in (gone(conn, life.config, story.id) or "")
        assert not records.embargo_over(conn, life.now)
    send(life, expiring(first + timedelta(hours=2), "4"))
    assert "Words of it" in shown(life)
    assert life.replayed() == []
    at(first + timedelta(hours=2))
    assert "Words of it" not in shown(life)


def test_of_expiry_and_licence_the_earlier_one_counts(life: Life) -> None:
    at = (life.now + timedelta(hours=2)).replace(microsecond=0)
    send(life, g2(more=f"<expires>{at:%Y-%m-%dT%H:%M:%SZ}</expires>"))
    story = the_story(life)
    long, short = {"w": timedelta(hours=9)}, {"w": timedelta(hours=1)}
    assert licence_end({}, story) == licence_end(long, story) == at
    assert licence_end(short, story) == story.first_received + short["w"]
    assert licence_over({}, story, at)
    assert not licence_over({}, story, at - MINUTE)
    assert licence_end({}, story.model_copy(update={"rule": 2})) is None, "as it was before"


# Numbers of versions

LATER, EARLIER = "2025-12-31T08:00:00Z", "2025-12-31T06:30:00Z"


@pytest.mark.parametrize(
    ("item", "number", "note"),
    [
        (g2("Other words", "4"), 2, ""),
        (g2("Other words", "2"), 1, "old copy"),
        (g2("Other words", "2", created=EARLIER), 1, "old copy"),
        (g2("Other words", "3"), 2, "under another text"),
        (g2("Other words", "1", created=LATER), 2, "numbers anew"),
        (g2("Other words", "4", created=EARLIER), 1, ""),
        (g2("Other words", "first"), 2, ""),
    ],
)
def test_what_number_and_date_of_a_version_say(
    life: Life, item: str, number: int, note: str
) -> None:
    send(life, g2())
    send(life, item)
    assert the_story(life).number == number
    assert ("Other words" in shown(life)) == (number == 2)
    assert [note in said for said in notes(life)] == ([True] if note else [])
    assert life.replayed() == []


def test_of_several_versions_in_one_capture_the_highest_number_counts(life: Life) -> None:
    send(life, g2("Old words", "2"), g2("New words", "3"), g2("Older words", "1"))
    assert "New words" in shown(life)


@given(
    dated=st.booleans(),
    sent=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=6),
)
def test_whatever_the_order_of_delivery_the_newest_stands(
    sent: Sequence[tuple[int, int]], *, dated: bool
) -> None:
    """By dates where they are stated, else by numbers."""
    known, best = Known(), (-1, -1)
    expected = ""
    for at, (day, number) in enumerate(sent):
        words = f"Words {at} of them"
        created = f"2026-11-2{day}T07:00:00Z" if dated else "soon"
        contents = read(g2_message(g2(words, str(number), created=created)).encode())
        decision = decide("w", "guid", contents, known, datetime(2026, 12, 1, tzinfo=UTC))
        [intent] = decision.intents
        rank = (day if dated else 0, number)
        if rank >= best:
            best, expected = rank, words
        if intent.action in ("new", "updated"):
            item = intent.item
            stands = KnownStory(
                intent.story_id,
                intent.identity.key,
                intent.number,
                item.content_digest,
                item.version.updated,
                raw_digest=item.raw_digest,
                version=item.version,
            )
            keys = {key: KnownKey(story, shared=False) for key, story in decision.keys}
            known = Known({**known.keys, **keys}, {intent.story_id: stands})
    [standing] = known.stories.values()
    assert standing.version is not None
    assert expected in standing.version.body


# Withheld and killed


def test_what_is_sent_again_late_does_not_lift_what_is_withheld(life: Life) -> None:
    send(life, g2(version="3"))
    send(life, g2(version="4", status="withheld"))
    for old in (g2(version="3"), g2("Old words", "2")):
        send(life, old)
        assert the_story(life).status == "withheld"
    send(life, g2(version="5"))
    assert the_story(life).status == "usable"


@pytest.mark.parametrize(("says", "then"), [("canceled", "killed"), ("withheld", "withheld")])
def test_a_story_is_born_hidden_by_what_comes_with_it(life: Life, says: str, then: str) -> None:
    send(life, g2(version="4", status=says), g2(version="3"))
    assert the_story(life).status == then
    assert life.taken[-1].problems == ()
    assert "Words of it" not in shown(life)
    assert life.replayed() == []


def test_status_names_what_the_agency_sends_again_after_a_kill(life: Life) -> None:
    def needs() -> list[str]:
        with life.store.read() as conn:
            found = statistics.status(conn, life.now, timedelta(hours=1))
        assert (found.hidden.killed, found.hidden.withheld) == (1, 0)
        return [need for need in status.needs(found) if "sent again" in need]

    send(life, g2(version="3"))
    send(life, g2(version="4", status="canceled"))
    send(life, g2(version="5", status="canceled", ed_note="And again"))
    assert needs() == []
    send(life, g2("Words after it", version="6"))
    story = the_story(life)
    assert (story.status, "Words after it" in shown(life)) == ("killed", False)
    [told] = needs()
    assert story.id in told
    life.now += timedelta(days=2)
    assert needs() == [], "it has been said for a day"


TOMB = (
    '<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="{ref}" when="{when}">'
    "<at:comment>Sent in error</at:comment></at:deleted-entry>"
)
ENTRY = (
    "<entry><id>tag:agency.example,2025:1</id><title>Rain</title><updated>{updated}</updated>"
    "<content>Words of it</content></entry>"
)
NOON = "2025-12-31T12:00:00Z"


def send_atom(life: Life, *entries: str) -> None:
    feed = f"<feed xmlns='http://www.w3.org/2005/Atom'><title>A</title>{''.join(entries)}</feed>"
    life.receive_bytes(feed.encode(), after=MINUTE)


@pytest.mark.parametrize(
    ("ref", "when", "beside", "then"),
    [
        ("tag:agency.example,2025:1", NOON, False, "killed"),
        ("tag:agency.example,2025:1", NOON, True, "killed"),
        ("tag:agency.example,2025:1", "2025-12-31T11:00:00Z", True, "usable"),
        ("tag:agency.example,2025:2", NOON, False, "usable"),
        ("", NOON, False, "usable"),
    ],
)
def test_a_deleted_entry_of_atom_kills(
    life: Life, ref: str, when: str, then: str, *, beside: bool
) -> None:
    entry = ENTRY.format(updated=NOON)
    send_atom(life, entry)
    send_atom(life, *([entry] if beside else []), TOMB.format(ref=ref, when=when))
    story = the_story(life)
    assert story.status == then
    known = ref.endswith("1")
    assert [p.state for p in life.taken[-1].problems] == ([] if known else ["item-canceled"])
    if then == "killed":
        with life.store.read() as conn:
            [act] = records.acts_of(conn, [story.id])[story.id]
        assert (act.kind, act.reason) == ("kill", "Sent in error")


# Ids


def test_numbers_of_messages_begin_anew_each_day() -> None:
    def ids(message: bytes, *, rule: int = 3) -> str:
        [item] = parse(message, replace(HINTS, rule=rule), WIRE).found
        return item.version.agency_id

    for writer, day, moment in (
        (iptc_7901, b"220030 GMT", b"221945 GMT"),
        (anpa_1312, b"11-22-26 0030GMT", b"11-22-26 1945GMT"),
    ):
        message = writer(RAIN)
        later = message.replace(day, moment)
        other = message.replace(day, day.replace(b"22", b"23", 1))
        assert ids(message) == ids(later) != ids(other)
        assert ids(message, rule=2) != ids(later, rule=2), "what came before stays what it was"


def test_replay_and_rebuild_find_the_same(life: Life, tmp_path: Path) -> None:
    for version, more, says in (
        ("3", "", "usable"),
        ("2", "", "usable"),
        ("4", CORRECTION + FOR_READERS, "usable"),
        ("5", "", "withheld"),
        ("6", "", "usable"),
        ("1", "", "usable"),
    ):
        send(life, g2(f"Words of it {version}", version, more, status=says))
    before = life.bodies()
    assert life.replayed() == []
    with life.rebuilt(f"sqlite:///{tmp_path}/rebuilt.sqlite3") as target:
        assert list(compare(life.store, target, ["w"])) == []
        assert life.bodies(target) == before
