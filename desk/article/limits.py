"""Bounds of what reading a saved page may take.

The page is parsed as it is, and the HTML Standard's tree construction is not linear: 27 kB of tags
can become 4 million elements (1.6 GB measured in Lexbor), some MB of them take hours.
"""

import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from selectolax.lexbor import SelectolaxError

from desk import show
from stories.errors import WirecopyError

SECONDS = 60.0
"""Of processor time; five megabytes of an honest page take some six."""

MEMORY = 1 << 30
"""Bytes above what the process has already; five megabytes of an honest page take some 300 MB."""

_REMEDY = "no honest page does; save the article alone"


@contextmanager
def limited(name: str) -> Iterator[None]:
    """Bound the block, which reads the page *name*: it ends in one clear error.

    Too much memory raises it; too much time prints it and ends the process, as the parser, which
    the block may be in, cannot be interrupted.

    :raises WirecopyError: when it takes more than :data:`MEMORY`.
    """
    done = threading.Event()
    end = time.process_time() + SECONDS

    def watch() -> None:
        while not done.wait(0.2):
            if time.process_time() > end:
                show.complain(f"{name}: takes more than {SECONDS:g} s to read; {_REMEDY}")
                os._exit(1)

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with suppress(OSError, ValueError):  # a system without this limit has the other
        most = _size() + MEMORY
        resource.setrlimit(
            resource.RLIMIT_AS, (most if soft == resource.RLIM_INFINITY else min(soft, most), hard)
        )
    watcher = threading.Thread(target=watch, name="watching-time", daemon=True)
    watcher.start()
    try:
        yield
    except (MemoryError, SelectolaxError):
        raise WirecopyError(f"{name}: takes more than 1 GB of memory to read; {_REMEDY}") from None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        done.set()
        watcher.join()


def _size() -> int:
    """The size of this process's address space in bytes."""
    pages = Path("/proc/self/statm").read_text().split()[0]
    return int(pages) * resource.getpagesize()
