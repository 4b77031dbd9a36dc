"""Fetching wires once to see what they hold; nothing is stored."""

from collections.abc import Iterator

from ingest import sandbox
from ingest.item import Contents, Hints
from net.client import Client, Request
from stories.config import Config
from stories.errors import ParseError
from stories.logs import masked


def probe(config: Config) -> Iterator[tuple[str, Contents | str]]:
    """Each wire of *config*, with what it holds, or why that cannot be had."""
    requests = [
        Request(
            wire=wire.name,
            url=wire.url,
            headers=tuple((k, v.get_secret_value()) for k, v in wire.headers.items()),
            allow_private=wire.allow_private,
            timeout=wire.timeout.total_seconds(),
            max_bytes=wire.max_bytes,
        )
        for wire in config.wires
    ]
    rules = {wire.name: wire for wire in config.wires}
    with Client() as http:
        for response in http.fetch(requests, user_agent=config.agent, concurrency=4):
            name = response.wire
            if response.error is not None:
                yield name, masked(str(response.error)).removeprefix(f"{name}: ")
            elif response.status != 200:
                yield name, f"answered {response.status}; check its url and headers"
            else:
                hints = Hints(url=response.url, headers=dict(response.headers))
                try:
                    yield name, sandbox.read(response.body, hints, rules[name])
                except ParseError as error:
                    yield name, masked(str(error))
