"""What people do to stories at the desk, by forms, each under their own name."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from desk.headline import rewrite
from stories import clock
from stories.config import Config
from stories.db import Store, people, queues
from stories.db import stories as records
from stories.models import ActKind, Story
from tests.conftest import ConfigOf
from tests.desk.newsroom.browsing import Browser, filled, living, newsroom, signed_in
from tests.living import Life, item

MINUTE = timedelta(minutes=1)


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f", "language": "en"}
    return config(wires=[wire], feeds=[{"name": "all", "title": "All"}], desk={})


@pytest.fixture
def life(conf: Config, store: Store) -> Iterator[Life]:
    life = living(conf, store, item("one", "Ferry sinks", "Nobody was hurt in the harbour today."))
    with clock.reading(lambda: life.now):
        yield life


@pytest.fixture
def meera(life: Life) -> Browser:
    return signed_in(newsroom(life), life.store, "Meera")


def story(life: Life, guid: str = "one") -> Story:
    with life.store.read() as conn:
        found = records.one(conn, life.stories()[guid])
    assert found is not None
    return found


def act(browser: Browser, life: Life, name: str, on: str = "/queues/all", **fields: str) -> int:
    """The form of that name on a page, sent; the status of the answer."""
    there = f"/stories/{story(life).id}"
    browser.opened(there if on == "story" else on)
    return browser.send(f"{there}/{name}", **fields).status


def test_a_headline_is_written_and_one_comes_back_to_where_one_was(
    life: Life, meera: Browser
) -> None:
    there = f"/stories/{story(life).id}/headline"
    _, form = filled(meera.opened("/queues/new?wire=w"), there)
    assert form["text"] == "Ferry sinks"
    done = meera.send(there, text="Ferry goes down in harbour")
    assert (done.status, done.headers["location"]) == (
        303,
        f"/queues/new?wire=w#s-{story(life).id}",
    )
    (edit,) = story(life).edits
    assert (edit.text, edit.by, edit.against) == ("Ferry goes down in harbour", "Meera", 1)
    bodies = life.bodies()
    assert b"Ferry goes down in harbour" in bodies["all", "rss"]
    assert b"Nobody was hurt in the harbour today." in bodies["all", "rss"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Ferry sinks", []),  # what the wire has: settled, and no headline of ours
        ("  Ferry\n sinks ", []),
        ("<b>Ferry</b> &amp; co", ["Ferry & co"]),
        ("غرق العبارة", ["غرق العبارة"]),
    ],
)
def test_what_is_typed_is_read_as_it_is_meant(
    life: Life, meera: Browser, text: str, kept: list[str]
) -> None:
    assert act(meera, life, "headline", text=text) == 303
    assert [edit.text for edit in story(life).edits] == kept
    assert "Nothing waits here" in meera.opened("/queues/new").words


def test_the_wires_words_take_the_desks_headline_off(life: Life, meera: Browser) -> None:
    assert act(meera, life, "headline", text="Ours") == 303
    assert act(meera, life, "headline", text="Ferry sinks") == 303
    assert [edit.text for edit in story(life).edits] == ["Ours", None]
    assert act(meera, life, "headline", text="Ours again") == 303
    meera.opened(f"/stories/{story(life).id}")
    assert meera.last is not None
    (button,) = meera.last.page.xpath("//button[contains(@formaction, '/revert')]/@formaction")
    _, form = filled(meera.last, f"/stories/{story(life).id}/headline")
    assert meera.ask(button, form).status == 303
    assert story(life).desk_headline is None


@pytest.mark.parametrize(
    ("text", "why"), [("", "empty"), ("x" * 301, "301 characters"), ("a\u202eb", "direction")]
)
def test_what_is_refused_is_said(life: Life, meera: Browser, text: str, why: str) -> None:
    assert act(meera, life, "headline", text=text) == 422
    assert meera.last is not None
    assert why in meera.last.words
    assert story(life).edits == ()


@pytest.mark.parametrize("on", ["story", "/queues/all"])
def test_what_was_written_is_there_still_when_it_is_refused(
    life: Life, meera: Browser, on: str
) -> None:
    assert act(meera, life, "headline", on, text="Ferry \u202e sinks") == 422
    there = f"/stories/{story(life).id}/headline"
    assert meera.last is not None
    assert "overrides the direction" in meera.last.words
    assert filled(meera.last, there)[1]["text"] == "Ferry \u202e sinks"
    done = meera.send(there, text="Ferry sinks in harbour")
    assert done.headers["location"].startswith("/stories/" if on == "story" else on)
    assert story(life).headline == "Ferry sinks in harbour"


def test_what_is_no_text_is_no_headline(life: Life, meera: Browser) -> None:
    there = f"/stories/{story(life).id}/headline"
    _, form = filled(meera.opened("/queues/all"), there)
    sent: dict[str, Any] = {**form, "text": b"Ferry \xff sinks"}
    assert meera.ask(there, sent).status == 400
    assert story(life).edits == ()


def test_a_story_is_read_where_nothing_can_be_noted(
    life: Life, meera: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(queues, "open_to_write", full)
    answer = meera.opened(f"/stories/{story(life).id}")
    assert answer.status == 200
    assert "Nobody was hurt in the harbour today." in answer.words


def out(browser: Browser, life: Life) -> None:
    """The session of who sits at a browser ends."""
    with life.store.write() as conn:
        people.end(conn, browser.cookie.partition("=")[2])


@pytest.mark.parametrize("keeps_cookie", [True, False])
def test_what_was_written_outlives_the_session(
    life: Life, meera: Browser, keeps_cookie: bool
) -> None:
    there = f"/stories/{story(life).id}/headline"
    _, form = filled(meera.opened("/queues/new?wire=w"), there, text='A "draft" <i>of mine</i>')
    out(meera, life)
    if not keeps_cookie:  # the browser forgets it after as long
        meera.cookie = ""
    told = meera.ask(there, form)
    assert told.status == 403
    assert "You are signed out" in told.words
    _, again = filled(told, there)
    assert again == form
    meera.cookie = signed_in(meera.app, life.store, "Meera").cookie
    told = meera.ask(there, again)
    assert (told.status, "signed in again" in told.words) == (403, True)
    _, again = filled(told, there)
    assert {**again, "csrf": ""} == {**form, "csrf": ""}
    done = meera.ask(there, again)
    assert (done.status, done.headers["location"]) == (
        303,
        f"/queues/new?wire=w#s-{story(life).id}",
    )
    assert story(life).headline == 'A "draft" of mine'


def test_of_a_form_of_another_site_nothing_is_shown(life: Life, meera: Browser) -> None:
    there = f"/stories/{story(life).id}/headline"
    form = {**_csrf(meera), "text": "Not mine", "version": "1", "edits": "0"}
    out(meera, life)
    for origin in ("https://evil.example", "null", ""):
        told = meera.ask(there, form, origin=origin)
        assert (told.status, "Not mine" in told.text) == (403, False)
    meera.cookie = signed_in(meera.app, life.store, "Meera").cookie
    told = meera.ask(there, form, origin="https://evil.example")
    assert (told.status, "of another site" in told.words) == (403, True)
    assert "Not mine" not in told.text


def test_what_was_written_outlives_a_full_disk(
    life: Life, meera: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    for name, fields in (("headline", {"text": "Ours"}), ("hold", {"reason": "is it true?"})):
        there = f"/stories/{story(life).id}/{name}"
        meera.opened("/queues/all")
        with monkeypatch.context() as patch:
            patch.setattr(records, "add_edit", full)
            patch.setattr(records, "add_acts", full)
            assert meera.send(there, **fields).status == 503
        assert meera.send(there).status == 303
    assert (story(life).headline, story(life).status) == ("Ours", "withheld")


def test_nobody_waits_to_read_until_it_is_noted_that_they_do(
    life: Life, meera: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite somebody else may be writing for seconds."""
    order: list[str] = []
    note = queues.open_to_write

    def noted(*given: Any) -> list[str]:
        order.append("noted")
        return note(*given)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            order.append("answered" if message.get("body") else "")
            await send(message)

        await meera.app(scope, receive, sent)

    monkeypatch.setattr(queues, "open_to_write", noted)
    arjun = signed_in(app, life.store, "Arjun")
    assert arjun.opened(f"/stories/{story(life).id}").status == 200
    assert [each for each in order if each] == ["answered", "noted"]
    assert "Arjun is writing…" in meera.opened("/queues/all").words


