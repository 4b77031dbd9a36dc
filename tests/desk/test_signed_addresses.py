"""Pictures and links whose addresses are signed anew at every poll: the newest is published, and
nothing else happens."""

import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import feedparser
import pytest

from tests.desk.test_cli import TRAM, House, house, wire_of  # noqa: F401  the fixture
from wirecopy import verify

Sign = Callable[[str], str]
SIGNED: dict[str, Sign] = {
    "CloudFront, own policy": lambda n: f"?Policy=eyJ{n}&Signature=s{n}&Key-Pair-Id=K1",
    "S3": lambda n: f"?X-Amz-Date=2026112{n}T060000Z&X-Amz-Expires=300&X-Amz-Signature=a{n}",
    "Azure": lambda n: f"?sv=2022-11-02&se=2026-11-2{n}T08%3A00%3A00Z&sr=b&sp=r&sig=a%2F{n}",
    "Akamai": lambda n: f"?hdnea=st=1700000000~exp=170000030{n}~acl=/*~hmac=a{n}",
}


def item(sign: str, picture: str = "one.jpg") -> str:
    host = "https://pics.example/"
    body = (
        f'<p>It opens. <a href="{host}plan.pdf{escape(sign)}">The plan</a></p>'
        f'<img src="{host}{picture}{escape(sign)}" alt="Boats">'
        f'<img src="{host}two.jpg?id=7" srcset="{host}two.jpg{escape(sign)} 2x">'
    )
    return (
        "<item><guid isPermaLink='false'>harbour</guid><title>Harbour opens</title>"
        f"<link>https://agency.example/harbour</link><description>{escape(body)}</description>"
        f'<enclosure url="{host}{picture}{escape(sign)}" type="image/jpeg" length="5"/>'
        f'<enclosure url="{host}beside.jpg{escape(sign)}" type="image/jpeg" length="5"/></item>'
    )


def told(at: House) -> dict[str, Any]:
    """All of the feed that must not move, and of the story that the desk sees."""
    atom = feedparser.parse(at.run("feed", "india", "--format", "atom").encode())
    story = next(s for s in at.listed("stories") if s["agency_id"] == "harbour")
    entries = [(e.id, e.title, e.updated, e.wirecopy_statement) for e in atom.entries]
    return {
        "updated": atom.feed.updated,
        "entries": entries,
        "story": story,
        "history": at.listed("story", story["id"])["versions"],
    }


# All in the same way, four seconds each: one of them in every run.
_FIRST, *_OTHERS = SIGNED


@pytest.mark.parametrize(
    "name", [_FIRST, *(pytest.param(name, marks=pytest.mark.slow) for name in _OTHERS)]
)
def test_the_newest_signature_is_published_and_nothing_else_moves(
    house: House,  # noqa: F811
    name: str,
    tmp_path: Path,
) -> None:
    sign = SIGNED[name]
    house.server.answer("/pti.rss", wire_of(item(sign("1"))))
    house.run("poll")
    house.server.answer("/pti.rss", wire_of(TRAM, item(sign("1"))))
    house.run("poll")
    harbour = next(s for s in house.listed("stories") if s["agency_id"] == "harbour")
    assert harbour["edit_scope"] == "verbatim"
    house.run("headline", harbour["id"], "Harbour reopens", "--by", "Asha")
    before = told(house)
    assert before["story"]["edit_scope"] == "headline-only"
    for n in ("2", "3"):
        house.server.answer("/pti.rss", wire_of(TRAM, item(sign(n))))
        house.run("poll")
        assert told(house) == before
        for format in ("rss", "atom", "json"):
            shown = house.run("feed", "india", "--format", format)
            if format == "json":
                shown = json.dumps(json.loads(shown), ensure_ascii=False)
            else:
                shown = shown.replace("&amp;", "&").replace("&amp;", "&")
            for old in ("1", "2", "3"):
                times = shown.count(sign(old).partition("?")[2])
                assert (times > 0) is (old == n), (format, old, times)
        keys = tmp_path / "keys.json"
        keys.write_text(house.run("keys", "--jwks"))
        for format in ("rss", "atom", "json"):
            document = house.run("feed", "india", "--format", format).encode()
            report = verify(document, keys)
            assert report.ok, report
            # Another picture, in place of a signed one, is found all the same.
            other = document.replace(b"pics.example/one.jpg", b"pics.example/bad.jpg")
            assert not verify(other, keys).ok
    assert house.listed("replay")["changes"] == []
    assert told(house) == before
    served = house.run("feed", "india", "--format", "atom")
    other_store = f"sqlite:///{house.folder}/other.sqlite3"
    house.run("replay", "--into", other_store)
    path = house.folder / "wirecopy.toml"
    path.write_text(f'database_url = "{other_store}"\n{path.read_text()}')
    assert house.run("feed", "india", "--format", "atom") == served
    # Another picture is news.
    house.server.answer("/pti.rss", wire_of(TRAM, item(sign("3"), "three.jpg")))
    house.run("poll")
    after = told(house)
    assert after["story"]["version"] == before["story"]["version"] + 1
    assert after["updated"] > before["updated"]
