"""Custody, the whole way: an agency that signs, and a paper that verifies each item as it comes.

Both are Wirecopies, each with a store of its own; the paper polls what the agency publishes from a
real server, and whoever stands between them may change it on its way.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from desk import hiding
from desk.headline import rewrite
from ingest import intake, replay
from ingest.parse import parse
from ingest.replay import Selection
from publish import renderer
from stories import clock
from stories.db import Store, captures, connect, custody, feeds, wires
from stories.db import stories as records
from stories.db.custody import Pin
from stories.keys import key_set, revoke_key, rotate_key
from stories.models import ActKind
from tests import hostile
from tests.conftest import ConfigOf
from tests.test_hostile import RSS, House, feed, house, item  # noqa: F401  the fixture
from tests.test_own_feed import TYPES, archive, bytes_of, surprises
from workers import alerts

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.parametrize("other_url", ["sqlite"], indirect=True),
]

PROSE = "The ferry office counted the boats at the pier once more before dark. " * 6
FIRST = [
    item(
        f"Ferry {n} leaves",
        f"Summary {n}.",
        guid=f"f-{n}",
        extra=f"<content:encoded><![CDATA[<p>Ferry {n}. {PROSE}</p>"
        f'<p><a href="https://a.example/{n}">More</a></p>]]></content:encoded>'
        f"<category>Ships</category><media:content url='https://a.example/{n}.jpg' medium='image'>"
        f"<media:description>Boat {n}</media:description></media:content>"
        "<dc:creator>Asha Rao</dc:creator><source url='https://pti.example/'>PTI</source>",
    )
    for n in (1, 2, 3)
]
SPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def wire(*items: str) -> bytes:
    return feed(*items).replace(b'<rss version="2.0">', f'<rss version="2.0" {SPACES}>'.encode())


class Agency(House):
    """A Wirecopy whose feed is another's wire."""

    def publish(self, *items: str) -> None:
        self.server.answer("/bad.rss", wire(*items), {"Content-Type": "application/rss+xml"})
        assert self.work() == "ok"

    def feed_of(self, form: str = "rss") -> bytes:
        return bytes_of(self, form)

    def keys(self) -> dict[str, Any]:
        with self.store.read() as conn:
            found = key_set(conn)
        assert found is not None
        return found


class Paper(House):
    """A Wirecopy that has the agency's feed as a wire."""

    def pin(self) -> Pin:
        with self.store.read() as conn:
            found = custody.pinned(conn, "bad")
        assert found is not None
        return found

    def takes(self, body: bytes, form: str = "rss") -> str:
        """One pass after the wire has come to say *body*."""
        self.server.answer("/bad.rss", body, {"Content-Type": TYPES[form]})
        return self.work()

    def offers(self, keys: object) -> None:
        """Have the agency's site serve these keys from now on."""
        body = keys if isinstance(keys, bytes) else json.dumps(keys).encode()
        self.server.answer("/keys.json", body, {"Content-Type": "application/jwk-set+json"})

    def signed(self) -> dict[str, bool]:
        """By headline, whether the agency's own statement was found good."""
        return {s.version.headline: s.custody is not None for s in self.stories()}

    def asked(self) -> int:
        return len(self.server.seen("/keys.json"))

    def messages(self) -> str:
        with self.store.read() as conn:
            return " ".join(p.message for p in captures.problems_of(conn, self.capture().id))


ALL = {"Ferry 1 leaves": True, "Ferry 2 leaves": True, "Ferry 3 leaves": True, "Good news": True}


@pytest.fixture
def agency(config: ConfigOf, store: Store, other_url: str, tmp_path: Path) -> Iterator[Agency]:
    with hostile.serve() as server:
        opened = connect(other_url)

        def with_own_data(**keys: Any) -> Any:
            return config(data=tmp_path / "agency", **keys)

        made = Agency(with_own_data, opened, server, reader=parse)
        made.publish(*FIRST)
        yield made
        opened.close()


@pytest.fixture
def paper(config: ConfigOf, store: Store, agency: Agency) -> Iterator[Paper]:
    with hostile.serve() as server:
        made = Paper(config, store, server, reader=parse, now=agency.now)
        made.configure(keys=f"{server.url}/keys.json", must_sign=True)
        made.offers(agency.keys())
        yield made


