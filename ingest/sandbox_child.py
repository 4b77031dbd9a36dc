"""The child process of :mod:`ingest.sandbox`: parses captures within limits until its pipe closes.

    python -P -m ingest.sandbox_child MEMORY FILES

It imports what it needs, limits itself, says that it is ready, and answers requests. A request is
two lengths, a JSON object and the capture's bytes; an answer is one byte for its kind, a length and
JSON. It has no secret and no store; it can open few files and write to none.
"""

import gc
import json
import math
import os
import resource
import select
import signal
import struct
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import TypeAdapter

from ingest import parse
from ingest.item import Hints
from ingest.links import LINKS, links_of
from stories.config import Wire
from stories.errors import ParseError

REQUEST = struct.Struct("!II")
"""Lengths of the JSON object and of the capture's bytes."""

ANSWER = struct.Struct("!cI")
"""Kind and length."""

READY, CONTENTS, REFUSED = b"R", b"C", b"E"

OUT_OF_MEMORY = "parse-memory"

KEPT = ("PATH", "LANG", "LC_ALL", "TZDIR")
"""What the child may know of the environment."""


IDLE = 5.0
"""Seconds in which nothing is asked, after which a forked child ends: it has some 13 MB of its own,
and its parent has another one forked in milliseconds."""


def main(memory: int, files: int, idle: float | None = None) -> None:
    """Serve the parent until it closes the pipe, or asks nothing for *idle* seconds. It is started
    so that it ends with that one (:mod:`stories.pdeathsig`), and without ctypes, whose libffi keeps
    a file open."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):  # what a library prints must not come among the answers
        os.dup2(nowhere, standard)
    os.close(nowhere)
    _limit(memory, files)
    _answer(answers, READY, b"")
    # What comes just when it ends, its parent asks another one.
    while select.select([requests], [], [], idle)[0] and (head := requests.read(REQUEST.size)):
        length, size = REQUEST.unpack(head)
        asked = json.loads(requests.read(length))
        body = requests.read(size)
        _limit_cpu(asked["seconds"])
        kind, answer = _read(body, asked)
        del body
        if len(answer) > asked["largest"]:
            kind, answer = (
                REFUSED,
                _error(OUT_OF_MEMORY, f"what is in it takes {len(answer)} bytes, too much to keep"),
            )
        _answer(answers, kind, answer)


def _read(body: bytes, asked: dict[str, Any]) -> tuple[bytes, bytes]:
    try:
        if "list" in asked:
            return CONTENTS, LINKS.dump_json(links_of(body, asked["list"]), exclude_defaults=True)
        hints = _HINTS.validate_python(asked["hints"])
        found = parse.parse(body, hints, _wire(asked["wire"]))
        return CONTENTS, found.model_dump_json().encode()
    except ParseError as error:
        return REFUSED, _error(error.state, str(error))
    except MemoryError:
        gc.collect()
        return REFUSED, _error(OUT_OF_MEMORY, "reading it took more memory than is allowed")
    except Exception as error:  # contents that JSON cannot hold, or a malformed request
        message = f"{type(error).__name__}: {error}; report this capture"
        return REFUSED, _error("unreadable", message)


_HINTS = TypeAdapter(Hints)


def _error(state: str, message: str) -> bytes:
    text = parse.storable(message)[: parse.LONGEST_MESSAGE]
    return json.dumps({"state": state, "message": text}).encode()


@lru_cache(maxsize=64)
def _wire(rules: str) -> Wire:
    return Wire.model_validate_json(rules)


def _answer(answers: BinaryIO, kind: bytes, data: bytes) -> None:
    answers.write(ANSWER.pack(kind, len(data)))
    answers.write(data)
    answers.flush()


def _limit(memory: int, files: int) -> None:
    """Give up what parsing does not need; this process cannot raise the limits again."""
    # A signal to the process group must not interrupt a capture: the parent ends this process.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    limits = [
        (resource.RLIMIT_CORE, 0),  # a core dump would hold what a wire sent, and fill the disk
        (resource.RLIMIT_FSIZE, 0),  # nothing to write
        (resource.RLIMIT_NOFILE, files),  # zone tables are opened when a wire first names one
        (resource.RLIMIT_AS, _size() + memory),
    ]
    for kind, most in limits:
        hard = resource.getrlimit(kind)[1]
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(OSError, ValueError):  # a system may lack one of them
            resource.setrlimit(kind, (limit, limit))


def _size() -> int:
    """The size of this process's address space in bytes, 0 where it is unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * resource.getpagesize()


def _limit_cpu(seconds: int) -> None:
    """Let this process use *seconds* more of processor time; then the kernel ends it (SIGXCPU)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime) + seconds
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY or soft < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
