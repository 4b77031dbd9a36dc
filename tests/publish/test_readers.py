"""Feeds read back by programs that others subscribe with: Rome, gofeed, rss-parser and feedparser
of npm, newsboat. Each is skipped where it is not installed (``CONTRIBUTING.md``).

The first four parse; newsboat also remembers, and so shows whether an entry is brought up to date
in its place.
"""

import base64
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from desk import hiding
from publish.web.app import create
from stories.db import Store
from tests.conftest import ConfigOf
from tests.living import Life
from tests.serving import served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

HERE = Path(__file__).parent / "readers"
NPM = Path(__file__).parents[2] / ".readers"
JARS = [
    Path("/usr/share/java") / f"{name}.jar" for name in ("rome", "rome-utils", "jdom2", "slf4j-api")
]
GO = Path("/usr/share/gocode")

Item = Mapping[str, Any]
Read = Callable[[bytes, Path], Mapping[str, Sequence[Item]]]


def _run(command: Sequence[str], document: bytes, **env: str) -> bytes:
    done = subprocess.run(
        command,
        input=document,
        capture_output=True,
        check=False,
        timeout=100,
        env={**os.environ, **env},
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def rome(document: bytes, _: Path) -> Mapping[str, Sequence[Item]]:
    if not (shutil.which("java") and all(jar.exists() for jar in JARS)):
        pytest.skip("wants java and librome-java")
    classes = os.pathsep.join(map(str, JARS))
    said = _run(["java", "-cp", classes, str(HERE / "Read.java")], document).decode()
    items: list[dict[str, Any]] = []
    for line in said.splitlines():
        name, value = line.split(" ")
        text = base64.b64decode(value).decode()
        if name == "id":
            items.append({"authors": [], "images": []})
        if name in ("author", "image"):
            items[-1][f"{name}s"].append(text)
        else:
            items[-1][name] = text
    return {"rome": items}


def gofeed(document: bytes, tmp_path: Path) -> Mapping[str, Sequence[Item]]:
    if not (shutil.which("go") and (GO / "src/github.com/mmcdole/gofeed").exists()):
        pytest.skip("wants golang-go and golang-github-mmcdole-gofeed-dev")
    env = {"GO111MODULE": "off", "GOPATH": str(GO), "GOCACHE": str(tmp_path / "go")}
    return {"gofeed": json.loads(_run(["go", "run", str(HERE / "read.go")], document, **env))}


def npm(document: bytes, _: Path) -> Mapping[str, Sequence[Item]]:
    if not (shutil.which("node") and (NPM / "node_modules/rss-parser").exists()):
        pytest.skip("wants node, and `make readers`")
    said = _run(["node", str(HERE / "read.mjs")], document, READERS=str(NPM))
    found: dict[str, list[Item]] = json.loads(said)
    return found


AT = "https://agency.example"
PICTURE = f"{AT}/bridge.jpg?w=1200&h=675"
STORY = (
    '<item><guid isPermaLink="false">a</guid><title>Bridge open</title><dc:creator>Asha Rao'
    f"</dc:creator><link>{AT}/a</link><description><![CDATA[<p>Two words &amp; more.</p>"
    f'<p>And <b>bold</b>.</p>]]></description><media:content url="{PICTURE.replace("&", "&amp;")}"'
    ' medium="image" type="image/jpeg"/></item>'
)
OTHER = (
    '<item><guid isPermaLink="false">b</guid><title>Ferry</title><description>&lt;p&gt;It runs.'
    "&lt;/p&gt;</description></item>"
)
HEAD = (
    '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    f' xmlns:media="http://search.yahoo.com/mrss/"><channel><title>A</title><link>{AT}/</link>'
)
HEADLINE = "Bridge open after “14 months” & a day"


def _feed(*items: str) -> bytes:
    return f"{HEAD}{''.join(items)}</channel></rss>".encode()


@pytest.fixture
def life(config: ConfigOf, store: Store) -> Life:
    """Two stories; the headline of the first was rewritten."""
    wire = {"name": "w", "agency": "Agency", "url": f"{AT}/f"}
    lived = Life(config(wires=[wire], feeds=[{"name": "all", "title": "All"}]), store)
    lived.begin()
    lived.receive_bytes(_feed(STORY, OTHER))
    lived.edit(lived.stories()["a"], HEADLINE)
    return lived


# Which names each gives of two authors, the byline and the agency.
AUTHORS = {
    ("rome", "rss"): ["Asha Rao"],
    ("rome", "atom"): ["Asha Rao", "Agency"],
    ("gofeed", "rss"): ["Asha Rao", "Agency"],
    ("gofeed", "atom"): ["Asha Rao"],
    ("rss-parser", "rss"): ["Asha Rao"],
    ("rss-parser", "atom"): ["Asha Rao"],
    ("feedparser", "rss"): ["Asha Rao"],
    ("feedparser", "atom"): [],
}


@pytest.mark.parametrize("form", ["rss", "atom"])
@pytest.mark.parametrize("read", [rome, gofeed, npm])
def test_each_element_is_found(life: Life, tmp_path: Path, read: Read, form: str) -> None:
    document = life.bodies()["all", form]
    entry = json.loads(life.bodies()["all", "json"])["items"][0]
    for name, items in read(document, tmp_path).items():
        assert len(items) == 2, name
        [found] = [each for each in items if each["id"] == entry["id"]]
        assert found["title"] == HEADLINE, name
        assert found["link"] == entry["url"], name
        # Some write the references in a body otherwise.
        content = found["content"].replace("&#38;", "&amp;").replace("&#x26;", "&amp;")
        assert content == entry["content_html"], name
        assert entry["content_html"].startswith(
            "<p>Two words &amp; more.</p><p>And <b>bold</b>.</p>"
        )
        assert "Except for the headline" in content, name
        assert set(AUTHORS[name, form]) <= set(found["authors"]), (name, found["authors"])
        if (name, form) != ("rome", "atom"):  # Media RSS is a module of its own there
            assert PICTURE in found["images"], name


def _newsboat(tmp_path: Path, address: str) -> list[tuple[str, str, str]]:
    """What newsboat has of the feed after it has asked for it: guid, title, content."""
    if not shutil.which("newsboat"):
        pytest.skip("wants newsboat")
    (tmp_path / "urls").write_text(f"{address}\n")
    (tmp_path / "config").write_text("save-path .\n")
    of = ["-u", tmp_path / "urls", "-c", tmp_path / "cache.db", "-C", tmp_path / "config"]
    _run(["newsboat", *map(str, of), "-x", "reload"], b"", HOME=str(tmp_path), TERM="dumb")
    cache = sqlite3.connect(tmp_path / "cache.db")
    rows = cache.execute("SELECT guid, title, content FROM rss_item WHERE deleted = 0").fetchall()
    cache.close()
    return sorted(rows)


@pytest.mark.parametrize("form", ["rss", "atom"])
def test_an_entry_is_brought_up_to_date_in_its_place(life: Life, tmp_path: Path, form: str) -> None:
    """By newsboat: news, another headline, another text, a kill; never twice."""
    app = create(life.config, life.store, ready=dict, metrics=None)
    guid, other = (
        next(
            each["id"]
            for each in json.loads(life.bodies()["all", "json"])["items"]
            if title in each["title"]
        )
        for title in ("Bridge", "Ferry")
    )
    with served(app) as port:
        address = f"http://127.0.0.1:{port.number}/feeds/all.{form}"

        def shown() -> dict[str, tuple[str, str]]:
            app.feeds.changed()
            found = _newsboat(tmp_path, address)
            assert len(found) == 2, found
            return {each: (title, content) for each, title, content in found}

        assert shown()[guid][0] == HEADLINE
        life.edit(life.stories()["a"], "Bridge open again")
        life.receive_bytes(_feed(STORY, OTHER.replace("It runs.", "It runs daily.")))
        now = shown()
        assert now[guid][0] == "Bridge open again"
        assert "It runs daily." in now[other][1]
        with life.frozen():
            hiding.act(life.store, life.config, life.stories()["b"], "kill", "Asha", "wrong")
        killed = shown()
        if form == "rss":  # of Atom's tombstones newsboat knows nothing
            assert killed[other][0] == "Withdrawn"
            assert "daily" not in killed[other][1]
