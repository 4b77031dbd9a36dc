"""``python -m desk.demo``: the simulated agency as a process, until SIGINT or SIGTERM."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

from desk.demo.load import Load
from desk.demo.newswire import Script
from desk.demo.server import opened
from desk.demo.site import Show
from stories import clock
from stories.errors import WirecopyError


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m desk.demo",
        description="A simulated news agency on loopback. Everything it publishes is invented.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=0, help="port to listen on (default: any that is free)")
    add("--print-url", action="store_true", help="print the base URL alone, on one line")
    add("--speed", type=float, default=1.0, help="simulated seconds a second (default: 1)")
    add("--seed", type=int, default=1, help="another seed, other copy (default: 1)")
    add("--items", type=int, default=20, help="stories on each wire (default: 20)")
    add("--ttl", type=int, help="minutes that the feeds ask pollers to wait (default: 1; load: 0)")
    load = parser.add_argument_group(
        "load", "with --load N the agency has N wires, /w/0.rss and on"
    )
    add = load.add_argument
    add("--load", type=int, metavar="N", help="serve a load of N wires in place of the script")
    add("--novelty", type=float, default=0.2, help="new stories a minute and wire (default: 0.2)")
    add("--updates", type=float, default=0.1, help="share of stories updated (default: 0.1)")
    add("--touches", type=float, default=0.05, help="share of stories re-dated (default: 0.05)")
    add("--errors", type=float, default=0.0, help="share of requests that fail (default: 0)")
    add(
        "--not-modified", type=float, default=1.0, help="share of matches answered 304 (default: 1)"
    )
    add("--slow-seconds", type=float, default=2.0, help="length of a slow answer (default: 2)")
    return parser


def _show(given: argparse.Namespace) -> Show:
    now = clock.now()
    if given.load is None:
        ttl = 1 if given.ttl is None else given.ttl
        return Script(seed=given.seed, epoch=now, items=given.items, ttl=ttl)
    return Load(
        seed=given.seed,
        wires=given.load,
        items=given.items,
        novelty_per_minute=given.novelty,
        update_share=given.updates,
        touch_share=given.touches,
        error_share=given.errors,
        not_modified_share=given.not_modified,
        slow_seconds=given.slow_seconds,
        epoch=now,
        ttl=given.ttl or 0,
    )


async def _perform(show: Show, given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with opened(show, host=given.host, port=given.port, speed=given.speed) as base:
        print(base if given.print_url else f"Simulated agency (a simulation): {base}/", flush=True)
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop. 0: told; 1: could not listen; 2: wrong usage."""
    parser = _arguments()
    given = parser.parse_args(arguments)
    if given.speed <= 0:
        parser.error("--speed must be above 0")
    try:
        show = _show(given)
    except ValueError as error:
        parser.error(str(error))
    try:
        asyncio.run(_perform(show, given))
    except WirecopyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