# What comes as it was signed.


@pytest.mark.parametrize("form", TYPES)
def test_items_that_come_as_their_agency_signed_them_are_taken_in_with_its_statement(
    agency: Agency, paper: Paper, form: str
) -> None:
    assert paper.takes(agency.feed_of(form), form) == "ok"
    assert (paper.problems(), surprises(paper)) == ([], [])
    assert paper.signed() == ALL
    keys = agency.keys()["keys"]
    with paper.store.read() as conn:
        for story in paper.stories():
            assert story.custody is not None
            assert story.custody.key == keys[0]["kid"]
            one = custody.statements(conn, [story.custody.digest])[story.custody.digest]
            assert one.address == paper.config.wires[0].keys
            assert one.statement in _statements(agency)


def _statements(agency: Agency) -> list[str]:
    from stories.db import proofs

    with agency.store.read() as conn:
        found = [s.id for s in records.newest(conn, limit=100)]
        return [each.token for name in found for each in proofs.statements_of(conn, name)]


def test_the_agencys_desk_may_edit_what_it_signs(agency: Agency, paper: Paper) -> None:
    """What it publishes counts, not what it received; and the line that it prints is no copy."""
    agency.now += timedelta(minutes=1)
    with clock.reading(lambda: agency.now):
        rewrite(agency.store, agency.stories()[0].id, "Ferry one is off", "Asha")
        renderer.render_waiting(agency.store, agency.config)
    paper.now = agency.now
    assert paper.takes(agency.feed_of()) == "ok"
    assert paper.problems() == []
    [edited] = [s for s in paper.stories() if s.version.headline == "Ferry one is off"]
    assert edited.custody is not None
    assert "not been edited" in agency.feed_of().decode()
    assert "not been edited" not in edited.version.body


def test_what_is_signed_on_is_verified_again_in_a_replay_and_nobody_is_asked(
    agency: Agency, paper: Paper, other_url: str, tmp_path: Path
) -> None:
    paper.takes(agency.feed_of())
    before, asked = paper.stories(), paper.asked()
    paper.offers({"keys": []})
    with clock.reading(lambda: paper.now):
        every = Selection()
        planned = replay.plan(paper.store, every)
        taken = list(replay.replay(paper.store, paper.config, every, planned, sleep=lambda _: None))
    assert [t.changes for t in taken if t.changes] == []
    assert paper.stories() == before
    rebuilt = connect(f"sqlite:///{tmp_path / 'rebuilt.sqlite3'}")
    rebuilt.migrate()
    try:
        with clock.reading(lambda: paper.now):
            replay.rebuild(paper.store, rebuilt)
            with rebuilt.write() as conn:
                wires.sync(conn, paper.config.wires, paper.now)
            intake.take_in_waiting(rebuilt, paper.config)
        with rebuilt.read() as conn:
            found = records.get(conn, [story.id for story in before])
            held = custody.statements(conn, [s.custody.digest for s in before if s.custody])
        assert found == before
        assert len(held) == len(before)
    finally:
        rebuilt.close()
    assert paper.asked() == asked


def test_a_broken_neighbour_takes_nobodys_signature(agency: Agency, paper: Paper) -> None:
    body = agency.feed_of().decode()
    broken = re.sub(r"(<title>Ferry 2[^<]*)</title>", r"\1", body)
    assert broken != body
    paper.takes(broken.encode())
    signed = paper.signed()
    assert (signed.get("Ferry 1 leaves"), signed.get("Ferry 3 leaves")) == (True, True)
    assert [state for _, state in paper.problems()] == ["custody"]


# What was changed on its way.

Change = Callable[[str], str]


def put(old: str, new: str) -> Change:
    def change(body: str) -> str:
        assert old in body, old
        return body.replace(old, new, 1)

    return change


def within(headline: str, change: Change) -> Change:
    """*change* in the item of that *headline* alone."""

    def changed(body: str) -> str:
        items = re.findall(r"<item>.*?</item>", body, re.DOTALL)
        [one] = [each for each in items if f"<title>{headline}</title>" in each]
        return body.replace(one, change(one))

    return changed


