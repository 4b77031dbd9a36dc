"""What happens to a feed on the way, which is form, and what is done to it, which is found."""

import json
import re
from collections.abc import Iterable

Change = tuple[str, str, str, str]
"""What is done to a feed, what stands there and then, and which checks of the first entry fail; or
``REFUSED``; ``MORE`` or ``ODD`` for an entry more behind the first, that is unsigned or none."""

REFUSED, MORE, ODD = "refused", "more", "odd"


def in_xml(*, atom: bool) -> Iterable[Change]:
    """What happens to a feed on the way, and what is done to it."""
    entry = "<entry>" if atom else "<item>"
    title = '<title xml:lang="en-IN">Big' if atom else "<title>Big"
    summary = "33 members; rates &lt;" if atom else "33 members; rates &amp;lt;"
    other = 'xmlns:x="urn:elsewhere"'
    xhtml = 'xmlns="http://www.w3.org/1999/xhtml"'
    guid = "<id>urn:x</id>" if atom else "<guid>urn:x</guid>"
    yield from (
        (
            "form: a counter beside the body",
            entry,
            f'{entry}<x:img {other} src="https://t.example/"/>',
            "",
        ),
        ("form: words of others", entry, f"{entry}<x:title {other}>7<x:b/></x:title>", ""),
        ("form: an attribute of others", title, f'{title[:-4]} {other} x:seen="1">Big', ""),
        ("form: a comment in the headline", "Big GST", "Big <!-- x --><?y z?>GST", ""),
        (
            "an element of XHTML in the headline",
            "Big GST",
            f"Big <script {xhtml}>GST</script>",
            "entry headline",
        ),
        (
            "an element of others in the headline",
            "Big GST",
            f"Big <x:b {other}>GST</x:b>",
            "entry headline",
        ),
        ("an empty element in the headline", "Big GST", f"Big <x:img {other}/>GST", "entry"),
        ("an element in the summary", summary, f"{summary}<b/>", "entry"),
        (
            "the headline twice",
            title,
            f"{title} GST Meet On Monday: All Eyes On Cess</title>{title}",
            "entry",
        ),
        (
            "the headline of Dublin Core's",
            entry,
            f'{entry}<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">x</dc:title>',
            "entry",
        ),
        ("the headline by a prefix", entry, f"{entry}<media:title>x</media:title>", "entry"),
        ("an element in no namespace", entry, f'{entry}<comments xmlns="">x</comments>', "entry"),
        (
            "words of others that hold ours",
            entry,
            f'{entry}<x:x {other}><title xmlns="">x</title></x:x>',
            "entry",
        ),
        ("a base", title, f'{title[:-4]} xml:base="https://x.example/">Big', "entry"),
        ("a picture of nothing", entry, f'{entry}<media:content url=" "/>', "entry"),
        (
            "a claim twice",
            "<wirecopy:agency>",
            "<wirecopy:agency>Press Trust of India</wirecopy:agency><wirecopy:agency>",
            "entry",
        ),
        (
            "form: a claim with spaces around it",
            "<wirecopy:editScope>",
            "<wirecopy:editScope>\n ",
            "",
        ),
        ("another claim of ours", entry, f"{entry}<wirecopy:note>x</wirecopy:note>", "entry"),
        ("another film", "gst.mp4", "fst.mp4", "media"),
        ("a DOCTYPE", "?>", f"?><!DOCTYPE {'feed' if atom else 'rss'}>", REFUSED),
        ("an end tag of another", "</title>", "</titel>", REFUSED),
        ("a prefix of nothing", entry, f"{entry}<y:y/>", REFUSED),
        ("two byte order marks", "<?xml", "\ufeff\ufeff<?xml", REFUSED),
        ("the headline in capitals", entry, f'{entry}<Title xmlns="">x</Title>', "entry"),
        ("the headline of nobody's", entry, f'{entry}<title xmlns="urn:x">x</title>', "entry"),
        (
            "the headline of Dublin Core's in capitals",
            entry,
            f'{entry}<x:title xmlns:x="HTTP://PURL.ORG/DC/ELEMENTS/1.1/">x</x:title>',
            "entry",
        ),
        (
            "the headline of others by Dublin Core's prefix",
            entry,
            f'{entry}<dc:title xmlns:dc="urn:elsewhere">x</dc:title>',
            "entry",
        ),
        (
            "an entry in another",
            entry,
            f"{entry}{entry}{guid}{entry.replace('<', '</')}",
            f"entry {MORE}",
        ),
    )
    if atom:
        yield from (
            (
                "an entry of RSS",
                "</entry>",
                '</entry><item xmlns=""><title>x</title></item>',
                ODD,
            ),
            (
                "an entry within others' words",
                "</entry>",
                f"</entry><x:x {other}><entry>{guid}</entry></x:x>",
                MORE,
            ),
            ("words in a category", 'term="gst"/>', 'term="gst">x</category>', "entry"),
            ("a category of words alone", entry, f"{entry}<category>x</category>", "entry"),
            ("form: space in a category", 'term="gst"/>', 'term="gst">\n</category>', ""),
            ("words in a link", 'rel="via"/>', 'rel="via">x</link>', "entry"),
            ("the body as text", 'content type="html"', 'content type="text"', "entry"),
            (
                "the body by its media type",
                'content type="html"',
                'content type="text/html"',
                "entry",
            ),
            ("the body as XHTML", 'content type="html"', 'content type="xhtml"', "entry"),
            ("the body without a type", 'content type="html"', "content", "entry"),
            (
                "the body elsewhere",
                'content type="html"',
                'content src="https://x.example/" type="html"',
                "entry",
            ),
            ("the headline as HTML", title, '<title type="html">Big', "entry"),
            ("another label", 'label="National"', 'label="Scandal"', "entry"),
            ("an empty label", 'label="National"', 'label=""', "entry"),
            ("another term", 'term="National"', 'term="Scandal"', "entry packaging"),
            ("another author", "<name>Press Trust of India<", "<name>Reuters<", "agency"),
            ("another source", "<title>Press Trust of India<", "<title>Reuters<", "agency"),
            ("a third author", entry, f"{entry}<author><name>x</name></author>", "entry details"),
            ("another byline", "<name>By Asha Rao", "<name>By Somebody", "details"),
            (
                "another caption",
                '<media:description type="plain">',
                '<media:description type="plain">Not ',
                "details",
            ),
            (
                "words beside an author's name",
                "<author>\n      <name>By",
                "<author>Reuters<name>By",
                "entry",
            ),
            (
                "another change",
                "<updated>2026-11-22T13:07:30",
                "<updated>2026-11-22T13:07:31",
                "times",
            ),
            (
                "form: the change in another zone",
                "<updated>2026-11-22T13:07:30+00:00",
                "<updated>2026-11-22T18:37:30.9+05:30",
                "",
            ),
            ("no date", "<updated>2026-11-22T13:07:30+00:00", "<updated>yesterday", "entry"),
            ("published after the change", "<published>2026", "<published>2027", "details times"),
            ("published earlier", "<published>2026", "<published>2025", "details"),
            (
                "a contributor",
                entry,
                f"{entry}<contributor><name>x</name></contributor>",
                "entry details",
            ),
            ("a title of the agency's page", 'rel="via"', 'rel="via" title="x"', "entry"),
            (
                "a title of a picture that has its caption",
                entry,
                f'{entry}<link rel="enclosure" title="x" href="https://img.example/gst.jpg?w=1200&amp;h=675"/>',
                "entry",
            ),
            (
                "form: a picture that has its caption as an enclosure",
                entry,
                f'{entry}<link rel="enclosure" href="https://img.example/gst.jpg?w=1200&amp;h=675"/>',
                "",
            ),
            ("a title of a film", 'rel="enclosure"', 'rel="enclosure" title="x"', "details"),
            (
                "an enclosure by its other name",
                entry,
                f'{entry}<link rel="http://www.iana.org/assignments/relation/enclosure" href="https://x.example/"/>',
                "entry",
            ),
            (
                "an enclosure in the source",
                "<source>",
                '<source><link rel="enclosure" href="https://x.example/"/>',
                "entry",
            ),
        )
    else:
        yield from (
            (
                "an entry of Atom",
                "</item>",
                "</item><atom:entry><title>x</title></atom:entry>",
                ODD,
            ),
            (
                "an item within others' words",
                "</item>",
                f"</item><x:x {other}><item>{guid}</item></x:x>",
                MORE,
            ),
            (
                "words in an enclosure",
                'type="video/mp4"/>',
                'type="video/mp4">x</enclosure>',
                "entry",
            ),
            ("words in a thumbnail", 'height="675"/>', 'height="675">x</media:thumbnail>', "entry"),
            ("a permanent link", 'isPermaLink="false"', 'isPermaLink="true"', "entry"),
            ("perhaps a permanent link", ' isPermaLink="false"', "", "entry"),
            ("markup in the summary", summary, "33 members; rates &lt;", "entry"),
            (
                "another author",
                "<dc:creator>Press Trust of India<",
                "<dc:creator>Reuters<",
                "agency",
            ),
            ("a third author", entry, f"{entry}<dc:creator>x</dc:creator>", "entry details"),
            ("another byline", "<dc:creator>By Asha Rao", "<dc:creator>By Somebody", "details"),
            (
                "another caption",
                '<media:description type="plain">',
                '<media:description type="plain">Not ',
                "details",
            ),
            ("a contributor", entry, f"{entry}<dc:contributor>x</dc:contributor>", "entry details"),
            (
                "form: a contributor who is the first author",
                entry,
                f"{entry}<dc:contributor>By Asha Rao</dc:contributor>",
                "",
            ),
            (
                "a contributor, and no first author",
                "<dc:creator>By Asha Rao</dc:creator>",
                "<dc:contributor>By Somebody</dc:contributor>",
                "details",
            ),
            ("a title of the agency's page", 'rel="via"', 'rel="via" title="x"', "entry"),
            ("another credit", "<media:credit>", "<media:credit>Not ", "details"),
            ("another source", ">Press Trust of India</source>", ">Reuters</source>", "agency"),
            (
                "another change",
                "<atom:updated>2026-11-22T13:07:30",
                "<atom:updated>2026-11-22T13:07:31",
                "times",
            ),
            ("another modification", "<dcterms:modified>2026", "<dcterms:modified>2025", "times"),
            (
                "published after the change",
                "22 Nov 2026 13:00:15",
                "22 Nov 2027 13:00:15",
                "details times",
            ),
            ("published earlier", "22 Nov 2026 13:00:15", "22 Nov 2026 13:00:14", "details"),
            (
                "an enclosure of nothing",
                '<enclosure url="https://img.example/gst.mp4',
                '<enclosure url=" ',
                "entry",
            ),
            (
                "an enclosure in the source",
                "</source>",
                '<enclosure url="https://x.example/"/></source>',
                "entry",
            ),
            (
                "a group of media",
                entry,
                f'{entry}<media:group><media:content url="https://x.example/"/></media:group>',
                "entry",
            ),
        )


