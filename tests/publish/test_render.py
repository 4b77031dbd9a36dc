"""The claim an entry makes is the one its own bytes measure, whatever was done to them."""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from publish import clean, entry, render, xml
from publish.formats import WRITERS, Format
from publish.render import Rendered
from stories.config import Config, Publisher
from stories.errors import RenderError
from stories.labels import WORDINGS
from stories.models import Category, HeadlineEdit, Media, Story, received_copy
from tests.publish import hostile
from tests.publish.checks import NAMES, parse
from tests.publish.samples import (
    HEADLINE_ONLY,
    RECEIVED,
    config,
    english,
    hindi,
    story,
    urdu,
    version,
)
from wirecopy.claims import contradiction
from wirecopy.encoding import xml_chars
from wirecopy.scope import SCOPES, Copy, digests, measure
from wirecopy.text import plain, shows

FORMATS: tuple[Format, ...] = ("rss", "atom", "json")

VERBATIM = "(This story has not been edited by NDTV staff and is published from a syndicated feed.)"
PLAIN = "<p>Alpha beta gamma.</p><p>Delta epsilon.</p>"


def rendered(body: str = PLAIN, desk: str | None = "New", conf: Config | None = None) -> Rendered:
    of = version(body=body, base="https://wire.example/a/", media=())
    return render.render(story(of, desk), conf or config())


def claims(found: Rendered) -> tuple[str, bool, str]:
    """Scope, claim and disclosure as they stand in the bytes, which all formats must agree on."""
    out = set()
    item = json.loads(found.json)
    last = item["content_html"].rpartition('<p lang="en" dir="ltr"><i>')
    told = last[2].removesuffix("</i></p>") if last[1] else ""
    out.add((item["_wirecopy"]["edit_scope"], item["_wirecopy"]["edited_headline_only"], told))
    for name, fragment in (("rss", found.rss), ("atom", found.atom)):
        root = "".join(
            f' xmlns:{prefix}="{uri}"' for prefix, uri in NAMES.items() if prefix != "wc"
        )
        document = f'<x{root} xmlns:wirecopy="{NAMES["wc"]}">'.encode() + fragment + b"</x>"
        element = parse(document)[0]
        body = element.findtext("content:encoded" if name == "rss" else "content", namespaces=NAMES)
        last = (body or "").rpartition('<p lang="en" dir="ltr"><i>')
        told = last[2].removesuffix("</i></p>") if last[1] else ""
        scope = element.findtext("wc:editScope", namespaces=NAMES)
        claim = element.findtext("wc:editedHeadlineOnly", namespaces=NAMES) == "true"
        assert scope
        out.add((scope, claim, told))
    [agreed] = out
    assert agreed[:2] == (found.measurement.scope, found.measurement.edited_headline_only)
    return agreed


def test_untouched() -> None:
    scope, claim, told = claims(rendered(desk=None))
    assert (scope, claim) == ("verbatim", False)
    assert told == VERBATIM


def test_only_the_headline() -> None:
    assert claims(rendered()) == ("headline-only", True, HEADLINE_ONLY)


def test_a_headline_put_back_is_no_edit() -> None:
    of = story(version(body=PLAIN), "New")
    at = RECEIVED.replace(hour=14)
    back = of.model_copy(
        update={"edits": (*of.edits, HeadlineEdit(text=None, by="M", at=at, against=1))}
    )
    assert claims(render.render(back, config()))[0] == "verbatim"


@pytest.mark.parametrize(
    "invisible",
    [
        "<script>track()</script>",
        "<style>p{color:red}</style>",
        '<img src="https://c.example/p.gif" width="1" height="1">',
        "<!-- 417 -->",
        "<template>t</template>",
        "<noscript>n</noscript>",
        '<p class="x" onclick="y()" style="z"></p>',
        '<a href="javascript:x()"></a>',
    ],
)
def test_cleaning_away_what_nobody_sees_is_no_edit(invisible: str) -> None:
    assert claims(rendered(PLAIN + invisible)) == ("headline-only", True, HEADLINE_ONLY)


