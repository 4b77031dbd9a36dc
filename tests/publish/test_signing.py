"""What is stated of a published story: once for each thing claimed, signed, logged, chained."""

import json
import multiprocessing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from desk.headline import rewrite
from publish import jsonfeed, renderer, xml
from publish.render import render
from publish.rerender import rerender_if_changed
from publish.served import served
from publish.signing import Batch, Signed, claims_for, sign
from publish.web import proofs as proofs_served
from stories import clock
from stories.config import Config
from stories.db import Store, connect, feeds, outbox, proofs
from stories.errors import RenderError
from stories.keys import ensure_keys, key_set, revoke_key, rotate_key
from stories.models import Story, credit_of
from tests.conftest import ConfigOf, Time, postgresql_first
from tests.publish import hostile, samples
from tests.publish.checks import check_atom, check_rss
from tests.publish.samples import english, hindi, urdu
from tests.publish.shelf import publish, put
from tests.stories.proving import chained, receipt, verified, whole
from wirecopy import Evidence, Report, TrustedState, statement, verify
from wirecopy.encoding import canonical

NOON = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJ0eXBlIjoieCJ9.AA-_"


pytestmark = pytest.mark.usefixtures("time")


def jwks(store: Store) -> dict[str, Any]:
    with store.read() as conn:
        found = key_set(conn)
    assert found is not None
    return found


def stated(store: Store, story: Story) -> list[dict[str, Any]]:
    """What was stated of *story*, oldest first, each checked."""
    return chained(chain_of(store, story), jwks(store))


def chain_of(store: Store, story: Story) -> dict[str, Any]:
    """The chain of *story* as it is served."""
    with store.read() as conn:
        found = proofs_served.chain_of(conn, story.id)
    told: dict[str, Any] = json.loads(found or b"")
    return told


def item(store: Store, conf: Config, guid: str) -> dict[str, Any]:
    with store.read() as conn:
        row = served(conn, conf, conf.outgoing[0].name, "json")
    assert row is not None
    return next(i for i in json.loads(row.body)["items"] if i["id"] == guid)


def errors(store: Store) -> list[str]:
    with store.read() as conn:
        return [error for _, _, error in outbox.failures(conn)]


def again(store: Store, conf: Config, *stories: Story) -> None:
    with store.write() as conn:
        outbox.want(conn, "story", [s.id for s in stories], clock.now())
    renderer.render_waiting(store, conf)


def test_an_entry_carries_its_statement_in_every_format(store: Store, config: ConfigOf) -> None:
    conf, story = config(), english()
    publish(store, conf, story)
    with store.read() as conn:
        bodies = {f: served(conn, conf, conf.outgoing[0].name, f) for f in feeds.FORMATS}
        [row] = proofs.statements_of(conn, story.id)
    said = json.loads(row.token)
    found = {name: row.body for name, row in bodies.items() if row is not None}
    name = "{urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1}statement"
    for [entry] in (check_rss(found["rss"]), check_atom(found["atom"])):
        element = entry.find(name)
        assert element is not None
        told = canonical(said["payload"]).decode()
        assert element.text == f"{said['key']}.{said['signature']}.{told}"
    assert item(store, conf, story.guid)["_wirecopy"]["statement"] == said


def test_what_a_statement_says(store: Store, config: ConfigOf) -> None:
    conf, story = config(), english()
    publish(store, conf, story)
    [said] = stated(store, story)
    shown = item(store, conf, story.guid)
    ours = shown["_wirecopy"]
    with store.read() as conn:
        entry = feeds.entry(conn, story.id)
    assert entry is not None
    parts = ("headline", "text", "links", "media", "packaging")
    measured = entry.measurement
    assert said == {
        "type": "wirecopy-statement-3",
        "guid": shown["id"],
        "story": story.id,
        "version": 1,
        "agency": ours["agency"],
        "agency_id": ours["agency_id"],
        "agency_version": ours["agency_version"],
        "rule": "wirecopy-text-1",
        "scope": ours["edit_scope"],
        "disclosure": entry.disclosure,
        "received": {p: measured["received"][p] for p in parts} | {"raw": story.raw_digest},
        "published": {p: measured["published"][p] for p in parts},
        "received_at": story.received_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "changed_at": story.changed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "logged_at": "2026-11-23T12:00:00.250000Z",
        "issued_at": "2026-11-23T12:00:00.250000Z",
        "previous": None,
        "details": said["details"],
        "index": 0,
    }
    assert shown["content_html"].endswith(f"<i>{said['disclosure']}</i></p>")


