"""Invented agency copy, and the pages of invented newspapers that carry it, in several layouts."""

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

LINE = (
    "(Except for the headline, this story has not been edited by {staff}"
    " and is published from a syndicated feed.)"
)
CLAIM = LINE.replace("{staff}", "Daily Paper staff")


@dataclass(frozen=True)
class Story:
    """A story as an agency sends it, or a paper prints it. Paragraphs are plain text."""

    headline: str
    paragraphs: tuple[str, ...]
    claim: str = ""
    language: str = "en"

    def but(self, number: int, text: str) -> "Story":
        """The same with another paragraph in that place; without it, if *text* is empty."""
        kept = list(self.paragraphs)
        kept[number : number + 1 or None] = [text] if text else []
        return replace(self, paragraphs=tuple(kept))

    def plus(self, number: int, text: str) -> "Story":
        """The same with a paragraph more before that place."""
        kept = [*self.paragraphs[:number], text, *self.paragraphs[number:]]
        return replace(self, paragraphs=tuple(kept))


BRIDGE = Story(
    "Harbour bridge reopens after two years of repairs",
    (
        "Porthaven, Nov 22 (PTI) The old harbour bridge reopened to traffic on Sunday after two"
        " years of repairs, the transport ministry said.",
        "“We have replaced four of its nine piers,” minister Asha Rane told reporters at the"
        " opening, which some 3,000 people attended.",
        "She said that lorries above 12 tonnes would have to use the tunnel until March.",
        "Nobody was hurt.",
        "The work cost 41 crore rupees, three more than planned; the ministry blamed the price of"
        " steel & two storms in the first winter.",
        "Residents lined the quay and cheered as the first tram crossed at 9.40 am.",
        "PTI ABC XYZ",
    ),
)
HINDI = Story(
    "दो साल की मरम्मत के बाद बंदरगाह का पुल फिर खुला",
    (
        "पोर्टहेवन, 22 नवंबर (भाषा) परिवहन मंत्रालय ने कहा कि बंदरगाह का पुराना पुल दो साल की मरम्मत के"
        " बाद रविवार को यातायात के लिए फिर से खोल दिया गया।",
        "मंत्री आशा राणे ने उद्घाटन के मौके पर संवाददाताओं से कहा, ‘हमने नौ में से चार खंभे बदल दिए हैं।’",
        "उन्होंने कहा कि बारह टन से अधिक भार वाले ट्रकों को मार्च तक सुरंग से होकर जाना होगा।",
        "कोई घायल नहीं हुआ।",
        "इस काम पर 41 करोड़ रुपये खर्च हुए, जो अनुमान से तीन करोड़ रुपये अधिक है।",
    ),
    language="hi",
)
URDU = Story(
    "دو سال کی مرمت کے بعد بندرگاہ کا پل دوبارہ کھل گیا",
    (
        "پورٹ ہیون، 22 نومبر: وزارت نقل و حمل نے کہا کہ بندرگاہ کا پرانا پل دو سال کی مرمت کے بعد"
        " اتوار کو آمد و رفت کے لیے دوبارہ کھول دیا گیا۔",
        "وزیر آشا رانے نے افتتاح کے موقع پر صحافیوں سے کہا کہ ہم نے نو میں سے چار"
        " ستون بدل دیے ہیں۔",
        "انہوں نے کہا کہ بارہ ٹن سے زیادہ وزنی ٹرکوں کو مارچ تک سرنگ سے گزرنا ہوگا۔",
        "کوئی زخمی نہیں ہوا۔",
        "اس کام پر 41 کروڑ روپے خرچ ہوئے جو اندازے سے تین کروڑ زیادہ ہیں۔",
    ),
    language="ur",
)
COPIES = {"en": BRIDGE, "hi": HINDI, "ur": URDU}
_OTHER = Story(
    "Ferry to the island suspended",
    ("The ferry to the island was suspended on Sunday after strong winds, its owner said.",),
)