def without_statement(one: str) -> str:
    return re.sub(r"<wirecopy:statement.*?</wirecopy:statement>", "", one, flags=re.DOTALL)


def swapped(body: str) -> str:
    """The statements of the second and the third item, each on the other."""
    found = re.findall(r"<wirecopy:statement.*?</wirecopy:statement>", body, re.DOTALL)
    where = {
        n: next(s for s in found if s in one)
        for n in (2, 3)
        for one in re.findall(r"<item>.*?</item>", body, re.DOTALL)
        if f"<title>Ferry {n} leaves" in one
    }
    return body.replace(where[2], "\0").replace(where[3], where[2]).replace("\0", where[3])


CHANGES: dict[str, tuple[Change, str, str]] = {
    "a word": (put("counted the boats", "counted no boats"), "custody", "text"),
    "the headline": (put(">Ferry 2 leaves<", ">Ferry 2 sinks<"), "custody", "headline"),
    "a link": (put('="https://a.example/2"', '="https://b.example/2"'), "custody", "links"),
    "who wrote it": (put(">Asha Rao<", ">Mallory<"), "custody", "details"),
    "a picture": (put("https://a.example/2.jpg", "https://b.example/2.jpg"), "custody", "media"),
    "a tag": (put("<category>Ships<", "<category>Wrecks<"), "custody", "packaging"),
    "the agency": (
        put(">Press Trust of India</wirecopy:agency>", ">Reuters</wirecopy:agency>"),
        "custody",
        "agency",
    ),
    "the guid": (put("urn:uuid:", "urn:uuid:0"), "custody", "guid"),
    "a letter of the signature": (
        lambda one: re.sub(
            r"(statement>[\w-]{43}\.)(.)", lambda m: m[1] + ("B" if m[2] == "A" else "A"), one
        ),
        "custody",
        "signature",
    ),
    "no statement": (without_statement, "unsigned", "no statement"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_on_its_way_is_quarantined_and_harms_no_other(
    agency: Agency, paper: Paper, name: str
) -> None:
    change, state, reason = CHANGES[name]
    body = within("Ferry 2 leaves", change)(agency.feed_of().decode())
    assert paper.takes(body.encode()) == "ok"
    assert [each for _, each in paper.problems()] == [state]
    assert reason in paper.messages()
    assert paper.signed() == {h: True for h in ALL if h != "Ferry 2 leaves"}
    assert "Ferry 2" not in paper.served("all").decode()


@pytest.mark.parametrize("name", CHANGES)
def test_where_a_wire_need_not_sign_it_is_taken_in_unsigned(
    agency: Agency, paper: Paper, name: str
) -> None:
    paper.configure(keys=f"{paper.server.url}/keys.json")
    change, state, _ = CHANGES[name]
    body = within("Ferry 2 leaves", change)(agency.feed_of().decode())
    assert paper.takes(body.encode()) == "ok"
    assert paper.problems() == []
    signed = paper.signed()
    assert sorted(signed.values()) == [False, True, True, True]
    assert bool(paper.capture().notes) == (state == "custody")


def documents(agency: Agency, form: str) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(agency.feed_of(form))) as opened:
        return [opened.read(name).decode() for name in opened.namelist()]


IN_DOCUMENTS: dict[str, tuple[Change, str]] = {
    "a word": (put("counted the boats", "counted no boats"), "text"),
    "the headline": (put("Ferry 2 leaves", "Ferry 2 sinks"), "headline"),
    "who wrote it": (put("Asha Rao", "Mallory"), "details"),
    "a caption": (put("Boat 2", "Boat 7"), "details"),
    "a picture": (lambda one: one.replace("a.example/2.jpg", "b.example/2.jpg"), "media"),
    "a tag": (put("Ships", "Wrecks"), "packaging"),
    "the agency": (
        lambda one: re.sub(r"(name(?:\": \"|>))Press Trust of India", r"\1Reuters", one),
        "agency",
    ),
    "the guid": (lambda one: re.sub("urn:uuid:(?!679fde77)", "urn:uuid:0", one), "signature"),
    "the time of its change": (
        lambda one: re.sub(r"(ersionCreated\W+2026-11-)..", r"\g<1>01", one),
        "times",
    ),
}


@pytest.mark.parametrize("form", ["ninjs", "newsml-g2"])
def test_what_was_changed_in_a_document_on_its_way_is_quarantined(
    agency: Agency, paper: Paper, form: str
) -> None:
    """Each change by itself, one after the other, to the document of one story; its neighbours come
    as they were signed."""
    told = documents(agency, form)
    [second] = [one for one in told if "Ferry 2 leaves" in one]
    for name, (change, reason) in IN_DOCUMENTS.items():
        changed = [change(one) if one is second else one for one in told]
        assert changed != told, name
        paper.takes(archive(*(each.encode() for each in changed)), form)
        assert [each for _, each in paper.problems()] == ["custody"], name
        assert reason in paper.messages(), (name, paper.messages())
        assert paper.signed() == {h: True for h in ALL if h != "Ferry 2 leaves"}
    without = [re.sub(r"(?s)<wirecopy:statement.*?</wirecopy:statement>", "", one) for one in told]
    without = [re.sub(r'(?s),\s*\{\s*"role": "statement".*?\n  \}', "", one) for one in without]
    paper.takes(archive(*(each.encode() for each in without)), form)
    assert [each for _, each in paper.problems()] == ["unsigned"] * 4


def test_documents_that_a_list_leads_to_are_verified_too(agency: Agency, paper: Paper) -> None:
    told = documents(agency, "newsml-g2")
    changed = [
        put("counted the boats", "sank the boats")(one) if "Ferry 2" in one else one for one in told
    ]

    def listed(name: str, *bodies: str) -> str:
        for number, body in enumerate(bodies):
            paper.server.answer(f"/{name}{number}.xml", body.encode())
        found = [{"url": f"/{name}{number}.xml"} for number in range(len(bodies))]
        paper.server.answer("/list.json", json.dumps(found).encode())
        state = paper.work()
        for _ in bodies:  # captures of siblings are taken in one after the other
            paper.work()
        return state

    address = f"{paper.server.url}/no-keys.json"
    paper.configure("/list.json", links=True, must_sign=True, keys=address)
    assert (listed("a", *changed), paper.stories()) == ("keys", [])
    paper.configure("/list.json", links=True, must_sign=True, keys=f"{paper.server.url}/keys.json")
    assert listed("b", *changed) == "ok"
    assert paper.signed() == {h: True for h in ALL if h != "Ferry 2 leaves"}
    assert listed("c", *told) == "ok"
    assert paper.signed() == ALL


def test_two_items_that_swap_their_statements_are_both_quarantined(
    agency: Agency, paper: Paper
) -> None:
    body = agency.feed_of().decode()
    paper.takes(swapped(body).encode())
    assert [each for _, each in paper.problems()] == ["custody", "custody"]
    assert paper.signed() == {"Ferry 1 leaves": True, "Good news": True}


def test_the_statement_of_another_story_proves_nothing(agency: Agency, paper: Paper) -> None:
    body = agency.feed_of().decode()
    [other] = re.findall(
        r"<wirecopy:statement.*?</wirecopy:statement>",
        within("Ferry 1 leaves", lambda one: f"\1{one}\2")(body).split("\1")[1].split("\2")[0],
        re.DOTALL,
    )
    changed = within(
        "Ferry 2 leaves", lambda one: without_statement(one).replace("</item>", f"{other}</item>")
    )(body)
    paper.takes(changed.encode())
    assert [each for _, each in paper.problems()] == ["custody"]


def test_an_older_statement_that_is_sent_again_turns_no_story_back(
    agency: Agency, paper: Paper
) -> None:
    old = agency.feed_of()
    paper.takes(old)
    agency.now = paper.now
    agency.publish(FIRST[0].replace("Summary 1.", "It is on."), *FIRST[1:])
    paper.now = agency.now
    paper.takes(agency.feed_of())
    first = "Ferry 1 leaves"
    assert [s.number for s in paper.stories() if s.version.headline == first] == [2]
    # Its entry's dates are signed; only its place in the feed, and what is around it, are free.
    paper.takes(old.replace(b"<ttl>", b"<!-- again --><ttl>"))
    [story] = [s for s in paper.stories() if s.version.headline == first]
    assert (story.number, story.version.summary) == (2, "It is on.")
    assert paper.problems() == []


def test_an_unsigned_copy_of_another_wire_takes_no_signed_ones_place(
    agency: Agency, paper: Paper
) -> None:
    """The good wire is of the same agency, and does not sign."""
    body = agency.feed_of()
    paper.takes(body)
    [guid] = re.findall(r"(?s)<title>Ferry 2.*?<guid[^>]*>(.*?)</guid>", body.decode())
    said = "<source url='https://pti.example/'>PTI</source>"
    fuller = item("Ferry 2 sinks", f"{PROSE * 3} It sank.", guid=guid, extra=said)
    fuller = fuller.replace(f"id {guid}", guid)
    paper.server.answer("/good.rss", feed(item("Good news"), fuller), RSS)
    paper.work()
    [story] = [s for s in paper.stories() if "Ferry 2" in s.version.headline]
    assert (story.version.headline, story.custody is not None) == ("Ferry 2 leaves", True)
    assert b"It sank" not in paper.served("all")
    assert story.also == ("good",)


def test_a_wire_without_statements_that_must_sign_is_quarantined_whole(
    agency: Agency, paper: Paper
) -> None:
    assert paper.takes(wire(*FIRST)) == "ok"
    assert [state for _, state in paper.problems()] == ["unsigned"] * 3
    assert paper.stories() == []
    assert "must be signed" in paper.messages()


def act(agency: Agency, kind: ActKind) -> None:
    [story] = [s for s in agency.stories() if s.version.headline == "Ferry 2 leaves"]
    with clock.reading(lambda: agency.now):
        hiding.act(agency.store, agency.config, story.id, kind, "Asha", "why")


def killed(paper: Paper) -> list[str]:
    return [s.version.headline for s in paper.stories() if s.status == "killed"]


@pytest.mark.parametrize("form", ["rss", "atom", "json"])
def test_a_withdrawal_that_the_agency_signed_kills_the_story_here(
    agency: Agency, paper: Paper, form: feeds.Format
) -> None:
    paper.takes(agency.feed_of(form), form)
    act(agency, "kill")
    assert paper.takes(agency.feed_of(form), form) == "ok"
    assert (paper.problems(), killed(paper)) == ([], ["Ferry 2 leaves"])
    [story] = [s for s in paper.stories() if s.status == "killed"]
    with paper.store.read() as conn:
        [done] = records.acts_of(conn, [story.id])[story.id]
        [digest] = re.findall("sha-256=:[^:]+:", done.reason)
        kept = custody.statements(conn, [digest])[digest].statement
    assert '"withdrawn_at"' in kept
    assert kept in _statements(agency)


ITS_STATEMENT = re.compile(r"<wirecopy:statement>.*?</wirecopy:statement>", re.DOTALL)
NOTICES: dict[str, tuple[Callable[[str, str], str], str]] = {
    "without its statement": (lambda notice, _: ITS_STATEMENT.sub("", notice), "unsigned"),
    "of another story": (lambda n, other: re.sub("<guid.*</guid>", other, n), "custody"),
    "at another time": (lambda notice, _: notice.replace("+00:00<", "+01:00<"), "custody"),
    "with a reason": (lambda n, _: n.replace("has been withdrawn.", "was a lie."), "custody"),
}


@pytest.mark.parametrize("name", NOTICES)
def test_a_notice_that_the_agency_did_not_sign_waits_for_a_person(
    agency: Agency, paper: Paper, name: str
) -> None:
    first = agency.feed_of()
    paper.takes(first)
    [other] = re.findall(r"(?s)<title>Ferry 1.*?(<guid.*?</guid>)", first.decode())
    act(agency, "kill")
    body = agency.feed_of().decode()
    [notice] = re.findall(r"<item>\s*<title>Withdrawn.*?</item>", body, re.DOTALL)
    change, state = NOTICES[name]
    assert change(notice, other) != notice
    paper.takes(body.replace(notice, change(notice, other)).encode())
    assert ([each for _, each in paper.problems()], killed(paper)) == ([state], [])
    assert name != "without its statement" or "`wirecopy kill` withdraws" in paper.messages()


def test_copy_that_the_agency_signed_is_not_made_a_notice_on_the_way(
    agency: Agency, paper: Paper
) -> None:
    body = agency.feed_of()
    paper.takes(body)
    said = b"<wirecopy:withdrawn>2026-11-29T13:00:00+00:00</wirecopy:withdrawn></item>"
    paper.takes(body.replace(b"</item>", said, 1))
    assert ([each for _, each in paper.problems()], killed(paper)) == ([], [])


def test_a_withdrawal_of_before_the_story_was_published_again_kills_nothing(
    agency: Agency, paper: Paper
) -> None:
    agency.now += timedelta(hours=1)
    act(agency, "kill")
    old = agency.feed_of()
    agency.now += timedelta(hours=1)
    act(agency, "release")
    paper.now = agency.now
    paper.takes(agency.feed_of())
    assert paper.signed() == ALL
    paper.takes(old)
    assert (paper.problems(), killed(paper)) == ([], [])
    agency.now += timedelta(hours=1)
    act(agency, "kill")
    paper.now = agency.now
    paper.takes(agency.feed_of())
    assert (paper.problems(), killed(paper)) == ([], ["Ferry 2 leaves"])


@pytest.mark.parametrize("form", ["rss", "json"])
def test_a_notice_of_a_wire_that_need_not_sign_kills_the_story_here_and_no_other(
    agency: Agency, paper: Paper, form: feeds.Format
) -> None:
    paper.configure()
    paper.takes(agency.feed_of(form), form)
    [story] = [s for s in agency.stories() if s.version.headline == "Ferry 2 leaves"]
    act(agency, "kill")
    notice = agency.feed_of(form)
    assert paper.takes(notice, form) == "ok"
    assert paper.problems() == []
    usable = [s.version.headline for s in paper.stories() if s.status == "usable"]
    assert sorted(usable) == ["Ferry 1 leaves", "Ferry 3 leaves", "Good news"]
    assert killed(paper) == ["Ferry 2 leaves"]
    other = notice.replace(story.guid.encode(), b"urn:uuid:00000000-0000-4000-8000-000000000000")
    assert other != notice
    paper.takes(other, form)
    assert [state for _, state in paper.problems()] == ["item-canceled"]


# The agency's keys.


def test_a_new_key_of_the_agency_is_taken_and_told(agency: Agency, paper: Paper) -> None:
    paper.takes(agency.feed_of())
    agency.now = paper.now
    with clock.reading(lambda: agency.now):
        rotate_key(agency.store, agency.config, at_once=True)
    agency.publish(FIRST[0].replace("Summary 1.", "It is on."), *FIRST[1:])
    paper.now = agency.now + timedelta(hours=1)
    paper.offers(agency.keys())
    paper.takes(agency.feed_of())
    assert paper.problems() == []
    new = agency.keys()["keys"][-1]["kid"]
    assert {s.custody.key for s in paper.stories() if s.custody and s.number == 2} == {new}
    assert f"it has new: {new}" in str(paper.pin().notice)
    assert paper.pin().offered is None


def other_keys(agency: Agency, tmp_path: Path) -> dict[str, Any]:
    """The key set of somebody else, who would sign in the agency's name."""
    store = connect(f"sqlite:///{tmp_path / 'thief.sqlite3'}")
    store.migrate()
    conf = agency.config.model_copy(update={"data": tmp_path / "thief"})
    try:
        from stories.keys import ensure_keys

        with clock.reading(lambda: agency.now):
            ensure_keys(store, conf)
        with store.read() as conn:
            found = key_set(conn)
    finally:
        store.close()
    assert found is not None
    return found


def lost_key(mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    return {**mine, "keys": theirs["keys"]}


def lost_log(mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    return {**mine, "wirecopy_log": theirs["wirecopy_log"].replace("127.0.0.1", "other.example")}


def no_log(mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    return {"keys": [*mine["keys"], *theirs["keys"]]}


@pytest.mark.parametrize("how", [lost_key, no_log])
def test_a_set_that_lost_what_was_pinned_is_not_believed_until_a_person_says_so(
    agency: Agency, paper: Paper, tmp_path: Path, how: Callable[..., dict[str, Any]]
) -> None:
    paper.takes(agency.feed_of())
    pinned = paper.pin().key_set
    paper.now += timedelta(hours=1)
    paper.offers(how(agency.keys(), other_keys(agency, tmp_path)))
    paper.takes(agency.feed_of().replace(b"<ttl>", b"<!-- 2 --><ttl>"))
    pin = paper.pin()
    assert (pin.key_set, pin.offered_at) == (pinned, paper.now)
    assert "it lost" in str(pin.notice)
    assert paper.signed() == ALL
    alerts.update(paper.store, paper.now)
    status = paper.status()
    assert any("keys that are not believed" in need for need in status["needs"])
    assert [a["kind"] for a in status["alerts"]] == ["keys"]
    with paper.store.write() as conn:
        believed = custody.believe(conn, pin, paper.now)
    assert (believed.key_set, believed.offered) == (pin.offered, None)
    alerts.update(paper.store, paper.now)
    assert paper.status()["alerts"] == []


def test_after_the_agency_lost_its_keys_a_person_says_so_and_the_quarantine_is_taken_in(
    agency: Agency, paper: Paper, tmp_path: Path
) -> None:
    paper.takes(agency.feed_of())
    for file in (tmp_path / "agency" / "keys").glob("*.pem"):
        if file.stem != "log":
            file.unlink()
    agency.now = paper.now
    with clock.reading(lambda: agency.now):
        rotate_key(agency.store, agency.config, at_once=True)
    agency.publish(*FIRST, item("Ferry 4 leaves", PROSE))
    lost = agency.keys()
    lost["keys"] = lost["keys"][1:]  # as one would who began anew
    paper.now = agency.now + timedelta(hours=1)
    paper.offers(lost)
    paper.takes(agency.feed_of())
    assert [state for _, state in paper.problems()] == ["custody"]
    assert "Ferry 4 leaves" not in paper.signed()
    with paper.store.write() as conn:
        custody.believe(conn, paper.pin(), paper.now)
    quarantined = Selection(quarantined=True)
    with clock.reading(lambda: paper.now):
        planned = replay.plan(paper.store, quarantined)
        list(replay.replay(paper.store, paper.config, quarantined, planned, sleep=lambda _: None))
    assert paper.problems() == []
    assert paper.signed() == {**ALL, "Ferry 4 leaves": True}  # the old ones by the old keys still


def test_by_a_key_that_the_agency_revoked_nothing_is_taken(agency: Agency, paper: Paper) -> None:
    stolen = agency.feed_of()
    agency.now += timedelta(minutes=1)
    with clock.reading(lambda: agency.now):
        revoke_key(agency.store, agency.config, agency.keys()["keys"][0]["kid"], "stolen")
        renderer.render_waiting(agency.store, agency.config)
    paper.now = agency.now
    paper.offers(agency.keys())
    paper.takes(stolen)
    assert [state for _, state in paper.problems()] == ["custody"] * 4
    assert "revoked" in paper.messages()
    paper.takes(agency.feed_of())  # signed anew
    assert (paper.problems(), paper.signed()) == ([], ALL)


def test_a_revocation_is_not_taken_back(agency: Agency, paper: Paper) -> None:
    before = agency.keys()
    with clock.reading(lambda: agency.now):
        revoke_key(agency.store, agency.config, before["keys"][0]["kid"], "stolen")
        renderer.render_waiting(agency.store, agency.config)
    paper.offers(agency.keys())
    paper.takes(agency.feed_of())
    paper.now += timedelta(hours=1)
    [old] = before["keys"]
    others = [key for key in agency.keys()["keys"] if key["kid"] != old["kid"]]
    paper.offers({**agency.keys(), "keys": [old, *others]})
    paper.takes(agency.feed_of().replace(b"<ttl>", b"<!-- 2 --><ttl>"))
    assert "it lost the revocation of" in str(paper.pin().notice)
    assert paper.pin().offered is not None


HOSTILE: dict[str, object] = {
    "no JSON": b"<html>log in</html>",
    "no set": b"[]",
    "empty": {"keys": []},
    "one name twice": b'{"keys": [], "keys": []}',
    "deep": b"[" * 10_000,
    "large": b" " * 1_100_000 + b'{"keys": []}',
    "a key that is no key": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "x"}]},
    "two logs in one": {"keys": [], "wirecopy_log": "x"},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_wire_that_must_sign_waits_until_there_are_keys_and_loses_nothing(
    agency: Agency, paper: Paper, name: str
) -> None:
    paper.offers(HOSTILE[name])
    assert paper.takes(agency.feed_of()) == "keys"
    assert paper.pin().key_set is None
    assert "must sign" in paper.wire().message
    paper.offers(agency.keys())
    paper.now += timedelta(hours=1)
    assert paper.work() == "ok"
    assert paper.signed() == ALL


def test_keys_with_a_private_half_or_of_small_order_are_good_for_nothing(
    agency: Agency, paper: Paper
) -> None:
    [key] = agency.keys()["keys"]
    paper.offers({**agency.keys(), "keys": [{**key, "d": "AA"}]})
    assert paper.takes(agency.feed_of()) == "keys"
    assert "holds no key" in paper.wire().message


def test_where_a_wire_need_not_sign_its_keys_hinder_nothing(agency: Agency, paper: Paper) -> None:
    paper.configure(keys=f"{paper.server.url}/nowhere.json")
    assert paper.takes(agency.feed_of()) == "ok"
    assert paper.problems() == []
    assert set(paper.signed().values()) == {False}
    assert "404" in str(paper.pin().fault)


@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/latest/", "file:///etc/passwd", "http://metadata.internal/"]
)
def test_keys_are_fetched_with_the_guard_of_wires(agency: Agency, paper: Paper, to: str) -> None:
    paper.configure(keys=f"{paper.server.url}/redirect?to={to}", must_sign=True)
    assert paper.takes(agency.feed_of()) == "keys"
    assert paper.pin().key_set is None


def test_keys_are_asked_for_once_an_hour(agency: Agency, paper: Paper) -> None:
    paper.takes(agency.feed_of())
    for _ in range(5):
        paper.work()
    assert paper.asked() == 1
    paper.now += timedelta(hours=1)
    paper.work()
    assert paper.asked() == 2


def test_keys_of_a_file_are_believed_as_they_stand(
    agency: Agency, paper: Paper, tmp_path: Path
) -> None:
    file = tmp_path / "agency.json"
    paper.configure(keys=str(file), must_sign=True)
    assert paper.takes(agency.feed_of()) == "keys"
    file.write_text(json.dumps(other_keys(agency, tmp_path)))
    paper.now += timedelta(hours=1)
    assert paper.work() == "ok"
    assert [state for _, state in paper.problems()] == ["custody"] * 4
    file.write_text(json.dumps(agency.keys()))
    paper.takes(agency.feed_of().replace(b"<ttl>", b"<!-- 2 --><ttl>"))
    assert (paper.problems(), paper.signed()) == ([], ALL)


def test_another_address_in_the_configuration_is_a_persons_word(
    agency: Agency, paper: Paper, tmp_path: Path
) -> None:
    paper.offers(other_keys(agency, tmp_path))
    paper.takes(agency.feed_of())
    assert [state for _, state in paper.problems()] == ["custody"] * 4
    paper.server.answer("/own.json", json.dumps(agency.keys()).encode())
    paper.configure(keys=f"{paper.server.url}/own.json", must_sign=True)
    paper.takes(agency.feed_of().replace(b"<ttl>", b"<!-- 2 --><ttl>"))
    assert (paper.problems(), paper.signed()) == ([], ALL)


def test_no_wire_is_the_worse_for_the_keys_of_another(agency: Agency, paper: Paper) -> None:
    """It has none itself, and is polled while those of the other stall."""
    paper.configure(keys=f"{paper.server.url}/stall", must_sign=True)
    assert paper.takes(agency.feed_of()) == "keys"