@pytest.mark.parametrize(
    ("body", "scope"),
    [
        (PLAIN + '<iframe src="https://v.example/7"></iframe>', "headline-media"),
        (PLAIN + '<img src="data:image/png;base64,AAAA">', "headline-media"),
        (PLAIN + '<p><a href="ftp://f.example/x">Zeta</a></p>', "packaging"),
        (PLAIN + "<form><p>Mail</p><input name=q></form>", "headline-only"),
        (PLAIN + "<form>Mail</form>", "headline-only"),
        ('<p><a href="/rel">Alpha</a> <img src="rel.jpg"></p>', "headline-only"),
    ],
)
def test_cleaning_away_more_narrows_the_claim(body: str, scope: str) -> None:
    found = claims(rendered(body))
    assert found[0] == scope
    assert bool(found[2])
    assert (found[2] == HEADLINE_ONLY) == (scope == "headline-only")


@pytest.mark.parametrize(
    "words",
    [
        "<p>Alpha <button>beta</button> gamma.</p>",
        "<p>Alpha <svg><text>beta</text></svg> gamma.</p>",
        "<p>Alpha <math><mtext>beta</mtext></math> gamma.</p>",
        "<p>Alpha <textarea>beta</textarea> gamma.</p>",
        "<p>Alpha <span style='text-decoration: line-through'>beta</span> gamma.</p>",
    ],
)
def test_words_stay_where_their_tags_go(words: str) -> None:
    assert claims(rendered(words))[0] == "headline-only"


@pytest.mark.parametrize("how", ["hidden", "style='display: none'", "style='font-size:0'"])
def test_a_word_lost_takes_the_claim_with_it(how: str) -> None:
    words = f"<p>Alpha <b {how}>beta</b> gamma.</p>"
    assert claims(rendered(words)) == ("edited", False, "")


def test_a_paragraph_lost_leaves_an_excerpt() -> None:
    scope, claim, told = claims(rendered(PLAIN + "<div hidden>Zeta</div>"))
    assert (scope, claim) == ("excerpt", False)
    assert "not been edited" not in told


def test_a_cleaner_that_changes_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def meddling(html: str, base: str | None, newest: Mapping[str, str]) -> str:
        return clean.clean(html, base, newest).replace("beta", "betta")

    monkeypatch.setattr(entry, "clean", meddling)
    found = rendered()
    assert claims(found) == ("edited", False, "")
    assert b"has not been edited" not in found.rss + found.atom + found.json


def test_a_cleaner_that_adds_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    def meddling(html: str, *_: object) -> str:
        return html.replace("beta", '<a href="https://shop.example/">beta</a>')

    monkeypatch.setattr(entry, "clean", meddling)
    assert claims(rendered())[:2] == ("packaging", False)