def test_a_headline_makes_the_next_statement_and_reverting_another(
    store: Store, config: ConfigOf, time: Time
) -> None:
    story = samples.story(samples.version(body="<p>Words.</p>", media=()))
    conf = config()
    publish(store, conf, story)
    time.now += timedelta(minutes=1)
    rewrite(store, story.id, "The desk wrote this", "Asha")
    renderer.render_waiting(store, conf)
    time.now += timedelta(minutes=1)
    rewrite(store, story.id, None, "Asha")
    renderer.render_waiting(store, conf)
    said = stated(store, story)
    assert [s["scope"] for s in said] == ["verbatim", "headline-only", "verbatim"]
    assert [s["published"]["headline"] for s in said][::2] == [said[0]["published"]["headline"]] * 2
    assert {s["index"] for s in said} == {0}  # nothing was received meanwhile
    last = item(store, conf, story.guid)["_wirecopy"]["statement"]
    assert whole(verified(canonical(last).decode(), jwks(store))) == said[2]


def test_the_same_story_again_keeps_its_statement_and_its_bytes(
    store: Store, config: ConfigOf, time: Time
) -> None:
    conf, stories = config(), (english(), hindi(), urdu())
    publish(store, conf, *stories)
    before = [item(store, conf, s.guid) for s in stories]
    time.now += timedelta(days=3)
    again(store, conf, *stories)
    assert [item(store, conf, s.guid) for s in stories] == before
    assert [len(stated(store, s)) for s in stories] == [1, 1, 1]
    assert list(renderer.compare(store, conf, [s.id for s in stories])) == []


def test_other_words_printed_below_it_are_another_claim(store: Store, config: ConfigOf) -> None:
    story = english()
    publish(store, config(), story)
    conf = config(disclosures={"headline-only": "(Headline: ours. Story: {agency}'s.)"})
    assert [r.story_id for r in renderer.compare(store, conf, [story.id])] == [story.id]
    renderer.render_waiting(store, conf)
    first, second = stated(store, story)
    assert (
        first["disclosure"] != second["disclosure"] == "(Headline: ours. Story: Press Trust of"
        " India's.)"
    )


def test_only_what_is_published_is_stated(store: Store, config: ConfigOf) -> None:
    conf = config(feeds=[{"name": "urdu", "title": "Urdu", "languages": ["ur"]}])
    publish(store, conf, english(), urdu())
    with store.read() as conn:
        assert proofs.statements_of(conn, english().id) == []
        assert len(proofs.statements_of(conn, urdu().id)) == 1
        entry = feeds.entry(conn, english().id)
    assert entry is not None
    assert entry.packed is None
    assert list(renderer.compare(store, conf, [english().id, urdu().id])) == []


def test_a_licence_that_ends_leaves_the_statements(
    store: Store, config: ConfigOf, time: Time
) -> None:
    wire = {"name": "pti", "url": "https://wire.example/", "expires_after": "30d"}
    conf, story = config(wires=[wire]), english()
    publish(store, conf, story)
    time.now += timedelta(days=31)
    again(store, conf, story)
    assert len(stated(store, story)) == 1
    with store.read() as conn:
        entry = feeds.entry(conn, story.id)
    assert entry is not None
    assert (entry.digests, entry.packed) == ("", None)


def hide(conf: Config, away: bool) -> None:
    here, there = conf.keys_folder, conf.keys_folder.with_name("away")
    (here if away else there).rename(there if away else here)


def test_the_press_while_the_keys_are_away(store: Store, config: ConfigOf, time: Time) -> None:
    conf, story, other = config(), english(), urdu()
    publish(store, conf, story)
    with store.read() as conn:
        before = served(conn, conf, "all", "rss")
    hide(conf, away=True)
    rewrite(store, story.id, "Written while the keys were away", "Asha")
    put(store, other)
    renderer.render_waiting(store, conf)
    assert len(errors(store)) == 2
    assert all("is not there; put it back" in each for each in errors(store))
    with store.read() as conn:
        assert served(conn, conf, "all", "rss") == before
        assert feeds.entry(conn, other.id) is None
    assert [s["version"] for s in stated(store, story)] == [1]
    for _ in range(20):  # however long it lasts, it is tried again soon
        time.now += timedelta(minutes=6)
        assert renderer.render_waiting(store, conf) == 2
    hide(conf, away=False)
    time.now += timedelta(minutes=6)
    renderer.render_waiting(store, conf)
    assert errors(store) == []
    assert [s["version"] for s in stated(store, story)] == [1, 2]
    assert item(store, conf, story.guid)["title"] == "Written while the keys were away"
    assert len(stated(store, other)) == 1


