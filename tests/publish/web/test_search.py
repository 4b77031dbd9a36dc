"""Search over HTTP: what is published is found, by words of any script, and nothing else is."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest
from sqlalchemy import func, select

from publish import indexer
from publish.formats import Format
from publish.web.app import create
from publish.words import words
from stories import clock
from stories.config import Config
from stories.db import Store, search
from stories.db.tables import searched
from stories.keys import key_set
from stories.models import ActKind
from tests.conftest import ConfigOf
from tests.living import Life, item
from tests.publish.checks import check_atom, check_json, check_rss
from tests.serving import Answer, Port, served
from wirecopy import Evidence, read_keys, verify

HOUR = timedelta(hours=1)


@pytest.fixture
def conf(config: ConfigOf) -> Config:
    wire = {"name": "w", "agency": "Agency", "url": "https://agency.example/f"}
    few = {"name": "few", "title": "Few", "limit": 1}
    return config(wires=[{**wire, "expires_after": "30d"}], feeds=[few])


@dataclass
class Site:
    life: Life
    port: Port

    def receive(self, *items: str) -> None:
        self.life.receive(*items, after=HOUR)
        self.index()

    def index(self) -> None:
        with self.life.frozen():
            assert not indexer.index_waiting(self.life.store, self.life.config)

    def act(self, guid: str, kind: ActKind) -> None:
        self.life.act(guid, kind, HOUR)

    def ask(self, asked: str, format: str = "", more: str = "") -> Answer:
        return self.port.ask(f"/search{format}?q={quote(asked)}{more}")

    def found(self, asked: str) -> list[str]:
        """The headlines on the page, in their order."""
        answer = self.ask(asked)
        assert answer.status == 200
        return [
            unescape(h) for h in re.findall(r'/stories/[a-z2-7]+">([^<]*)</a></h2>', answer.text)
        ]


@pytest.fixture
def site(conf: Config, store: Store) -> Iterator[Site]:
    life = Life(conf, store)
    life.begin()
    app = create(conf, store, ready=dict, metrics=None)
    with clock.reading(lambda: life.now), served(app) as port:
        yield Site(life, port)


@pytest.mark.repeated
def test_words_phrases_and_beginnings_of_all_scripts_are_found(site: Site) -> None:
    site.receive(
        item("hi", "दिल्ली में चुनाव", "मुख्यमंत्री ने कहा कि नतीजे आएंगे।"),
        item("ta", "சென்னையில் மழை", "பள்ளிகளுக்கு விடுமுறை"),
        item("bn", "কলকাতায় বৃষ্টি", "আবহাওয়া দফতর"),
        item("te", "హైదరాబాద్‌లో వర్షం", "ముఖ్యమంత్రి"),
        item("ur", "دہلی میں انتخابات", "وزیر اعلیٰ نے کہا"),
        item("ja", "東京で大雨", "気象庁によると"),
        item(
            "en",
            "Élection in Côte d’Ivoire",
            "The prime minister&apos;s COALITION won 10,000.",
        ),
    )
    for asked, guids in {
        "चुनाव": "hi",
        "मुख्यमंत्री": "hi",
        "मुख्य*": "hi",
        "मख्यमंत्री": "",
        "मुख": "",
        "மழை": "ta",
        "பள்ளிகளுக்கு": "ta",
        "பள்ளி": "",
        "বৃষ্টি": "bn",
        "బ": "",
        "ముఖ్యమంత్రి": "te",
        "హైదరాబాద్లో": "te",
        "وزیر اعلیٰ": "ur",
        "大雨": "ja",
        "雨大": "",
        "E\u0301LECTION": "en",
        "election": "",
        '"prime minister\'s coalition"': "en",
        "“minister prime”": "",
        "coalition prime": "en",
        "coal*": "en",
        "coal": "",
        "co*": "",
        "coalition दिल्ली": "",
        "10,000": "en",
        "agency": "en hi ja ta te bn ur",
        '"': "",
        "": "",
        "NOT": "",
        'prime AND ("x" OR y)': "",
        "words: ^prime NEAR(a b, 2) -x \\ ' \x00 :* & | ! <->": "",
        "*": "",
        "prime\ud800": "en",
        "x" * 5000: "",
    }.items():
        headlines = {guid: site.life.stories()[guid] for guid in guids.split()}
        answer = site.port.ask(f"/search?q={quote(asked, errors='surrogatepass')}")
        assert answer.status == 200, asked
        assert set(re.findall(r'<h2 [^>]*><a href="/stories/([a-z2-7]+)', answer.text)) == set(
            headlines.values()
        ), asked


def test_what_left_the_feeds_is_found_no_more_and_leaves_the_index(site: Site) -> None:
    site.receive(item("a", "Alpha rising"), item("b", "Beta rising"), item("c", "Gamma rising"))
    assert sorted(site.found("rising")) == ["Alpha rising", "Beta rising", "Gamma rising"]
    site.act("a", "kill")
    assert sorted(site.found("rising")) == ["Beta rising", "Gamma rising"]
    site.act("b", "hold")
    assert site.found("rising") == ["Gamma rising"]
    with site.life.store.read() as conn:
        assert conn.execute(select(func.count()).select_from(searched)).scalar() == 1
    site.index()
    assert site.found("rising") == ["Gamma rising"]
    site.act("b", "release")
    site.index()
    assert site.found("rising") == ["Beta rising", "Gamma rising"]
    site.life.clean(timedelta(days=60))
    assert site.found("rising") == []
    with site.life.store.read() as conn:
        assert conn.execute(select(func.count()).select_from(searched)).scalar() == 0


@pytest.mark.parametrize("format", ["rss", "atom", "json"])
def test_a_search_is_a_feed_whose_entries_are_verified(site: Site, format: Format) -> None:
    """Beyond the end of every feed, too; the newest first."""
    site.receive(item("a", "Alpha & rising"))
    site.receive(item("b", "Beta rising"))
    site.receive(item("c", "Gamma falling"))
    answer = site.ask('rising -"', f".{format}")
    assert answer.status == 200
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["access-control-allow-origin"] == "*"
    itself = f"http://127.0.0.1:8080/search.{format}?q=rising+-%22"
    assert itself in unescape(answer.headers["link"])
    assert itself.encode() in answer.body
    checks: dict[Format, Callable[[bytes], Sequence[object]]] = {
        "rss": check_rss,
        "atom": check_atom,
        "json": check_json,
    }
    assert len(checks[format](answer.body)) == 2
    assert answer.text.index("Beta") < answer.text.index("Alpha")
    with site.life.store.read() as conn:
        keys = read_keys(json.dumps(key_set(conn)).encode())
    report = verify(answer.body, keys, Evidence(now=site.life.now))
    assert [each.verdict for each in report.entries] == ["verified"] * 2, report
    again = {"if-none-match": answer.headers["etag"]}
    assert site.port.ask(f"/search.{format}?q=rising+-%22", again).status == 304
    assert site.ask("nothing like it", f".{format}").status == 200
    assert site.ask(' " ', f".{format}").status == 404


def test_pages_follow_each_other_and_say_what_was_asked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publish.web.search.A_PAGE", 2)
    for number in range(5):
        site.receive(item(f"s{number}", f"Rising {number}"))
    assert 'value="rising &lt;b&gt;"' in site.ask("rising <b>").text
    seen, address = [], "/search?q=rising+agency"
    while address:
        page = site.port.ask(address)
        assert page.headers["x-robots-tag"] == "noindex, nofollow"
        seen += re.findall(r"Rising (\d)</a>", page.text)
        older = re.search(r'rel="next" href="([^"]+)"', page.text)
        address = unescape(older[1]) if older else ""
    assert seen == ["4", "3", "2", "1", "0"]
    assert site.port.ask("/search?q=rising&before=x").status == 200
    for other in ("/", "/feeds/few"):
        assert 'action="/search" role="search"' in site.port.ask(other).text


def test_a_store_that_was_not_indexed_is_newest_first(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexer, "A_TURN", 2)
    for number in range(5):
        site.receive(item(f"s{number}", f"Rising {number}"))
    with site.life.store.write() as conn:
        search.begin_anew(conn)
    assert site.found("rising") == []
    with site.life.frozen():
        assert indexer.index_waiting(site.life.store, site.life.config, 0)
    assert site.found("rising") == ["Rising 4", "Rising 3"]
    site.life.receive(item("new", "Rising anew"), after=HOUR)
    with site.life.frozen():
        assert indexer.index_waiting(site.life.store, site.life.config, 0)
    assert site.found("rising") == ["Rising anew", "Rising 4", "Rising 3"]
    site.index()
    assert site.found("rising") == ["Rising anew", *(f"Rising {n}" for n in (4, 3, 2, 1, 0))]


@pytest.mark.repeated
def test_an_update_and_a_headline_are_found_by_their_own_words(site: Site) -> None:
    site.receive(item("a", "Alpha", "Rising slowly."), item("b", "Beta", "Rising."))
    site.life.now += HOUR
    site.life.edit(site.life.stories()["a"], "Omega")
    site.index()
    assert (site.found("alpha"), site.found("omega")) == ([], ["Omega"])
    site.receive(item("b", "Beta", "Falling."))
    assert (site.found("beta rising"), site.found("falling")) == ([], ["Beta"])


def test_words_are_bounded() -> None:
    many = words(" ".join(f"w{n}" for n in range(50_000)) + "x" * 10_000)
    assert len(many) == 16_000
    assert len(words("x" * 10_000)[0]) == 64
