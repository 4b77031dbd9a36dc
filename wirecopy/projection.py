"""What a body says and refers to: docs/text-projection.md §2, §3."""

from collections.abc import Callable
from dataclasses import dataclass

from . import appearance
from .addresses import address, candidates, escaped
from .pixel import is_pixel
from .tree import Attributes, events
from .words import names, plain

Reference = tuple[str, str]
"""An address, and the words it stands on."""

_PARTING = names(
    "address article aside blockquote body br caption center col colgroup dd details"
    " dialog dir div dl dt fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5"
    " h6 header hgroup hr html legend li listing main menu nav ol optgroup option p"
    " plaintext pre search section summary table tbody td tfoot th thead tr ul xmp"
)
_SILENT = names("head iframe noembed noframes noscript script style template title")
_PLAYERS = names("audio video")
_SHOWING = {
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "image": ("href", "xlink:href"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "track": ("src",),
    "embed": ("src",),
    "input": ("src",),
    "iframe": ("src", "srcdoc"),
    "object": ("data",),
}


@dataclass(frozen=True, slots=True)
class Projection:
    """The paragraphs of a body (none left out), its links and media, and what may deceive in it."""

    paragraphs: tuple[str, ...]
    links: tuple[Reference, ...]
    media: tuple[Reference, ...]
    suspect: str
    """The first thing that can hide or show words behind the rule's back; empty for none."""


def project(html: str, base: str | None = None) -> Projection:
    """One reading of *html*, its references resolved against *base*.

    :raises Refused: for markup whose tree would grow out of all proportion.
    """
    reader = _Reader(base)
    for kind, name, attributes in events(html):
        if kind == "text":
            reader.text(name)
        elif kind == "start":
            reader.start(name, attributes)
        else:
            reader.end(name)
    reader.part()
    links = tuple((url, plain("".join(words))) for url, words in reader.links)
    return Projection(
        tuple(reader.paragraphs), links, tuple(reader.media), reader.suspect or reader.hidden
    )


class _Reader:
    def __init__(self, base: str | None) -> None:
        self.paragraphs: list[str] = []
        self.links: list[tuple[str, list[str]]] = []
        self.media: list[Reference] = []
        self.suspect = ""
        self.hidden = ""
        self._base = base
        self._said: list[str] = []
        self._silent: list[str] = []
        self._players: list[str] = []  # what stands in one is for readers that cannot play it
        self._open: list[bool] = []  # of each open ``a``: whether it is a link
        self._words: list[list[str]] = []  # of the open links

    def text(self, words: str) -> None:
        if self._silent:
            if plain(words):
                self._conceals(appearance.words_in(self._silent, words))
            return
        if self._players and plain(words):
            self._conceals(appearance.words_in(self._players, words))
        self._said.append(words)
        if self._words:
            self._words[-1].append(words)

    def start(self, name: str, attributes: Attributes) -> None:
        pixel = name == "img" and is_pixel(attributes)
        self.suspect = self.suspect or appearance.suspect(name, attributes, pixel=pixel)
        if self._silent:
            if name in _SHOWING and not pixel:
                self._conceals(appearance.words_in(self._silent, f"<{name}>"))
        elif name in _PARTING:
            self.part()
        elif name == "a":
            self._open.append(self._link(attributes, ("href", "xlink:href"), []))
            if self._open[-1]:
                self._words.append(self.links[-1][1])
        elif name in ("area", "base"):
            alt = attributes.get("alt") or ""
            self._link(attributes, ("href",), [alt] if name == "area" else [])
        elif name in _SHOWING and not pixel:
            if self._players and name not in ("source", "track"):
                self._conceals(appearance.words_in(self._players, f"<{name}>"))
            self._show(name, attributes)
        if name in _PLAYERS:
            self._players.append(name)
        if name in _SILENT:
            self._silent.append(name)

    def end(self, name: str) -> None:
        if name in _PLAYERS:
            self._players.pop()
        if name in _SILENT:
            self._silent.pop()
        elif self._silent:
            return
        elif name in _PARTING:
            self.part()
        elif name == "a" and self._open.pop():
            self._words.pop()

    def part(self) -> None:
        """End the paragraph that is being read."""
        if words := plain("".join(self._said)):
            self.paragraphs.append(words)
        self._said.clear()
        if self._words:
            self._words[-1].append(" ")

    def _conceals(self, what: str) -> None:
        self.hidden = self.hidden or what

    def _link(self, attributes: Attributes, names: tuple[str, ...], words: list[str]) -> bool:
        for name in names:
            if name in attributes:
                url = address(attributes[name] or "", self._base)
                if url is not None:
                    self.links.append((url, words))
                return url is not None
        return False

    def _show(self, tag: str, attributes: Attributes) -> None:
        alt = plain(attributes.get("alt") or "")
        for name in _SHOWING[tag]:
            if name not in attributes:
                continue
            value = attributes[name] or ""
            read: Callable[[str], list[str]] = candidates if name == "srcset" else lambda v: [v]
            if name == "srcdoc":
                self.media.append((f"srcdoc:{escaped(plain(value))}", alt))
                continue
            for reference in read(value):
                url = address(reference, self._base, shown=True)
                if url is not None:
                    self.media.append((url, alt))
