"""The site as a folder of files, for nginx, Caddy or a bucket to serve at its own speed.

Every file is what the site itself answers, asked in this process (:mod:`publish.web.app`). What is
to be written stands in the outbox: stories and feeds, from the transaction that rendered them, and
a row for the folder, whose lease says who writes it. A folder that is new, or was written by other
settings or another release, is filled story by story, newest first, a little at a time; how far is
noted in the folder.

Nobody finds a feed before the pages, the chains, the log and the keys that it leads to: a feed is
read, then its stories' pages are written, then tiles, checkpoint and keys as they are by then, then
the feed. What goes, goes last.
"""

import asyncio
import gzip
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal, NoReturn

import structlog

import publish
from publish import licence
from publish.folder import BusyError, Folder, opened
from publish.formats import WRITERS
from publish.rerender import settings_digest
from publish.web import proofs, servers
from publish.web.app import create, gone_page
from publish.web.documents import FORMS
from publish.web.feeds import SOON, Scope
from publish.web.pages import Pages
from publish.web.representation import Answer
from stories import clock
from stories.config import Config
from stories.db import Connection, Store, feeds, key_value, outbox
from stories.db import stories as records
from stories.db.outbox import Job, Kind
from stories.errors import ExportError
from wirecopy.tlog import WIDTH, tile_path

SECONDS = 5.0
"""After so long a turn begins no new step; the next goes on."""

GAP = 1.0
"""Seconds in which a process begins no other turn once all was written: in a burst a feed changes
with every story. What waits, the sweep brings back."""

LISTS = timedelta(seconds=5)
"""In which the pages that list stories are written once: the page of a feed and the front page take
as much as all else that a headline changes."""

STORIES_A_STEP = 50
"""Stories between two times that files take their places and the outbox is told."""

IDS_A_QUERY = 400

FEEDS_A_STEP = 10
"""Feeds in memory at once: with a thousand entries each, some 60 MB."""

LONGEST = timedelta(minutes=5)
"""The longest between two tries while the folder cannot be written."""

GIVEN_UP = timedelta(minutes=10)
"""A folder that was not written for so long has been given up, and another may take its place."""

OUTLIVED = timedelta(minutes=2)
"""How long a partial tile stays after the log grew, for whoever has an older checkpoint, which is
fresh for seconds."""

FIXED = (
    "/robots.txt",
    "/.well-known/tdmrep.json",
    "/feeds.opml",
    "/favicon.ico",
    "/favicon.svg",
    "/icon.png",
)

_FOLDER = "folder"
_NOTED = "export"
_NEWS = "/sitemap-news.xml"
_STORY = re.compile(r"[a-z2-7]{13}", re.ASCII)
_BESIDE = ("/statements", *(f"/{form}" for form in FORMS))
_PICTURES = re.compile(rb"/pictures/([0-9a-f]{64}-[0-9]{2,4}\.jpg)\b")
_LINKED = re.compile(rb"/stories/([a-z2-7]{13})\b")

log = structlog.get_logger(__name__)


