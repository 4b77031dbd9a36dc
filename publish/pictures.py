"""Keeps pictures of published stories, where their wire's licence allows it: ``plan | fetch |
shrink | keep``.

Which stories wait stands in the outbox, from the transaction that rendered them. A picture is
fetched once for each version of its story, from the address in the entry; what it is made into is
kept by its digest (:mod:`stories.db.pictures`). What cannot be kept stays where its agency has it,
as pages of before had all.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import structlog

from net.client import Client, Request, Response
from net.ssrf import shown as shown_address
from publish.served import json_of
from stories import clock
from stories.config import Config
from stories.db import Connection, Store, feeds, outbox, wires
from stories.db import pictures as records
from stories.db import stories as all_stories
from stories.db.outbox import Job
from stories.db.pictures import Known, Size
from stories.errors import RenderError
from stories.models import Story, licence_over
from stories.pdeathsig import bound_to_parent
from wirecopy.pixels import is_pixel

STORIES_A_TURN = 10
"""Stories whose pictures are fetched in one turn."""

AT_ONCE = 10
"""Pictures that are fetched at once; of one host as many as ``politeness.per_host`` says."""

SECONDS = 30.0
"""After so long a turn asks for no more: a task has to end."""

MOST = 20
"""Pictures of one story that are kept; the others stay where they are."""

TRIES = 4
"""After so many failures, in about two minutes, a picture is given up until its story changes. Not
more, as work that fails five times is told to a person."""

TIMEOUT = 20.0
"""Seconds for a picture."""

PATIENCE = 60.0
"""Seconds until a picture is made smaller; the processor time that it may take is less."""

ACCEPT = ("Accept", "image/jpeg, image/webp, image/png, image/avif, image/*;q=0.5")

Outcome = Literal["kept", "refused", "failed"]

_ATTRIBUTE = re.compile(r'\s([a-z][a-z-]*)(?:="([^"]*)")?')
IMAGE = re.compile(r'<img((?:[^">]|"[^"]*")*)>')
"""In HTML as publish.clean writes it: names are small, and values stand in double quotes."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done for a story: addresses to ``fetch``, rows to ``drop``, as of a version."""

    fetch: tuple[str, ...] = ()
    drop: tuple[int, ...] = ()
    number: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What is at an address: a picture in several sizes, by the digest of its bytes; or ``why``
    there is none, for now if it ``may_come``."""

    digest: str = ""
    sizes: tuple[tuple[Size, bytes], ...] = ()
    why: str = ""
    may_come: bool = False

    @property
    def outcome(self) -> Outcome:
        """As it is counted."""
        if not self.why:
            return "kept"
        return "failed" if self.may_come else "refused"


def attributes(tag: str) -> dict[str, str]:
    """The attributes of a start tag as publish.clean writes it, from behind its name."""
    return {name: unescape(value or "") for name, value in _ATTRIBUTE.findall(tag)}


def addresses(entry: Mapping[str, Any]) -> list[str]:
    """Where the pictures are that an *entry* in JSON Feed shows, beside its text and in it."""
    beside = [
        each["url"]
        for each in entry.get("attachments", ())
        if each.get("_wirecopy", {}).get("medium") == "image"
    ]
    tags = (attributes(found[1]) for found in IMAGE.finditer(entry.get("content_html", "")))
    within = [tag["src"] for tag in tags if tag.get("src") and not is_pixel(tag)]
    web = (each for each in (*beside, *within) if each.startswith(("https://", "http://")))
    return list(dict.fromkeys(web))[:MOST]


def planned(wanted: Sequence[str], number: int, known: Sequence[Known]) -> Plan:
    """What is to be done for version *number* of a story that shows what is at the addresses
    *wanted*, of which something is *known*."""
    fetched = {each.url for each in known if each.number == number}
    return Plan(
        fetch=tuple(url for url in wanted if url not in fetched),
        drop=tuple(each.id for each in known if each.url not in wanted),
        number=number,
    )


def keep_waiting(store: Store, config: Config, http: Client) -> Generator[Outcome, None, None]:
    """Do what waits for up to :data:`STORIES_A_TURN` stories; what became of each picture. One
    process at a time does, so that no host is asked more often than it is to be."""
    with store.write() as conn:
        now = clock.now()
        busy = outbox.is_leased(conn, "picture", now)
        jobs = [] if busy else outbox.claim(conn, "picture", now, STORIES_A_TURN)
    if not jobs:
        return
    with outbox.renewing(store, jobs):
        with store.read() as conn:
            plans = {job.key: _plan(conn, config, job.key) for job in jobs}
        found: dict[tuple[str, str], Found] = {}
        for asked, answer in _fetched(config, http, plans):
            made = found[asked] = judged(answer, config.media.widths)
            yield made.outcome
            if made.why:
                where = shown_address(asked[1])
                log.info("picture not kept", story=asked[0], picture=where, why=made.why)
        with store.write() as conn:
            held = outbox.held(conn, jobs)
            for job in jobs:
                if job.key in held:
                    _keep(conn, config, job, plans[job.key][1], found)


def _plan(conn: Connection, config: Config, name: str) -> tuple[Story | None, Plan]:
    story = all_stories.one(conn, name)
    known = records.known(conn, name)
    everything = Plan(drop=tuple(each.id for each in known))
    if story is None or story.status == "killed" or not allows(config, story.wire):
        return story, everything
    now = clock.now()
    if story.hidden(now):
        return story, Plan()  # it may come back
    entry = feeds.entry(conn, name)
    public = {*config.public_names} & {*feeds.feeds_of(conn, name)}
    over = licence_over(wires.licence_terms(conn, config, [story.wire]), story, now)
    if entry is None or over or not public:
        return story, everything
    try:
        written = json.loads(json_of(conn, config, story, entry))
    except RenderError:
        return story, Plan()
    return story, planned(addresses(written), story.number, known)


def allows(config: Config, wire: str) -> bool:
    """Whether pictures of stories of that *wire* may be kept and served by ourselves."""
    known = config.wire(wire)
    return config.media.keep and known is not None and "pictures" in known.grants


def _fetched(
    config: Config, http: Client, plans: Mapping[str, tuple[Story | None, Plan]]
) -> Iterator[tuple[tuple[str, str], Response]]:
    """What is at the addresses of *plans*, each with its story and address, as it comes."""
    asked: dict[str, tuple[str, str]] = {}
    requests = []
    for name, (story, plan) in plans.items():
        wire = config.wire(story.wire) if story is not None else None
        for url in plan.fetch:
            number = str(len(asked))
            asked[number] = (name, url)
            proxy = wire.proxy.get_secret_value() if wire and wire.proxy is not None else None
            requests.append(
                Request(
                    number,
                    url,
                    headers=(ACCEPT,),
                    proxy=proxy,
                    allow_private=wire is not None and wire.allow_private,
                    timeout=TIMEOUT,
                    max_bytes=config.media.max_bytes,
                )
            )
    under_way: Counter[str] = Counter()
    coming = _in_turn(requests, config.politeness.per_host, under_way)
    for answer in http.fetch(coming, user_agent=config.agent, concurrency=AT_ONCE):
        name, url = asked[answer.wire]
        under_way[_host(url)] -= 1
        yield (name, url), answer


def _in_turn(
    requests: Sequence[Request], per_host: int, under_way: Counter[str]
) -> Iterator[Request | None]:
    """Each of *requests* once fewer than *per_host* are *under_way* at its host; None while all
    have to wait."""
    waiting, ends = [*requests], time.monotonic() + SECONDS
    while waiting and time.monotonic() < ends:
        free = (each for each in waiting if under_way[_host(each.url)] < per_host)
        following = next(free, None)
        if following is not None:
            waiting.remove(following)
            under_way[_host(following.url)] += 1
        yield following


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()


def judged(answer: Response, widths: Sequence[int]) -> Found:
    """What the *answer* is, made smaller to *widths*."""
    if answer.error is not None:
        lasting = answer.error.state in ("too-large", "bad-url", "forbidden-address", "redirects")
        return Found(why=str(answer.error), may_come=not lasting)
    if answer.status != 200:
        # 404: many a picture comes after its story.
        again = answer.status in (404, 408, 425, 429) or answer.status >= 500
        return Found(why=f"HTTP {answer.status}", may_come=again)
    try:
        sizes = shrunk(answer.body, widths)
    except ShrinkError as error:
        return Found(why=f"the picture {error}")
    return Found(hashlib.sha256(answer.body).hexdigest(), sizes)


def _keep(
    conn: Connection,
    config: Config,
    job: Job,
    plan: Plan,
    found: Mapping[tuple[str, str], Found],
) -> None:
    """Store what was *found* of the story of *job*, and end or put off the job."""
    now = clock.now()
    here = {url: found[job.key, url] for url in plan.fetch if (job.key, url) in found}
    tried = [each for each in here.values() if each.may_come]
    if job.attempts >= TRIES:
        tried = []
    # A picture that is gone at its agency, or changed to none, stays as it was kept.
    before = {each.url for each in records.known(conn, job.key) if each.digest is not None}
    records.drop(conn, plan.drop)
    for each in here.values():
        if not each.why:
            records.put(conn, each.digest, each.sizes)
    noted: dict[str, tuple[str | None, str | None]] = {}
    for url, each in here.items():
        if not each.why:
            noted[url] = each.digest, None
        elif url not in before and each not in tried:
            noted[url] = None, each.why[:500]
    records.note(conn, job.key, plan.number, noted, now)
    if config.site.export is not None and (plan.drop or any(not e.why for e in here.values())):
        outbox.want(conn, "export-story", [job.key], now)
        listed = {*config.public_names} & {*feeds.feeds_of(conn, job.key)}
        outbox.want(conn, "export-page", sorted(listed), now)
    if len(here) < len(plan.fetch):
        outbox.release(conn, [job])  # given up, as this process ends
    elif tried:
        outbox.failed(conn, job, tried[0].why, now)
    else:
        outbox.done(conn, [job], now)


# In a process of its own.


class ShrinkError(Exception):
    """Nothing was made of a picture; it says why."""


def shrunk(data: bytes, widths: Sequence[int]) -> tuple[tuple[Size, bytes], ...]:
    """The picture *data* as JPEG in *widths*, made by :mod:`publish.shrink`.

    :raises ShrinkError: when none is made.
    """
    root = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-P", "-m", "publish.shrink", ",".join(map(str, widths))]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as made:
        given.write(data)
        given.seek(0)
        with subprocess.Popen(  # noqa: S603 - our own interpreter and module
            bound_to_parent(command),
            stdin=given,
            stdout=made,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath},
        ) as child:
            try:
                code = child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                raise ShrinkError("takes too long") from None
        if code != 0:
            raise ShrinkError(f"breaks what reads it ({code})")
        made.seek(0)
        return understood(made.read(), widths)


def understood(said: bytes, widths: Sequence[int]) -> tuple[tuple[Size, bytes], ...]:
    """The answer of what read a picture, which may be its own by now and is believed little.

    :raises ShrinkError: for what is no answer.
    """
    head, _, rest = said.partition(b"\n")
    try:
        told = json.loads(head)
        if "refused" in told:
            raise ShrinkError(str(told["refused"])[:200])
        sizes, at = [], 0
        for width, height, length in told["sizes"]:
            body = rest[at : at + length]
            at += length
            whole = {type(each) for each in (width, height, length)} == {int}
            fits = 0 < width <= widths[-1] and 0 < height < 65_536 and len(body) == length
            if not whole or not fits or not body.startswith(b"\xff\xd8\xff"):
                raise ShrinkError(_NONSENSE)
            sizes.append((Size(width, height), body))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ShrinkError(_NONSENSE) from None
    if not sizes or at != len(rest):
        raise ShrinkError(_NONSENSE)
    return tuple(sizes)


_NONSENSE = "made what read it answer nonsense"
