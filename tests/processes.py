"""Waiting for what other processes do, without depending on how fast they are."""

import time
from collections.abc import Callable
from pathlib import Path


def until(happened: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something *happened*; fail when it has not after *seconds*, far more than due."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"did not happen in {seconds} seconds"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """True when no process *pid* runs; a zombie that nobody has fetched yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
