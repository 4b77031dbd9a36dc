"""What a real browser paints of the constructs that Wirecopy writes, beside the projection.

Every word of the projection is painted, large enough, on the page and under nothing else; and read
line by line from the left, the words stand in its order.
"""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from publish.clean import clean
from publish.web.feeds import Receive, Scope, Send
from tests.publish import browser
from tests.publish.test_form import AROUND, BODY, ELEMENTS, VOID, _Rows, _table
from tests.serving import served
from wirecopy.encoding import SPACE
from wirecopy.form import FORM, body_fault
from wirecopy.html import TangleError
from wirecopy.text import paragraphs, plain

pytestmark = pytest.mark.slow

PAGE = """<!doctype html><meta charset="utf-8"><body style="margin:8px;width:1200px">
<div id="box"></div><pre hidden></pre><script type="module">
const { asked, space } = await (await fetch("/asked")).json();
const box = document.getElementById("box");
const words = new RegExp(`[^${space}]+`, "gu");

/** The words in the box, in the order in which they are painted, and those that are not. */
function painted() {
  const found = [];
  const unseen = [];
  const texts = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { currentNode: node } = texts;
    let before = null;
    for (const { 0: word, index } of node.data.matchAll(words)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const place = range.getBoundingClientRect();
      node.parentElement.scrollIntoView({ block: "center" });
      const seen = range.getBoundingClientRect();
      const top = document.elementFromPoint(
        seen.left + seen.width / 2,
        seen.top + seen.height / 2,
      );
      const small = seen.height < 4 || seen.width < 2 || seen.left < 0 || seen.right > 1300;
      const own = node.parentElement.contains(top) || top?.contains(node.parentElement);
      if (small || !own)
        unseen.push(word);
      // Where a space parts two words, readers have to see one.
      const gap = before && Math.max(place.left - before.right, before.left - place.right);
      if (before?.top === place.top && gap < 1) unseen.push(` ${word}`);
      before = place;
      found.push({ word, left: place.left, top: place.top + scrollY, height: place.height });
      scrollTo(0, 0);
    }
  }
  return { found, unseen };
}

/** Line by line from the top, each from the left. Raised and lowered words are of the line that
 * they stand in. */
function inLines(found) {
  const sorted = [...found].sort((a, b) => a.top - b.top || a.left - b.left);
  const lines = [];
  for (const each of sorted) {
    const line = lines.at(-1);
    const within = line && each.top < line.top + line.height * 0.7;
    if (within) line.words.push(each);
    else lines.push({ top: each.top, height: each.height, words: [each] });
  }
  return lines.flatMap(({ words }) => words.sort((a, b) => a.left - b.left)).map((w) => w.word);
}

const said = asked.map((html) => {
  box.innerHTML = html;
  scrollTo(0, 0);
  const { found, unseen } = painted();
  return { order: inLines(found), unseen, inner: box.innerText };
});
box.remove();
document.querySelector("pre").textContent = JSON.stringify(said);
</script>"""


def shown(bodies: list[str], folder: Path) -> list[dict[str, Any]]:
    """Of each body the words in the order painted, those that nobody sees, and ``innerText``."""
    white = "".join(f"\\u{ord(space):04x}" for space in SPACE)
    told = json.dumps({"asked": bodies, "space": white}).encode()

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        known = {
            "/": (200, PAGE.encode(), b"text/html"),
            "/asked": (200, told, b"application/json"),
        }
        status, body, kind = known.get(scope["path"], (404, b"", b"text/plain"))
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    with served(app) as port:
        page = browser.opened(
            f"http://127.0.0.1:{port.number}/",
            folder / "browser",
            "--window-size=1300,900",
            # No picture and no film of another host is asked for.
            "--host-resolver-rules=MAP *.example 127.0.0.1:9",
        )
    found = json.loads(page.findtext(".//pre") or "[]")
    assert len(found) == len(bodies)
    return list(found)


