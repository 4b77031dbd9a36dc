"""Wirecopy reads Wirecopy: what one publishes is a wire of another, in each format: of feeds, and
of the documents for partners' systems."""

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from desk.headline import rewrite
from publish import renderer
from publish.served import served
from publish.web import documents
from stories import clock
from stories.db import connect, feeds
from stories.db import stories as records
from stories.models import Version
from tests import hostile
from tests.conftest import ConfigOf
from tests.test_hostile import House, house  # noqa: F401  the fixture
from wirecopy.text import projection

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TYPES: dict[str, str] = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "json": "application/json",
    "ninjs": "application/zip",
    "newsml-g2": "application/zip",
}
LONG = "The ferry office counted the boats at the pier once more before dark. " * 8
WIRE = f"""<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:media="http://search.yahoo.com/mrss/"><channel><title>W</title>
<item><guid isPermaLink="false">w-1</guid><title>Ferries run &#38; run</title>
<link>https://agency.example/1</link><pubDate>Sat, 21 Nov 2026 06:00:00 +0530</pubDate>
<dc:creator>Asha Rao</dc:creator><source url="https://pti.example/">PTI</source>
<category>Ships</category><dc:language>en-IN</dc:language><dc:rights>PTI 2026</dc:rights>
<description>Boats were counted.</description><revision>3</revision>
<content:encoded><![CDATA[<p>{LONG}</p><p><i>The end.</i></p>]]></content:encoded>
<media:content url="https://agency.example/p.jpg" medium="image" width="640" height="480">
<media:description>Boats</media:description><media:credit>R. Das</media:credit></media:content>
</item>
<item><guid isPermaLink="false">w-2</guid><title>नौका चली</title>
<pubDate>Sat, 21 Nov 2026 07:00:00 +0530</pubDate><dc:language>hi</dc:language>
<content:encoded><![CDATA[<p>{LONG}</p>]]></content:encoded></item>
<item><guid isPermaLink="false">w-3</guid><title>Sound</title>
<pubDate>Sat, 21 Nov 2026 08:00:00 +0530</pubDate>
<description>Words and sound.</description>
<enclosure url="https://agency.example/s.mp3" type="audio/mpeg" length="7"/></item>
</channel></rss>""".encode()


def said(version: Version) -> dict[str, Any]:
    """What of a story is to be the same wherever it is taken in."""
    kept = version.model_dump(
        mode="json",
        include={"agency", "agency_code", "agency_id", "agency_version", "byline", "published"}
        | {"summary", "language", "rights", "link"},
    )
    kept["words"] = projection(version.body)
    kept["media"] = [(m.url, m.medium, m.width, m.caption, m.credit) for m in version.media]
    labels = [category.label for category in version.categories]
    kept["tags"] = sorted([*labels, *version.keywords])
    return kept


def bytes_of(at: House, form: str) -> bytes:
    """What *at* publishes: a feed, or an archive of the documents of its stories."""
    with at.store.read() as conn:
        if form not in feeds.FORMATS:
            ids = [story.id for story in records.newest(conn, limit=100)]
            found = (documents.document(conn, at.config, name, form) for name in ids)
            return archive(*(each.variant("identity").body for each in found if each is not None))
        row = served(conn, at.config, "all", form)
    assert row is not None
    return row.body


def surprises(at: House) -> list[str]:
    """The notes of a capture, but for that a package only arranges what it names."""
    return [note for note in at.capture().notes if "no stories of their own" not in note]


def archive(*bodies: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        for number, body in enumerate(bodies):
            opened.writestr(f"{number}", body)
    return packed.getvalue()


@pytest.mark.parametrize("form", TYPES)
def test_what_one_publishes_another_takes_in(
    house: House,  # noqa: F811
    config: ConfigOf,
    other_url: str,
    tmp_path: Path,
    form: str,
) -> None:
    house.server.answer("/bad.rss", WIRE, {"Content-Type": "application/rss+xml"})
    assert house.work() == "ok"
    house.now += timedelta(minutes=1)
    with clock.reading(lambda: house.now):
        [edited] = [s for s in house.stories() if s.version.headline == "नौका चली"]
        rewrite(house.store, edited.id, "Boat runs", "Asha")
        renderer.render_waiting(house.store, house.config)
    ours = {story.headline: story.version for story in house.stories()}
    assert set(ours) == {"Ferries run & run", "Boat runs", "Sound"}

    store = connect(other_url)
    with hostile.serve() as server:

        def in_other_data(**keys: Any) -> Any:
            return config(data=tmp_path / "other", **keys)

        other = House(in_other_data, store, server, now=house.now)
        server.answer("/bad.rss", bytes_of(house, form), {"Content-Type": TYPES[form]})
        assert other.work() == "ok"
        assert (other.problems(), other.wire().fault) == ([], None)
        assert surprises(other) == []
        taken = {s.version.headline: s.version for s in other.stories() if s.wire == "bad"}
        assert set(taken) == {*ours, "Good news"}
        for headline, story in ours.items():
            version, before = taken[headline], said(story)
            # Where the agency states no page it is the publisher's, and no date that of receipt.
            before["link"] = before["link"] or version.link
            before["published"] = before["published"] or said(version)["published"]
            assert said(version) == before
            assert "not been edited" not in version.body
        assert taken["Ferries run & run"].byline == "Asha Rao"
        assert taken["Boat runs"].byline is None
        theirs = json.loads(bytes_of(other, "json"))["items"]
        assert {one["_wirecopy"]["edit_scope"] for one in theirs} == {"verbatim"}
        assert all(one["content_html"].count("not been edited") == 1 for one in theirs)
    store.close()