class Exporter:
    """Writes the site of *config* from *store*. For one thread; to be closed."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        # Without a cache of pages: while the database is away it would serve what was.
        self._site = create(config, store, ready=dict, metrics=None, kept=0, settled=0)
        self._pages = Pages(config)
        licences = (f"/licences/{name}.xml" for name in licence.every(config))
        self._fixed = (*FIXED, *licences, *self._pages.scripts.addresses())
        self._public = {*config.public_names}
        self._settings = settings_digest(config)
        self._rules = _rules(config, self._settings)
        self._loop = asyncio.Runner()
        self._going: list[str] = []
        self._listed = float("-inf")
        self._ended = float("-inf")

    def close(self) -> None:
        """End the loop in which the site answers."""
        self._loop.close()

    def keep(self, seconds: float = SECONDS) -> bool:
        """Write what waits into ``site.export``, for about so many *seconds*; whether more waits.

        What keeps the folder from being written is noted in the outbox, once for all that waits,
        and tried again.
        """
        root = self._config.site.export
        assert root is not None
        if time.monotonic() - self._ended < GAP:
            return False
        with self._store.write() as conn:
            job = None
            if not key_value.is_superseded(conn, self._settings):
                job = _claim(conn, clock.now())
        # None: another process is at it, or has newer settings; or it failed a moment ago.
        if job is None:
            return False
        with outbox.renewing(self._store, [job]):
            try:
                with opened(root, wait=False) as folder:
                    more = self._turn(folder, time.monotonic() + seconds)
            except BusyError:  # `wirecopy export` writes it
                with self._store.write() as conn:
                    outbox.release(conn, [job])
                return False
            except (OSError, ExportError) as error:
                why = str(error)
                if isinstance(error, OSError):
                    why = f"{error.filename or root}: {error.strerror or error}; mend that"
                log.error("the folder cannot be written", error=why)
                with self._store.write() as conn:
                    outbox.failed(conn, job, f"site.export: {why}", clock.now(), LONGEST)
                return False
        with self._store.write() as conn:
            if more:
                outbox.release(conn, [job])
            else:
                outbox.done(conn, [job], clock.now())
                self._ended = time.monotonic()
        return more

    def _turn(self, folder: Folder, ends: float) -> bool:
        """Write what waits in the outbox, then go on filling the folder; whether more is left at
        *ends* (monotonic seconds)."""
        self._only_one(folder)
        if folder.notes.get("rules") != self._rules:
            self._write_fixed(folder)
            folder.notes = {"rules": self._rules, "fill": []}
            with self._store.write() as conn:
                outbox.want(conn, "export-feed", self._config.public_names, clock.now())
        complete = (
            self._write_log(folder, ends)
            and self._write_keys(folder)
            and self._waiting_feeds(folder, ends, "export-feed")
            and self._waiting_feeds(folder, ends, "export-page")
            and self._waiting_stories(folder, ends)
            and self._fill(folder, ends)
        )
        self._mirror(folder, complete=complete)
        return not complete

    def whole(self, folder: Folder, told: Callable[[int], None]) -> list[str]:
        """Write everything, whatever the outbox says; sentences about what could not be. *told* is
        called with the number of stories in each step."""
        failures: dict[str, str] = {}
        self._write_fixed(folder)
        for _, ids in self._newest_first(None):
            self._write_stories(folder, ids, failures)
            told(len(ids))
        self._write_log(folder)
        names = self._config.public_names
        for some in _chunks(names, FEEDS_A_STEP):
            answers, linked = self._front(some, some)
            self._write_stories(folder, sorted(linked), failures)  # they may have changed since
            self._write_front(folder, answers, failures)
        self._look_again(folder)
        folder.notes |= {"rules": self._rules, "fill": None}
        self._mirror(folder, complete=True)
        return [*failures.values()] + [
            f"feed {name}: not rendered yet; `wirecopy up` or `wirecopy poll` does that"
            for name in names
            if not folder.has(f"feeds/{name}.rss")
        ]

    def _only_one(self, folder: Folder) -> None:
        """See that all workers have the same folder before their eyes.

        :raises ExportError: when another one was written a moment ago.
        """
        now = clock.now()
        with self._store.read() as conn:
            noted = key_value.read(conn, _NOTED)
        since = abs(now - datetime.fromisoformat(noted["at"])) if noted else GIVEN_UP
        if noted is None or noted["id"] != folder.id:
            if since < GIVEN_UP:
                raise ExportError(
                    f"{folder.root}: is another folder than the one of this name that was written"
                    f" at {noted['at']}; all workers must have the same one, on one machine or a"
                    " shared file system"
                )
            folder.notes = {}
        elif since < GIVEN_UP / 5:
            return
        with self._store.write() as conn:
            key_value.write(conn, _NOTED, {"id": folder.id, "at": now.isoformat()})

    # What waits in the outbox.

    def _waiting_feeds(
        self, folder: Folder, ends: float, kind: Literal["export-feed", "export-page"]
    ) -> bool:
        """Write the feeds that wait, or their pages and the front page; whether that was all. With
        feeds their pages are written, unless some were a moment ago: then they wait."""
        while True:
            jobs = self._claim(kind, FEEDS_A_STEP)
            if not jobs:
                return True
            count = len(jobs)
            with self._carrying_out(jobs) as failures:
                pages = names = [job.key for job in jobs if job.key in self._public]
                if kind == "export-page":
                    names = []
                elif time.monotonic() - self._listed < LISTS.total_seconds():
                    pages = self._pages_now(folder, names)
                answers, ids = self._front(names, pages)
                for some in _chunks(sorted(ids), IDS_A_QUERY):
                    waiting = self._claim("export-story", len(some), some)
                    jobs += waiting
                    changed = {job.key for job in waiting}
                    missing = [n for n in some if not folder.has(f"stories/{n}.html")]
                    self._write_stories(folder, sorted(changed.union(missing)), failures)
                self._write_front(folder, answers, failures)
                if pages:
                    self._listed = time.monotonic()
            if count < FEEDS_A_STEP:
                return True
            if time.monotonic() >= ends:
                return False

    def _pages_now(self, folder: Folder, names: Sequence[str]) -> list[str]:
        """Those of the feeds *names* that have no page yet; the others' are written soon."""
        missing = [name for name in names if not folder.has(f"feeds/{name}.html")]
        later = sorted(set(names) - set(missing))
        with self._store.write() as conn:
            # What waits keeps its time, or it would wait as long as changes come.
            fresh = outbox.missing(conn, "export-page", later)
            outbox.want(conn, "export-page", fresh, clock.now() + LISTS)
        return missing

    def _waiting_stories(self, folder: Folder, ends: float) -> bool:
        """Write the stories that wait; whether that was all."""
        while jobs := self._claim("export-story", STORIES_A_STEP):
            with self._carrying_out(jobs) as failures:
                self._write_stories(folder, [job.key for job in jobs], failures)
            if time.monotonic() >= ends:
                return False
        return True

    def _claim(self, kind: Kind, limit: int, keys: Sequence[str] | None = None) -> list[Job]:
        with self._store.write() as conn:
            return outbox.claim(conn, kind, clock.now(), limit, keys)

    @contextmanager
    def _carrying_out(self, jobs: list[Job]) -> Iterator[dict[str, str]]:
        """Have *jobs* done when the block ends, but those that it notes as failed, by their key and
        with the reason; all are given back when it fails itself."""
        failures: dict[str, str] = {}
        try:
            yield failures
        except BaseException:
            with self._store.write() as conn:
                outbox.release(conn, jobs)
            raise
        failed = [job for job in jobs if job.key in failures]
        with self._store.write() as conn:
            now = clock.now()
            for job in failed:
                outbox.failed(conn, job, failures[job.key], now)
            outbox.done(conn, [job for job in jobs if job not in failed], now)

    # All stories, however long ago they changed.

    def _fill(self, folder: Folder, ends: float) -> bool:
        """Write further stories of all, newest first; whether the folder has them all."""
        at = folder.notes["fill"]
        if at is None:
            return True
        failures: dict[str, str] = {}
        after = (datetime.fromisoformat(at[0]), str(at[1])) if at else None
        for last, ids in self._newest_first(after):
            self._write_stories(folder, ids, failures)
            folder.notes["fill"] = [last[0].isoformat(), last[1]]
            if failures:
                with self._store.write() as conn:
                    outbox.want(conn, "export-story", failures, clock.now())
                failures.clear()
            if time.monotonic() >= ends:
                return False
        self._look_again(folder)
        folder.notes["fill"] = None
        return True

    def _newest_first(
        self, after: tuple[datetime, str] | None
    ) -> Iterator[tuple[tuple[datetime, str], list[str]]]:
        """All stories after *after*, a step at a time; with each where it ends."""
        while True:
            with self._store.read() as conn:
                rows = records.ids_before(conn, after, STORIES_A_STEP)
            if not rows:
                return
            after = rows[-1]
            yield after, [name for _, name in rows]

    def _look_again(self, folder: Folder) -> None:
        """Look again at the stories that are in the folder and no longer on record."""
        try:
            there = {path.name.partition(".")[0] for path in (folder.root / "stories").iterdir()}
        except FileNotFoundError:
            return
        for some in _chunks(sorted(filter(_STORY.fullmatch, there)), IDS_A_QUERY):
            with self._store.read() as conn:
                known = records.guids(conn, some)
            self._write_stories(folder, [name for name in some if name not in known], {})

    # What is written.

    def _write_stories(self, folder: Folder, ids: Iterable[str], failures: dict[str, str]) -> None:
        """Write pages, chains and documents of *ids*; those that could not be go to *failures*."""
        names = [*filter(_STORY.fullmatch, ids)]
        for some in _chunks(names, STORIES_A_STEP):
            answers = self._ask(f"/stories/{n}{end}" for n in some for end in (*_BESIDE, ""))
            for name in some:
                page = f"/stories/{name}"
                try:
                    self._write_pictures(folder, page, answers[page])
                    for end in _BESIDE:
                        self._take(folder, f"{page}{end}", answers[f"{page}{end}"])
                    self._mark(folder, name, answers[page])
                    self._take(folder, page, answers[page])
                except _FaultError as error:  # one story must not stop the others
                    log.error("page not written", story=name, error=str(error))
                    failures[name] = str(error)
            folder.flush()

    def _write_pictures(self, folder: Folder, page: str, found: Answer) -> None:
        """Write the pictures that a *page* shows now; those go that it showed and nothing does."""
        file, any_ = folder.path(name_of(page)), (folder.root / "pictures").is_dir()
        before = file.read_bytes() if any_ and file.is_file() else b""
        shown = {*_PICTURES.findall(before), *_PICTURES.findall(_body(found))}
        addresses = [f"/pictures/{name.decode()}" for name in sorted(shown)]
        for address, answer in self._ask(addresses).items():
            self._take(folder, address, answer)

    def _mark(self, folder: Folder, name: str, page: Answer) -> None:
        """Have servers know that they are to say 410 and not 404, if the site does."""
        gone = f"stories/{name}.gone"
        if page.status == 410:
            folder.put(gone, b"")
            folder.put("410.html", gone_page(self._pages))
        elif folder.has(gone):
            self._going.append(gone)

    def _front(
        self, names: Sequence[str], pages: Sequence[str]
    ) -> tuple[dict[str, Answer], set[str]]:
        """The answers for the feeds *names* and, if there are any, for *pages* of feeds and the
        front page, and the stories that they lead to."""
        self._site.feeds.changed(names)
        lists = [*(f"/feeds/{name}" for name in pages), *(["/", _NEWS] if pages else [])]
        answers = self._ask([*lists, *(f"/feeds/{n}{end}" for n in names for end in _ENDINGS)])
        shown = [_body(answers[address]) for address in lists]
        ids = {found.decode() for page in shown for found in _LINKED.findall(page)}
        with self._store.read() as conn:
            sizes = feeds.summary(conn)
            for name in names:
                if name in sizes:
                    ids.update(feeds.placed_ids(conn, name, sizes[name][0]))
        return answers, ids

    def _write_front(
        self, folder: Folder, answers: Mapping[str, Answer], failures: dict[str, str]
    ) -> None:
        """Write *answers*, after the log and the keys by which they are checked; the feeds of which
        that failed go to *failures*."""
        self._write_log(folder)
        self._write_keys(folder)
        for address, found in answers.items():
            try:
                self._take(folder, address, found)
            except _FaultError as error:  # nor may one feed
                log.error("page not written", address=address, error=str(error))
                failures[address.removeprefix("/feeds/").partition(".")[0]] = str(error)
        folder.flush()

    def _write_log(self, folder: Folder, ends: float = float("inf")) -> bool:
        """Write the tiles of every log, then its checkpoint; False when they are not whole at
        *ends*."""
        partial: list[str] = []
        for place in self._logs():
            head = self._ask([f"{place}/checkpoint"])[f"{place}/checkpoint"]
            size = int(head.body.split(b"\n")[1]) if head.status == 200 else _fault(head, "the log")
            noted = place[1:]
            was = folder.notes.get(noted, 0)
            for at in range(was // WIDTH if was <= size else 0, size // WIDTH):
                self._write(folder, _whole_tiles(place, at))
                folder.notes[noted] = (at + 1) * WIDTH
                if time.monotonic() >= ends:
                    return False
            tiles = [*_partial_tiles(place, size)]
            self._write(folder, [at for at in tiles if size != was or not folder.has(at[1:])])
            self._take(folder, f"{place}/checkpoint", head)
            folder.flush()
            folder.notes[noted] = size
            partial += tiles
        # Those of before, with the time since when they are.
        now = clock.now().timestamp()
        outlived = {at: since or now for at, since in folder.notes.get("partial", {}).items()}
        for at, since in [*outlived.items()]:
            if at in partial or abs(now - since) > OUTLIVED.total_seconds():
                del outlived[at]
                if at not in partial:
                    self._going.append(at[1:])
        folder.notes["partial"] = outlived | dict.fromkeys(partial)
        return True

    def _logs(self) -> list[str]:
        with self._store.read() as conn:
            return proofs.places(conn)

    def _write_keys(self, folder: Folder) -> bool:
        self._write(folder, ["/.well-known/jwks.json"])
        return True

    def _write_fixed(self, folder: Folder) -> None:
        """Write what changes only with settings and releases."""
        answers = self._write(folder, self._fixed)
        folder.put("404.html", self._ask(["/404"])["/404"].body)
        folder.flush()
        told = {address: found.headers for address, found in answers.items()}
        for name, text in servers.includes(self._config, self._pages, told).items():
            folder.put_own(name, text.encode())

    def _mirror(self, folder: Folder, *, complete: bool) -> None:
        """Delete what the site no longer has; scripts that pages ask for that are not written anew
        yet only when all is *complete*."""
        going, self._going = self._going, []
        for name in going:
            folder.drop(name)
        wanted = {"404.html", "410.html", "index.html", ".well-known/jwks.json"}
        wanted.update(f"{place[1:]}/checkpoint" for place in self._logs())
        wanted.update(address[1:] for address in (*self._fixed, _NEWS))
        for name in self._config.public_names:
            wanted.update(f"feeds/{name}{end}" for end in (".html", *_ENDINGS))
        for name in sorted(folder.files - wanted):
            if complete or not name.startswith("static/"):
                folder.drop(name)
        folder.save()

    def _write(self, folder: Folder, addresses: Iterable[str]) -> dict[str, Answer]:
        answers = self._ask(addresses)
        for address, found in answers.items():
            self._take(folder, address, found)
        folder.flush()
        return answers

    def _take(self, folder: Folder, address: str, found: Answer) -> None:
        """Have *folder* hold what the site answered; what it does not have goes at last.

        :raises ExportError: when it could not answer.
        """
        name = name_of(address)
        if found.status == 200:
            told = dict(found.headers)
            dated = told.get(b"last-modified")
            modified = parsedate_to_datetime(dated.decode()) if dated else None
            if b"cache-status" in told:  # it did not come from the database
                _fault(found, address)
            folder.put(name, _body(found), found.body if _is_packed(found) else None, modified)
        elif found.status in (404, 410):
            if folder.has(name):
                self._going.append(name)
        elif not _waits(found):
            _fault(found, address)

    def _ask(self, addresses: Iterable[str]) -> dict[str, Answer]:
        """What the site answers to GET at each of *addresses*, packed where it packs."""

        async def asked() -> dict[str, Answer]:
            return {address: await self._answer(address) for address in addresses}

        # Together, as the threads in which the site answers end with the loop's run.
        return self._loop.run(asked())

    async def _answer(self, address: str) -> Answer:
        messages: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": address,
            "raw_path": address.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"accept-encoding", b"gzip")],
            "server": None,
            "client": None,
        }
        await self._site(scope, receive, send)
        start, *parts = messages
        body = b"".join(part.get("body", b"") for part in parts)
        return Answer(start["status"], list(start["headers"]), body)


