"""Stories as agencies send them, and the configuration of a publisher. All invented."""

import atexit
import shutil
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from stories.config import Config, Feed, Publisher, Site, Wire
from stories.models import (
    Category,
    HeadlineEdit,
    Identity,
    Media,
    Story,
    Version,
    slug,
    story_guid,
    story_id,
)
from wirecopy.scope import Copy, digests

IST = timezone(timedelta(hours=5, minutes=30))
RECEIVED = datetime(2026, 11, 22, 13, 5, 30, 123456, tzinfo=UTC)

HEADLINE_ONLY = (
    "(Except for the headline, this story has not been edited by NDTV staff"
    " and is published from a syndicated feed.)"
)


@cache
def _data() -> Path:
    """A folder for the keys that are made at the first statement; deleted when the process ends."""
    folder = tempfile.mkdtemp(prefix="wirecopy-samples-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def config(**keys: Any) -> Config:
    """NDTV's configuration, with *keys* in place of its own."""
    return Config(
        **{
            "data": _data(),
            "publisher": Publisher(
                name="NDTV",
                url="https://www.ndtv.com",
                story_url="https://www.ndtv.com/india-news/{slug}-{id}",
            ),
            "site": Site(url="https://feeds.ndtv.com"),
            "wires": (
                Wire(
                    name="pti",
                    agency="Press Trust of India",
                    code="PTI",
                    url="https://wire.example/t0ken/national.xml?key=s3cret",
                ),
            ),
            "feeds": (Feed(name="india", title="India"),),
            **keys,
        }
    )


def version(**fields: Any) -> Version:
    """An English version with everything a version can have, and *fields* in place of its own."""
    return Version(
        **{
            "wire": "pti",
            "agency": "Press Trust of India",
            "agency_code": "PTI",
            "agency_id": "PTI2026112200417",
            "agency_version": "3",
            "headline": "Centre, states to meet on GST & cess",
            "byline": "By Asha Rao",
            "body": (
                "<p>New Delhi, Nov 22 (PTI) The Centre &amp; the states will meet on Monday.</p>"
                '<p>The <a href="/topic/gst?a=1&amp;b=2">GST</a> Council has <b>33</b> members.</p>'
                "<ul><li>cess</li><li>rates</li></ul>"
            ),
            "summary": "33 members; rates < 28% & cess on the table",
            "language": "en-IN",
            "categories": (
                Category(label="National", scheme="http://cv.iptc.example/subject/"),
                Category(label="Economy", scheme="pti-desk"),
            ),
            "keywords": ("gst", "cess"),
            "media": (
                Media(
                    url="https://img.example/gst.jpg?w=1200&h=675",
                    type="image/jpeg",
                    width=1200,
                    height=675,
                    length=48213,
                    caption='Finance ministers at "Vigyan Bhavan"',
                    credit="PTI Photo",
                ),
                Media(url="https://img.example/gst.mp4", medium="video"),
            ),
            "credit": "PTI",
            "rights": "© Press Trust of India",
            "urgency": 3,
            "link": "https://www.ptinews.example/story/417",
            "base": "https://www.ptinews.example/",
            "published": datetime(2026, 11, 22, 18, 30, 15, 999999, tzinfo=IST),
            **fields,
        }
    )


def story(of: Version | None = None, desk: str | None = None, **fields: Any) -> Story:
    """The story of a version, its headline rewritten to *desk* if that is given."""
    current = of or version()
    key = f"guid:{current.agency_id}".encode("utf-8", "replace").decode()
    edits: tuple[HeadlineEdit, ...] = ()
    if desk is not None:
        at = RECEIVED + timedelta(minutes=2)
        edits = (HeadlineEdit(text=desk, by="Meera", at=at, against=1),)
    received = Copy(
        headline=current.headline,
        body=current.body,
        media=tuple(medium.url for medium in current.media),
        summary=current.summary or "",
        tags=tuple(c.label for c in current.categories) + current.keywords,
        base=current.base,
    )
    return Story(
        **{
            "id": story_id(current.wire, key),
            "guid": story_guid("www.ndtv.com", current.wire, key),
            "slug": slug(current.headline),
            "wire": current.wire,
            "identity": Identity(rule="guid", key=key),
            "version": current,
            "number": 1,
            "received": digests(received),
            "raw_digest": None,
            "first_received": RECEIVED,
            "received_at": RECEIVED,
            "edits": edits,
            **fields,
        }
    )


def english() -> Story:
    """As NDTV carries PTI copy: everything there, only the headline rewritten."""
    return story(desk="Big GST Meet On Monday: All Eyes On Cess")


def hindi() -> Story:
    """Conjuncts with joiners, a picture inside the body, a pixel and a script that go."""
    return story(
        version(
            agency="Press Trust of India - Bhasha",
            agency_id="BHASHA-2026-88",
            agency_version=None,
            headline="केंद्र और राज्य सोमवार को जीएसटी पर मिलेंगे",
            byline=None,
            body=(
                "<div>नयी दिल्ली, 22 नवंबर (भाषा) वित्त मंत्री ने कहा, “श्री‌मान् क्‍षमा करें।”</div>"
                '<figure><img src="/images/88.jpg" alt="बैठक"><figcaption>बैठक की तस्वीर</figcaption>'
                "</figure><script>track()</script>"
                '<p>परिषद में 33&nbsp;सदस्य हैं।<img src="https://count.example/p?id=88" width="1"'
                ' height="1"></p>'
            ),
            summary=None,
            language="hi",
            categories=(Category(label="राष्ट्रीय"),),
            keywords=(),
            media=(),
            credit=None,
            rights=None,
            link=None,
            base="https://bhasha.example/",
            published=None,
        ),
        desk="जीएसटी परिषद की बैठक सोमवार को",
    )


def urdu() -> Story:
    """Right to left, joiners, an embed that goes, no headline of the desk."""
    return story(
        version(
            agency="یو این آئی اردو",
            agency_id="urn:uni:ur:1207",
            agency_version="1",
            headline="مرکز اور ریاستیں پیر کو جی ایس ٹی پر ملیں گی",
            byline="نمائندہ خصوصی",
            body=(
                '<p dir="rtl" lang="ur">نئی دہلی، 22 نومبر: وزیرِ خزانہ نے کہا کہ'
                " میٹنگ پیر کو ہو گی۔</p>"
                '<iframe src="https://video.example/embed/7"></iframe>'
                '<blockquote dir="rtl">“یہ ایک اچھا قدم ہے” — <bdi>GST</bdi> 😀</blockquote>'
            ),
            summary="میٹنگ پیر کو",
            language="ur",
            categories=(Category(label="قومی", scheme="urn:uni:cat"),),
            keywords=("جی ایس ٹی",),
            media=(Media(url="https://img.example/ur.mp3", medium="audio", type="audio/mpeg"),),
            rights="یو این آئی",
            link="https://uni.example/ur/1207",
            base="https://uni.example/ur/",
        )
    )
