"""The commands, against a real server on loopback: in this process, but for what only the entry
point as installed can show."""

import hashlib
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from desk import replaying
from desk.cli.app import COMMANDS, main
from ingest.replay import Selection
from stories import clock
from stories.db import Store, connect, feeds, key_value, outbox, wires
from stories.db import stories as records
from tests import hostile

WIRECOPY = Path(sys.executable).with_name("wirecopy")
NS = "{urn:uuid:679fde77-ca8f-4c3a-b072-c5b02e8fa5e1}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
LINE = (
    "(Except for the headline, this story has not been edited by Chronicle staff"
    " and is published from a syndicated feed.)"
)


def item(guid: str, headline: str, body: str, date: str = "Sun, 22 Nov 2026 06:00:00 IST") -> str:
    return (
        f'<item><guid isPermaLink="false">{guid}</guid><title>{headline}</title>'
        f"<link>https://agency.example/{guid}</link><pubDate>{date}</pubDate>"
        f"<description>{body}</description></item>"
    )


def wire_of(*items: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        "<title>Agency</title><link>https://agency.example/</link><description>d</description>"
        f"{''.join(items)}</channel></rss>"
    ).encode()


IT_RAINED = "&lt;p&gt;It rained &amp;amp; rained.&lt;/p&gt;"
RAIN = item("rain", "Rain stops play", IT_RAINED)
TRAM = item("tram", "Tram line opens", "&lt;p&gt;It opened.&lt;/p&gt;&lt;p&gt;All came.&lt;/p&gt;")


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    returncode: int
    stdout: bytes
    stderr: bytes


