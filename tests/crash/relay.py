"""A relay before a server, as a bad line: it delays, trickles, falls silent, or resets.

    python -m tests.crash.relay FILE PORT=HOST:PORT …

It listens on loopback, and does with what passes, either way, as the one word in the file says.
"""

import asyncio
import struct
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

THROUGH, SLOW, TRICKLE, SILENT, RESET = "through", "slow", "trickle", "silent", "reset"

DELAY = 0.3
"""Seconds by which it holds up whatever passes."""

DROP, PAUSE = 200, 0.02
"""Bytes that pass at once when it trickles, and the seconds until the next."""


class Relay:
    """Does as *file* says."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def _how(self) -> str:
        return self._file.read_text(encoding="utf-8")

    async def serve(self, port: int, host: str, target: int) -> None:
        """Relay from *port* to *host* and *target*, for ever."""
        server = await asyncio.start_server(partial(self._one, host, target), "127.0.0.1", port)
        await server.serve_forever()

    async def _one(
        self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        ends = [writer]
        with suppress(OSError):
            there, back = await asyncio.open_connection(host, port)
            ends.append(back)
            pumps = [
                asyncio.ensure_future(p)
                for p in (self._pump(reader, back), self._pump(there, writer))
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
        for end in ends:
            if self._how == RESET:
                end.get_extra_info("socket").setsockopt(
                    SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0)
                )
            end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                if self._how == SLOW:
                    await asyncio.sleep(DELAY)
                while self._how == SILENT:
                    await asyncio.sleep(PAUSE)
                if self._how == RESET:
                    return
                while self._how == TRICKLE and data:
                    writer.write(data[:DROP])
                    data = data[DROP:]
                    await asyncio.sleep(PAUSE)
                writer.write(data)
                await writer.drain()


async def main(file: str, *routes: str) -> None:
    """Relay by all *routes*."""
    relay = Relay(Path(file))
    async with asyncio.TaskGroup() as group:
        for route in routes:
            port, _, target = route.partition("=")
            host, _, number = target.rpartition(":")
            group.create_task(relay.serve(int(port), host, int(number)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
