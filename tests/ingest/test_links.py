"""Which links a list names, by a table of the lists that there are."""

import pytest

from ingest.links import Link, links_of
from stories.errors import ParseError

BASE = "https://agency.example/out/list?all=1"
ONE, TWO = Link("https://agency.example/out/1.xml"), Link("https://agency.example/out/2.json")
DATED = [Link(ONE.url, "2026-11-22T06:00:00Z"), Link(TWO.url, "2026-11-22T07:00:00Z")]

APACHE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
<html><head><title>Index of /out</title></head><body><h1>Index of /out</h1><pre>
<a href="?C=N;O=D">Name</a> <a href="/">Parent Directory</a><hr>
<a href="1.xml">1.xml</a>  2026-11-22 06:00 12K <a href="sub/">sub/</a>
<a href="/out/2.json">2.json</a> <a href="https://other.example/out/3.xml">ad</a>
<a href="mailto:desk@agency.example">desk</a> <a>nothing</a></pre></body></html>"""
ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>out</title>
<link href="https://agency.example/"/><link rel="self" href="https://agency.example/out/list"/>
<entry><updated>2026-11-22T06:00:00Z</updated><link href="https://agency.example/story/1.html"
 type="text/html"/><link rel="alternate" type="application/vnd.iptc.g2.newsitem+xml" href="1.xml"/>
<link rel="enclosure" type="image/jpeg" href="1.jpg"/></entry>
<entry><updated>2026-11-22T07:00:00Z</updated>
<content type="application/json" src="2.json"/></entry>
</feed>"""
RSS = """<rss version="2.0"><channel><link>https://agency.example/</link>
<item><title>1</title><pubDate>Sun, 22 Nov 2026 06:00:00 GMT</pubDate><link>1.xml</link></item>
<item><link>https://agency.example/2.html</link><enclosure url="2.json" type="application/json"/>
</item><item><title>no link</title></item></channel></rss>"""
SITEMAP = """<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc> https://agency.example/out/1.xml </loc><lastmod>2026-11-22T06:00:00Z</lastmod></url>
<url><loc>https://agency.example/out/2.json</loc><lastmod>2026-11-22T07:00:00Z</lastmod></url>
</urlset>"""
NINJS = """{"meta": {"next": "https://agency.example/out/list?page=2", "pages": ["1", "2"]},
"items": [
{"href": "1.xml", "updated": "2026-11-22T06:00:00Z", "pictures": [{"href": "1.jpg"}]},
{"href": "2.json", "updated": "2026-11-22T07:00:00Z"}]}"""
NESTED = """{"data": {"items": [{"meta": {}, "item": {"uri": "https://agency.example/out/1.xml",
"version": 3}}, {"item": {"uri": "https://agency.example/out/2.json", "version": 1}}]}}"""
LINES = "# out\nhttps://agency.example/out/1.xml\r\n\n https://agency.example/out/2.json \n"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (APACHE, [ONE, TWO]),
        (ATOM, DATED),
        (RSS, [Link(ONE.url, "Sun, 22 Nov 2026 06:00:00 GMT"), TWO]),
        (SITEMAP, DATED),
        (NINJS, DATED),
        (NESTED, [Link(ONE.url, "3"), Link(TWO.url, "1")]),
        ('["https://agency.example/out/1.xml", "https://agency.example/out/2.json"]', [ONE, TWO]),
        ('[{"url": "1.xml"}, {"url": "1.xml"}, {"url": "2.json"}, {}, 3, null]', [ONE, TWO]),
        ('{"items": []}', []),
        ('{"items": [{"url": "javascript:1"}, {"url": "file:///etc/passwd"}]}', []),
        ('[{"url": "1.xml", "updated": "a\\u0000\\ud800b"}]', [Link(ONE.url, "a\ufffd\ufffdb")]),
        (LINES, [ONE, TWO]),
        ("\ufeff" + LINES.partition("\n")[2], [ONE, TWO]),
        ("<feed xmlns='http://www.w3.org/2005/Atom'><title>none</title></feed>", []),
    ],
)
def test_the_links_of_a_list(body: str, found: list[Link]) -> None:
    assert links_of(body.encode("utf-8", "surrogatepass"), BASE) == found


@pytest.mark.parametrize("body", [b"", b"  \n", b"Please log in.", b"{broken", b"[" * 100_000])
def test_what_is_no_list_is_named(body: bytes) -> None:
    with pytest.raises(ParseError) as caught:
        links_of(body, BASE)
    assert caught.value.state == "no-list"


def test_a_list_resolves_no_entity_and_opens_no_file() -> None:
    body = b"""<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<feed><entry><updated>&x;</updated><link href="1.xml"/></entry></feed>"""
    assert links_of(body, BASE) == [ONE]
