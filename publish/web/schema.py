"""schema.org's NewsArticle as JSON-LD, for search engines and archives."""

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from publish.web.signed import Signed

_UNSAFE = {
    "<": "\\u003c",  # "</script>" and "<!--" end or confuse a script element (HTML §4.12.1.3)
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",  # line ends to JavaScript before 2019, not to JSON
    "\u2029": "\\u2029",
}


def news_article(
    *,
    url: str,
    guid: str,
    headline: str,
    description: str | None,
    published: str,
    modified: str,
    language: str | None,
    images: Sequence[str],
    agency: str,
    agency_id: str,
    agency_link: str | None,
    byline: str | None,
    credit: str | None,
    rights: str | None,
    dateline: str | None,
    keywords: Sequence[str],
    publisher: str,
    publisher_url: str,
    wire_headline: str | None,
    agency_version: str,
    backstory: str,
    statement: Signed | None,
) -> dict[str, Any]:
    """One story; ``isBasedOn`` is the agency's own, by its id and, if it has one, its address.

    ``backstory`` is schema.org's word for how an article came about, here what was measured and
    what is printed of it; ``isBasedOn`` has the headline that the agency gave; ``sdPublisher``
    says whose claim all this is; ``subjectOf`` names the signed statement about the article, by
    its digest, and where it is found. Neither ``correction`` nor ``publishingPrinciples``: what
    an agency calls a correction is not told here, and principles are the publisher's to write.

    *published* and *modified* are RFC 3339; *wire_headline* is None when it is the one published.
    """
    house = {"@type": "NewsMediaOrganization", "name": publisher, "url": publisher_url}
    source = {"@type": "NewsMediaOrganization", "name": agency}
    values: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "@id": guid,
        "url": url,
        "mainEntityOfPage": url,
        "headline": headline,
        "description": description,
        "datePublished": published,
        "dateModified": modified,
        "inLanguage": language,
        "image": list(images),
        "dateline": dateline,
        "author": [source, *([{"@type": "Person", "name": byline}] if byline else [])],
        "creditText": credit or agency,
        "copyrightNotice": rights,
        "keywords": list(keywords),
        "sourceOrganization": source,
        "isBasedOn": {
            "@type": "NewsArticle",
            "identifier": agency_id,
            "version": agency_version,
            "headline": wire_headline or headline,
            "url": agency_link,
            "publisher": source,
        },
        "backstory": backstory,
        "publisher": house,
        "sdPublisher": house,
        "subjectOf": None if statement is None else _document(statement),
    }
    return _present(values)


def _document(statement: Signed) -> dict[str, Any]:
    return {
        "@type": "DigitalDocument",
        "name": f"Signed statement {statement.number}",
        "url": statement.address,
        "encodingFormat": "application/json",
        "identifier": {
            "@type": "PropertyValue",
            "propertyID": "sha-256",
            "value": statement.digest,
        },
        "dateCreated": statement.issued.isoformat(timespec="seconds"),
    }


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _present(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value not in (None, "", [])
    }


def in_script(values: dict[str, Any]) -> Markup:
    """*values* as JSON that is safe inside a ``script`` element, whatever the strings hold."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return Markup("".join(_UNSAFE.get(c, c) for c in text))  # noqa: S704 - escaped just above