def test_what_is_stated_already_needs_no_key(store: Store, config: ConfigOf) -> None:
    conf, story = config(), english()
    publish(store, conf, story)
    before = item(store, conf, story.guid)
    hide(conf, away=True)
    again(store, conf, story)
    assert errors(store) == []
    assert item(store, conf, story.guid) == before


def test_after_a_rotation_new_statements_alone_have_the_new_key(
    store: Store, config: ConfigOf, time: Time
) -> None:
    conf, story = config(), english()
    publish(store, conf, story)
    before = item(store, conf, story.guid)
    time.now += timedelta(seconds=2)
    new = rotate_key(store, conf, at_once=True)
    again(store, conf, story)
    assert item(store, conf, story.guid) == before
    put(store, urdu())
    renderer.render_waiting(store, conf)
    with store.read() as conn:
        last = proofs.last_statements(conn, [story.id, urdu().id])
    assert last[urdu().id].kid == new.kid != last[story.id].kid
    stated(store, story)
    stated(store, urdu())


def test_what_a_revoked_key_signed_is_stated_anew(
    store: Store, config: ConfigOf, time: Time
) -> None:
    conf, story = config(), english()
    publish(store, conf, story, urdu())
    with store.read() as conn:
        old = proofs.keys(conn)[0].kid
    time.now += timedelta(seconds=2)
    assert revoke_key(store, conf, old, "lost") == sorted([story.id, urdu().id])
    assert {r.story_id for r in renderer.compare(store, conf, [story.id])} == {story.id}
    renderer.render_waiting(store, conf)
    first, second = stated(store, story)
    assert statement.claims_of(first) == statement.claims_of(second)
    with store.read() as conn:
        assert proofs.last_statements(conn, [story.id])[story.id].kid != old
        assert proofs.stories_signed_by(conn, old) == []


