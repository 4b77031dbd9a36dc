"""``wirecopy demo``: a simulated agency, a newsroom in a temporary folder, and all that runs.

The processes are supervised as by ``wirecopy up``. Beside them a thread waits for a story to come,
writes a headline as the desk would, and shows the entry that the feed serves then.
"""

import contextlib
import os
import signal
import socket
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from lxml import etree

from desk import show
from desk import up as processes
from desk.headline import rewrite
from desk.people import add
from desk.supervisor import Member, alone, supervise
from stories import logs
from stories.config import Config, load
from stories.db import Store, captures, connect, feeds
from stories.db import stories as records
from stories.db.feeds import EntryRow
from stories.errors import WirecopyError
from stories.models import Story
from workers.start import start

PATIENCE = 60.0
"""Seconds until something that takes two or three is given up."""

SHOWN = 90
"""Characters of a text that are shown of an entry."""

VISITOR = "visitor"
"""Who may try the demo's desk."""

Found = TypeVar("Found")

CONFIG = """\
# Made by `wirecopy demo`. The agency is a simulation on this machine; all its copy is invented.
[publisher]
name = "The Demo Daily"
url = "https://daily.example"

[site]
url = "{site}"

[politeness]
gap = "0s"      # all wires of the demo are on one host, this one

[[wires]]
name = "sim-national"
agency = "Simulated Press Agency"
code = "SIM"
url = "{agency}/wires/national.{format}"
{national}
every = "2s"
timezone = "Asia/Kolkata"
allow_private = true

[[wires]]
name = "sim-business"
agency = "Simulated Press Agency"
code = "SIM"
url = "{agency}/wires/business.atom"
every = "3s"
allow_private = true

[[wires]]
name = "sim-languages"
agency = "Simulated Press Agency"
code = "SIM"
url = "{agency}/wires/languages.rdf"
every = "3s"
allow_private = true

[desk]
enabled = {desk}
listen = "127.0.0.1:{desk_port}"

[[feeds]]
name = "india"
title = "India (demo)"
wires = ["sim-national"]
limit = 50

[[feeds]]
name = "business"
title = "Business (demo)"
wires = ["sim-business"]

[[feeds]]
name = "languages"
title = "हिन्दी · தமிழ் · اردو (demo)"
wires = ["sim-languages"]
"""

NATIONAL = {
    "json": 'keys = "{agency}/.well-known/jwks.json"    # this one is signed by the agency',
    "nitf": "links = true    # a document holds one story: what is polled is the list of them",
}
"""What the configuration says besides of a wire in some formats."""


def run(port: int, speed: float, format: str, *, once: bool) -> int:
    """Run the demo until Ctrl-C (or, with *once*, until the entry is shown); the exit code.

    *format* is what the national wire comes in.
    """
    # The supervisor hears it in its own way; before and after, this process has a folder to remove.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="wirecopy-demo-") as name:
        folder = Path(name)
        found = _free(port)
        site = f"http://127.0.0.1:{found}"
        agency = f"http://127.0.0.1:{_free(0)}"
        config_file = folder / "wirecopy.toml"
        national = NATIONAL.get(format, "").format(agency=agency)
        text = CONFIG.format(
            site=site,
            agency=agency,
            format=format,
            national=national,
            desk="false" if once else "true",  # who only looks once has no time to try it
            desk_port=_free(8081),
        )
        config_file.write_text(text, encoding="utf-8")
        with _logs_into(folder / "demo.log"):
            config = load(config_file)
            start(config).close()
            simulated = [
                *(sys.executable, "-m", "desk.demo", "--port", agency.rpartition(":")[2]),
                *("--speed", str(speed), "--ttl", "0", "--apart"),
            ]
            os.environ.update(processes.environment(config_file))
            # As programs of their own: a process with a thread, as the desk is here, cannot fork.
            members = [Member("agency", simulated)]
            for each in processes.members(config):
                program = processes.command(each.name, config) if callable(each.run) else each.run
                members.append(replace(each, run=program))
            taken = port if port not in (0, found) else None
            desk = _Desk(config, agency, folder, taken, once=once)
            desk.start()
            with alone(config.data) as lock:
                code = supervise(members, lock)
            desk.stopped.set()
            desk.join(timeout=5)
        if desk.error is not None:
            log = (folder / "demo.log").read_text()
            sys.stderr.write(f"wirecopy: demo: {desk.error}\n{log[-4000:]}")
            code = 1
    return code