def in_json() -> Iterable[Change]:
    item, title = '"items":[\n{', '"title":"Big GST Meet'
    wire = '"wire_headline":"Centre'
    yield from (
        ("form: a member of others", item, f'{item}"_x":{{"Title":[null,0.5]}},', ""),
        ("form: null for what is not there", item, f'{item}"_y":null,', ""),
        ("form: a scope escaped", '"headline-only"', '"headline\\u002donly"', ""),
        ("a scope with spaces around it", '"headline-only"', '" headline-only"', "claim"),
        ("a member in other capitals", item, f'{item}"Title":"x",', "entry"),
        ("ours in other capitals", item, f'{item}"_Wirecopy":{{}},', "entry"),
        ("the body as text, too", item, f'{item}"content_text":"x",', "entry"),
        ("another picture", item, f'{item}"banner_image":"https://x.example/",', "entry"),
        ("a member nobody knows", item, f'{item}"subtitle":null,', "entry"),
        ("the headline as a list", title, '"title":["x"],"_t":"Big GST Meet', "entry headline"),
        ("a tag of null", '"tags":[', '"tags":[null,', "entry"),
        ("a medium of null", '"attachments":[', '"attachments":[null,', "entry"),
        ("a medium of nothing", '"attachments":[', '"attachments":[{"url":" "},', "entry"),
        (
            "a picture of nothing",
            '"image":"https://img.example/gst.jpg?w=1200&h=675"',
            '"image":""',
            "entry",
        ),
        ("a medium in other capitals", '"attachments":[{', '"attachments":[{"URL":"x",', "entry"),
        (
            "a claim as text",
            '"edited_headline_only":true',
            '"edited_headline_only":"true"',
            "entry",
        ),
        ("another author", '{"name":"Press Trust of India"}]', '{"name":"Reuters"}]', "agency"),
        (
            "another first author",
            '"author":{"name":"By Asha Rao"}',
            '"author":{"name":"x"}',
            "entry",
        ),
        ("another byline", '"byline":"By Asha Rao"', '"byline":"x"', "entry details"),
        (
            "form: the byline, and no first author",
            '"author":{"name":"By Asha Rao"},"authors":[{"name":"By Asha Rao"},',
            '"authors":[',
            "",
        ),
        (
            "a medium without an address",
            '"attachments":[',
            '"attachments":[{"title":"x"},',
            "entry",
        ),
        ("another headline of the wire", wire, '"wire_headline":"Bentre', "headline"),
        ("a half character in the headline", title, '"title":"\\ud800Big GST Meet', "headline"),
        (
            "another change",
            '"date_modified":"2026-11-22T13:07:30',
            '"date_modified":"2026-11-22T13:07:31',
            "times",
        ),
        (
            "published after the change",
            '"date_published":"2026',
            '"date_published":"2027',
            "details times",
        ),
        ("another caption", '"caption":"', '"caption":"Not ', "details"),
        (
            "another title of a picture",
            '"image/jpeg","title":"',
            '"image/jpeg","title":"Not ',
            "details",
        ),
        ("another credit", '"credit":"', '"credit":"Not ', "details"),
        (
            "a statement as text",
            '"statement":{"key":"',
            '"statement":{"note":1,"key":"',
            "statement",
        ),
        ("form: a statement spaced", '"statement":{"key":', '"statement": { "key" :', ""),
        ("form: a payload escaped", '"guid":"urn:', '"guid":"\\u0075rn:', ""),
        ("a payload with null", '"payload":{', '"payload":{"x":null,', "statement"),
        ("a payload with a fraction", '"version":1}', '"version":1.0}', "statement"),
        ("a payload with a half character", '"guid":"urn:', '"guid":"\\ud800urn:', "statement"),
        ("form: no proof in the head", '"log":"', '"_log":"', ""),
        ("a proof that is none", '"log":"wirecopy', '"log":"wirecopie', ""),
        ("form: null for a text", '"language":"en-IN"', '"language":null', ""),
        ("no headline", title, '"title":null,"_t":"Big GST Meet', "headline"),
        ("a tag for tags", '"tags":[', '"tags":"x","_t":[', "entry packaging"),
        ("a size with a fraction", '"size_in_bytes":48213', '"size_in_bytes":48213.5', "entry"),
        (
            "form: numbers of others",
            item,
            f'{item}"_n":[0.5,-1e3,{2**70}],',
            "",
        ),
        ("form: nested to 64", item, f'{item}"_x":{"[" * 61}{"]" * 61},', ""),
        ("nested to 65", item, f'{item}"_x":{"[" * 62}{"]" * 62},', REFUSED),
        ("no number", item, f'{item}"_x":NaN,', REFUSED),
        ("a member twice", item, f'{item}"id":"x",', REFUSED),
        ("a member of others twice", item, f'{item}"_x":{{"a":1,"\\u0061":1}},', REFUSED),
        ("items twice", '"items":', '"items":[],"items":', REFUSED),
        ("items in other capitals", '"items":', '"Items":[],"items":', REFUSED),
        ("no items", '"items":', '"items":null,"_items":', REFUSED),
        ("an item that is null", '"items":[', '"items":[null,', REFUSED),
        ("two byte order marks", "{", "\ufeff\ufeff{", REFUSED),
    )