@dataclass
class House:
    """A newsroom in a folder, its agency, and its command line."""

    folder: Path
    server: hostile.Server
    captured: pytest.CaptureFixture[bytes]

    def run(self, *arguments: str, code: int = 0) -> str:
        """Standard output of ``wirecopy …``, which must exit with *code*."""
        done = self.try_(*arguments)
        assert done.returncode == code, done.stderr.decode()
        return done.stdout.decode()

    def try_(self, *arguments: str) -> Done:
        self.captured.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = self.captured.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    def listed(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code))

    def start(self, *command: str | Path) -> "subprocess.CompletedProcess[bytes]":
        """*command* as a process of its own, where everything that warns fails."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONWARNINGS": "error"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def house(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Iterator[House]:
    for name in [name for name in os.environ if name.startswith("WIRECOPY_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    with hostile.serve() as server:
        server.answer("/pti.rss", wire_of(RAIN, TRAM), {"ETag": '"1"'})
        (tmp_path / "wirecopy.toml").write_text(
            f"""
            [publisher]
            name = "Chronicle"
            url = "https://www.chronicle.example"

            [[wires]]
            name = "pti"
            agency = "Press Trust of India"
            code = "PTI"
            url = "{server.url}/pti.rss"
            every = "2m"
            allow_private = true

            [[feeds]]
            name = "india"
            title = "India"
            wires = ["pti"]
            """
        )
        yield House(tmp_path, server, capfdbinary)


def test_the_main_job(house: House) -> None:
    """A wire story, its headline rewritten, comes out saying truly that only that was edited."""
    assert "ok" in house.run("poll")
    stories = house.listed("stories")
    assert [s["headline"] for s in stories] == ["Rain stops play", "Tram line opens"]
    rain = stories[0]
    contract = {"id", "wire", "agency", "agency_id", "version", "status", "headline"}
    contract |= {"wire_headline", "edit_scope", "edited_headline_only"}
    assert contract <= rain.keys()
    assert (rain["agency"], rain["agency_id"]) == ("Press Trust of India", "rain")
    assert rain["version"] == 1
    assert (rain["edit_scope"], rain["edited_headline_only"]) == ("verbatim", False)

    shown = house.run("headline", rain["id"], "Rain, again", "--by", "Asha")
    assert "headline-only" in shown
    assert LINE in " ".join(shown.split())
    rain = house.listed("stories")[0]
    assert (rain["headline"], rain["wire_headline"]) == ("Rain, again", "Rain stops play")
    assert (rain["edit_scope"], rain["edited_headline_only"]) == ("headline-only", True)

    rss = etree.fromstring(house.run("feed", "india", "--format", "rss").encode())
    entry = rss.find("channel/item")
    assert entry is not None
    assert entry.findtext("title") == "Rain, again"
    assert entry.findtext(f"{NS}editedHeadlineOnly") == "true"
    assert entry.findtext(f"{NS}editScope") == "headline-only"
    body = entry.findtext(CONTENT) or ""
    assert body.startswith("<p>It rained &amp; rained.</p>")
    assert body.rstrip().endswith(f"{LINE}</i></p>")
    atom = feedparser.parse(house.run("feed", "india", "--format", "atom").encode())
    assert atom.entries[0].title == "Rain, again"
    assert atom.entries[0].id == entry.findtext("guid") == rain["guid"]
    feed = json.loads(house.run("feed", "india", "--format", "json"))
    assert feed["items"][0]["_wirecopy"]["edit_scope"] == "headline-only"

    assert "verbatim" in house.run("headline", rain["id"], "--revert", "--by", "Asha")
    rain = house.listed("stories")[0]
    assert (rain["headline"], rain["edit_scope"]) == ("Rain stops play", "verbatim")
    history = house.listed("story", rain["id"])["headlines"]
    assert [(h["text"], h["by"]) for h in history] == [("Rain, again", "Asha"), (None, "Asha")]


def test_a_removed_wire_is_listed_with_the_term_of_its_licence(house: House) -> None:
    path = house.folder / "wirecopy.toml"
    plain = path.read_text()
    house.server.answer("/press-trust.rss", wire_of(TRAM))
    terms = []
    for text in (
        plain,
        plain.replace('every = "2m"', 'expires_after = "30d"'),
        plain.replace('"pti"', '"press-trust"').replace("/pti.rss", "/press-trust.rss"),
    ):
        path.write_text(text)
        house.run("poll")
        listed = house.listed("wires")
        terms.append({w["name"]: (w["configured"], w["expires_after"]) for w in listed})
    kept = {"pti": (False, "2592000s"), "press-trust": (True, None)}
    assert terms == [{"pti": (True, None)}, {"pti": (True, "2592000s")}, kept]


def test_an_update_under_a_desk_headline_waits_for_a_second_look(house: House) -> None:
    house.run("poll")
    rain = house.listed("stories")[0]["id"]
    house.run("headline", rain, "Rain, again", "--by", "Asha")
    newer = item(
        "rain", "Rain stops play for good", IT_RAINED + "&lt;p&gt;It still rains.&lt;/p&gt;"
    )
    house.server.answer("/pti.rss", wire_of(newer, TRAM), {"ETag": '"2"'})
    house.run("poll")
    waiting = house.listed("stories", "--second-look")
    assert [(s["id"], s["headline"], s["version"]) for s in waiting] == [(rain, "Rain, again", 2)]
    assert waiting[0]["wire_headline"] == "Rain stops play for good"
    house.run("headline", rain, "Rain, again", "--by", "Ravi")  # looked again; it stands
    assert house.listed("stories", "--second-look") == []


def test_a_touched_date_is_no_new_version(house: House) -> None:
    house.run("poll")
    touched = RAIN.replace("06:00:00", "07:30:00")
    house.server.answer("/pti.rss", wire_of(touched, TRAM), {"ETag": '"2"'})
    polled = house.listed("poll")
    assert (polled[0]["state"], polled[0]["new"], polled[0]["updated"]) == ("ok", 0, 0)
    assert {s["version"] for s in house.listed("stories")} == {1}


def test_the_bytes_received_are_shown_again(house: House) -> None:
    house.run("poll")
    rain = house.listed("stories")[0]["id"]
    assert house.run("story", rain, "--raw") == RAIN
    assert house.run("story", rain[:6], "--raw") == RAIN
    number = house.listed("captures")[0]["id"]
    assert house.run("captures", str(number), "--raw").encode() == wire_of(RAIN, TRAM)
    capture = house.listed("captures", str(number))
    assert capture["digest"] == hashlib.sha256(wire_of(RAIN, TRAM)).hexdigest()
    assert ["etag", '"1"'] in capture["headers"]


def test_a_second_poll_is_conditional(house: House) -> None:
    house.run("poll")
    polled = house.listed("poll", "pti")
    assert polled[0]["state"] in ("not-modified", "unchanged")
    assert house.server.seen("/pti.rss")[-1].header("if-none-match") == '"1"'
    assert len(house.listed("captures")) == 1


def test_a_replay_changes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.run("poll")
    house.run("headline", house.listed("stories")[0]["id"], "Rain, again", "--by", "Asha")
    before = house.run("feed", "india")
    assert "nothing changed" in house.run("replay")
    assert "nothing would change" in house.run("replay", "--dry-run")
    outcome = house.listed("replay", "--wire", "pti")
    assert (outcome["captures"], outcome["changes"]) == (1, [])
    assert house.run("feed", "india") == before
    other = f"sqlite:///{house.folder / 'other.sqlite3'}"
    house.run("replay", "--into", other)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("WIRECOPY_DATABASE_URL", other)
        assert house.run("feed", "india") == before
    refused = house.try_("replay", "--into", other)
    assert refused.returncode == 1
    assert b"is not empty" in refused.stderr


def test_a_replay_says_what_the_code_changed(house: House) -> None:
    house.run("poll")
    store = connect(f"sqlite:///{house.folder}/wirecopy-data/wirecopy.sqlite3")
    with store.write() as conn:  # as if other code had read the item otherwise
        for version in records.versions_of_captures(conn, [1])[1].values():
            if version.data["headline"].startswith("Tram line"):
                otherwise = {**version.data, "headline": "Bus line opens"}
                records.put_versions(conn, [replace(version, data=otherwise)])
    store.close()
    tram = next(s["id"] for s in house.listed("stories") if s["agency_id"] == "tram")
    shown = house.run("replay", "--dry-run")
    assert f"story {tram} (capture 1): changed" in shown
    assert "data.headline: 'Bus line opens' -> 'Tram line opens'" in shown
    assert "1 captures replayed; 1 would change" in shown
    for arguments in (["--dry-run"], []):
        [change] = house.listed("replay", *arguments)["changes"]
        assert (change["story_id"], change["kind"]) == (tram, "changed")
        assert change["fields"]["data.headline"] == ["Bus line opens", "Tram line opens"]
    assert "nothing changed" in house.run("replay")


def test_a_replay_goes_on_when_its_story_is_off_the_record(house: House) -> None:
    """An interrupted one may have taken it off; the same command carries the rest out, and says so
    in a pipe too."""
    house.run("poll")
    gone = Selection(story="aaaaaaaaaaaaa")
    store = connect(f"sqlite:///{house.folder}/wirecopy-data/wirecopy.sqlite3")
    with store.write() as conn:
        key_value.write(conn, gone.note, {"pti": [0, True]})
    store.close()
    refused = house.try_("replay", "--story", "aaaaaaaaaaaaa", "--restart")
    assert (refused.returncode, b"there is none" in refused.stderr) == (1, True)
    done = house.try_("replay", "--story", "aaaaaaaaaaaaa")
    assert (done.returncode, done.stdout) == (0, b"1 captures replayed; nothing changed\n")
    assert b"going on" in done.stderr
    assert b"--restart" in done.stderr
    assert "there is none" in house.try_("replay", "--story", "aaaaaaaaaaaaa").stderr.decode()


def test_one_broken_wire_harms_no_other(house: House) -> None:
    config = house.folder / "wirecopy.toml"
    hollow = wire_of(RAIN).replace(b"</channel>", b"<item><guid>h</guid></item></channel>")
    page = b"<!DOCTYPE html><title>Log in</title>"
    broken = {"page": page, "cut": wire_of(RAIN)[:150], "hollow": hollow}
    for name, body in broken.items():
        house.server.answer(f"/{name}.rss", body)
        config.write_text(
            f'{config.read_text()}\n[[wires]]\nname = "{name}"\nallow_private = true\n'
            f'url = "{house.server.url}/{name}.rss"\n'
        )
    done = house.try_("poll", "--json")
    assert done.returncode == 1
    assert b"wire page: " in done.stderr
    assert b"Log in" in done.stderr
    states = {row["wire"]: row for row in json.loads(done.stdout)}
    assert states["pti"]["new"] == 2
    status = house.listed("status")
    assert {f["wire"] for f in status["faulty"]} >= {"page"}
    assert status["quarantine"]["count"] >= 1
    failed = house.listed("captures", "--failed")
    states = {c["wire"]: c["state"] for c in failed}
    assert states["page"] == "failed"
    assert states["hollow"] == "ingested"  # one of its items is in quarantine, the other is not
    assert "pti" not in states
    hollow_one = next(str(c["id"]) for c in failed if c["wire"] == "hollow")
    (item,) = house.listed("captures", hollow_one)["problems"]
    assert item["position"] == 1
    assert item["state"] == "item-empty"
    assert len(house.listed("stories")) >= 2


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["poll", "pit"], 1, "known: pti"),
        (["wires", "pit"], 1, "known: pti"),
        (["story", "zzz"], 1, "there is none"),
        (["story", ""], 1, "there is none"),
        (["feed", "none"], 1, "known: india"),
        (
            ["feed", "india", "--format", "html"],
            2,
            "'--format': 'html' is not one of 'rss', 'atom'",
        ),
        (["wires", "pti", "--believe-keys"], 1, "wire pti: has no keys to believe"),
        (["people", "foo"], 2, ": 'foo' is not one of"),
        (["captures", "99"], 1, "there is none"),
        (["captures", "9" * 20], 2, "NUMBER"),
        (["captures", "--limit", "9" * 20], 2, "--limit"),
        (["stories", "--limit", "9" * 20], 2, "--limit"),
        (["captures", "--raw"], 2, "NUMBER"),
        (["captures", "--since", "yesterday"], 2, "no time"),
        (["stories", "--limit", "0"], 2, "--limit"),
        (["stories", "--feed", "none"], 1, "known: india"),
        (["headline", "zzz", "Text", "--by", "Asha"], 1, "there is none"),
        (["headline", "zzz", "Text"], 2, "--by"),
        (["headline", "zzz", "--by", "Asha"], 2, "--revert"),
        (["headline", "zzz", "Text", "--revert", "--by", "Asha"], 2, "--revert"),
        (["replay", "--wire", "pit"], 1, "known: pti"),
        (["replay", "--into", "mysql://x/y"], 1, "not supported"),
        (["up", "everything"], 2, "worker, poller, beat, web"),
        (["edit-body"], 2, "No such command"),
        (["--config", "none.toml", "status"], 2, "no such file"),
    ],
)
def test_wrong_words_get_one_clear_error(
    house: House, arguments: list[str], code: int, expected: str
) -> None:
    done = house.try_(*arguments)
    said = done.stderr.decode()
    assert done.returncode == code, said
    assert expected in " ".join(said.split())
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("headline", "expected"),
    [
        ("", "empty"),
        (" \t ", "empty"),
        ("x" * 301, "301 characters"),
        ("left\u202eright", "direction of text"),
    ],
)
def test_a_headline_that_cannot_be_taken(house: House, headline: str, expected: str) -> None:
    house.run("poll")
    rain = house.listed("stories")[0]["id"]
    done = house.try_("headline", rain, headline, "--by", "Asha")
    assert done.returncode == 1
    assert expected in done.stderr.decode()
    assert house.listed("stories")[0]["edit_scope"] == "verbatim"


def test_the_same_headline_twice_and_a_revert_of_nothing(house: House) -> None:
    house.run("poll")
    rain = house.listed("stories")[0]["id"]
    assert b"stands already" in house.try_("headline", rain, "--revert", "--by", "Asha").stderr
    house.run("headline", rain, "Rain", "--by", "Asha")
    assert b"already" in house.try_("headline", rain, "Rain", "--by", "Asha").stderr


@pytest.mark.parametrize(
    "headline", ["-5 hours of rain", "-5°C", "--- Live: rain", "−7", "-h is no help here"]
)
def test_a_headline_may_begin_with_a_minus(house: House, headline: str) -> None:
    house.run("poll")
    rain = house.listed("stories")[0]["id"]
    house.run("headline", rain, headline, "--by", "Asha", "--seen=1")
    assert house.listed("stories", "--limit=1")[0]["headline"] == headline
    done = house.try_("headline", rain, "--revrt", "--by", "Asha")
    assert done.returncode == 2
    assert b'-- "TEXT"' in done.stderr
    house.run("headline", rain, "--by", "Asha", "--", "-Rain")
    assert house.listed("stories", "--limit=1")[0]["headline"] == "-Rain"


def test_a_story_without_a_headline_is_named_and_is_no_failure_of_the_poll(house: House) -> None:
    house.server.answer("/pti.rss", wire_of(TRAM, item("rain", "", IT_RAINED)))
    done = house.try_("poll")
    assert done.returncode == 0
    [rain] = [one["id"] for one in house.listed("stories") if not one["headline"]]
    assert f"1 story has no headline, and waits for the desk: wirecopy headline {rain}" in (
        done.stderr.decode()
    )
    house.run("headline", rain, "Rain", "--by", "Asha")
    assert b"no headline" not in house.try_("poll").stderr


def test_what_restore_would_not_heed_is_refused(house: House) -> None:
    done = house.try_("restore", "backup", "--check", "--moved")
    assert (done.returncode, b"--check only reads" in done.stderr) == (2, True)


def test_an_act_says_where_it_is_published_and_what_comes_back(house: House) -> None:
    house.run("poll")
    rain = house.listed("stories")[0]["id"]
    assert "published in" in (said := house.run("headline", rain, "Ben's words", "--by", "Ben"))
    assert "india" in said
    done = house.try_("headline", rain, "<b>Cara</b> &amp; co", "--by", "Cara")
    assert done.returncode == 0
    assert b"replaced the headline by Ben" in done.stderr
    assert b"<b>, </b>, &amp;" in done.stderr
    assert b"the wire's headline has the" not in done.stderr
    house.run("headline", rain, "--revert", "--to", "1", "--by", "Ben")
    assert house.listed("stories", "--limit=1")[0]["headline"] == "Ben's words"
    done = house.try_("headline", rain, "--revert", "--by", "Ben")
    assert "is back: “Rain stops play”; taken off".encode() in done.stderr
    assert "1. 2" in house.run("story", rain)


def test_a_headline_that_nobody_sees_is_said_to_be(house: House) -> None:
    house.run("poll")
    rain = house.listed("stories")[0]["id"]
    toml = house.folder / "wirecopy.toml"
    told = toml.read_text()
    toml.write_text(re.sub(r'(name = "india")', r'\1\ncategories = ["Sailing"]', told))
    house.run("poll")
    done = house.try_("headline", rain, "Rain, unseen", "--by", "Asha")
    assert done.returncode == 1
    assert b"nobody sees it: no feed selects it" in done.stderr
    shown = house.listed("story", rain)
    assert "no feed selects it" in shown["not_published"]
    assert shown["not_in"]["india"] == ["categories"]


def test_desk_marks_are_shown_and_left_out_by_rule(house: House) -> None:
    told = IT_RAINED + "&lt;p&gt;PTI ABC XY&lt;/p&gt;"
    house.server.answer("/pti.rss", wire_of(item("rain", "Rain stops 3 plays", told)))
    house.run("poll")
    [rain] = house.listed("stories")
    assert rain["edit_scope"] == "verbatim"
    done = house.try_("headline", rain["id"], "Rain stops plays", "--by", "Asha")
    assert "the wire's headline has the number “3”, and this has not".encode() in done.stderr
    house.run("headline", rain["id"], "--revert", "--by", "Asha")
    assert "desk mark (sign_offs): PTI ABC XY" in house.run("story", rain["id"])
    shown = house.listed("story", rain["id"])
    assert shown["desk_marks"] == [{"rule": "sign_offs", "text": "PTI ABC XY"}]
    toml = house.folder / "wirecopy.toml"
    toml.write_text(toml.read_text().replace('every = "2m"', 'every = "2m"\ntrim = ["sign_offs"]'))
    house.run("poll")
    cut = house.listed("story", rain["id"])
    assert cut["edit_scope"] == "excerpt"
    assert cut["received_digests"] == shown["received_digests"]
    assert cut["content"] == shown["content"]
    assert [cut[n] for n in ("guid", "changed", "version")] == [
        shown[n] for n in ("guid", "changed", "version")
    ]
    house.run("replay")
    toml.write_text(toml.read_text().replace("sign_offs", "sign_of"))
    assert b"wires[0].trim" in house.try_("poll").stderr


def test_a_poll_that_published_nothing_says_what_waits(house: House) -> None:
    house.run("poll")
    for key in (house.folder / "wirecopy-data" / "keys").glob("*.pem"):
        key.unlink()
    house.server.answer("/pti.rss", wire_of(RAIN, item("bus", "Bus", "By bus.")), {"ETag": '"2"'})
    done = house.try_("poll")
    assert done.returncode == 1
    assert b"not published, tried again later: story " in done.stderr
    assert b"put it back" in done.stderr


def test_a_poll_names_the_wire_that_it_left_out(house: House) -> None:
    house.run("poll")
    house.server.answer("/pti.rss", b"gone", status=410)
    house.run("poll", code=1)
    done = house.try_("poll")
    assert done.returncode == 1
    assert b"wire pti: paused (http-410, since " in done.stderr
    assert b"`wirecopy poll pti` resumes it" in done.stderr
    assert done.stdout == b"no wire was polled\n"


@pytest.mark.parametrize(
    "status", [503, *(pytest.param(other, marks=pytest.mark.slow) for other in (429, 200))]
)
def test_a_poll_waits_as_long_as_the_server_asks_unless_told_otherwise(
    house: House, status: int
) -> None:
    feed = wire_of(RAIN)
    house.server.answer("/pti.rss", feed, {"Retry-After": "3600"}, status)
    house.run("poll", code=0 if status == 200 else 1)
    house.server.answer("/pti.rss", feed)
    for command in (["poll"], ["poll", "pti"]):
        done = house.try_(*command)
        assert done.returncode == 1
        assert b"wire pti: not polled, as its server asked to wait until 2" in done.stderr
    assert len(house.server.seen("/pti.rss")) == 1
    house.run("poll", "--now")
    assert len(house.server.seen("/pti.rss")) == 2
    house.run("poll")  # nothing is asked for any more
    assert len(house.server.seen("/pti.rss")) == 3


def test_a_wire_asked_for_by_name_says_why_it_is_polled_when_it_is(house: House) -> None:
    feed = wire_of(RAIN).replace(b"<title>Agency", b"<ttl>60</ttl><title>Agency", 1)
    house.server.answer("/pti.rss", feed)
    house.run("poll")
    assert "because: ttl 1h, longer than every 2m" in " ".join(house.run("wires", "pti").split())
    assert "because" not in house.run("wires")
    toml = house.folder / "wirecopy.toml"
    toml.write_text(toml.read_text().replace('every = "2m"', 'every = "2m"\ntrust_ttl = false'))
    house.run("poll")
    assert "because: every 2m, whatever the" in " ".join(house.run("wires", "pti").split())


def test_no_secret_of_an_address_is_shown(house: House) -> None:
    toml = house.folder / "wirecopy.toml"
    secret, key = "n0tToBeShown", "9f8e7d6c5b4a39281706"
    toml.write_text(toml.read_text().replace("/pti.rss", f"/pti.rss?pwd={secret}&k={key}&of=india"))
    shown = [house.try_("poll"), house.try_("wires", "--json"), house.try_("wires", "--explain")]
    shown += [house.try_("captures", "--json"), house.try_("captures", "1"), house.try_("status")]
    house.server.answer(f"/pti.rss?pwd={secret}&k={key}&of=india", b"no", status=403)
    shown += [house.try_("poll"), house.try_("poll", "--json"), house.try_("wires")]
    said = b"".join(done.stdout + done.stderr for done in shown).decode()
    assert secret not in said
    assert key not in said
    assert "of=india" in said


class TestKeys:
    def test_they_are_made_listed_rotated_and_revoked(self, house: House) -> None:
        house.run("poll")
        [first] = house.listed("keys")
        assert (first["state"], first["file"], first["until"]) == ("signs", "ok", None)
        published = json.loads(house.run("keys", "--jwks"))
        assert [k["kid"] for k in published["keys"]] == [first["kid"]]
        done = house.try_("keys", "--rotate", "--json")
        assert done.returncode == 0, done.stderr
        assert b"is published, and signs from 2" in done.stderr
        assert [k["state"] for k in json.loads(done.stdout)] == ["signs", "waits"]
        assert [k["file"] for k in json.loads(done.stdout)] == ["ok", "ok"]
        second = json.loads(done.stdout)[1]["kid"]
        done = house.try_("keys", "--rotate")
        assert done.returncode == 1
        assert f"key {second}: waits already".encode() in done.stderr
        done = house.try_("keys", "--revoke", first["kid"], "--reason", "left on a train")
        assert done.returncode == 0, done.stderr
        assert b"2 stories will be stated anew" in done.stderr
        listed = {k["kid"]: k for k in house.listed("keys")}
        assert listed[first["kid"]]["state"] == "revoked"
        assert listed[first["kid"]]["reason"] == "left on a train"
        assert listed[second]["state"] == "signs"
        house.run("poll")
        story = house.listed("stories")[0]["id"]
        shown = house.listed("story", story)
        assert (shown["statement"], shown["signed_by"]) == (2, second)
        assert second in house.run("story", story)

    def test_a_missing_key_is_reported_and_publishes_nothing(self, house: House) -> None:
        house.run("poll")
        [key] = house.listed("keys")
        served = house.run("feed", "india", "--format", "json")
        file = house.folder / "wirecopy-data" / "keys" / f"{key['kid']}.pem"
        file.unlink()
        assert "is not there; put it back" in house.listed("keys")[0]["file"]
        story = house.listed("stories")[0]["id"]
        done = house.try_("headline", story, "A new headline", "--by", "Asha")
        assert done.returncode == 1
        assert b"kept, but not published: key file" in done.stderr
        assert house.run("feed", "india", "--format", "json") == served
        assert "is not there; put it back" in " ".join(house.run("status").split())
        house.run("keys", "--rotate", "--now")

    def test_a_log_without_its_key_is_followed_by_another(self, house: House) -> None:
        house.run("poll")
        file = house.folder / "wirecopy-data" / "keys" / "log.pem"
        file.unlink()
        done = house.try_("status", "--check")
        assert b"log.pem: is not there" in done.stderr
        assert b"if it is lost, begin a new log: wirecopy keys --new-log" in done.stderr
        done = house.try_("keys")
        assert (done.returncode, b"log.pem: is not there" in done.stderr) == (0, True)
        done = house.try_("keys", "--new-log", "--restored-to", "2026-01-02T03:04:05Z")
        assert done.returncode == 0, done.stderr
        assert b"which stay provable while /log is served" in done.stderr
        assert b".pem vouches for it" in done.stderr
        [told] = json.loads(house.run("keys", "--jwks"))["wirecopy_restores"]
        assert told["payload"]["known_until"] == "2026-01-02T03:04:05.000000Z"
        assert b"log.pem" not in house.try_("status", "--check").stderr

    @pytest.mark.parametrize(
        "wrong",
        [
            ["--now"],
            ["--revoke", "x"],
            ["--reason", "x"],
            ["--rotate", "--jwks"],
            ["--unvouched"],
            ["--restored-to", "2026-01-02"],
            ["--new-log", "--restored-to", "yesterday"],
            ["--new-log", "--restored-to", "9026-01-02T03:04:05Z"],
            ["--new-log", "--rotate"],
            ["--revoke", "x", "--reason", "y", "--rotate"],
        ],
    )
    def test_wrong_usage(self, house: House, wrong: list[str]) -> None:
        house.run("keys", *wrong, code=2)

    def test_a_key_that_nobody_has(self, house: House) -> None:
        done = house.try_("keys", "--revoke", "nobody", "--reason", "x")
        assert done.returncode == 1
        assert b"key nobody: there is none" in done.stderr


def test_a_poll_names_what_went_into_quarantine(house: House) -> None:
    hollow = "<item><guid>h</guid></item>"
    house.server.answer("/pti.rss", wire_of(RAIN, hollow, hollow.replace("h<", "i<")))
    done = house.try_("poll", "--json")
    assert done.returncode == 1
    (row,) = json.loads(done.stdout)
    assert (row["state"], row["new"]) == ("ok", 1)
    assert b"wire pti: capture 1: 2 items in quarantine, the first: item 2: has " in done.stderr
    assert row["message"] in done.stderr.decode()


def test_a_poll_leaves_nothing_unrendered(house: House) -> None:
    """However much waits. Stories that are gone by now stand for the many of a first poll."""
    house.run("poll")
    store = connect(f"sqlite:///{house.folder}/wirecopy-data/wirecopy.sqlite3")
    with store.write() as conn:
        outbox.want(conn, "story", [f"gone{n}" for n in range(1100)], clock.now())
    store.close()
    assert house.listed("status")["outbox"][0]["count"] == 1100
    house.run("poll")
    assert house.listed("status")["outbox"] == []


def test_text_that_was_lost_is_shown_and_let_go_without_a_claim(house: House) -> None:
    prose = "The ferries will run again from Monday, the harbour office said on Sunday. " * 3
    lossy = item("ferry", "Ferries run", "Soon.").replace("</item>", f"<w>{prose}</w></item>")
    house.server.answer("/pti.rss", wire_of(lossy, TRAM))
    house.try_("poll")
    assert [s["headline"] for s in house.listed("stories")] == ["Tram line opens"]
    (problem,) = house.listed("captures", "1")["problems"]
    assert (problem["position"], problem["state"]) == (0, "text-lost")
    assert "<w> says “The ferries will run again" in house.run("captures", "1")
    assert "text-lost" in house.run("status")

    config = house.folder / "wirecopy.toml"
    config.write_text(config.read_text().replace("every =", 'conserve = "unknown"\nevery ='))
    house.run("replay", "--quarantined")
    ferry = house.listed("stories")[0]
    assert (ferry["headline"], ferry["edit_scope"]) == ("Ferries run", "unknown")
    assert ferry["disclosure"] == ""
    assert house.listed("story", ferry["id"])["received_digests"] is None
    assert "nothing is claimed of it: `wirecopy captures 1` says why" in " ".join(
        house.run("story", ferry["id"]).split()
    )
    assert "published without a claim, text-lost" in house.run("captures", "1")
    assert "Soon." in house.run("feed", "india", "--format", "rss")


@pytest.mark.parametrize(
    "arguments", [["poll"], pytest.param(["replay", "--dry-run"], marks=pytest.mark.slow)]
)
def test_a_full_disk_is_one_clear_error(house: House, arguments: list[str]) -> None:
    """Files may not grow beyond 40 kB here, which is what a full disk comes to, and needs none."""
    house.run("poll")
    words = random.Random(1).randbytes(100_000).hex()
    house.server.answer("/pti.rss", wire_of(item("long", "A long story", words)))
    done = house.start("bash", "-c", 'ulimit -f 40; exec "$0" "$@"', WIRECOPY, *arguments)
    assert done.returncode == 1
    assert re.fullmatch(rb"wirecopy: database: .*; mend that, and .*\n", done.stderr), done.stderr


def test_a_dry_run_is_written_where_the_data_is(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/tmp may be memory, and small; the data folder has room for another store, or nothing has."""
    house.run("poll")
    opened: list[Path] = []

    def connected(path: Path) -> Store:
        opened.append(path)
        return connect(path)

    monkeypatch.setattr(replaying, "connect", connected)
    assert "nothing would change" in house.run("replay", "--dry-run")
    assert [path.parents[1] for path in opened] == [house.folder / "wirecopy-data"]
    assert not [p for p in (house.folder / "wirecopy-data").iterdir() if "rehearsal" in p.name]