@pytest.mark.parametrize("name", FORMATS)
def test_one_writer_that_changes_a_word_in_one_format(
    name: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = WRITERS[name]

    def meddling(value: entry.Entry) -> bytes:
        return writer.entry(value).replace(b"beta", b"betta")

    monkeypatch.setitem(WRITERS, name, writer._replace(entry=meddling))
    assert claims(rendered()) == ("edited", False, "")


def test_a_claim_that_its_own_disclosure_falsifies(monkeypatch: pytest.MonkeyPatch) -> None:
    def meddling(value: entry.Entry) -> bytes:
        written = xml.atom_entry(value)
        return written.replace(b"beta", b"betta") if value.disclosure else written

    monkeypatch.setitem(WRITERS, "atom", WRITERS["atom"]._replace(entry=meddling))
    assert claims(rendered()) == ("unknown", False, "")


def test_a_disclosure_for_every_scope_is_the_newsrooms() -> None:
    conf = config(disclosures={"edited": "(Edited by {staff}, from {agency}.)"})
    found = rendered("<p>Alpha <b hidden>beta</b> gamma.</p>", conf=conf)
    assert claims(found) == ("edited", False, "(Edited by NDTV staff, from Press Trust of India.)")
    silent = config(disclosures={"headline-only": ""})
    assert claims(rendered(conf=silent)) == ("headline-only", True, "")


def test_what_was_received_is_not_what_is_on_record() -> None:
    of = story(version(body=PLAIN), "New")
    other = digests(Copy(headline=of.version.headline, body="<p>Other words.</p>"))
    found = render.render(of.model_copy(update={"received": other}), config())
    assert claims(found) == ("unknown", False, "")


def test_names_in_the_disclosure_are_escaped() -> None:
    publisher = Publisher(name="N", url="https://n.example", staff='<b>Desk</b> & "Co" ]]>\x01')
    conf = config(publisher=publisher)
    found = rendered(conf=conf)
    scope, claim, told = claims(found)
    assert (scope, claim) == ("headline-only", True)
    assert '<b>Desk</b> & "Co" ]]>' in found.entry.disclosure
    assert told.startswith("(Except for the headline, this story has not been edited by &lt;b&gt;")
    assert b"]]>\x01" not in found.rss


@pytest.mark.parametrize("desk", [None, "New"])
def test_a_body_that_already_ends_in_the_sentence(desk: str | None) -> None:
    """It is the agency's sentence there, and ours after it; both stand, and nothing is edited."""
    sentence = HEADLINE_ONLY if desk else (VERBATIM)
    found = rendered(f"{PLAIN}<p><i>{sentence}</i></p>", desk)
    assert claims(found) == ("headline-only" if desk else "verbatim", bool(desk), sentence)
    assert found.entry.html.count(sentence) == 2
    assert render.read_back("json", found.json).body == found.entry.html


def test_media_beside_the_body_count() -> None:
    lost = version(body=PLAIN, media=(Media(url="data:image/png;base64,AA"),))
    assert claims(render.render(story(lost, "New"), config()))[0] == "headline-media"


def test_tags_and_summary_count() -> None:
    odd = version(summary="Sum\x00mary \ud800", categories=(Category(label="N\x01ational"),))
    assert claims(render.render(story(odd, "New"), config()))[0] == "headline-only"


def test_a_story_without_a_headline_stays_out() -> None:
    with pytest.raises(RenderError, match=r"has no headline, .* wirecopy headline [a-z2-7]{13} "):
        render.render(story(version(headline=" \x00 ")), config())
    assert rendered().entry.headline == "New"


def test_markup_built_to_burst_a_parser_stays_out() -> None:
    body = "".join(f"<b title={i}>" for i in range(20_000))
    of = story(version(body=PLAIN)).model_copy(update={"version": version(body=body)})
    with pytest.raises(RenderError, match=r"cannot be rendered: .* it stays out of its feeds"):
        render.render(of, config())


def test_hosts_in_other_scripts_are_no_difference() -> None:
    link = "https://समाचार.भारत/x"
    media = (Media(url="https://%e0%a4%9a%e0%a4%bf%e0%a4%a4%e0%a5%8d%e0%a4%b0.example/p.jpg"),)
    body = f'<p><a href="{link}">Rain</a> fell.</p><img src="https://चित्र.example/q.jpg">'
    found = render.render(
        story(version(link=link, body=body, media=media, headline="Rain")), config()
    )
    assert found.measurement.scope == "verbatim"
    for written in (found.rss, found.atom, found.json):
        assert link in written.decode()
        assert "https://चित्र.example/p.jpg" in written.decode()
        assert "https://%" not in written.decode()


def test_the_measurement_says_what_it_measured() -> None:
    found = render.render(english(), config())
    copy = render.read_back("atom", found.atom)
    assert found.measurement.published == digests(copy, disclosure=HEADLINE_ONLY)
    assert found.measurement.received == english().received
    assert found.measurement.changed == ("headline",)


@pytest.mark.parametrize("make", [english, hindi, urdu])
def test_two_renders_are_identical(make: Callable[[], Story]) -> None:
    assert render.render(make(), config()) == render.render(make(), config())


def test_stories_rendered_together_are_as_each_alone() -> None:
    bare = story(version(headline=" \x00 "))
    burst = version(body="".join(f"<b title={i}>" for i in range(20_000)))
    tangled = story(version(body=PLAIN)).model_copy(update={"version": burst})
    stories = [english(), bare, hindi(), tangled, urdu(), story(version(body=PLAIN), "New")]
    ends = datetime(2027, 1, 1, tzinfo=UTC)
    found = render.render_together([(of, ends) for of in stories], config())
    for of, each in zip(stories, found, strict=True):
        if of in (bare, tangled):
            assert isinstance(each, RenderError)
            assert of.id in str(each)
        else:
            assert each == render.render(of, config(), ends)


def test_threads_do_not_disturb_each_other() -> None:
    samples = [english(), hindi(), urdu()]
    conf = config()
    expected = [render.render(of, conf) for of in samples]
    wrong: list[int] = []

    def work(first: int) -> None:
        for turn in range(first, first + 12):
            if render.render(samples[turn % 3], conf) != expected[turn % 3]:
                wrong.append(turn)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@settings(deadline=None)
@given(hostile.stories)
def test_no_claim_is_ever_made_that_does_not_measure(of: Story) -> None:
    conf = config()
    try:
        found = render.render(of, conf)
    except RenderError:
        assert not shows(xml_chars(of.headline))
        return
    scope = found.entry.scope
    assert scope == found.measurement.scope
    assert found.entry.edited_headline_only == (scope == "headline-only")
    line = conf.disclosure(scope, found.entry.agency, found.measurement.changed)
    assert found.entry.disclosure.replace("media", "pictures") == xml_chars(line.text)
    received = received_copy(of.version)
    for name in FORMATS:
        copy = render.read_back(name, getattr(found, name))
        measured = measure(received, copy, disclosure=found.entry.disclosure)
        if found.entry.edited_headline_only:
            assert measured.edited_headline_only
    assert xml.rss_item(found.entry) == found.rss


BEFORE, AFTER = "(Except for ", ", this story has not been edited by NDTV staff and is published"


@pytest.mark.parametrize(
    ("change", "desk", "parts"),
    [
        ({"body": '<p>A <a href="ftp://f.example/x">b</a></p>'}, None, "links"),
        ({"body": '<p>A <a href="ftp://f.example/x">b</a></p>'}, "New", "the headline and links"),
        ({"media": (Media(url="ftp://f.example/x.jpg"),)}, None, "pictures"),
        ({"media": (Media(url="ftp://f.example/x.jpg"),)}, "New", "the headline and pictures"),
        ({"media": (Media(url="ftp://x.example/a", medium="audio"),)}, None, "media"),
        (
            {
                "body": '<p>A <a href="ftp://f.example/x">b</a></p>',
                "media": (Media(url="ftp://f.example/x.jpg"),),
            },
            "New",
            "the headline, links and pictures",
        ),
    ],
)
def test_the_disclosure_names_what_differs_and_nothing_else(
    change: dict[str, Any], desk: str | None, parts: str
) -> None:
    of = version(**{"media": (), "body": "<p>A</p>", **change})
    told = claims(render.render(story(of, desk), config()))[2]
    assert told.startswith(f"{BEFORE}{parts}{AFTER}")


@pytest.mark.parametrize(
    "link",
    ['<a href="">x</a>', '<a href="#note-1">x</a>', '<a href=" # ">x</a>', '<a name="n">x</a>'],
)
def test_a_link_that_leads_nowhere_is_no_difference(link: str) -> None:
    found = rendered(f"<p>Alpha {link} beta.</p>", desk=None)
    assert claims(found)[:2] == ("verbatim", False)


def test_a_disclosure_in_the_language_of_the_story() -> None:
    ours = config(disclosures={"hi": {}, "ur": {"headline-only": "({parts} … {staff})"}})
    for tag, desk, told, attributes in (
        ("hi-IN", "New", "शीर्षक को छोड़कर", 'lang="hi" dir="ltr"'),
        ("ur", "New", "(سرخی … NDTV staff)", 'lang="ur" dir="rtl"'),
        ("ur", None, "ترمیم نہیں کی", 'lang="ur" dir="rtl"'),
        ("bn", None, "This story has not", 'lang="en" dir="ltr"'),  # nobody asked for it
        (None, None, "This story has not", 'lang="en" dir="ltr"'),
    ):
        of = version(body=PLAIN, media=(), language=tag)
        entry = render.render(story(of, desk), ours).entry
        assert told in entry.disclosure
        assert f"<p {attributes}><i>" in entry.html


@pytest.mark.parametrize("tag", [tag for tag in WORDINGS if tag != "en"])
def test_our_own_lines_are_known_for_claims(tag: str) -> None:
    conf = config(disclosures={tag: {}})
    for scope in SCOPES[:4]:
        line, language = conf.disclosure(scope, "PTI", ("headline", "media"), tag)
        assert language == tag
        assert contradiction(scope, [plain(line)]) == ""
        assert contradiction("edited", [plain(line)])


def test_the_end_of_a_licence_is_told_in_every_format() -> None:
    ends = RECEIVED + timedelta(days=30)
    for end, told in ((ends, True), (None, False)):
        found = render.render(english(), config(), end)
        instant = ends.replace(microsecond=0).isoformat()
        period = f"<dcterms:valid>end={instant}; scheme=W3C-DTF;</dcterms:valid>".encode()
        assert (period in found.rss, period in found.atom) == (told, told)
        assert ("valid_until" in json.loads(found.json)["_wirecopy"]) == told
        assert found.measurement.scope == "headline-only"
