"""The HTTP clients of one process, of which each is one thread's at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from net.client import Client

KEPT = 4
"""Idle clients that are kept, with their connections; more were only needed for a while."""


class Clients:
    """Lends a client to whoever polls a batch; the one given back last goes out first.

    So while one batch after the other is polled, it is always the same client, whose connections
    are still open; and there are as many as batches under way, whatever thread has which.
    """

    def __init__(self) -> None:
        self._idle: list[Client] = []

    @contextmanager
    def one(self) -> Iterator[Client]:
        """A client for this block alone. One that an error found at work is not used again."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = Client()
        yield client
        if len(self._idle) < KEPT:
            self._idle.append(client)
        else:
            client.close()
