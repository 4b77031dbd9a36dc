"""Fetching wires once to see what they hold; nothing is stored."""

from collections.abc import Iterator

from ingest import sandbox
from ingest.item import Contents, Hints
from ingest.poll import judge, request_of
from net.client import WITHHELD, Client
from stories.config import Config
from stories.errors import ParseError
from stories.logs import masked


def probe(config: Config) -> Iterator[tuple[str, Contents | str]]:
    """Each wire of *config*, with what it holds, or why that cannot be had."""
    requests = [request_of(wire, wire.url) for wire in config.wires]
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