def test_looking_with_another_configuration_changes_nothing(house: House) -> None:
    """What runs follows its own file; a poll, which writes, follows the one it is given."""
    config = house.folder / "wirecopy.toml"
    whole = config.read_text()
    extra = whole.replace('"pti"', '"ani"').replace('"india"', '"world"').partition("[[wires]]")
    config.write_text(whole + "\n[[wires]]" + extra[2])
    house.run("poll")
    other = house.folder / "other.toml"
    other.write_text(whole.replace('name = "Chronicle"', 'name = "Other"'))
    story = house.listed("stories")[0]["id"]

    def standing() -> tuple[dict[str, bool], dict[str, str | None], list[object]]:
        store = connect(f"sqlite:///{house.folder}/wirecopy-data/wirecopy.sqlite3")
        with store.read() as conn:
            known = {w.name: w.configured for w in wires.every(conn)}
            told = {n: feeds.rows_of(conn, n) for n in ("india", "world")}
            waiting: list[object] = list(outbox.waiting(conn, clock.now()))
        store.close()
        return known, {n: rows["rss"].etag if rows else None for n, rows in told.items()}, waiting

    before = standing()
    assert before[0] == {"pti": True, "ani": True}
    assert before[1]["world"]
    for arguments in (
        ["status"],
        ["wires"],
        ["stories"],
        ["story", story],
        ["feed", "india"],
        ["captures"],
        ["keys"],
        ["replay", "--dry-run"],
    ):
        house.run("--config", str(other), *arguments)
        assert standing() == before, arguments
    house.run("--config", str(other), "poll")
    known, tags, waiting = standing()
    assert known == {"pti": True, "ani": False}
    assert "Other staff" in house.run("--config", str(other), "feed", "india")
    assert (tags["world"], waiting) == (None, [])


