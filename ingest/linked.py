"""A list of links as a place: each address that it names is a file."""

import json
from collections.abc import Sequence
from dataclasses import replace

from ingest import sandbox
from ingest.links import Link
from ingest.packed import together
from ingest.poll import judge, kept_headers, request_of
from net.client import Client, Response
from net.errors import FetchError
from net.places import MOST_FILES, File, Got, too_many
from net.ssrf import shown
from stories.config import Wire
from stories.errors import ParseError

LARGEST = 4 << 20
"""Bytes of a list: it names at most as many items as a place may hold."""

_BUSY = ("http-429", "http-503")
"""States after which nothing more is asked for in this poll."""


class Linked:
    """The list at the address of *wire*. Items are asked for one after the other, those of which
    the list does not say when they changed at each poll, by the validators they came with."""

    def __init__(self, wire: Wire, agent: str) -> None:
        self._wire, self._agent = wire, agent
        self._client = Client()
        self._held: dict[str, tuple[Link, Response]] = {}

    def close(self) -> None:
        """Leave it."""
        self._client.close()

    def look(self) -> Sequence[File]:
        """The items that the list names."""
        response = self._ask(self._wire.url, most=LARGEST)
        state, message = judge(response)
        if state != "ok":
            raise FetchError(state, message)
        try:
            found = sandbox.links(response.body, response.url)
        except ParseError as error:
            raise FetchError("no-list", str(error)) from error
        except sandbox.SandboxError as error:
            raise FetchError("protocol", str(error)) from error
        if len(found) > MOST_FILES:
            raise too_many(shown(self._wire.url))
        # Oldest first, as feeds have the newest at the top.
        return [
            File(
                self._name(link, response),
                1,
                link.changed,
                order=-at,
                changed=0.0,
                ask=not link.changed,
            )
            for at, link in enumerate(found)
        ]

    def _name(self, link: Link, response: Response) -> str:
        """What the item of *link* is called; one that the list itself holds is put by."""
        if not link.item:
            return link.url
        name = f"{shown(self._wire.url)}#{link.name}"
        self._held[name] = link, response
        return name

    def read(self, file: File, known: str | None) -> Got | None:
        """The bytes of the item *file*; with its text, where the list holds the item."""
        if file.name in self._held:
            return self._with_text(file)
        etag, last_modified = json.loads(known) if known and file.ask else (None, None)
        response = self._ask(file.name, etag, last_modified, seconds=self._patience)
        state, message = judge(response, conditional=bool(etag or last_modified))
        if state == "not-modified":
            return None
        if state in _BUSY:
            raise FetchError(state, message)
        if state != "ok":
            raise FetchError("unreadable", f"{shown(file.name)}: {message}")
        told = dict(response.headers)
        validators = json.dumps([told.get("etag"), told.get("last-modified")])
        mark = validators if file.ask else file.mark
        return Got(response.url, response.body, mark, kept_headers(response))

    def _with_text(self, file: File) -> Got:
        link, listed = self._held[file.name]
        document = b"".join(listed.body[start:end] for start, end in link.item)
        if not link.url:
            return Got(listed.url, document, file.mark, kept_headers(listed))
        response = self._ask(link.url, seconds=self._patience)
        state, message = judge(response)
        if state in _BUSY:
            raise FetchError(state, message)
        if state != "ok":
            raise FetchError("unreadable", f"{file.name}: its text: {message}")
        body = together(document, response.body)
        return Got(response.url, body, file.mark, kept_headers(response))

    def remove(self, file: File) -> None:
        """Nothing: what a list names is not ours to delete."""

    @property
    def _patience(self) -> float:
        """Seconds for one item: one that hangs must not use up the time of all."""
        return max(self._wire.timeout.total_seconds() / 10, 1.0)

    def _ask(
        self,
        url: str,
        etag: str | None = None,
        last_modified: str | None = None,
        *,
        most: int | None = None,
        seconds: float | None = None,
    ) -> Response:
        asked = request_of(self._wire, url, etag, last_modified)
        asked = replace(
            asked,
            max_bytes=min(most or asked.max_bytes, asked.max_bytes),
            timeout=seconds or asked.timeout,
        )
        [response] = self._client.fetch([asked], user_agent=self._agent)
        return response