class _Desk(threading.Thread):
    """The desk's part, and what is said of it all. ``error`` is why it could not be played."""

    def __init__(
        self, config: Config, agency: str, folder: Path, taken: int | None, *, once: bool
    ) -> None:
        super().__init__(name="demo-desk", daemon=True)
        self.stopped = threading.Event()
        self.error: Exception | None = None
        self._config = config
        self._agency = agency
        self._folder = folder
        self._taken = taken
        self._once = once

    def run(self) -> None:
        """Play it; then, or when it fails, let the supervisor end all."""
        try:
            self._play()
        except Exception as error:
            self.error = error
        if self._once or self.error:
            os.kill(os.getpid(), signal.SIGTERM)

    def _play(self) -> None:
        show.say("Wirecopy demo. The agency is a SIMULATION on this machine; its copy is invented.")
        show.say(f"  simulated agency   {self._agency}/")
        show.say(f"  everything kept in {self._folder} (removed at the end); log: demo.log there")
        if self._taken is not None:
            site = self._config.site.url
            show.say(
                f"  port {self._taken} is taken by another program, so the feeds are at {site}/"
            )
        show.say("Waiting for the first stories …")
        store = connect(self._config.database)
        try:
            story = self._wait(lambda: _first(store), "no story came from the simulated agency")
            headline = f"Explained: {story.version.headline}"
            rewrite(store, story.id, headline, "the demo desk")
            entry = self._wait(
                lambda: _rendered(store, story.id), "the new headline was not rendered"
            )
            item = self._wait(
                lambda: _served(self._config, story.guid, entry.disclosure),
                "the feed did not serve the new headline",
            )
            self._show(story, headline, entry, item)
            if not self._once:
                self._invite(store)
                self._follow(store)
        finally:
            store.close()

    def _wait(self, find: Callable[[], Found | None], failure: str) -> Found:
        """What *find* finds, asked again and again.

        :raises WirecopyError: when it finds nothing for long, or all is stopped.
        """
        for _ in range(int(PATIENCE / 0.2)):
            found = find()
            if found is not None:
                return found
            if self.stopped.wait(0.2):
                raise WirecopyError("stopped")
        raise WirecopyError(f"{failure} in {PATIENCE:.0f} s")

    def _show(self, story: Story, headline: str, entry: EntryRow, item: str) -> None:
        site = self._config.site.url
        show.say("")
        show.say(f"A story came: {story.version.headline}")
        show.say(f"The desk rewrote its headline: {headline}")
        show.say(f"Measured: {entry.scope}; the feed says: {entry.disclosure}")
        signed = f"yes, with the key {story.custody.key}" if story.custody else "no"
        show.say(f"Signed by the agency: {signed}")
        show.say("")
        show.say("Its entry in the RSS feed, as served, long texts cut short:")
        show.say("")
        for line in item.split("\n"):
            show.say(line)
        show.say("")
        for feed in self._config.outgoing:
            for format in feeds.FORMATS:
                show.say(f"  {format:<4} {feed.name:<9} {site}/feeds/{feed.name}.{format}")
        show.say(f"  the story    {site}/stories/{story.id}")
        show.say(f"  for people   {site}/")
        show.say("")

    def _invite(self, store: Store) -> None:
        _, link = add(store, self._config, VISITOR, "chief", "the demo")
        show.say("Try the desk: follow this link, set a password (12 characters or more), press j,")
        show.say("then e, type a headline and press Ctrl-Enter. Seconds later it is in the feed.")
        show.say(f"  the desk     {link}")
        show.say(f"  later on     {self._config.desk.origin}/ as “{VISITOR}”")
        show.say("")

    def _follow(self, store: Store) -> None:
        show.say("The agency goes on: updates, a repeat, a late story. Ctrl-C ends the demo.")
        last = 0
        while not self.stopped.wait(1):
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


def _first(store: Store) -> Story | None:
    """An English story that is rendered."""
    with store.read() as conn:
        found = records.newest(conn, wires=["sim-national"], limit=50)
        rendered = feeds.entries_of(conn, [story.id for story in found])
    for story in found:
        if story.id in rendered and (story.version.language or "en").startswith("en"):
            return story
    return None


def _rendered(store: Store, story: str) -> EntryRow | None:
    """The story's entry once it is rendered with its new headline."""
    with store.read() as conn:
        entry = feeds.entry(conn, story)
    return entry if entry is not None and entry.edited_headline_only else None


def _served(config: Config, guid: str, disclosure: str) -> str | None:
    """The story's item in the RSS feed, as XML, once it says that only the headline was edited."""
    try:
        url = f"{config.site.url}/feeds/india.rss"
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own site
            feed = etree.fromstring(answer.read(), etree.XMLParser(resolve_entities=False))
    except (OSError, etree.XMLSyntaxError):
        return None
    for item in feed.iterfind("channel/item"):
        if item.findtext("guid") == guid and item.findtext("{*}editScope") == "headline-only":
            etree.indent(item, "  ")
            for element in item.iter():
                if element.text and len(element.text) > SHOWN:
                    at = element.text.find(disclosure)
                    end = element.text[element.text.rfind("<p", 0, at) :] if at > 0 else ""
                    element.text = f"{element.text[:SHOWN]}…{end}"
            return etree.tostring(item, encoding="unicode").strip()
    return None


def _free(port: int) -> int:
    """*port* if it can be had, else any that is free."""
    for wanted in (port, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", wanted))
            return int(probe.getsockname()[1])
    raise OSError("no port is free on 127.0.0.1")


@contextlib.contextmanager
def _logs_into(file: Path) -> Iterator[None]:
    """Send the output and the logs of all processes to *file*, so that the demo's own can be read.

    Children inherit the two descriptors; the demo writes to a copy of the first.
    """
    sys.stdout.flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in kept:
        os.dup2(target, number)
    os.close(target)
    with os.fdopen(os.dup(kept[1]), "w", encoding="utf-8") as ours, redirect_stdout(ours):
        try:
            logs.configure("json")
            yield
        finally:
            for number, copy in kept.items():
                os.dup2(copy, number)
                os.close(copy)
