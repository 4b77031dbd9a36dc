"""``wirecopy verify``: on files, and on a site on loopback."""

import gzip
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from desk.cli.app import main
from stories import clock
from tests.signed import FORMATS, ISSUED, Issuer, instant, samples
from tests.signing import Log, Signer, canonical, jwks

JWKS = "/.well-known/jwks.json"


@dataclass
class Site:
    """A site of a publisher: paths and what is served there."""

    port: int
    pages: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.asked.append(self.path)
            body = found.pages.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Site(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with clock.reading(lambda: ISSUED):
        yield


class Ran:
    """What ``wirecopy verify …`` printed, and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    def states(self, name: str) -> list[str]:
        """How one check ended on each entry."""
        return [
            check["state"]
            for entry in self.told["entries"]
            for check in entry["checks"]
            if check["name"] == name
        ]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def ran(*arguments: object) -> Ran:
        monkeypatch.setattr("sys.argv", ["wirecopy", "verify", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0, *capsys.readouterr())

    return ran


def publish(issuer: Issuer, site: Site, base: str = "", log: bool = True) -> str:
    """Serve three signed stories with everything there is about them; the feed's address."""
    stories = samples()
    entries = [issuer.sign(story) for story in stories]
    for form in FORMATS:
        site.pages[f"{base}/feeds/india.{form}"] = issuer.feed(entries, form)
    site.pages[f"{base}{JWKS}"] = canonical(jwks(issuer.signer, log=issuer.log))
    for story in stories:
        site.pages[f"{base}/stories/{story.id}/statements"] = issuer.chain(story)
    if log:
        serve_log(issuer.log, site, base)
    return f"{site.url}{base}/feeds/india.rss"


def serve_log(log: Log, site: Site, base: str = "") -> None:
    size = len(log.leaves)
    site.pages[f"{base}/log/checkpoint"] = log.checkpoint().encode()
    site.pages[f"{base}/log/tile/0/000.p/{size}"] = log.tile(0, 0, size)


def files(issuer: Issuer, folder: Path) -> tuple[Path, Path]:
    """A feed and its keys as files."""
    feed, keys = folder / "india.rss", folder / "keys.json"
    feed.write_bytes(issuer.feed([issuer.sign(story) for story in samples()], "rss"))
    keys.write_bytes(canonical(jwks(issuer.signer, log=issuer.log)))
    return feed, keys


# Files


def test_a_file(run: Any, tmp_path: Path) -> None:
    feed, keys = files(Issuer(), tmp_path)
    done = run(feed, "--key", keys)
    assert (done.code, done.err) == (0, "")
    rows = done.out.splitlines()
    assert [row.split()[:3] for row in rows[1:4]] == [
        ["verified", "1", "headline-only"],
        ["verified", "1", "headline-only"],
        ["verified", "1", "headline-media"],
    ]
    assert "18 ok; not checked: chain, custody, continuity" in rows[1]
    assert rows[-1].startswith("log: ok (one head")


def test_a_changed_word(run: Any, tmp_path: Path) -> None:
    feed, keys = files(Issuer(), tmp_path)
    feed.write_bytes(feed.read_bytes().replace(b"on Monday", b"on Tuesday"))
    done = run(feed, "--key", keys)
    assert done.code == 1
    assert "failed: text" in done.out
    assert done.err.count("\n") == 1
    assert ": text: the words of the body are not those that were signed" in done.err


def test_json(run: Any, tmp_path: Path) -> None:
    feed, keys = files(Issuer(), tmp_path)
    told = run(feed, "--key", keys, "--json").told
    assert told["ok"]
    assert [entry["verdict"] for entry in told["entries"]] == ["verified"] * 3
    assert told["entries"][0]["edit_scope"] == "headline-only"
    assert told["entries"][0]["checks"][0] == {"name": "entry", "state": "ok", "reason": ""}
    feed.write_bytes(feed.read_bytes().replace(b"on Monday", b"on Tuesday"))
    assert not run(feed, "--key", keys, "--json").told["ok"]


def test_a_file_needs_a_key(run: Any, tmp_path: Path) -> None:
    feed, _ = files(Issuer(), tmp_path)
    done = run(feed)
    assert done.code == 2
    assert "give the publisher's: --key https://SITE/.well-known/jwks.json" in done.err


def houses(kind: int = 2) -> tuple[Issuer, Issuer, bytes]:
    """Two publishers, and a feed in which an entry of each stands, with its proof in it, as those
    of the type before have."""
    one = Issuer(kind=kind)
    other = Issuer(Signer("second"), Log("wire.kestrel.example/log", "their log"), kind=kind)
    entries = [one.sign(samples()[0]), other.sign(samples()[1])]
    return one, other, one.feed(entries, "rss")


def saved(folder: Path, log: Log) -> Path:
    """The folder to which *log* was saved."""
    size = len(log.leaves)
    tile = folder / f"tile/0/000.p/{size}"
    tile.parent.mkdir(parents=True)
    tile.write_bytes(log.tile(0, 0, size))
    (folder / "checkpoint").write_text(log.checkpoint())
    return folder


def test_a_feed_of_two_publishers(run: Any, tmp_path: Path) -> None:
    one, other, both = houses()
    feed, a, b = (tmp_path / name for name in ("both.rss", "a.jwks", "b.jwks"))
    feed.write_bytes(both)
    a.write_bytes(canonical(jwks(one.signer, log=one.log)))
    b.write_bytes(gzip.compress(canonical(jwks(other.signer, log=other.log))))
    for keys in ((a, b), (b, a), (a, b, a)):
        done = run(feed, *(part for key in keys for part in ("--key", key)), "--json")
        assert (done.code, done.err) == (0, "")
        assert done.states("key") == done.states("receipt") == ["ok", "ok"]
    assert run(feed, "--key", a, "--json").states("key") == ["ok", "failed"]
    feed.write_bytes(both.replace(b"Monday", b"Tuesday"))
    done = run(feed, "--key", a, "--key", b, "--json")
    assert done.code == 1
    # Whoever lists another's key may name another log for it.
    b.write_bytes(canonical(jwks(other.signer, one.signer, log=other.log)))
    done = run(feed, "--key", a, "--key", b)
    assert done.code == 1
    assert "stands in two key sets that differ" in done.err


def test_two_publishers_sites_are_each_asked_for_their_own(run: Any, site: Site) -> None:
    one, other, both = houses()
    site.pages["/planet.rss"] = both
    keys: list[str] = []
    for base, issuer, story in (("/a", one, samples()[0]), ("/b", other, samples()[1])):
        site.pages[f"{base}{JWKS}"] = canonical(jwks(issuer.signer, log=issuer.log))
        site.pages[f"{base}/stories/{story.id}/statements"] = issuer.chain(story)
        serve_log(issuer.log, site, base)
        keys += ["--key", f"{site.url}{base}{JWKS}"]
    done = run(f"{site.url}/planet.rss", *keys, "--json")
    assert (done.code, done.told["log"]["state"]) == (0, "ok")
    assert done.states("chain") == done.states("receipt") == ["ok", "ok"]
    assert set(site.asked) == set(site.pages) - {p for p in site.pages if "/tile/" in p}


def test_saved_logs(run: Any, tmp_path: Path) -> None:
    one, other, both = houses()
    feed, a, b = (tmp_path / name for name in ("both.rss", "a.jwks", "b.jwks"))
    feed.write_bytes(both)
    a.write_bytes(canonical(jwks(one.signer, log=one.log)))
    b.write_bytes(canonical(jwks(other.signer, log=other.log)))
    for issuer in (one, other):
        issuer.log.add({"later": True})
    logs = [saved(tmp_path / "one", one.log), saved(tmp_path / "other", other.log)]
    keys = ("--key", a, "--key", b)
    done = run(feed, *keys, "--log", logs[1], "--log", logs[0], "--json")
    assert (done.code, done.told["log"]["state"]) == (0, "ok")
    assert "wire.kestrel.example/log: 2 heads of one log" in done.told["log"]["reason"]
    # One log that was rewritten fails the feed, and is named.
    other.log.leaves[0] = b"another"
    (logs[1] / "checkpoint").write_text(other.log.checkpoint())
    (logs[1] / "tile/0/000.p/2").write_bytes(other.log.tile(0, 0, 2))
    done = run(feed, *keys, "--log", logs[0], "--log", logs[1])
    assert done.code == 1
    assert "wire.kestrel.example/log: from 1 to 2: the log was rewritten" in done.err
    assert "which no --key names" in run(feed, "--key", a, "--log", logs[1]).err
    (logs[0] / "checkpoint").unlink()
    assert "holds no checkpoint" in run(feed, *keys, "--log", logs[0]).err


def test_one_publisher_cannot_speak_for_the_other(run: Any, tmp_path: Path) -> None:
    """Signing an entry of the other's guid is found, beside the other's entry and after it."""
    one, other, _ = houses()
    story = samples()[0]
    feed, a, b, memory = (tmp_path / n for n in ("x.rss", "a.jwks", "b.jwks", "seen.json"))
    a.write_bytes(canonical(jwks(one.signer, log=one.log)))
    b.write_bytes(canonical(jwks(other.signer, log=other.log)))
    keys = ("--key", a, "--key", b, "--remember", memory, "--json")
    mine, theirs = one.sign(samples()[2]), other.sign(story)
    feed.write_bytes(one.feed([mine], "rss"))
    assert run(feed, *keys).code == 0
    forged = other.sign(samples()[2])
    feed.write_bytes(one.feed([mine, forged], "rss"))
    assert run(feed, *keys).states("entry") == ["failed", "failed"]
    feed.write_bytes(one.feed([forged, theirs], "rss"))
    assert run(feed, *keys).states("continuity")[0] == "failed"


def test_a_feed_that_was_saved_packed(run: Any, tmp_path: Path) -> None:
    feed, keys = files(Issuer(), tmp_path)
    packed = gzip.compress(feed.read_bytes())
    feed.write_bytes(packed)
    assert run(feed, "--key", keys).code == 0
    feed.write_bytes(packed[:-40])
    assert "is gzip that is damaged or cut off" in run(feed, "--key", keys).err
    feed.write_bytes(gzip.compress(b" " * (64 * 1024 * 1024 + 1)))
    assert "is larger than" in run(feed, "--key", keys).err


def test_one_atom_entry(run: Any, tmp_path: Path) -> None:
    """An Atom Entry Document (RFC 4287 §2), as the Atom Publishing Protocol serves entries."""
    issuer = Issuer()
    _, keys = files(issuer, tmp_path)
    entry = Issuer.feed(issuer, [issuer.sign(samples()[0])], "atom").decode()
    start, end = entry.index("<entry"), entry.index("</entry>") + len("</entry>")
    declared = entry[entry.index("<feed") + len("<feed") :].partition(">")[0]
    alone = tmp_path / "entry.atom"
    alone.write_text(f"<entry{declared}{entry[start + len('<entry') : end]}")
    assert run(alone, "--key", keys, "--json").states("signature") == ["ok"]
    alone.write_text(alone.read_text().replace("Monday", "Tuesday"))
    assert run(alone, "--key", keys).code == 1


def test_the_chain_as_a_file(run: Any, tmp_path: Path) -> None:
    issuer = Issuer()
    feed, keys = files(issuer, tmp_path)
    chain = tmp_path / "chain.json"
    chain.write_bytes(issuer.chain(samples()[0]))
    done = run(feed, "--key", keys, "--chain", chain, "--json")
    assert (done.code, done.states("chain")) == (0, ["ok", "not checked", "not checked"])
    chain.write_bytes(b"\xef\xbb\xbf" + chain.read_bytes())
    assert run(feed, "--key", keys, "--chain", chain, "--json").states("chain")[0] == "ok"
    chain.write_bytes(b"{}")
    assert "is no chain of statements" in run(feed, "--key", keys, "--chain", chain).err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is neither XML nor JSON"),
        (b"<html/>", "is an HTML page, and no feed"),
        (b"<!doctype html><title>Log in</title><br>", "is an HTML page titled “Log in”, and no"),
        (b"<opml/>", "is no feed"),
        (b"{}", "is no JSON Feed"),
        (b'<!DOCTYPE rss [<!ENTITY x "y">]><rss/>', "has a DOCTYPE"),
    ],
)
def test_what_is_no_feed(run: Any, tmp_path: Path, content: bytes, message: str) -> None:
    _, keys = files(Issuer(), tmp_path)
    other = tmp_path / "other"
    other.write_bytes(content)
    done = run(other, "--key", keys)
    assert done.code == 1
    assert message in done.err


