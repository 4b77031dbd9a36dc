"""The demo's voice: waits for what really happens, does the desk's part, tells what is seen."""

import threading
import urllib.request
from pathlib import Path

from lxml import etree

from desk import show
from desk.headline import rewrite
from stories.config import Config
from stories.db import Store, captures, connect, feeds
from stories.db import stories as records
from stories.db.feeds import EntryRow
from stories.errors import WirecopyError
from stories.models import Story

PATIENCE = 60.0
"""Seconds until something that takes two or three is given up."""

WIRE = "sim-national"


def narrate(
    config: Config, agency: str, folder: Path, *, once: bool, done: threading.Event
) -> None:
    """Tell the story of the demo until *done* (or, with *once*, until the entry is shown).

    :raises WirecopyError: when something that must happen did not.
    """
    show.say("Wirecopy demo. The agency is a SIMULATION on this machine; all its copy is invented.")
    show.say(f"  simulated agency   {agency}/")
    show.say(f"  everything kept in {folder} (removed at the end); log: demo.log there")
    show.say("Waiting for the first stories …")
    store = connect(config.database)
    try:
        story = _first(store, done)
        headline = f"Explained: {story.version.headline}"
        rewrite(store, story.id, headline, "the demo desk")
        entry = _rendered(store, story.id, done)
        served = _served(config, done)
        _tell(config, story, headline, entry, served)
        if not once:
            _follow(store, done)
    finally:
        store.close()


def _wait(done: threading.Event, seconds: float = 0.2) -> None:
    if done.wait(seconds):
        raise WirecopyError("stopped")


def _first(store: Store, done: threading.Event) -> Story:
    for _ in range(int(PATIENCE / 0.2)):
        with store.read() as conn:
            found = records.newest(conn, wires=[WIRE], limit=50)
            rendered = feeds.entries_of(conn, [s.id for s in found])
        for story in found:
            if story.id in rendered and (story.version.language or "en").startswith("en"):
                return story
        _wait(done)
    raise WirecopyError(f"no story came from the simulated agency in {PATIENCE:.0f} s")


def _rendered(store: Store, story: str, done: threading.Event) -> EntryRow:
    for _ in range(int(PATIENCE / 0.2)):
        with store.read() as conn:
            entry = feeds.entry(conn, story)
        if entry is not None and entry.edited_headline_only:
            return entry
        _wait(done)
    raise WirecopyError(f"the rewritten headline was not rendered in {PATIENCE:.0f} s")


def _served(config: Config, done: threading.Event) -> bytes:
    url = f"{config.site.url}/feeds/india.rss"
    for _ in range(int(PATIENCE / 0.2)):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own site
                body = bytes(answer.read())
        except OSError:
            body = b""
        if b"<editScope" in body or b":editScope>headline-only<" in body:
            return body
        _wait(done)
    raise WirecopyError(f"{url} did not serve the rewritten story in {PATIENCE:.0f} s")


def _tell(config: Config, story: Story, headline: str, entry: EntryRow, served: bytes) -> None:
    site = config.site.url
    show.say("")
    show.say(f"A story came: {story.version.headline}")
    show.say(f"The desk rewrote its headline: {headline}")
    show.say(f"Measured: {entry.scope}; the feed says: {entry.disclosure}")
    show.say("")
    show.say(f"  for people   {site}/")
    show.say(f"  the story    {site}/stories/{story.id}")
    for feed in config.outgoing:
        for format in feeds.FORMATS:
            show.say(f"  {format:<4} {feed.name:<9} {site}/feeds/{feed.name}.{format}")
    show.say("")
    show.say("Its entry in the RSS feed, as served:")
    show.say("")
    for line in _entry(served, story.guid).split("\n"):
        show.say(line)
    show.say("")


def _entry(served: bytes, guid: str) -> str:
    channel = etree.fromstring(served, etree.XMLParser(resolve_entities=False)).find("channel")
    for item in channel.iterfind("item") if channel is not None else ():
        if item.findtext("guid") == guid:
            etree.indent(item, "  ")
            text = etree.tostring(item, encoding="unicode").strip()
            return text
    raise WirecopyError(f"the feed does not hold {guid}")


def _follow(store: Store, done: threading.Event) -> None:
    show.say("The agency goes on: updates, a repeat, a late story. Ctrl-C ends the demo.")
    last = 0
    while not done.wait(1):
        with store.read() as conn:
            fresh = [c for c in captures.listing(conn, limit=20) if c.id > last]
        for capture in sorted(fresh, key=lambda c: c.id):
            if capture.state == "pending":
                break
            last = capture.id
            show.say(
                f"  {capture.received_at:%H:%M:%S} {capture.wire:<13} capture {capture.id}:"
                f" {capture.items} items, {capture.new} new, {capture.updated} updated"
            )
