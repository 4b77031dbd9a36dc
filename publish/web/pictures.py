"""Pictures that are kept, as pages show them: ``/pictures/DIGEST-WIDTH.jpg``, in place of the
agency's address.

What is signed is the agency's address. So each element has in ``data-received`` the attributes that
it has in the entry, as JSON, and whoever checks the page reads those.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from publish import licence
from publish.licence import Licence
from publish.pictures import IMAGE, allows, attributes
from publish.web.representation import Representation, represent
from stories import clock
from stories.config import Config
from stories.db import Connection, pictures
from stories.db.pictures import Kept
from stories.models import Story
from wirecopy.pixels import is_pixel

TYPE = "image/jpeg"

CACHED = "public, max-age=86400, immutable"
"""The bytes at an address never change; but a story that is killed is to be gone everywhere in a
day."""

SIZES = "(min-width: 60rem) 42rem, 100vw"
"""How wide a page shows a picture: as its column (site.css)."""

STORIES = 20
"""Stories that are looked at for why a picture is gone."""

_NAME = re.compile(r"([0-9a-f]{64})-([1-9][0-9]{1,3})\.jpg", re.ASCII)

Pictures = Mapping[str, Kept]
"""Pictures of one story, by the agency's addresses."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What an element shows of a picture that is kept: the largest, and all of them to choose from.
    ``smallest`` is for lists, ``received`` what the element is without."""

    src: str
    srcset: str
    width: int
    height: int
    smallest: str
    received: str


def of(conn: Connection, config: Config, stories: list[Story]) -> dict[str, Pictures]:
    """The pictures of *stories* that are kept and may be shown, by story."""
    may = [story.id for story in stories if allows(config, story.wire)]
    return {**pictures.kept(conn, may)} if may else {}


def picture(kept: Kept, root: str, received: Mapping[str, str]) -> Picture:
    """What is shown in place of an element with the attributes *received*, on a site at *root*."""

    def address(width: int) -> str:
        return f"{root}/pictures/{kept.digest}-{width}.jpg"

    width, height = kept.sizes[-1]
    return Picture(
        src=address(width),
        srcset=", ".join(f"{address(size.width)} {size.width}w" for size in kept.sizes),
        width=width,
        height=height,
        smallest=address(kept.sizes[0].width),
        received=json.dumps(dict(received), ensure_ascii=False),
    )


def pictured(body: str, kept: Pictures, root: str) -> str:
    """The *body* of an entry with what is *kept* of its pictures in their places."""

    def shown(tag: re.Match[str]) -> str:
        received = attributes(tag[1])
        found = kept.get(received.get("src", ""))
        if found is None or is_pixel(received):
            return tag[0]
        ours = picture(found, root, received)
        sides = {"width": str(ours.width), "height": str(ours.height)}
        if all(received.get(side, "").isdecimal() for side in sides):
            sides = {side: received[side] for side in sides}  # as large as the agency shows it
        written = {
            **{name: value for name, value in received.items() if name != "sizes"},
            **sides,
            "src": ours.src,
            "srcset": ours.srcset,
            "sizes": SIZES,
            "loading": "lazy",
            "decoding": "async",
            "data-received": ours.received,
        }
        said = (f' {name}="{escape(value)}"' for name, value in written.items())
        return f"<img{''.join(said)}>"

    return IMAGE.sub(shown, body) if kept else body


def asked(name: str) -> tuple[str, int] | None:
    """The digest and the width that the last part of an address asks for; None for nothing."""
    found = _NAME.fullmatch(name)
    return None if found is None else (found[1], int(found[2]))


def ready(conn: Connection, config: Config, digest: str, width: int) -> Representation | None:
    """A picture ready to be served, None unless a story shows it that anybody may read."""
    granted = [wire.name for wire in config.wires if allows(config, wire.name)]
    now = clock.now()
    wire = pictures.public_by(conn, digest, config.public_names, granted, now) if granted else None
    data = pictures.body(conn, digest, width) if wire is not None else None
    if wire is None or data is None:
        return None
    under = licence.of_wires([config.wire(wire)])
    return represent(
        data, f'"{digest[:24]}-{width}"', TYPE, None, headers(config, under), packed=False
    )


def headers(config: Config, under: Licence) -> list[tuple[str, str]]:
    """The headers of a picture that is *under* a licence."""
    ours = f'<{under.address(config.site.url)}>; rel="license"; type="{licence.TYPE}"'
    reserved = ("tdm-reservation", under.reservation)
    return [("cache-control", CACHED), ("link", ours), reserved]
