"""Verifying against a publisher's site, which serves keys, chains of statements and the log.

The caller may say how documents are fetched; the default is :mod:`wirecopy.https`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from .custody import KEYS, Agencies
from .errors import Missing, Refused
from .feed import Entry, read_feed
from .jose import Keys, read_keys, read_token
from .report import Report
from .statement import Link, read_link
from .tlog import WIDTH, FetchTile, below, tile_path
from .trusted_state import TrustedState
from .verify import Document, Evidence, content, is_address, verify_entries

Fetch = Callable[[Sequence[str]], Mapping[str, "bytes | Missing"]]
"""The documents at these addresses, by address, of those that could be had (status 200); for
another, nothing or the reason."""

MOST_CHAINS = 1_000
"""Chains asked for of one feed."""

MOST_OF_AGENCIES = 1_000
"""Documents asked for of the agencies that one publisher names."""


class Verifier:
    """Verifies feeds of the publisher at *site*, remembering what it has seen.

    ``state`` is what was seen so far: keep its ``dump()`` and give it to the next verifier, which
    then finds out if something was taken back. *keys* take the place of those that the site serves:
    fetched keys show only what the site says. *agencies* are key sets of agencies, likewise.
    """

    def __init__(
        self,
        site: str,
        *,
        fetch: Fetch | None = None,
        keys: Keys | Document | None = None,
        agencies: Sequence[Keys | Document] = (),
        state: TrustedState | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.site = site.rstrip("/")
        self.state = state or TrustedState()
        if fetch is None:
            from . import https  # urllib takes 30 ms to import: only who needs it

            fetch = https.fetch
        self._fetch = fetch
        self._now = now
        self._keys = None if keys is None else _given(keys)
        self._agencies = [_given(each) for each in agencies]

    @property
    def keys(self) -> Keys:
        """The publisher's keys, fetched once.

        :raises Refused: when there are none, or they are no key set.
        """
        if self._keys is None:
            self._keys = _keys_of([self.site], self._fetch)[1]
        return self._keys

    def verify(self, feed: Document) -> Report:
        """Verify every entry of *feed*: its address, its bytes, or the path of a file.

        :raises Missing: when the feed or the site's keys are not to be had.
        :raises Refused: when either is not what it should be.
        :raises OSError: when a file cannot be read.
        """
        if isinstance(feed, str) and is_address(feed):
            document = _had(self._fetch([feed]), feed)
        else:
            document = content(feed)
        entries = read_feed(document)
        evidence = evidence_of(
            self.site, entries, self.keys, self._fetch, self.state, self._now(), self._agencies
        )
        report = verify_entries(entries, self.keys, evidence)
        self.state = report.state
        return report


def _given(keys: Keys | Document) -> Keys:
    return keys if isinstance(keys, Keys) else read_keys(content(keys))


def site_of(feed: str, fetch: Fetch) -> tuple[str, Keys]:
    """The site that the feed at an address is of, and its keys.

    :raises Missing: when there are no keys.
    :raises Refused: when they are no key set.
    """
    return _keys_of(sites_of(feed), fetch)


def sites_of(feed: str) -> list[str]:
    """Where the site of a feed may be: above ``/feeds/``, else at the root of its host."""
    parts = urlsplit(feed)
    origin = f"{parts.scheme}://{parts.netloc}"
    above, slash, _ = parts.path.rpartition("/feeds/")
    return list(dict.fromkeys([*([f"{origin}{above}"] if slash else []), origin]))


def _keys_of(sites: Sequence[str], fetch: Fetch) -> tuple[str, Keys]:
    had = fetch([f"{site}{KEYS}" for site in sites])
    site = next((one for one in sites if isinstance(had.get(f"{one}{KEYS}"), bytes)), sites[-1])
    document = _had(had, f"{site}{KEYS}")
    try:
        return site, read_keys(document)
    except Refused as error:
        raise Refused(f"{site}{KEYS}: {error}") from None


def _had(documents: Mapping[str, bytes | Missing], url: str) -> bytes:
    found = documents.get(url)
    if isinstance(found, bytes):
        return found
    raise found or Missing(f"{url}: is not to be had")


def evidence_of(
    site: str,
    entries: Sequence[Entry],
    keys: Keys,
    fetch: Fetch,
    state: TrustedState,
    now: datetime,
    given: Sequence[Keys] = (),
) -> Evidence:
    """What *site* serves for *entries*: their chains, the log's checkpoint, and its tiles; and what
    the agencies' sites serve that these name. Key sets that are *given* take the place of theirs.
    """
    wanted: dict[str, str] = {}
    for entry in entries:
        statement = _statement_of(entry, keys)
        if statement is not None and len(wanted) < MOST_CHAINS:
            wanted[statement.guid] = f"{site}/stories/{statement.story}/statements"
    chains = fetch(list(dict.fromkeys(wanted.values())))

    def find_chain(statement: Link) -> bytes | None:
        url = wanted.get(statement.guid)
        return None if url is None else _had(chains, url)

    evidence = Evidence(now, find_chain, state=state, agencies=agencies_of(site, fetch, given))
    if keys.log is None:
        return evidence

    def served(path: str) -> bytes | None:
        url = f"{site}/log/{path}"
        found = fetch([url]).get(url)
        return found if isinstance(found, bytes) else None

    return with_log(evidence, served, keys.log.name)


def agencies_of(site: str, fetch: Fetch, given: Sequence[Keys] = ()) -> Agencies:
    """What is had of agencies: key sets that are *given*, else what their own sites serve.

    A publisher at *site* names these, so they are asked by https alone, or where it is itself.
    """
    had: dict[str, bytes | Missing] = {}

    def document(address: str) -> bytes:
        here = urlsplit(site)
        try:
            there = urlsplit(address)
        except ValueError:
            raise Missing("what is named as the address of the agency's keys is none") from None
        near = (there.scheme, there.hostname) == (here.scheme, here.hostname)
        if there.scheme != "https" and not near:
            raise Missing(f"{address}: is not asked, as it is no https")
        if address not in had:
            if len(had) >= MOST_OF_AGENCIES:
                raise Missing(f"{address}: is not asked, as {MOST_OF_AGENCIES} others were")
            had.update(fetch([address]))
        return _had(had, address)

    return Agencies(tuple(given), document)


def with_log(evidence: Evidence, served: Callable[[str], bytes | None], log: str = "") -> Evidence:
    """*evidence* with the checkpoint of the log of that name, if it is not the first, and the tiles
    of it and of those before it, *served* at paths below ``/log`` (C2SP tlog-tiles), on their site
    or in a folder where they were saved."""

    def tiles_of(name: str) -> FetchTile:
        def fetch_tile(level: int, number: int, width: int) -> bytes | None:
            # A partial tile may be gone once the full one is there.
            for wide in (width, WIDTH):
                if body := served(below(name) + tile_path(level, number, wide)):
                    return body
            return None

        return fetch_tile

    note = served(f"{below(log)}checkpoint")
    checkpoint = None if note is None else note.decode("utf-8", "replace")
    return replace(evidence, tiles_of=tiles_of, checkpoint=checkpoint)


def _statement_of(entry: Entry, keys: Keys) -> Link | None:
    """The statement of *entry* if it is by one of these *keys*; others' chains are elsewhere."""
    try:
        token = read_token(entry.statement or "")
        return read_link(token) if token.kid in keys.statement else None
    except Refused:
        return None