@pytest.mark.parametrize(
    ("headline", "slug"),
    [("Ferry sinks", "ferry-sinks"), ("مشاعرہ میں 21 شاعر", ""), ("नाव डूबी", ""), ("Ferry", "")],
)
def test_a_kill_is_of_the_story_that_is_named(life: Life, headline: str, slug: str) -> None:
    life.receive(item("two", headline), after=MINUTE)
    chief = signed_in(newsroom(life), life.store, "Chief", "chief")
    there = f"/stories/{story(life, 'two').id}/kill"
    chief.opened(there)
    if not slug:
        assert chief.send(there, reason="wrong", slug=story(life, "two").slug).status == 422
    name = slug or story(life, "two").id
    assert f"type {name}" in chief.opened(there).words
    assert chief.send(there, reason="wrong", slug=name).status == 303
    assert story(life, "two").status == "killed"


def test_undo_goes_back_to_the_one_before(life: Life, meera: Browser) -> None:
    for text in ("First", "Second"):
        assert act(meera, life, "headline", text=text) == 303
    heads = []
    for _ in range(2):
        assert act(meera, life, "undo") == 303
        heads.append(story(life).headline)
    assert heads == ["First", "Second"]  # undone, too
    assert {edit.by for edit in story(life).edits} == {"Meera"}