def test_files_that_are_not_there(run: Any, tmp_path: Path) -> None:
    feed, keys = files(Issuer(), tmp_path)
    gone = tmp_path / "gone"
    assert (run(gone, "--key", keys).code, run(feed, "--key", gone).code) == (1, 1)
    for source, told in (
        ("ftp://x/y", "ftp://x/y: only http:// and https:// are fetched"),
        ("", "the name of what to read is empty; name a file or a URL"),
    ):
        done = run(source, "--key", keys)
        assert (done.code, told in done.err) == (1, True), done.err
    keys.write_bytes(b"<html>")
    done = run(feed, "--key", keys)
    assert (done.code, "it has to be a JWK Set" in done.err) == (1, True)


def test_a_feed_without_any_statement_shows_nothing(run: Any, tmp_path: Path) -> None:
    _, keys = files(Issuer(), tmp_path)
    plain = tmp_path / "plain.rss"
    plain.write_text(
        "<rss version='2.0'><channel><item><guid>1</guid><title>x</title></item></channel></rss>"
    )
    done = run(plain, "--key", keys)
    assert done.code == 1
    assert "unsigned" in done.out
    assert "1: no statement, so nothing is shown of it" in done.err
    plain.write_text("<rss version='2.0'><channel/></rss>")
    done = run(plain, "--key", keys)
    assert (done.code, done.out.splitlines()[0]) == (0, "the feed has no entries")


