"""A feed verified from the command line: what that needs is found, asked for, remembered."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from desk.sources import SourceError, Sources, is_url
from stories import clock
from stories.errors import ConfigError, WirecopyError
from wirecopy import (
    Aids,
    Keys,
    Memory,
    Refused,
    Report,
    load_memory,
    read_keys,
    verify_entries,
)
from wirecopy.encoding import parse
from wirecopy.errors import Missing
from wirecopy.feed import Entry, read_feed
from wirecopy.statement import Statement, read_statement
from wirecopy.tlog import WIDTH, tile_path
from wirecopy.token import read_token

KEYS = "/.well-known/jwks.json"
MOST_CHAINS = 1_000
"""Chains asked for of one feed."""


class VerifyError(WirecopyError):
    """What was given cannot be verified at all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for. ``keys`` and ``chains`` are files or URLs."""

    feed: str
    keys: str | None = None
    chains: tuple[str, ...] = ()
    remember: Path | None = None


def verified(asked: Asked, sources: Sources) -> Report:
    """The report of the feed *asked* for; what it showed is written to ``asked.remember``.

    :raises ConfigError: when it is not said which keys to go by.
    :raises WirecopyError: when feed, keys, chain or memory cannot be read.
    """
    feed = sources.named(asked.feed)
    site, keys = _keys(asked, sources)
    memory = _memory(asked.remember)
    try:
        found = read_feed(feed)
    except Refused as error:
        raise VerifyError(f"{asked.feed}: {error}") from None
    chains = _Chains(asked, found, site, sources)
    tiles = _Tiles(f"{site}/log", sources) if site and keys.log else None
    aids = Aids(
        now=clock.now(),
        find_chain=chains,
        fetch_tile=tiles,
        head=tiles.head() if tiles else None,
        memory=memory,
    )
    report = verify_entries(found, keys, aids)
    if asked.remember is not None and report.memory != memory:
        _write(asked.remember, report.memory.dump())
    return report


def _keys(asked: Asked, sources: Sources) -> tuple[str | None, Keys]:
    """The site that a URL tells of, and the publisher's keys."""
    if asked.keys is not None:
        site = asked.keys.removesuffix(KEYS) if is_url(asked.keys) else None
        if not is_url(asked.keys) or not asked.keys.endswith(KEYS):
            site = _sites(asked.feed)[0] if is_url(asked.feed) else None
        return site, _read_keys(asked.keys, sources.named(asked.keys))
    if not is_url(asked.feed):
        raise ConfigError(
            f"{asked.feed}: a file does not tell whose keys to believe; give the publisher's:"
            f" --key https://SITE{KEYS} (or a file of it)"
        )
    sites = _sites(asked.feed)
    had = sources.found(f"{site}{KEYS}" for site in sites)
    for site in sites:
        if f"{site}{KEYS}" in had:
            return site, _read_keys(f"{site}{KEYS}", had[f"{site}{KEYS}"])
    raise SourceError(
        f"{sites[-1]}{KEYS}: there are no keys; if they are elsewhere, give them: --key URL"
    )


def _sites(feed: str) -> list[str]:
    """Where the site of a feed may be: above ``/feeds/``, else at the root of its host."""
    parts = urlsplit(feed)
    origin = f"{parts.scheme}://{parts.netloc}"
    above, slash, _ = parts.path.rpartition("/feeds/")
    return list(dict.fromkeys([*([f"{origin}{above}"] if slash else []), origin]))


def _read_keys(source: str, document: bytes) -> Keys:
    try:
        return read_keys(document)
    except Refused as error:
        raise VerifyError(f"{source}: {error}; it has to be a JWK Set") from None


class _Chains:
    """Chain documents by guid: those named, else those of the site."""

    def __init__(
        self, asked: Asked, found: Sequence[Entry], site: str | None, sources: Sources
    ) -> None:
        self._asked_for: dict[str, str] = {}
        if asked.chains:
            named = ((source, sources.named(source)) for source in asked.chains)
            self._had = {_guid(source, document): document for source, document in named}
            return
        if site is not None:
            for entry in found:
                said = _stated(entry.statement) if entry.statement is not None else None
                if said is not None and len(self._asked_for) < MOST_CHAINS:
                    self._asked_for[said.guid] = f"{site}/stories/{said.story}/statements"
        had = sources.found(dict.fromkeys(self._asked_for.values()))
        self._had = {guid: had[url] for guid, url in self._asked_for.items() if url in had}

    def __call__(self, said: Statement) -> bytes | None:
        if said.guid in self._asked_for and said.guid not in self._had:
            raise Missing(f"{self._asked_for[said.guid]} is not to be had")
        return self._had.get(said.guid)


def _stated(text: str) -> Statement | None:
    try:
        return read_statement(read_token(text))
    except Refused:
        return None


def _guid(source: str, document: bytes) -> str:
    try:
        found = parse(document.decode("utf-8-sig"))
    except (UnicodeDecodeError, Refused):
        found = None
    guid = found.get("guid") if isinstance(found, dict) else None
    if not isinstance(guid, str):
        raise VerifyError(f"{source}: is no chain of statements; SITE/stories/ID/statements is one")
    return guid


class _Tiles:
    """The log's tiles as its site serves them."""

    def __init__(self, url: str, sources: Sources) -> None:
        self._url = url
        self._sources = sources

    def head(self) -> str | None:
        """The present checkpoint, None when it is not to be had."""
        body = self._sources.found([f"{self._url}/checkpoint"]).get(f"{self._url}/checkpoint")
        return None if body is None else body.decode("utf-8", "replace")

    def __call__(self, level: int, index: int, width: int) -> bytes | None:
        # A partial tile may be gone once the full one is there (C2SP tlog-tiles).
        for w in (width, WIDTH):
            url = f"{self._url}/{tile_path(level, index, w)}"
            if body := self._sources.found([url]).get(url):
                return body
        return None


def _memory(file: Path | None) -> Memory:
    if file is None or not file.exists():
        return Memory()
    try:
        return load_memory(file.read_bytes())
    except OSError as error:
        raise VerifyError(f"{file}: {error.strerror}") from None
    except Refused as error:
        raise VerifyError(f"{file}: {error}; move it away to begin anew") from None


def _write(file: Path, data: bytes) -> None:
    """Whole or not at all: half a memory would be refused, or forget."""
    try:
        with tempfile.NamedTemporaryFile(dir=file.resolve().parent, delete=False) as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        Path(out.name).replace(file)
    except OSError as error:
        raise VerifyError(f"{file}: cannot be written: {error.strerror}") from None
