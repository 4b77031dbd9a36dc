"""The agencies' JSON: ninjs 1.6 and 3.1, and that of the AP Media API."""

import json
from collections.abc import Sequence

from lxml import etree

from desk.demo.delivery import Delivery

_MEDTOP = "http://cv.iptc.org/newscodes/mediatopic/"


def as_json(value: object) -> bytes:
    """*value* as a document."""
    return json.dumps(value).encode()


def ninjs_1(sent: Delivery) -> dict[str, object]:
    """*sent* as ninjs 1.6."""
    return {
        "uri": sent.guid,
        "type": "text",
        "version": sent.version,
        "versioncreated": sent.changed.isoformat(),
        "firstcreated": sent.created.isoformat(),
        "pubstatus": sent.status,
        **({"embargoed": sent.embargo} if sent.embargo else {}),
        "urgency": int(sent.urgency),
        "language": sent.language,
        "headline": sent.headline,
        "slugline": sent.slugline,
        **({"byline": f"By {sent.byline}"} if sent.byline else {}),
        "located": sent.dateline,
        "ednote": sent.ed_note,
        "usageterms": sent.usage_terms,
        "copyrightnotice": f"(c) {sent.agency}",
        "infosource": [{"name": sent.agency}],
        "subject": [
            ({"code": code, "scheme": _MEDTOP} if code else {}) | ({"name": name} if name else {})
            for code, name in sent.subjects
        ],
        "body_html": sent.body,
        "body_text": _text(sent.body),
        "associations": {
            f"picture{at}": {
                "uri": f"{sent.guid}:{at}",
                "type": "picture",
                "description_text": photo.caption,
                "byline": photo.credit,
                "renditions": {
                    **({"thumbnail": {"href": photo.small, "width": 900}} if photo.small else {}),
                    "main": {"href": photo.url, "mimetype": photo.type, "width": photo.width},
                },
            }
            for at, photo in enumerate(sent.photos)
        },
    }


def ninjs_3(sent: Delivery) -> dict[str, object]:
    """*sent* as ninjs 3.1."""
    other = [{"role": "short", "value": sent.subheadline}] if sent.subheadline else []
    return {
        "uri": sent.guid,
        "type": "text",
        "version": sent.version,
        "versionCreated": sent.changed.isoformat(),
        "firstCreated": sent.created.isoformat(),
        "pubStatus": sent.status,
        **({"embargoedUntil": sent.embargo} if sent.embargo else {}),
        "urgency": int(sent.urgency),
        "language": sent.language,
        "headlines": [*other, {"role": "main", "value": sent.headline}],
        "slugline": sent.slugline,
        **({"by": f"By {sent.byline}"} if sent.byline else {}),
        "located": sent.dateline,
        "edNote": sent.ed_note,
        "usageTerms": sent.usage_terms,
        "copyrightNotice": f"(c) {sent.agency}",
        "infoSources": [{"name": sent.agency}],
        "subjects": [
            ({"uri": _MEDTOP + code} if code else {}) | ({"name": name} if name else {})
            for code, name in sent.subjects
        ],
        "bodies": [{"role": "main", "contentType": "text/html", "value": sent.body}],
        "renditions": [],
        "associations": [
            {
                "name": f"picture{at}",
                "uri": f"{sent.guid}:{at}",
                "type": "picture",
                "descriptions": [
                    {"role": "caption", "value": photo.caption, "contentType": "text/plain"}
                ],
                "by": photo.credit,
                "renditions": [
                    {
                        "name": "main",
                        "href": photo.url,
                        "contentType": photo.type,
                        "width": photo.width,
                    }
                ],
            }
            for at, photo in enumerate(sent.photos)
        ],
    }


def ap(sent: Sequence[Delivery]) -> dict[str, object]:
    """An answer of the AP Media API with *sent*."""
    items = []
    for one in sent:
        item = ninjs_1(one)
        item["altids"] = {"itemid": one.guid, "etag": one.version, "friendlykey": one.key}
        item["uri"] = one.link
        item["usageterms"] = [one.usage_terms]
        item["provider"] = one.agency
        item["bylines"] = [{"by": by}] if (by := item.pop("byline", "")) else []
        items.append({"meta": {}, "item": item})
    return {"api_version": "2.2", "data": {"current_item_count": len(items), "items": items}}


def _text(body: str) -> str:
    root = etree.fromstring(f"<div>{body}</div>")
    return "\n\n".join(" ".join("".join(map(str, one.itertext())).split()) for one in root)