Layout = Callable[[Story], str]


def feed(*stories: Story, links: Sequence[str] = ()) -> bytes:
    """An agency's RSS of *stories*, with another story before them; *links* go into the first."""
    items = "".join(_item(n, one, links) for n, one in enumerate((_OTHER, *stories)))
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>Agency</title>'
        "<link>https://agency.example/</link><description>d</description>"
        f"{items}</channel></rss>"
    ).encode()


def _item(number: int, story: Story, links: Sequence[str]) -> str:
    body = "".join(f"<p>{html.escape(text)}</p>" for text in story.paragraphs)
    for link in links:
        body = body.replace(link, f'<a href="https://x.example/">{link}</a>', 1)
    return (
        f'<item><guid isPermaLink="false">story-{number}</guid>'
        f"<title>{html.escape(story.headline)}</title>"
        f"<link>https://agency.example/{number}</link>"
        f"<description>{html.escape(body)}</description></item>"
    )


def broadsheet(story: Story) -> str:
    """A portal of the usual kind: adverts and pointers between the paragraphs, a side column."""
    between = {
        1: '<div class="ad-slot"><span>Advertisement</span></div>',
        2: '<p><strong>Also read:</strong> <a href="/tunnel">Tunnel to close at night</a></p>',
        3: '<div class="newsletter-box"><h3>Get the morning letter</h3><form><input name="m">'
        "<button>Sign up</button></form></div>",
    }
    body = "".join(
        f"{between.get(n, '')}\n<p>{html.escape(text)}</p>"
        for n, text in enumerate(story.paragraphs)
    )
    claim = f"<p><i>{html.escape(story.claim)}</i></p>" if story.claim else ""
    title = html.escape(story.headline)
    return f"""<!DOCTYPE html><html lang="{story.language}"><head><meta charset="utf-8">
<title>{title} | The Daily Paper</title><meta property="og:site_name" content="The Daily Paper">
<link rel="stylesheet" href="/a.css"><style>.x > p {{ color: red }}</style>
<script>window.x = "<p>No words of the story</p>" </script></head><body>
<header><a href="/"><svg viewBox="0 0 9 9"><title>The Daily Paper</title><path d="M0 0"/></svg></a>
<nav><ul><li><a href="/i">India</a><li><a href="/w">World</a><li><a href="/s">Sport</a></ul></nav>
<select><option>English<option>हिन्दी</select></header>
<main class="page"><article class="story"><ol class="breadcrumb"><li><a href="/">Home</a></ol>
<h1>{title}</h1><h2 class="synopsis">What lorry drivers and tram passengers should know now.</h2>
<div class="byline">By <a href="/pti">PTI</a> | Updated: November 22, 2026 14:02 IST</div>
<div class="share"><a href="#">Share</a> <a href="#">Tweet</a></div>
<figure><img src="/b.jpg" alt="">
<figcaption>The bridge on Sunday. (File photo)</figcaption></figure>
<div class="story__content">{body}{claim}
<div class="tags">Tags: <a href="/t/1">bridge</a>, <a href="/t/2">harbour</a></div></div>
<section class="comments"><h3>Comments</h3><p>What a day for the town, we had waited so long.</p>
</section></article><aside class="side"><h2>Latest</h2><ul>
<li><a href="/f">{_OTHER.headline}</a><li><a href="/g">Rain expected on Monday</a></ul></aside>
</main>
<footer><p>© 2026 The Daily Paper. All rights reserved.</p></footer></body></html>"""