def test_a_key_revoked_while_it_signs(
    store: Store, config: ConfigOf, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf, story = config(), english()
    ensure_keys(store, conf)
    with store.read() as conn:
        first = proofs.keys(conn)[0].kid
    slept: list[bool] = []

    def slow(batch: Batch) -> Signed:
        done = sign(batch)
        if not slept:
            slept.append(True)
            time.now += timedelta(seconds=1)
            assert revoke_key(store, conf, first, "lost") == []
        return done

    monkeypatch.setattr("publish.signing.sign", slow)
    publish(store, conf, story)
    [said] = stated(store, story)
    with store.read() as conn:
        assert proofs.last_statements(conn, [story.id])[story.id].kid != first
    assert errors(store) == []
    assert said["version"] == 1


def test_a_version_from_before_there_was_a_log(store: Store, config: ConfigOf) -> None:
    """Its receipt is logged late, and says when it was received all the same."""
    conf, story = config(), english()
    put(store, story)  # as an intake without a log left it
    with store.read() as conn:
        assert proofs.receipts_wait(conn) is None
    rerender_if_changed(store, conf)
    renderer.render_waiting(store, conf)
    [said] = stated(store, story)
    with store.read() as conn:
        assert proofs.leaves(conn, 0, 10) == [receipt(said)]


def test_what_is_too_long_to_be_stated_keeps_out_its_story_alone(
    store: Store, config: ConfigOf
) -> None:
    endless = samples.story(samples.version(agency_id="x" * 70_000))
    long = samples.story(samples.version(agency_id="x" * 64_000))
    conf = config(disclosures={"verbatim": "Unedited. " * 150})
    publish(store, conf, endless, long, urdu())
    found = sorted(errors(store))
    assert sorted([endless.id, long.id]) == [error.split()[1].strip(":") for error in found]
    assert [e for e in found if "takes receipts of 65,535 bytes" in e and endless.id in e]
    assert [e for e in found if "bytes, which nobody reads" in e and long.id in e]
    assert len(stated(store, urdu())) == 1


def test_a_damaged_log_is_told_and_nothing_is_published_on_it(
    store: Store, config: ConfigOf
) -> None:
    conf = config()
    publish(store, conf, english())
    with store.write() as conn:
        proofs.put_tiles(conn, 1, {(0, 0): b"short"})
    put(store, urdu())
    renderer.render_waiting(store, conf)
    [error] = errors(store)
    assert "nothing can be stated: TreeError: tile 0/0 holds fewer than its 1 hashes" in error
    with store.read() as conn:
        head = proofs.log_head(conn)
        assert feeds.entry(conn, urdu().id) is None
    assert head is not None
    assert head.size == 1


@pytest.mark.parametrize("begun", ["before", "by it"])
def test_after_a_clock_that_ran_ahead_is_put_right(
    store: Store, config: ConfigOf, time: Time, begun: str
) -> None:
    """New stories are verified at once; what it dated, and what follows on it, in its time."""
    conf, week = config(), timedelta(days=7)
    early = samples.story(
        samples.version(agency_id="ahead"), received_at=NOON + week, first_received=NOON + week
    )
    if begun == "before":
        ensure_keys(store, conf)
    time.now = NOON + week + timedelta(hours=1)
    publish(store, conf, early)
    time.now = NOON
    if begun == "by it":
        publish(store, conf, hindi())
        assert errors(store) == ["no key is good now: wirecopy keys --rotate --now makes one"]
        rotate_key(store, conf, at_once=True)
        again(store, conf, hindi())
    publish(store, conf, english())
    time.now += timedelta(minutes=1)
    rewrite(store, early.id, "The desk wrote this", "Asha")
    if begun == "before":
        publish(store, conf, hindi())
    renderer.render_waiting(store, conf)
    assert errors(store) == []
    assert [said["version"] for said in stated(store, early)] == [1, 2]

    def seen(now: datetime, state: TrustedState) -> Report:
        with store.read() as conn:
            row = served(conn, conf, conf.outgoing[0].name, "json")
            chains = {
                each.guid: json.dumps(chain_of(store, each)).encode()
                for each in (early, english(), hindi())
            }
        assert row is not None
        evidence = Evidence(now=now, find_chain=lambda said: chains[said.guid], state=state)
        return verify(row.body, json.dumps(jwks(store)).encode(), evidence)

    report = seen(time.now, TrustedState())
    found = {entry.guid: entry for entry in report.entries}
    assert [check.name for check in found[early.guid].failures] == ["times"]
    for story in (english(), hindi()):
        assert found[story.guid].verdict == "verified"
        assert "a time that had not come when this was issued" in found[story.guid].late
    time.now = NOON + week + timedelta(hours=1)
    assert {e.verdict for e in seen(time.now, report.state).entries} == {"verified"}


def _publish(url: str, conf: Config, gate: Any) -> None:
    store = connect(url)
    gate.wait()
    with clock.reading(lambda: NOON):
        while renderer.render_waiting(store, conf):
            pass
    store.close()


@postgresql_first
@pytest.mark.slow
def test_two_presses_at_their_first_start(store: Store, config: ConfigOf) -> None:
    """Keys, log and statements are made once, whoever comes first."""
    conf = config()
    stories = [
        samples.story(samples.version(agency_id=f"s{n}", headline=f"Story {n}")) for n in range(60)
    ]
    put(store, *stories)
    rerender_if_changed(store, conf)
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(2)
    url = store.engine.url.render_as_string(hide_password=False)
    processes = [context.Process(target=_publish, args=(url, conf, gate)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
        assert process.exitcode == 0
    assert errors(store) == []
    assert len(jwks(store)["keys"]) == 1
    assert [len(stated(store, s)) for s in stories] == [1] * 60


@given(hostile.stories)
def test_a_statement_put_in_later_is_the_one_written_at_once(of: Story) -> None:
    try:
        rendered = render(of, samples.config())
    except RenderError:
        return
    later = rendered.with_statement(TOKEN)
    assert later.entry == rendered.entry.model_copy(update={"statement": TOKEN})
    assert later.rss == xml.rss_item(later.entry)
    assert later.atom == xml.atom_entry(later.entry)
    assert later.json == jsonfeed.item(later.entry)


@given(hostile.stories)
def test_intake_and_press_mean_the_same_receipt(of: Story) -> None:
    try:
        rendered = render(of, samples.config())
    except RenderError:
        return
    said = claims_for(of, rendered)
    for name in ("agency", "agency_id", "agency_version"):
        assert said.get(name, "") == (getattr(rendered.entry, name) or "")
    assert said["guid"] == rendered.entry.guid
    if of.received is None or rendered.measurement.received != of.received:
        return
    taken = statement.receipt(
        of.guid,
        credit_of(of.version),
        of.received,
        of.raw_digest,
        of.received_at,
    )
    assert statement.receipt_of(said) == taken
