"""``python -m tests.load``: a load as a process, until SIGINT or SIGTERM; prints its base URL."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

from stories import clock
from stories.errors import WirecopyError
from tests.load.load import Load
from tests.load.server import opened


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.load", description="A simulated agency of many wires, on loopback."
    )
    add = parser.add_argument
    add("wires", type=int, help="how many wires: /w/0.rss and on")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=0, help="port to listen on (default: any that is free)")
    add("--speed", type=float, default=1.0, help="simulated seconds a second (default: 1)")
    add("--seed", type=int, default=1, help="another seed, other copy (default: 1)")
    add("--items", type=int, default=20, help="stories on each wire (default: 20)")
    add("--ttl", type=int, default=0, help="minutes the feeds ask pollers to wait (default: 0)")
    add("--novelty", type=float, default=0.2, help="new stories a minute and wire (default: 0.2)")
    add("--by-hour", action="store_true", help="less of them at night and on Sundays")
    add("--updates", type=float, default=0.1, help="share of stories updated (default: 0.1)")
    add("--touches", type=float, default=0.05, help="share of stories re-dated (default: 0.05)")
    add("--errors", type=float, default=0.0, help="share of requests that fail (default: 0)")
    add(
        "--not-modified", type=float, default=1.0, help="share of matches answered 304 (default: 1)"
    )
    add("--slow-seconds", type=float, default=2.0, help="length of a slow answer (default: 2)")
    return parser


async def _perform(load: Load, given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with opened(load, host=given.host, port=given.port, speed=given.speed) as base:
        print(base, flush=True)
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. 0: stopped so; 1: could not listen; 2: wrong usage."""
    parser = _arguments()
    given = parser.parse_args(arguments)
    if given.speed <= 0:
        parser.error("--speed must be above 0")
    try:
        load = Load(
            seed=given.seed,
            wires=given.wires,
            items=given.items,
            novelty_per_minute=given.novelty,
            update_share=given.updates,
            touch_share=given.touches,
            error_share=given.errors,
            not_modified_share=given.not_modified,
            slow_seconds=given.slow_seconds,
            epoch=clock.now(),
            ttl=given.ttl,
            by_hour=given.by_hour,
        )
    except ValueError as error:
        parser.error(str(error))
    try:
        asyncio.run(_perform(load, given))
    except WirecopyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
