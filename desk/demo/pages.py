"""The agency's pages for people, and its pictures. Every one says that it is a simulation."""

from collections.abc import Sequence
from html import escape

from desk.demo.items import NAME, RIGHTS, WireItem, draw

PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""The tracking picture: one transparent pixel."""

_STYLE = """
:root{color-scheme:light dark}
body{font:1rem/1.55 Georgia,serif;max-width:44rem;margin:0 auto;padding:0 1rem 3rem}
.sim{font:700 clamp(1.6rem,6vw,3rem)/1.1 system-ui,sans-serif;background:#b3261e;color:#fff;
margin:0 -1rem 1.5rem;padding:1.2rem 1rem}
.sim small{display:block;font-size:1rem;font-weight:400;margin-top:.5rem}
table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}
img{max-width:100%;height:auto}.when{font-family:ui-monospace,monospace;white-space:nowrap}
"""


def page(title: str, content: str, *, language: str = "en", refresh: int = 0) -> bytes:
    """A whole HTML page under the banner. *refresh* is in seconds, 0 for never."""
    again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    return f"""\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)} (simulation)</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">{again}<style>{_STYLE}</style></head>
<body><p class="sim">THIS IS A SIMULATION<small>{NAME}: an agency that does not exist. \
Every story here is invented, and so are its people, firms and events.</small></p>
<main lang="{language}">{content}</main></body></html>
""".encode()


def story(item: WireItem) -> bytes:
    """The agency's page of one story: what the feeds link to."""
    direction = ' dir="rtl"' if item.language == "ur" else ""
    picture = ""
    if item.picture:
        picture = (
            f'<figure><img src="{escape(item.picture.url)}" alt="" width="640" height="360">'
            f"<figcaption>{escape(item.picture.caption)} ({item.picture.credit})</figcaption>"
            "</figure>"
        )
    byline = f"<p>By {escape(item.byline)}</p>" if item.byline else ""
    date = f"{item.dated:%Y-%m-%d %H:%M:%S %z}"
    content = (
        f"<article{direction}><h1>{escape(item.headline)}</h1>{byline}{picture}{item.body}"
        f"</article><p><small>Version {item.edition}, {date}. {RIGHTS}.</small></p>"
    )
    return page(item.headline, content, language=item.language)


def front(
    wires: Sequence[tuple[str, str]],
    forms: Sequence[str],
    published: Sequence[tuple[str, str, str, str]],
    count: int,
    note: str,
) -> bytes:
    """The front page.

    *wires* are names and paths without ending, *forms* the endings, *published* rows of (when,
    what, path, headline), newest first; *count* is how many there are in all, *note* says how the
    simulation is set.
    """
    listed = "".join(
        f"<li><strong>{escape(name)}</strong>: "
        + " · ".join(f'<a href="{path}.{form}">{form}</a>' for form in forms)
        + "</li>"
        for name, path in wires
    )
    rows = "".join(
        f'<tr><td class="when">{escape(when)}</td><td>{escape(what)}</td>'
        f'<td><a href="{path}">{escape(headline)}</a></td></tr>'
        for when, what, path, headline in published
    )
    shown = f", the last {len(published)} of them shown" if count > len(published) else ""
    content = (
        f"<p>{escape(note)}</p><h2>Wires</h2><ul>{listed}</ul>"
        f"<h2>Published so far: {count}{shown}</h2><table>{rows}</table>"
    )
    return page(NAME, content, refresh=10)


def picture(number: int) -> bytes:
    """Picture *number* as SVG, 640 × 360: hills under a sun, and the words SIMULATED PICTURE."""
    lot = draw(number)
    hue, sun = lot[0] % 360, 80 + lot[1] % 480
    ridges = []
    for ridge, shade in enumerate((60, 45, 30)):
        heights = [170 + 45 * ridge + (lot[2 + (3 * ridge + step) % 14] % 60) for step in range(5)]
        line = " ".join(f"{160 * step},{height}" for step, height in enumerate(heights))
        colour = f"hsl({(hue + 30 * ridge) % 360} 35% {shade}%)"
        ridges.append(f'<polygon points="0,360 {line} 640,360" fill="{colour}"/>')
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="640" height="360" viewBox="0 0 640 360" role="img">
<title>SIMULATED PICTURE {number}</title>
<rect width="640" height="360" fill="hsl({hue} 60% 85%)"/>
<circle cx="{sun}" cy="90" r="40" fill="hsl({(hue + 180) % 360} 80% 70%)"/>
{"".join(ridges)}
<rect y="308" width="640" height="52" fill="#b3261e"/>
<text x="320" y="344" font-family="sans-serif" font-size="28" font-weight="bold" fill="#fff" \
text-anchor="middle">SIMULATED PICTURE {number}</text>
</svg>
""".encode()