def amp(story: Story) -> str:
    """The same in AMP."""
    body = "".join(
        f"<p>{html.escape(text)}</p>"
        + ('<amp-ad width="300" height="250"><div fallback>Ad</div></amp-ad>' if n == 1 else "")
        for n, text in enumerate(story.paragraphs)
    )
    claim = f'<p class="disclaimer">{html.escape(story.claim)}</p>' if story.claim else ""
    return f"""<!doctype html><html amp lang="{story.language}"><head><meta charset="utf-8">
<script async src="https://cdn.example/v0.js"></script><title>{html.escape(story.headline)}</title>
<style amp-boilerplate>body{{}}</style><noscript><style amp-boilerplate>b{{}}</style></noscript>
</head><body><amp-sidebar id="s" layout="nodisplay"><ul><li><a href="/">Home</a></ul></amp-sidebar>
<h1 class="hd">{html.escape(story.headline)}</h1><span class="auth">PTI</span>
<amp-img src="b.jpg"></amp-img><div class="art-body">{body}{claim}</div>
<amp-social-share type="email">Mail</amp-social-share>
<div class="rel"><h3>More from the town</h3><a href="/f">{_OTHER.headline}</a></div>
</body></html>"""


def scripted(story: Story) -> str:
    """Boxes within boxes, the text for small screens and again for large ones, and as data."""
    said = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "NewsArticle", "headline": story.headline},
            {"@type": "NewsArticle", "articleBody": " ".join(story.paragraphs)},
        ],
    }

    def copy(kind: str) -> str:
        chunks = "".join(
            f'<div class="chunk" data-n="{n}"><div><p>{html.escape(text)}</p></div></div>'
            '<div class="adWrapper" id="gpt-1"><script>push({a: "</p>"})</script></div>'
            for n, text in enumerate(story.paragraphs)
        )
        if story.claim:
            chunks += f'<div class="chunk"><div><p>{html.escape(story.claim)}</p></div></div>'
        return f'<div class="{kind}"><div class="flow">{chunks}</div></div>'

    data = json.dumps(said, ensure_ascii=False)
    return f"""<!DOCTYPE html><html><head><meta http-equiv="Content-Type"
content="text/html; charset=utf-8"><title>{html.escape(story.headline)} - Town Times</title>
<meta property="og:title" content="{html.escape(story.headline)}">
<script type="application/ld+json">{data}</script></head><body><div id="app"><div><div>
<div class="topNav"><a href="/">Town Times</a><a href="/l">Live</a></div>
<div class="hero"><h1><span>{html.escape(story.headline)}</span></h1>
<time datetime="2026-11-22">22 Nov 2026, 14:02</time></div>
{copy("only-small")}{copy("only-large")}
<div class="recirc"><p><a href="/f">{_OTHER.headline}</a></p></div></div></div></div>
<template id="t"><p>A template's words</p></template>
<script id="__DATA__" type="application/json">{data.replace("<", "&lt;")}</script></body></html>"""


def tables(story: Story) -> str:
    """An old portal: tables, and paragraphs parted by line breaks."""
    body = "<br><br>\n".join(html.escape(text) for text in story.paragraphs)
    claim = f"<br><br><em>{html.escape(story.claim)}</em>" if story.claim else ""
    return f"""<html><head><title>{html.escape(story.headline)}</title></head><body bgcolor=white>
<table width=100%><tr><td colspan=2><a href=/><img src=logo.gif></a> <a href=/archive>Archive</a>
<tr><td width=150><a href=/1>News</a><br><a href=/2>Sport</a><br><a href=/3>Letters</a>
<td><h1><font size=5>{html.escape(story.headline)}</font></h1>
<font face=serif size=3>{body}{claim}</font></table></body></html>"""


def bare(story: Story) -> str:
    """Hardly any markup: no class, no container but the page."""
    body = "\n".join(f"<p>{html.escape(text)}" for text in story.paragraphs)
    claim = f"<p>{html.escape(story.claim)}" if story.claim else ""
    line = html.escape(story.headline)
    return f"<title>{line}</title><h1>{line}</h1>{body}{claim}"


LAYOUTS: dict[str, Layout] = {
    one.__name__: one for one in (broadsheet, amp, scripted, tables, bare)
}