def test_a_new_store_follows_the_first_configuration(house: House) -> None:
    assert [w["name"] for w in house.listed("wires")] == ["pti"]
    config = house.folder / "wirecopy.toml"
    config.write_text(config.read_text().replace('"pti"', '"ani"'))
    done = house.try_("wires", "--json")
    assert [w["name"] for w in json.loads(done.stdout)] == ["pti"]
    assert b"wire ani: configured, but not taken up yet; restart `wirecopy up`" in done.stderr


def test_a_wrong_configuration_is_wrong_usage(house: House) -> None:
    config = house.folder / "wirecopy.toml"
    config.write_text(config.read_text().replace("every =", "evry ="))
    done = house.try_("status")
    assert done.returncode == 2
    assert b"wires[0].evry" in done.stderr
    assert b"did you mean 'every'?" in done.stderr


def test_every_command_explains_itself(house: House) -> None:
    done = house.start(WIRECOPY, "--help")
    assert (done.returncode, done.stderr) == (0, b"")
    for command in COMMANDS:
        assert command in done.stdout.decode()
        assert "Usage" in house.run(command, "--help")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["status"], 0, marks=pytest.mark.slow),
        (["story", "zzz"], 1),
        pytest.param(["edit-body"], 2, marks=pytest.mark.slow),
    ],
)
def test_exit_codes_of_the_entry_point(house: House, arguments: list[str], code: int) -> None:
    done = house.start(WIRECOPY, *arguments)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_a_pipe_that_closes_early_is_no_error(house: House) -> None:
    house.run("poll")
    rain = house.listed("stories")[0]["id"]
    for command in (f"story {rain}", "stories --json", "feed india", "--help", "poll --help"):
        piped = f"{WIRECOPY} {command} | head -0"
        done = house.start("bash", "-o", "pipefail", "-c", piped)
        assert (done.returncode, done.stderr) == (0, b""), command


