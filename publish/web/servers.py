"""What nginx and Caddy are to say with the exported files, as files for them to include.

Redirects and headers depend on settings and release, so they are those that the site itself sends.
What belongs to single bytes (ETag, Last-Modified, Vary) servers make themselves.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from publish import licence
from publish.formats import WRITERS
from publish.web import documents, pictures, proofs
from publish.web.feeds import headers_of, preflight
from publish.web.pages import Pages
from publish.web.representation import Headers
from stories.config import Config

STORY = "STORY"
"""Stands for a story's id; no header holds it otherwise."""

_NAME = "[a-z0-9][a-z0-9_-]*"
_ID = "[a-z2-7]{13}"
_MADE = {"etag", "vary", "content-length", "content-encoding", "repr-digest", "last-modified"}
"""Headers of single bytes."""

_SHORT = 100
"""Names in one regular expression, which have a longest length."""


class Rule(NamedTuple):
    """Headers of the addresses that *pattern* matches whole; its one group, if any, is the id of a
    story, for which :data:`STORY` stands in the headers. ``asked``: only of this method."""

    pattern: str
    headers: Sequence[tuple[str, str]]
    asked: str = "GET"


def includes(config: Config, pages: Pages, fixed: Mapping[str, Headers]) -> dict[str, str]:
    """The files to include, by name. *fixed* has addresses that always are, with their headers."""
    rules, moved = [*_rules(config, pages, fixed)], dict(_moved(config))
    return {
        "nginx-http.conf": _for_nginx(rules, moved),
        "nginx-server.conf": _headers_for_nginx(rules),
        "caddy.conf": _for_caddy(rules, moved),
    }


def _rules(config: Config, pages: Pages, fixed: Mapping[str, Headers]) -> Iterator[Rule]:
    yield from _of_feeds(config)
    # Servers of files do not know a story's wire: what they say holds for all.
    whole = licence.of_site(config)
    page, story = pages.ready(b"", whole), pages.ready(b"", whole, story=STORY)
    yield Rule(
        rf"/(?:index\.html|feeds/{_NAME}(?:\.html)?)?", _told(page.variant("identity").headers)
    )
    yield Rule(rf"/stories/({_ID})(?:\.html)?", _told(story.variant("identity").headers))
    for name, form in documents.FORMS.items():
        told = [("content-type", form.content_type), *documents.headers(config, STORY, whole)]
        yield Rule(rf"/stories/({_ID})/{name}", [*told, ("x-content-type-options", "nosniff")])
    proven = (
        (rf"/stories/{_ID}/statements", proofs.CHAIN),
        (r"/\.well-known/jwks\.json", proofs.KEYS),
        (r"/log/(?:[0-9]+/)?checkpoint", proofs.CHECKPOINT),
        (r"/log/(?:[0-9]+/)?tile/.+", proofs.TILE),
    )
    for pattern, (kind, fresh) in proven:
        told = [("content-type", kind), ("cache-control", fresh), *proofs.OPEN]
        yield Rule(pattern, [*told, ("x-content-type-options", "nosniff")])
    shown = [("content-type", pictures.TYPE), *pictures.headers(config, whole)]
    sniffed = ("x-content-type-options", "nosniff")
    yield Rule(r"/pictures/[0-9a-f]+-[0-9]+\.jpg", [*shown, sniffed])
    alike = {re.sub("^/static/.*", "/static/.+", re.escape(at)): h for at, h in fixed.items()}
    for pattern, headers in alike.items():
        yield Rule(pattern, _told(headers))
    open_ = [rf"/feeds/{_NAME}\.(?:{'|'.join(WRITERS)})", *(pattern for pattern, _ in proven)]
    yield Rule("|".join(open_), _told(preflight().headers), "OPTIONS")


def _of_feeds(config: Config) -> Iterator[Rule]:
    for format, writer in WRITERS.items():
        alike: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for feed in config.public_feeds:
            # With another name in it the address of each is another.
            of_all = feed.model_copy(update={"name": STORY})
            always, about = headers_of(config, of_all, format)
            alike.setdefault((*always, *about), []).append(feed.name)
        for headers, names in alike.items():
            for at in range(0, len(names), _SHORT):
                listed = "|".join(names[at : at + _SHORT])
                told = [("content-type", writer.content_type), *headers]
                yield Rule(
                    rf"/feeds/({listed})\.{format}", [*told, ("x-content-type-options", "nosniff")]
                )


