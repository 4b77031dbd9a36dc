"""One copy as the rule reads it: the five parts that are digested and compared."""

from typing import NamedTuple

from stories.models import Copy
from wirecopy.text import Projection, Reference, plain, project, without
from wirecopy.urls import resolve


class Reading(NamedTuple):
    """The parts of a copy, normalised by the rule named in :data:`wirecopy.text.RULE`."""

    headline: str
    paragraphs: tuple[str, ...]
    links: tuple[Reference, ...]
    media: tuple[Reference, ...]
    summary: str
    tags: tuple[str, ...]


def read(copy: Copy, *, disclosure: str = "") -> Reading:
    """*copy* as the rule reads it, from one parse of its body.

    :raises wirecopy.html.TangleError: as :func:`wirecopy.text.project` does.
    """
    body = project(copy.body, copy.base)
    return Reading(
        headline=plain(copy.headline),
        paragraphs=without(disclosure, body.paragraphs),
        links=body.links,
        media=_media(body, copy),
        summary=plain(copy.summary),
        tags=tuple(sorted({plain(tag) for tag in copy.tags} - {""})),
    )


def _media(found: Projection, copy: Copy) -> tuple[Reference, ...]:
    """The media of the body, then those beside it that the body does not show, none twice.

    So a picture that stands beside the story on the wire and also in its body when published, as
    readers of feeds want it, is one and the same picture.
    """
    beside = (resolve(url, copy.base, shown=True) for url in copy.media)
    inside = {medium.url for medium in found.media}
    others = (Reference(url, "") for url in beside if url and url not in inside)
    return tuple(dict.fromkeys((*found.media, *others)))