def _claim(conn: Connection, now: datetime) -> Job | None:
    """The folder's row, made if it is not there; None while it is leased or not due."""
    if outbox.missing(conn, "export", [_FOLDER]):
        outbox.want(conn, "export", [_FOLDER], now)
    found = outbox.claim(conn, "export", now, 1, [_FOLDER])
    return found[0] if found else None


def _is_packed(found: Answer) -> bool:
    return (b"content-encoding", b"gzip") in found.headers


def _body(found: Answer) -> bytes:
    return gzip.decompress(found.body) if _is_packed(found) else found.body


class _FaultError(ExportError):
    """The site failed at one address, for a reason of its own."""


def _fault(found: Answer, address: str) -> NoReturn:
    """:raises ExportError: for an answer that is none; only of this *address* if it is a 500."""
    if found.status == 500:
        raise _FaultError(f"{address}: the site answered 500; the log says why")
    raise ExportError(f"{address}: the database does not answer in time; tried again")


def _waits(found: Answer) -> bool:
    """Whether a feed waits to be rendered; then there is other work that leads here again."""
    return found.status == 503 and (b"retry-after", str(SOON).encode()) in found.headers


_ENDINGS = tuple(f".{format}" for format in WRITERS)


def name_of(address: str) -> str:
    """The file's name for an *address* of the site: a page's ends in ``.html``."""
    if address == "/":
        return "index.html"
    page = re.fullmatch(r"/(?:feeds/[^/.]+|stories/[^/.]+)", address)
    return f"{address[1:]}.html" if page else address[1:]


