"""Fetching wires once to see what they hold; nothing is stored."""

from collections.abc import Iterator
from contextlib import closing

from ingest import sandbox
from ingest.item import Contents, Hints
from ingest.poll import judge, request_of
from ingest.ways import place_of
from net.client import WITHHELD, Client
from net.errors import FetchError
from net.places import is_unfinished
from stories.config import Config, Wire
from stories.errors import ParseError
from stories.logs import masked


def probe(config: Config) -> Iterator[tuple[str, Contents | str]]:
    """Each wire of *config*, with what it holds, or why that cannot be had."""
    for wire in (w for w in config.wires if w.way != "pull"):
        yield wire.name, _in_place(wire, config.agent)
    requests = [request_of(wire, wire.url) for wire in config.wires if wire.way == "pull"]
    rules = {wire.name: wire for wire in config.wires}
    with Client() as http:
        for response in http.fetch(requests, user_agent=config.agent, concurrency=4):
            name = response.wire
            state, message = judge(response)
            if state != "ok":
                yield name, masked(message)
            else:
                hints = Hints(url=response.url, headers=dict(response.headers))
                try:
                    yield name, sandbox.read(response.body, hints, rules[name])
                except ParseError as error:
                    why = f"; the wire's headers {WITHHELD}" if response.withheld else ""
                    yield name, masked(f"{error}{why}")


def _in_place(wire: Wire, agent: str) -> Contents | str:
    """What the newest file holds at the place of *wire*; nothing where none is there yet."""
    try:
        with closing(place_of(wire, agent)) as place:
            there = [f for f in place.look() if not (f.fault or is_unfinished(f.name)) and f.size]
            newest = max(there, key=lambda file: (file.order, file.name), default=None)
            got = place.read(newest, None) if newest is not None else None
        if got is None:
            return Contents()
        hints = Hints(url=got.url, headers=dict(got.headers))
        return sandbox.read(got.body, hints, wire)
    except (FetchError, ParseError) as error:
        return masked(str(error))
