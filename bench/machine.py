"""The machine and the versions, without which the numbers mean nothing."""

import os
import platform
import re
import sqlite3
from importlib import metadata
from pathlib import Path

PACKAGES = (
    *("wirecopy", "feedparser", "feedgen", "lxml", "nh3", "pycurl", "sqlalchemy", "psycopg"),
    *("granian", "starlette", "reader"),
)


def processor() -> str:
    """The processor's name, if the system says."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Installed versions of what is measured; ``-`` for what is not installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "-"
    return found


def describe() -> dict[str, str]:
    """The machine, line by line."""
    load = os.getloadavg()[0]
    return {
        "machine": f"{processor()}, {cores()} cores, load {load:.1f} at the start",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
        f", SQLite {sqlite3.sqlite_version}",
        "versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
    }