def test_the_version_is_the_packages(house: House) -> None:
    assert house.run("--version") == f"wirecopy {metadata.version('wirecopy')}\n"


# Streams that are closed, and terminals of another alphabet.


def shell(house: House, line: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        ["sh", "-c", line.replace("wirecopy", f"'{WIRECOPY}'")],
        cwd=house.folder,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_no_reason_not_to_work(house: House, closed: str) -> None:
    done = shell(house, f"wirecopy poll {closed}")
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert len(house.listed("stories")) == 2
    database = house.folder / "wirecopy-data/wirecopy.sqlite3"
    assert database.read_bytes()[:16] == b"SQLite format 3\0", "nothing was said into it"
    assert shell(house, f"wirecopy stories {closed}").returncode == 0


OLD_TERMINALS: list[dict[str, str]] = [
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "koi8-r"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
]


@pytest.mark.slow
@pytest.mark.parametrize("environment", OLD_TERMINALS)
def test_letters_that_a_terminal_lacks_end_nothing(
    house: House, environment: dict[str, str]
) -> None:
    headline = "“हिन्दी” — नमस्ते 🌧"
    house.server.answer("/pti.rss", wire_of(item("h", headline, "Words.")), {"ETag": '"9"'})
    house.run("poll")
    listed = shell(house, "wirecopy stories", **environment)
    assert listed.returncode == 0, listed.stderr
    assert b"pti" in listed.stdout
    told = shell(house, "wirecopy stories --json", **environment)
    assert [s["headline"] for s in json.loads(told.stdout.decode("utf-8"))] == [headline]
    refused = shell(house, "wirecopy story हिन्दी", **environment)
    assert refused.returncode in (1, 2)
    assert refused.stderr.startswith(b"wirecopy: ")
    assert refused.stderr.count(b"\n") == 1
    logged = shell(house, "wirecopy poll nosuch", **environment)
    assert b"known: pti" in logged.stderr


def test_a_first_configuration_is_written_for_the_wire_it_fetched(house: House) -> None:
    (house.folder / "wirecopy.toml").unlink()
    wire = f"{house.server.url}/pti.rss"
    given = ["--publisher", 'The "C"', "--url", "https://c.example", "--agency", "PTI"]
    refused = house.try_("init", *given, "--wire", f"{house.server.url}/none", "--allow-private")
    assert refused.returncode == 1
    assert b"nothing was written" in refused.stderr
    assert not (house.folder / "wirecopy.toml").exists()
    assert "Rain stops play" in house.run("init", *given, "--wire", wire, "--allow-private")
    assert "is there already" in house.try_("init", *given, "--wire", wire).stderr.decode()
    said = house.run("check")
    assert "ok     wire wire: 2 of 2 items" in said
    assert "ok     feed wire: 2 of 2 stories" in said
    assert house.listed("stories") == []


def test_what_came_while_a_first_configuration_was_tried_is_kept(house: House) -> None:
    file = house.folder / "wirecopy.toml"
    file.unlink()

    def meanwhile(exchange: hostile.Exchange) -> None:
        file.write_text("mine")
        exchange.reply(200, {}, wire_of(RAIN))

    house.server.route("/slow.rss", meanwhile)
    done = house.try_(*INIT, "--wire", f"{house.server.url}/slow.rss", "--allow-private")
    assert (done.returncode, file.read_text()) == (1, "mine")
    assert b"is there already" in done.stderr


INIT = ("init", "--publisher", "C", "--url", "https://c.example", "--agency", "PTI")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--publisher", ""], "--publisher: is empty"),
        (["--url", ""], "--url: is empty"),
        (["--url", "c"], "--url: not a web address"),
        (["--agency", ""], "--agency: is empty"),
        (["--name", "A B"], "--name: a name is 1 to 63"),
        (["--wire", "y"], "--wire: not a web address"),
        (["--wire", "push:"], "--wire: wires: 'wire': secret_env: name the variable"),
    ],
)
def test_a_first_configuration_that_cannot_be_is_wrong_usage(
    house: House, given: list[str], told: str
) -> None:
    (house.folder / "wirecopy.toml").unlink()
    done = house.try_(*INIT, "--wire", f"{house.server.url}/pti.rss", *given)
    said = done.stderr.decode()
    assert (done.returncode, said.count("\n"), told in said) == (2, 1, True), said
    assert "{" not in said
    assert not (house.folder / "wirecopy.toml").exists()


def test_a_check_names_each_fault(house: House) -> None:
    toml = house.folder / "wirecopy.toml"
    wrong = re.sub(r'(name = "india")', r'\1\ncategories = ["Sailing"]', toml.read_text())
    toml.write_text(f"{wrong}\n[media]\nkeep = true\n")
    house.server.answer("/pti.rss", b"<!doctype html><title>Sign in</title>", {})
    done = house.try_("check")
    assert done.returncode == 1
    assert b"FAULT  wire pti: " in done.stdout
    assert b"FAULT  feed india: selects none" in done.stdout
    assert b"FAULT  pictures: none is kept" in done.stdout
