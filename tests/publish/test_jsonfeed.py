"""JSON Feed 1.1, held against its specification."""

import json

from hypothesis import given, settings

from publish import jsonfeed
from publish.document import frame
from publish.entry import compose
from publish.render import render
from publish.selection import metadata
from stories.config import Config, Feed
from stories.models import Story
from tests.publish import hostile
from tests.publish.checks import check_json
from tests.publish.samples import HEADLINE_ONLY, config, english, hindi, story, urdu, version


def document(*stories: Story, conf: Config | None = None) -> bytes:
    conf = conf or config()
    entries = [render(each, conf).json for each in stories]
    updated = max((each.changed_at for each in stories), default=None)
    return frame(metadata(conf.feeds[0], conf, updated), "json").join(entries)


def test_an_item_key_by_key() -> None:
    [item] = check_json(document(english()))
    value = render(english(), config()).entry
    assert item == {
        "id": english().guid,
        "url": value.url,
        "external_url": "https://www.ptinews.example/story/417",
        "title": "Big GST Meet On Monday: All Eyes On Cess",
        "content_html": f'{value.body}<p lang="en" dir="ltr"><i>{HEADLINE_ONLY}</i></p>',
        "summary": "33 members; rates < 28% & cess on the table",
        "image": "https://img.example/gst.jpg?w=1200&h=675",
        "date_published": "2026-11-22T13:00:15+00:00",
        "date_modified": "2026-11-22T13:07:30+00:00",
        "author": {"name": "By Asha Rao"},
        "authors": [{"name": "By Asha Rao"}, {"name": "Press Trust of India"}],
        "tags": ["National", "Economy", "gst", "cess"],
        "language": "en-IN",
        "attachments": [
            {
                "url": "https://img.example/gst.jpg?w=1200&h=675",
                "mime_type": "image/jpeg",
                "title": 'Finance ministers at "Vigyan Bhavan". PTI Photo',
                "size_in_bytes": 48213,
                "_wirecopy": {
                    "medium": "image",
                    "width": 1200,
                    "height": 675,
                    "caption": 'Finance ministers at "Vigyan Bhavan"',
                    "credit": "PTI Photo",
                },
            },
            {
                "url": "https://img.example/gst.mp4",
                "mime_type": "video/mp4",
                "_wirecopy": {"medium": "video"},
            },
        ],
        "_wirecopy": {
            "about": "https://feeds.ndtv.com/",
            "edited_headline_only": True,
            "edit_scope": "headline-only",
            "agency": "Press Trust of India",
            "agency_id": "PTI2026112200417",
            "agency_version": "3",
            "wire_headline": "Centre, states to meet on GST & cess",
            "byline": "By Asha Rao",
            "credit": "PTI",
            "rights": "© Press Trust of India",
            "source_url": "https://wire.example/",
        },
    }


def test_a_whole_feed() -> None:
    feed = Feed(name="india", title="India", description="Stories of the day", languages=("hi",))
    conf = config(feeds=(feed,))
    data = document(english(), hindi(), urdu(), conf=conf)
    assert len(check_json(data)) == 3
    head = json.loads(data)
    del head["items"]
    assert head == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "India",
        "home_page_url": "https://feeds.ndtv.com/feeds/india",
        "feed_url": "https://feeds.ndtv.com/feeds/india.json",
        "description": "Stories of the day",
        "icon": "https://feeds.ndtv.com/icon.png",
        "favicon": "https://feeds.ndtv.com/icon.png",
        "author": {"name": "NDTV", "url": "https://www.ndtv.com"},
        "authors": [{"name": "NDTV", "url": "https://www.ndtv.com"}],
        "language": "hi",
        "_wirecopy": {
            "about": "https://feeds.ndtv.com/",
            "generator": "Wirecopy",
            "license": "https://feeds.ndtv.com/licences/search.xml",
        },
    }


def test_without_anything_optional() -> None:
    of = version(
        byline=None,
        summary=None,
        language=None,
        categories=(),
        keywords=(),
        media=(),
        credit=None,
        rights=None,
        link=None,
        wire="gone",
        body="",
    )
    [item] = check_json(document(story(of)))
    assert set(item) == {
        "id",
        "url",
        "title",
        "content_html",
        "date_published",
        "date_modified",
        "author",
        "authors",
        "_wirecopy",
    }


def test_a_statement_stands_only_where_there_is_one() -> None:
    entry = render(english(), config()).entry
    assert "statement" not in json.loads(jsonfeed.item(entry))["_wirecopy"]
    signed = json.loads(jsonfeed.item(entry.model_copy(update={"statement": "eyJ.e30.c2ln"})))
    assert signed["_wirecopy"]["statement"] == "eyJ.e30.c2ln"


def test_text_is_written_as_itself() -> None:
    assert "जीएसटी परिषद".encode() in render(hindi(), config()).json


@settings(deadline=None)
@given(hostile.stories)
def test_no_story_breaks_the_feed(of: Story) -> None:
    value = compose(of, config()).model_copy(update={"headline": "H"})
    conf = config()
    feed = metadata(conf.feeds[0], conf, of.changed_at)
    written = jsonfeed.item(value)
    [item] = check_json(frame(feed, "json").join([written]))
    spelt = json.dumps(json.loads(written), ensure_ascii=False, separators=(",", ":"))
    assert written == spelt.encode()
    assert item["content_html"] == value.html
    assert item.get("summary") == value.summary