def test_the_first_one_undone_is_the_wires(life: Life, meera: Browser) -> None:
    assert act(meera, life, "headline", text="First") == 303
    assert act(meera, life, "undo") == 303
    assert (story(life).headline, story(life).desk_headline) == ("Ferry sinks", None)


def test_settled_is_new_no_more_and_nothing_of_the_feeds_changes(
    life: Life, meera: Browser
) -> None:
    before = life.bodies()
    assert "Ferry sinks" in meera.opened("/queues/new").words
    assert act(meera, life, "settle") == 303
    assert "Nothing waits here" in meera.opened("/queues/new").words
    assert "settled by Meera" in meera.opened("/queues/mine").words
    assert life.bodies() == before
    assert act(meera, life, "undo") == 303
    assert "Ferry sinks" in meera.opened("/queues/new").words
    assert meera.ask(f"/stories/{story(life).id}/undo", _csrf(meera)).status == 422


def _csrf(browser: Browser) -> dict[str, str]:
    page = browser.opened("/queues/all").page
    return {"csrf": page.xpath("string(//input[@name='csrf']/@value)")}


def test_a_second_look_is_settled_by_confirming_the_headline(life: Life, meera: Browser) -> None:
    assert act(meera, life, "headline", text="Ours") == 303
    life.receive(item("one", "Ferry found", "Nobody was hurt in the harbour today."), after=MINUTE)
    assert story(life).second_look
    assert "Ours" in meera.opened("/queues/second-look").words
    assert act(meera, life, "settle") == 303
    assert not story(life).second_look
    assert [(e.text, e.against) for e in story(life).edits] == [("Ours", 1), ("Ours", 2)]


def test_hold_takes_a_story_out_and_release_brings_it_back(life: Life, meera: Browser) -> None:
    assert act(meera, life, "hold", reason="is it true?") == 303
    assert story(life).status == "withheld"
    assert b"Ferry" not in life.bodies()["all", "rss"]
    assert "Ferry sinks" in meera.opened("/queues/held").words
    assert "is it true?" in meera.opened(f"/stories/{story(life).id}").words
    assert act(meera, life, "release", reason="it is") == 303
    assert b"Ferry" in life.bodies()["all", "rss"]
    assert act(meera, life, "hold", reason=" ") == 422
    with life.store.read() as conn:
        acts = records.acts_of(conn, [story(life).id])[story(life).id]
    assert [(each.kind, each.by) for each in acts] == [("hold", "Meera"), ("release", "Meera")]


