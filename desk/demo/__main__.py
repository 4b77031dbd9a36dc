"""``python -m desk.demo``: the simulated agency as a process, until SIGINT or SIGTERM."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from desk.demo.newswire import Script
from desk.demo.server import running, serve
from stories import clock
from stories.errors import WirecopyError


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. 0: stopped so; 1: could not listen; 2: wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m desk.demo",
        description="A simulated news agency on loopback. Everything it publishes is invented.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="port to listen on (default: any that is free)")
    add("--speed", type=float, default=1.0, help="simulated seconds a second (default: 1)")
    add("--seed", type=int, default=1, help="another seed, other copy (default: 1)")
    add("--items", type=int, default=20, help="stories on each wire (default: 20)")
    add("--ttl", type=int, default=1, help="minutes the feeds ask pollers to wait (default: 1)")
    add("--apart", action="store_true", help="each story on one wire only")
    given = parser.parse_args(arguments)
    if given.speed <= 0:
        parser.error("--speed must be above 0")
    try:
        script = Script(
            seed=given.seed,
            epoch=clock.now(),
            items=given.items,
            ttl=given.ttl,
            apart=given.apart,
        )
    except ValueError as error:
        parser.error(str(error))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with serve(script, running(given.speed), port=given.port) as base:
            print(f"Simulated agency (a simulation): {base}/", flush=True)
            stop.wait()
    except WirecopyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