def spelt(document: str, *, xml: bool) -> Iterable[tuple[str, str | bytes]]:
    """The feed in the spellings of other programs."""
    if not xml:
        feed = json.loads(document)
        yield "indented, sorted, escaped", json.dumps(feed, indent=2, sort_keys=True)
        yield "UTF-16", document.encode("utf-16")
        yield "UTF-32, without a mark", document.encode("utf-32-be")
        yield "a byte order mark", "\ufeff" + document
        return
    escaped = re.sub(
        r"(?s)<!\[CDATA\[(.*?)\]\]>",
        lambda found: found[1].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&#x3E;"),
        document,
    )
    yield "CDATA as references", escaped
    yield "CDATA in two", document.replace("New Delhi", "New]]><![CDATA[ Delhi")
    yield "all in CDATA", re.sub(r"<(title[^>]*)>([^<&]*)<", r"<\1><![CDATA[\2]]><", document)
    yield "no self-closing", re.sub(r"<([\w:]+)((?: [^<>]*)?)/>", r"<\1\2></\1>", document)
    yield "on one line", re.sub(r">\n *<", "><", document)
    yield "indented more", re.sub(r">\n( *)<", r">\n\n\t\1\1<", document)
    yield (
        "white space in the elements",
        re.sub(
            r"(<(?:title|name|guid|wirecopy:\w+|pubDate|\w*:?updated)\b[^>]*>)([^<]*)<",
            r"\1\n   \2\t<",
            document,
        ),
    )
    yield "other prefixes", re.sub(r"\b(wirecopy|media)(?=[:=])", r"\1-2", document)
    yield "UTF-16", document.replace("UTF-8", "UTF-16").encode("utf-16")
    yield "single quotes", re.sub(r'="([^"\'<>]*)"(?=[^<>]*>)', r"='\1'", escaped)