@pytest.mark.parametrize("kind", ["hold", "kill"])
def test_a_headline_is_written_over_what_is_hidden_and_stands_once_it_is_released(
    life: Life, meera: Browser, kind: ActKind
) -> None:
    life.act("one", kind, MINUTE)
    queue = "held" if kind == "hold" else "killed"
    assert act(meera, life, "headline", f"/queues/{queue}", text="Ferry aground") == 303
    assert b"Ferry aground" not in life.bodies()["all", "rss"]
    assert "Ferry aground" in meera.opened(f"/queues/{queue}").words
    life.act("one", "release", MINUTE)
    assert b"Ferry aground" in life.bodies()["all", "rss"]


def test_only_a_chief_releases_what_was_killed(life: Life, meera: Browser) -> None:
    life.act("one", "kill", MINUTE)
    meera.opened("/queues/killed")
    assert meera.last is not None
    assert not meera.last.page.xpath("//form[contains(@action, '/release')]")
    sent = {**_csrf(meera), "reason": "please"}
    refused = meera.ask(f"/stories/{story(life).id}/release", sent)
    assert refused.status == 403
    assert "Only a chief" in refused.words
    chief = signed_in(meera.app, life.store, "Kiran", "chief")
    assert act(chief, life, "release", "/queues/killed", reason="by mistake") == 303
    assert story(life).status == "usable"


def test_a_reader_sees_and_does_nothing(life: Life, meera: Browser) -> None:
    reader = signed_in(meera.app, life.store, "Ravi", "reader")
    for page in ("/queues/all", f"/stories/{story(life).id}"):
        forms = reader.opened(page).page.forms
        assert {form.get("action") for form in forms if form.method == "POST"} == {"/sign-out"}
    for name in ("headline", "revert", "undo", "settle", "hold", "release"):
        sent = {**_csrf(reader), "text": "Ours", "reason": "x"}
        refused = reader.ask(f"/stories/{story(life).id}/{name}", sent)
        assert refused.status == 403
        assert "you have reader" in refused.words
    assert story(life).edits == ()


def test_of_two_the_later_is_asked_and_chooses(life: Life, meera: Browser) -> None:
    arjun = signed_in(meera.app, life.store, "Arjun")
    there = f"/stories/{story(life).id}"
    arjun.opened(there)
    assert act(meera, life, "headline", text="Meera's") == 303
    asked = arjun.send(f"{there}/headline", text="Arjun's")
    assert asked.status == 409
    assert "Meera has changed it" in asked.words
    assert "Meera's" in asked.words
    assert "Arjun's" in asked.words
    assert [edit.text for edit in story(life).edits] == ["Meera's"]
    assert arjun.send(f"{there}/headline").status == 303
    assert [edit.text for edit in story(life).edits] == ["Meera's", "Arjun's"]


def test_who_sends_a_form_twice_did_it_once(life: Life, meera: Browser) -> None:
    there = f"/stories/{story(life).id}"
    arjun = signed_in(meera.app, life.store, "Arjun")
    for name, fields, stands in (
        ("headline", {"text": "Ours"}, "Ours"),
        ("undo", {}, None),
        ("headline", {"text": "Ours again"}, "Ours again"),
        ("headline", {"text": "Ferry sinks"}, None),
        ("undo", {}, "Ours again"),
        ("revert", {}, None),
        ("undo", {}, "Ours again"),
    ):
        _, form = filled(meera.opened(there), f"{there}/headline", **fields)
        _, theirs = filled(arjun.opened(there), f"{there}/headline", **fields)
        before = len(story(life).edits)
        assert [meera.ask(f"{there}/{name}", form).status for _ in range(2)] == [303, 303]
        assert (story(life).desk_headline, len(story(life).edits)) == (stands, before + 1)
        assert arjun.ask(f"{there}/{name}", theirs).status == 409  # nor is it another's
    life.receive(item("one", "Ferry found", "Nobody was hurt in the harbour today."), after=MINUTE)
    _, form = filled(meera.opened(there), f"{there}/settle")
    assert [meera.ask(f"{there}/settle", form).status for _ in range(2)] == [303, 303]
    assert [edit.text for edit in story(life).edits[-2:]] == ["Ours again", "Ours again"]
    assert meera.ask(f"{there}/undo", form).status == 409  # that is something else