def _constructs() -> dict[str, str]:
    """Each construct of the table by its name, in a body."""
    found: dict[str, str] = {}
    for tag, own in ELEMENTS.items():
        needed = ' src="https://p.example/x"' if tag == "img" else ""
        for name in ["", *BODY["any"].split(), *own]:
            value = (
                "https://x.example/"
                if name in ("cite", "href", "poster", "src", "srcset")
                else (
                    {"dir": "ltr", "width": "9", "height": "9", "type": "a", "align": "right"}.get(
                        name, "2"
                    )
                )
            )
            attribute = f' {name}="{value}"' if name else ""
            start = f"<{tag}{needed if name != 'src' else ''}{attribute}>"
            held = "" if tag in ("audio", "video", "colgroup", *VOID) else "two <b>three</b>"
            whole = start if tag in VOID else f"{start}{_within(tag, held)}</{tag}>"
            whole = AROUND.get(tag, "{}").format(whole)
            if name == "dir":
                whole = f'<div dir="ltr">{whole}</div>'
            found[f"{tag} {name}"] = f"<p>zero one</p>{whole}<p>four five</p>"
    found["a table"] = (
        "<p>a</p><table><caption>b c</caption><colgroup><col span=2></colgroup>"
        "<thead><tr><th>d<th>e<tbody><tr><td>f<td>g<tr><td colspan=2>h<tbody><tr><td>i<td>j"
        "<tfoot><tr><td>k<td>l</table>m"
    )
    found["cells that span"] = (
        "<table><tr><td rowspan=1>a<td>b<td>c<tr><td colspan=2>d e<td>f"
        "<tr><td>g<td colspan=3>h</table>"
    )
    for tags, most in BODY["nested"]:
        for tag in tags.split():
            if tag not in ("dd", "rt"):
                found[f"{tag} {most} deep"] = (
                    f"<p>a</p>{f'<{tag}>' * most}b c{f'</{tag}>' * most}<p>d"
                )
    found["rtl words"] = '<p dir="rtl">ایک <bdi>Two</bdi> <b dir="auto">three</b> چار پانچ</p>'
    found["rtl cells"] = '<table dir="rtl"><tr><td>ایک <td>دو <tr><td>تین</table>'
    # But the hair space, which is narrower than a pixel in the fonts of some machines.
    spaces = [space for space in SPACE if not _forbidden(space) and space != "\u200a"]
    found["spaces"] = "".join(f"<p>a{space}b</p>" for space in spaces)
    return found


def _within(tag: str, held: str) -> str:
    if tag in ("table", "tbody", "thead", "tfoot", "tr"):
        row = f"<td>{held}</td>"
        row = row if tag == "tr" else f"<tr>{row}</tr>"
        return f"<tbody>{row}</tbody>" if tag == "table" else row
    return held


def _forbidden(character: str) -> bool:
    return re.search(FORM["characters"], character) is not None


def test_every_construct_is_painted_as_it_is_read(tmp_path: Path) -> None:
    browser.program()
    bodies = _constructs()
    assert all(body_fault(html) == "" for html in bodies.values())
    said = shown(list(bodies.values()), tmp_path)
    for (name, html), found in zip(bodies.items(), said, strict=True):
        words = " ".join(paragraphs(html)).split(" ")
        assert found["unseen"] == [], (name, html)
        assert found["inner"].split() == words, (name, html)
        if name == "rtl words":
            assert found["order"] == words[::-1]
        elif name == "rtl cells":
            assert found["order"] == ["دو", "ایک", "تین"]
        elif not name.startswith("rt "):  # it stands over what it annotates
            assert found["order"] == words, (name, html)


def test_every_word_of_what_the_cleaner_writes_is_painted(tmp_path: Path) -> None:
    browser.program()
    bodies: list[str] = []
    for seed in range(150):
        soup = _Rows(seed)
        html = "".join(soup.body() for _ in range(3)) + _table(Random(seed))
        try:
            bodies.append(clean(html, "https://b.example/"))
        except TangleError:
            continue
    said = shown(bodies, tmp_path)
    for html, found in zip(bodies, said, strict=True):
        words = "".join(paragraphs(html)).replace(" ", "")
        assert plain(found["inner"]).replace(" ", "") == words, html


UNWRITTEN = (
    "<table><tfoot><tr><td>a</tfoot><tbody><tr><td>b</table>",
    "<table><tbody><tr><td>a</tbody><thead><tr><td>b</table>",
    "<table><tbody><tr><td>a</tbody><caption>b</caption></table>",
    "<table><tr><td>a<td rowspan=3>bbbb<tr><td colspan=2>cccccccccccccc<tr><td>d</table>",
    "<p hidden>a",
    "<p style=float:right>a</p><p>b",
    "<details><summary>a</summary>b</details>",
    "<video>a</video>",
    f"{'<blockquote dir=rtl>' * 60}a",
    "a\u2028b",
    "<p dir=rtl><bdi>a</bdi> <bdi>b</bdi>",
    "<p dir=ltr><bdi dir=rtl><bdi>a</bdi> <bdi>b</bdi></bdi>",
    "<table dir=rtl><tr><td>a<td>b</table>",
    "a\u1680b",
)


def test_what_is_not_in_the_table_is_painted_otherwise(tmp_path: Path) -> None:
    """Else the test above would show nothing."""
    browser.program()
    said = shown(list(UNWRITTEN), tmp_path)
    for html, found in zip(UNWRITTEN, said, strict=True):
        assert body_fault(html) != "", html
        words = " ".join(paragraphs(html)).split(" ")
        same = found["order"] == words and not found["unseen"] and found["inner"].split() == words
        # Which programs see as a space, and some machines paint as one.
        spaced = "\u1680" in html or "\u2028" in html
        assert not same or spaced, (html, found)