def _whole_tiles(log: str, at: int) -> Iterator[str]:
    """The addresses of the tiles, below that of their *log*, that are whole with the lowest one of
    number *at*."""
    yield f"{log}/{tile_path('entries', at)}"
    level = 0
    while True:
        yield f"{log}/{tile_path(level, at)}"
        if (at + 1) % WIDTH:
            return
        at, level = at // WIDTH, level + 1


def _partial_tiles(log: str, size: int) -> Iterator[str]:
    """The addresses of the tiles, below that of their *log*, that are not whole when it has so many
    entries."""
    level = 0
    while size:
        at, width = divmod(size, WIDTH)
        if width:
            if level == 0:
                yield f"{log}/{tile_path('entries', at, width)}"
            yield f"{log}/{tile_path(level, at, width)}"
        size, level = at, level + 1


def _chunks(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for at in range(0, len(names), size):
        yield names[at : at + size]


def _rules(config: Config, rendered: str) -> str:
    """A digest of all that files depend on besides the record: settings and code. *rendered* is
    the digest of the settings that feeds are rendered by."""
    parts = {
        "rendered": rendered,
        "site": (config.site.url, config.site.timezone, config.site.is_searched),
        "aliases": [(feed.name, feed.aliases) for feed in config.public_feeds],
        "wires": [(w.name, w.timezone, w.noindex, w.canonical, w.grants) for w in config.wires],
        "pictures": config.media.keep,
    }
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for path in sorted(Path(publish.__file__).parent.rglob("*")):
        if path.is_file() and path.parent.name != "__pycache__":
            digest.update(path.read_bytes())
    return digest.hexdigest()