def test_the_wire_may_be_faster_too(life: Life, meera: Browser) -> None:
    there = f"/stories/{story(life).id}"
    meera.opened(there)
    life.receive(item("one", "Ferry found", "Nobody was hurt in the harbour today."), after=MINUTE)
    asked = meera.send(f"{there}/headline", text="Ferry lost")
    assert asked.status == 409
    assert "The wire has sent a newer version" in asked.words
    assert "Ferry found" in asked.words
    assert story(life).edits == ()


def test_the_command_line_counts_as_somebody(life: Life, meera: Browser) -> None:
    there = f"/stories/{story(life).id}"
    meera.opened(there)
    rewrite(life.store, story(life).id, "From a prompt", "Asha")
    for name, more in (("undo", {}), ("settle", {}), ("headline", {"text": "x"})):
        _, sent = filled(Browser(meera.app, meera.cookie).opened(there), f"{there}/headline")
        stale = {**sent, **more, "edits": "0"}
        assert meera.ask(f"{there}/{name}", stale).status == 409
    assert story(life).headline == "From a prompt"


def test_who_writes_is_seen_until_they_are_done(life: Life, meera: Browser) -> None:
    there = f"/stories/{story(life).id}"
    arjun = signed_in(meera.app, life.store, "Arjun")
    reader = signed_in(meera.app, life.store, "Ravi", "reader")
    reader.opened(there)  # who only reads is in nobody's way
    meera.opened(there)
    assert "is writing" not in meera.opened("/queues/all").words
    assert "Meera is writing…" in arjun.opened("/queues/all").words
    assert arjun.ask(f"{there}/writing", _csrf(arjun)).text == '{"others":["Meera"]}'
    life.now += timedelta(seconds=44)
    assert arjun.ask(f"{there}/writing", _csrf(arjun)).text == '{"others":["Meera"]}'
    life.now += timedelta(seconds=2)
    assert arjun.ask(f"{there}/writing", _csrf(arjun)).text == '{"others":[]}'
    assert "Arjun is writing…" in meera.opened("/queues/all").words
    assert act(arjun, life, "headline", text="Arjun's") == 303
    assert "is writing" not in meera.opened("/queues/all").words


def test_for_the_script_an_act_is_answered_with_the_row(life: Life, meera: Browser) -> None:
    there = f"/stories/{story(life).id}"
    _, form = filled(meera.opened("/queues/all"), f"{there}/headline", text="<i>Ours</i>")
    row = meera.ask(f"{there}/headline", form, x_part="row")
    assert (row.status, row.page.xpath("count(//article)"), row.page.xpath("count(//title)")) == (
        200,
        1,
        0,
    )
    assert "Ours" in row.words
    assert "markup" in row.words
    assert meera.ask(f"{there}/headline", form, x_part="row").status == 200  # sent twice
    other = {**form, "text": "Ours, too"}
    assert meera.ask(f"{there}/headline", other, x_part="row").status == 409
    _, form = filled(meera.opened("/queues/all"), f"{there}/headline", text="")
    refused = meera.ask(f"{there}/headline", form, x_part="row")
    assert (refused.status, "empty" in refused.words) == (422, True)


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/stories/aaaaaaaaaaaaa/settle", {}, 422),
        ("/stories/nonsense/settle", {}, 404),
        ("/stories/aaaaaaaaaaaaa/settle", {"version": "x", "edits": "1"}, 400),
        ("/stories/aaaaaaaaaaaaa/burn", {}, 404),
    ],
)
def test_nonsense_is_refused(
    life: Life, meera: Browser, path: str, form: dict[str, str], status: int
) -> None:
    assert meera.ask(path, {**_csrf(meera), **form}).status == status
    for page in ("/stories/aaaaaaaaaaaaa", "/stories/..", "/queues/none", "/x", "/queues/new/"):
        assert meera.ask(page).status == 404
    assert meera.ask("/queues/all", {}, method="DELETE").status == 405
