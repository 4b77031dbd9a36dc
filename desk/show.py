"""Output: a table on a terminal, plain columns in a pipe, JSON when asked."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, NoReturn

from stories import clock

if TYPE_CHECKING:
    from rich.console import Console

# Controls (C0, C1) and overrides of direction in a headline could take over an operator's terminal.
_UNSAFE = dict.fromkeys((*range(32), *range(127, 160)), "�")
_UNSAFE |= dict.fromkeys((*range(8234, 8239), *range(8294, 8298)))


def end_quietly() -> NoReturn:
    """End this process, whose output nobody reads any more, as well done."""
    # Python flushes standard output once more when it ends, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def settle_streams() -> None:
    """Give this process standard streams that it can use, whatever it was started with.

    A closed one leads to /dev/null, or the next file opened would get its number, and what is said
    on it. Letters that a terminal's encoding lacks are replaced.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)  # its number is that of the first one closed, if any
    while nowhere < 3:
        nowhere = os.dup(nowhere)
    os.close(nowhere)
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors != "backslashreplace":
            stream.reconfigure(errors="replace")


def console() -> "Console":
    """Where results go: standard output, coloured only on a terminal."""
    from rich.console import Console  # only what prints a table waits for it

    class Output(Console):
        """A reader who closes the pipe (``wirecopy stories | head``) is no error."""

        def on_broken_pipe(self) -> None:
            end_quietly()

    return Output(width=None if sys.stdout.isatty() else 200, highlight=False)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[..., None]]:
    """A progress bar on a terminal, silence in a pipe; called with steps done, 1 if not said."""
    if not sys.stderr.isatty():
        yield lambda step=1: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda step=1: bar.advance(task, step)


def safe(value: object) -> str:
    """*value* as one line of text without effect on a terminal."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return when(value)
    return str(value).translate(_UNSAFE)


def when(moment: datetime | None) -> str:
    """An instant as an operator reads it: UTC, to the second."""
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%SZ")


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago (or in how long) *moment* is, as seen *now*: ``42s ago``, ``in 3m``."""
    if moment is None:
        return "never"
    seconds = ((now or clock.now()) - moment).total_seconds()
    size = abs(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if size >= 2 * length:
            text = f"{size / length:.0f}{unit}"
            break
    else:
        text = f"{size:.0f}s"
    return f"{text} ago" if seconds >= 0 else f"in {text}"


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], empty: str) -> None:
    """Print *rows*, one line each, under *columns*; *empty* when there are none."""
    if not rows:
        say(empty)
        return
    from rich.markup import escape
    from rich.table import Table

    out = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        out.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        out.add_row(*(escape(safe(row.get(c))) for c in columns))
    console().print(out)


def facts(pairs: Mapping[str, object]) -> None:
    """Print names and values, one to a line; empty ones are left out."""
    from rich.markup import escape
    from rich.table import Table

    out = Table(box=None, show_header=False, pad_edge=False)
    out.add_column(style="bold", no_wrap=True)
    out.add_column(overflow="fold")
    for name, value in pairs.items():
        if value not in (None, "", (), []):
            out.add_row(name.replace("_", " "), escape(safe(value)))
    console().print(out)


def say(text: str) -> None:
    """Print one line, which may contain text of a wire."""
    try:
        print(safe(text), flush=True)
    except BrokenPipeError:
        end_quietly()


def complain(text: str) -> None:
    """One line (or a few) on standard error, without the secrets that addresses carry."""
    from stories.logs import masked

    for line in masked(text).split("\n"):
        print(f"wirecopy: {safe(line)}", file=sys.stderr)


def as_json(value: Any) -> None:
    """Print *value* as JSON: instants in ISO 8601, durations as configured, the number of bytes."""
    text = json.dumps(value, default=_plain, indent=2, ensure_ascii=False)
    raw(text.encode("utf-8", "replace") + b"\n")


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    if isinstance(value, timedelta):
        return f"{int(value.total_seconds())}s"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    raise TypeError(f"{type(value).__name__} is nothing to show")


def raw(data: bytes) -> None:
    """Write bytes to standard output exactly."""
    sys.stdout.flush()
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        end_quietly()