def _told(headers: Headers) -> list[tuple[str, str]]:
    told = [(name.decode(), value.decode("latin-1")) for name, value in headers]
    return [(name, value) for name, value in told if name not in _MADE and name != "server"]


def _moved(config: Config) -> Iterator[tuple[str, str]]:
    for feed in config.public_feeds:
        for alias in feed.aliases:
            for ending in ("", *(f".{format}" for format in WRITERS)):
                yield f"/feeds/{alias}{ending}", f"{config.site.url}/feeds/{feed.name}{ending}"


_UNSAFE = str.maketrans({"$": "%24", "`": "%60", "{": "%7B", "}": "%7D", "\n": "", "\r": ""})
"""Characters with a meaning of their own; the addresses that headers hold can be written so."""


def _for_nginx(rules: Sequence[Rule], moved: Mapping[str, str]) -> str:
    """For ``http``: one variable says which rule an address falls under, and of each header a
    variable has the value by that; empty, it is not sent."""
    lines = ["# Written by Wirecopy. Include it in http { … }.", ""]
    cases = [
        (f"~^(?:{'GET|HEAD' if rule.asked == 'GET' else rule.asked}) (?:{rule.pattern})$", str(n))
        for n, rule in enumerate(rules, start=1)
    ]
    lines += _map('"$request_method $uri"', "rule", [(_named(p), n) for p, n in cases])
    for header in _sent(rules):
        values = [
            (str(n), value.translate(_UNSAFE).replace(STORY, "${wirecopy_id}"))
            for n, rule in enumerate(rules, start=1)
            for name, value in rule.headers
            if name == header
        ]
        lines += _map("$wirecopy_rule", _variable(header), values)
    asked = [(str(n), "1") for n, rule in enumerate(rules, start=1) if rule.asked == "OPTIONS"]
    lines += _map("$wirecopy_rule", "preflight", asked)
    there = [(f"~^{re.escape(at)}$", to.translate(_UNSAFE)) for at, to in moved.items()]
    lines += _map("$uri", "moved", there)
    return "\n".join(lines)


def _headers_for_nginx(rules: Sequence[Rule]) -> str:
    """For ``server``."""
    lines = ["# Written by Wirecopy. Include it in server { … }."]
    lines += [f"add_header {header} $wirecopy_{_variable(header)};" for header in _sent(rules)]
    return "\n".join([*lines, ""])


def _map(of: str, variable: str, cases: Iterable[tuple[str, str]]) -> list[str]:
    listed = (f"    {_quoted(case)} {_quoted(value)};" for case, value in cases)
    return [f"map {of} $wirecopy_{variable} {{", '    default "";', *listed, "}", ""]


def _sent(rules: Sequence[Rule]) -> list[str]:
    """The headers that nginx is to add; types it takes from ``types``."""
    every = dict.fromkeys(name for rule in rules for name, _ in rule.headers)
    return [name for name in every if name != "content-type"]


def _variable(header: str) -> str:
    return header.replace("-", "_")


def _named(pattern: str) -> str:
    """*pattern* with its group, the only one that is not ``(?:…)``, named."""
    return re.sub(r"\((?!\?)", "(?<wirecopy_id>", pattern)


def _quoted(text: str) -> str:
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def _for_caddy(rules: Sequence[Rule], moved: Mapping[str, str]) -> str:
    lines = ["# Written by Wirecopy. Import it in the site's block."]
    for at, to in moved.items():
        lines.append(f"redir {at} `{to.translate(_UNSAFE)}` 301")
    for number, rule in enumerate(rules, start=1):
        name = f"wirecopy{number}"
        methods = "GET HEAD" if rule.asked == "GET" else rule.asked
        lines += [
            f"@{name} {{",
            f"\tmethod {methods}",
            f"\tpath_regexp {name} `^(?:{rule.pattern})$`",
            "}",
            f"header @{name} {{",
            *(
                f"\t{header} `{value.translate(_UNSAFE).replace(STORY, _placeholder(name))}`"
                for header, value in rule.headers
            ),
            "}",
        ]
        if rule.asked == "OPTIONS":
            lines += [f"handle @{name} {{", "\trespond 204", "}"]
    return "\n".join([*lines, ""])


def _placeholder(matcher: str) -> str:
    return f"{{http.regexp.{matcher}.1}}"