# A site


@pytest.mark.parametrize("base", ["", "/wires/north"])
@pytest.mark.parametrize("form", ["rss", "atom", "json"])
def test_a_url(run: Any, site: Site, base: str, form: str) -> None:
    feed = publish(Issuer(), site, base).replace(".rss", f".{form}")
    done = run(feed, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.states("chain") == ["ok"] * 3
    assert done.states("receipt") == ["ok"] * 3
    assert done.told["log"] == {
        "state": "ok",
        "reason": "one head, of 3 receipts",
    }


def test_keys_at_the_root_of_the_host(run: Any, site: Site) -> None:
    feed = publish(Issuer(), site, "/wires")
    site.pages[JWKS] = site.pages.pop(f"/wires{JWKS}")
    assert run(feed).code == 0


def test_a_file_by_the_keys_of_a_site(run: Any, site: Site, tmp_path: Path) -> None:
    publish(Issuer(), site)
    feed = tmp_path / "kept.rss"
    feed.write_bytes(site.pages["/feeds/india.rss"])
    done = run(feed, "--key", f"{site.url}{JWKS}", "--json")
    assert (done.code, done.states("chain"), done.told["log"]["state"]) == (0, ["ok"] * 3, "ok")


def test_a_site_without_keys(run: Any, site: Site) -> None:
    feed = publish(Issuer(), site)
    del site.pages[JWKS]
    done = run(feed)
    assert done.code == 1
    assert "jwks.json: answered 404" in done.err
    assert run(f"{site.url}/feeds/other.rss").err.count("answered 404") == 1
    nobody = run("http://127.0.0.1:9/feeds/india.rss")
    assert (nobody.code, nobody.err.count("http://127.0.0.1:9/")) == (1, 1)
    assert "check the address" in nobody.err


def test_without_chain_and_log_less_is_checked(run: Any, site: Site) -> None:
    feed = publish(Issuer(kind=2), site, log=False)
    for page in [p for p in site.pages if p.startswith("/stories/")]:
        del site.pages[page]
    done = run(feed, "--json")
    assert done.code == 0
    assert done.states("chain") == ["not checked"] * 3
    assert done.told["log"]["state"] == "not checked"


def test_a_receipt_that_was_logged_late(run: Any, tmp_path: Path) -> None:
    issuer = Issuer()
    feed, keys = files(issuer, tmp_path)
    assert "by its word" not in run(feed, "--key", keys).out
    issuer.logged_at = samples()[0].received_at + timedelta(hours=1, microseconds=1)
    issuer.chains.clear()
    with clock.reading(lambda: issuer.logged_at):
        feed.write_bytes(
            issuer.feed([issuer.sign(samples()[0], issued_at=instant(issuer.logged_at))], "rss")
        )
        done = run(feed, "--key", keys)
        assert done.code == 0
        assert (
            "received 2026-11-22 13:05Z, by its word; in the log only since 2026-11-22 14:05Z"
            in done.out.splitlines()[-2]
        )
        [entry] = run(feed, "--key", keys, "--json").told["entries"]
    assert entry["late"] in done.out
    assert entry["logged_at"].startswith("2026-11-22T14:05")
    assert entry["late"] in next(c["reason"] for c in entry["checks"] if c["name"] == "receipt")


def test_a_receipt_that_was_logged_ahead_of_time(run: Any, site: Site, tmp_path: Path) -> None:
    """By a log in which a clock that ran a year ahead has written, a log that was seen before."""
    issuer, memory = Issuer(), tmp_path / "seen.json"
    issuer.logged_at += timedelta(days=365)
    feed = publish(issuer, site)
    for _ in range(2):
        done = run(feed, "--remember", memory, "--json")
        assert (done.code, done.states("times"), done.states("receipt")) == (
            0,
            ["ok"] * 3,
            ["ok"] * 3,
        )
    assert done.told["entries"][0]["late"] == (
        "received 2026-11-22 13:05Z, by its word; logged 2027-11-22 13:09Z, a time that had not"
        " come when this was issued, 2026-11-22 13:10Z: the publisher's clock has gone back"
    )


def test_a_receipt_dated_before_what_was_seen(run: Any, site: Site, tmp_path: Path) -> None:
    issuer, memory = Issuer(), tmp_path / "seen.json"
    feed = publish(issuer, site)
    assert run(feed, "--remember", memory).code == 0
    kept = memory.read_bytes()
    issuer.logged_at -= timedelta(seconds=1)
    publish(issuer, site)
    for _ in range(2):  # nor is it remembered
        done = run(feed, "--remember", memory, "--json")
        assert (done.code, done.states("receipt")) == (1, ["failed"] * 3)
        assert "by its word, but leaf 2 was logged at 2026-11-22T13:09:00.000005Z" in done.err
        assert json.loads(memory.read_bytes())["leaves"] == json.loads(kept)["leaves"]
    issuer.logged_at += timedelta(seconds=1)
    issuer.chains.clear()
    publish(issuer, site)
    assert run(feed).code == 0


def test_a_memory_from_before_there_were_places_in_it(run: Any, site: Site, tmp_path: Path) -> None:
    issuer, memory = Issuer(), tmp_path / "seen.json"
    feed = publish(issuer, site)
    assert run(feed, "--remember", memory).code == 0
    whole = json.loads(memory.read_bytes())
    before = {name: whole[name] for name in ("type", "statements", "checkpoints")}
    memory.write_bytes(canonical(before))
    done = run(feed, "--remember", memory, "--json")
    assert (done.code, done.states("continuity")) == (0, ["ok"] * 3)
    after = json.loads(memory.read_bytes())
    assert after == whole


def test_a_log_that_withholds_what_was_seen(run: Any, site: Site, tmp_path: Path) -> None:
    issuer, memory = Issuer(), tmp_path / "seen.json"
    feed = publish(issuer, site)
    assert run(feed, "--remember", memory).code == 0
    publish(issuer, site)
    for page in [p for p in site.pages if p.startswith("/log/tile/")]:
        del site.pages[page]
    done = run(feed, "--remember", memory, "--json")
    assert (done.code, done.told["log"]["state"]) == (1, "failed")
    assert "is not to be had" in done.err


def test_a_chain_that_does_not_hold(run: Any, site: Site) -> None:
    issuer = Issuer()
    feed = publish(issuer, site)
    story = samples()[0]
    issuer.chains[story.id] = []
    issuer.sign(story, agency_id="another")
    site.pages[f"/stories/{story.id}/statements"] = issuer.chain(story)
    done = run(feed, "--json")
    assert (done.code, done.states("chain")) == (1, ["failed", "ok", "ok"])


def test_an_address_on_the_page_leads_nowhere_inside(run: Any, site: Site) -> None:
    """A public host that was named may not send the verifier into the operator's own network."""
    from desk.sources import Sources

    with Sources() as sources:
        assert "loopback" in str(sources.found([f"{site.url}{JWKS}"])[f"{site.url}{JWKS}"])
        assert site.asked == []
        site.pages["/x"] = b"y"
        assert sources.named(f"{site.url}/x") == b"y"
        assert sources.found([f"{site.url}/x"]) == {f"{site.url}/x": b"y"}


# Remembering


def test_remembering(run: Any, site: Site, tmp_path: Path) -> None:
    issuer, memory = Issuer(), tmp_path / "seen.json"
    feed = publish(issuer, site)
    before = dict(site.pages)
    first = run(feed, "--remember", memory, "--json")
    assert (first.code, first.states("continuity")) == (0, ["not checked"] * 3)
    again = run(feed, "--remember", memory, "--json")
    assert (again.code, again.states("continuity")) == (0, ["ok"] * 3)
    publish(issuer, site)  # second versions of all three, six receipts
    later = run(feed, "--remember", memory, "--json")
    assert (later.code, later.states("continuity")) == (0, ["ok"] * 3)
    assert later.told["log"]["reason"] == "2 heads of one log, the last of 6 receipts"
    site.pages = before
    back = run(feed, "--remember", memory, "--json")
    assert (back.code, back.states("continuity")) == (1, ["failed"] * 3)
    assert "nobody can tell whether it only grew" in back.told["log"]["reason"]


def test_a_cached_head_is_older_and_no_harm(run: Any, site: Site, tmp_path: Path) -> None:
    issuer, memory = Issuer(), tmp_path / "seen.json"
    publish(issuer, site)
    old = site.pages["/log/checkpoint"]
    feed = publish(issuer, site)
    site.pages["/log/checkpoint"] = old
    assert run(feed, "--remember", memory).code == 0


def test_a_log_that_was_rewritten(run: Any, site: Site, tmp_path: Path) -> None:
    issuer, memory = Issuer(), tmp_path / "seen.json"
    issuer.log.add(b"what stood first")
    feed = publish(issuer, site)
    assert run(feed, "--remember", memory).code == 0
    kept = memory.read_bytes()
    issuer.log.leaves[0] = b"another"
    issuer.chains.clear()
    publish(issuer, site)
    done = run(feed, "--remember", memory, "--json")
    assert done.code == 1
    assert "the log was rewritten" in done.told["log"]["reason"]
    remembered, was = json.loads(memory.read_bytes()), json.loads(kept)
    assert remembered["checkpoints"] == was["checkpoints"]


def test_a_log_that_was_taken_back(run: Any, site: Site, tmp_path: Path) -> None:
    issuer, memory = Issuer(), tmp_path / "seen.json"
    feed = publish(issuer, site)
    assert run(feed, "--remember", memory).code == 0
    kept, keys = memory.read_bytes(), site.pages[JWKS]
    site.pages[JWKS] = canonical(jwks(issuer.signer))
    for _ in range(2):  # nor is it forgotten by having been told of it
        done = run(feed, "--remember", memory, "--json")
        assert (done.code, done.told["log"]["state"]) == (1, "failed")
        assert done.states("continuity") == ["failed"] * 3
        assert memory.read_bytes() == kept
    site.pages["/feeds/india.rss"] = issuer.feed([], "rss")  # everything that was seen has left it
    done = run(feed, "--remember", memory)
    assert (done.code, "and the key set has no log key now" in done.err) == (1, True)
    site.pages[JWKS] = canonical(jwks(issuer.signer, log=Log("new.example/log")))
    done = run(feed, "--remember", memory)
    assert (done.code, "and it is 'new.example/log' now" in done.err) == (1, True)
    site.pages[JWKS] = keys
    assert run(feed, "--remember", memory).code == 0


def test_a_log_that_grew_and_no_tiles_to_show_it_by(run: Any, tmp_path: Path) -> None:
    issuer, memory = Issuer(kind=2), tmp_path / "seen.json"
    feed, keys = files(issuer, tmp_path)
    for _ in range(2):  # the same again brings nothing that would have to be shown
        done = run(feed, "--key", keys, "--remember", memory, "--json")
        assert (done.code, done.told["log"]["state"]) == (0, "not checked")
    issuer.log.leaves[0] = b"another"
    issuer.chains.clear()
    files(issuer, tmp_path)
    for _ in range(2):
        done = run(feed, "--key", keys, "--remember", memory, "--json")
        assert (done.code, done.told["log"]["state"]) == (1, "failed")
        assert "nobody can tell whether the log of 3 receipts" in done.told["log"]["reason"]
        assert "give --key as a URL" in done.err


def test_a_fork_of_a_story_behind_a_chain_that_is_withheld(
    run: Any, site: Site, tmp_path: Path
) -> None:
    issuer, memory = Issuer(), tmp_path / "seen.json"
    feed = publish(issuer, site)
    assert run(feed, "--remember", memory).code == 0
    first = samples()[0].id
    issuer.chains[first] = []
    issuer.sign(samples()[0], agency_id="another")  # in the place of the one that was seen
    publish(issuer, site)
    del site.pages[f"/stories/{first}/statements"]
    done = run(feed, "--remember", memory, "--json")
    assert (done.code, done.states("continuity")) == (1, ["failed", "ok", "ok"])
    assert "names another version 1 than the one seen before" in done.err
    publish(issuer, site)  # version 3: what stands between the two, the chain alone could show
    page = f"/stories/{first}/statements"
    chain = site.pages.pop(page)
    done = run(feed, "--remember", memory, "--json")
    assert (done.code, done.states("continuity")) == (1, ["failed", "ok", "ok"])
    assert "only the chain could show what follows" in done.err
    site.pages[page] = chain
    done = run(feed, "--remember", memory, "--json")
    assert "the version 1 seen is not in the chain" in done.err


def test_a_later_version_in_a_file(run: Any, tmp_path: Path) -> None:
    """There is nobody to ask for the chain; and what was not shown to follow is not remembered."""
    issuer, memory = Issuer(), tmp_path / "seen.json"
    feed, keys = files(issuer, tmp_path)
    assert run(feed, "--key", keys, "--remember", memory).code == 0
    kept = json.loads(memory.read_bytes())["statements"]
    for _ in range(2):
        files(issuer, tmp_path)
    keys.write_bytes(canonical({"keys": [issuer.signer.jwk()]}))
    memory.write_bytes(
        canonical({"type": "wirecopy-memory-1", "statements": _unlogged(kept), "checkpoints": {}})
    )
    done = run(feed, "--key", keys, "--remember", memory, "--json")
    assert (done.code, done.states("continuity")) == (0, ["not checked"] * 3)
    assert json.loads(memory.read_bytes())["statements"] == _unlogged(kept)


def _unlogged(kept: dict[str, Any]) -> dict[str, Any]:
    return {guid: {**seen, "log": None} for guid, seen in kept.items()}


def test_a_statement_that_was_taken_off(run: Any, site: Site, tmp_path: Path) -> None:
    issuer, memory = Issuer(), tmp_path / "seen.json"
    feed = publish(issuer, site)
    assert run(feed, "--remember", memory).code == 0
    document = site.pages["/feeds/india.rss"]
    start, end = document.index(b"<wirecopy:editedHeadlineOnly>"), document.index(b"</item>")
    body = document[:start] + document[end:]
    disclosure = document[
        document.index(b'<p lang="en" dir="ltr"><i>(Except') : document.index(
            b"]]></content:encoded>"
        )
    ]
    site.pages["/feeds/india.rss"] = body.replace(disclosure, b"", 1)
    forgetful = run(feed, "--json")
    assert (forgetful.code, forgetful.told["entries"][0]["verdict"]) == (1, "unsigned")
    done = run(feed, "--remember", memory, "--json")
    assert (done.code, done.states("continuity")[0]) == (1, "failed")


def test_a_memory_that_is_none(run: Any, tmp_path: Path) -> None:
    feed, keys = files(Issuer(), tmp_path)
    memory = tmp_path / "seen.json"
    memory.write_bytes(b"{}")
    done = run(feed, "--key", keys, "--remember", memory)
    assert (done.code, memory.read_bytes()) == (1, b"{}")
    assert "move it away to begin anew" in done.err


def test_an_unknown_key(run: Any, site: Site) -> None:
    feed = publish(Issuer(Signer("unknown")), site)
    site.pages[JWKS] = canonical(jwks(Signer("first")))
    done = run(feed)
    assert (done.code, done.err.count("is not in the key set")) == (1, 3)
