"""A folder of files for a web server to serve: each whole or not there, written only when changed.

Beside a file that is worth packing stand ``NAME.gz`` and ``NAME.zst``. What was written is listed
in a manifest, so that nothing is overwritten or deleted that somebody else put there; only below
:data:`OURS` a file is ours by its name. One process at a time writes (flock).
"""

import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from publish.document import zstd_whole
from stories import clock, folders
from stories.errors import ExportError

OWN = ".wirecopy"
"""The folder in the folder that is not served: lock, manifest, and what web servers include."""

OURS = re.compile(r"stories/|pictures/|log/(?:[0-9]+/)?tile/", re.ASCII)
"""Where there are too many files to list them."""

PACKINGS = (".gz", ".zst")

MANY = 100
"""Files from which on the whole machine's buffers are written to disk at once, not file by file."""

_SEGMENT = re.compile(r"(?:\.well-known|[A-Za-z0-9_-][A-Za-z0-9_.-]*)", re.ASCII)

log = structlog.get_logger(__name__)


class BusyError(ExportError):
    """Another process is writing the folder."""


class Folder:
    """A folder that this process alone writes until it is closed. Get one from :func:`opened`.

    ``id`` tells it from every other folder; ``notes`` is what the writer wants to know next time,
    anything JSON can hold. Both are in the manifest. What is :meth:`put` is written by
    :meth:`flush`, in that order.

    :raises OSError: from every method, when disk or permissions do not allow it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._manifest = root / OWN / "manifest.json"
        found = self._read()
        self.id: str = found["id"] if found else secrets.token_hex(8)
        self.files: set[str] = set(found["files"]) if found else set()
        self.notes: dict[str, Any] = found["notes"] if found else {}
        self._saved = json.dumps(found)
        self._staged: dict[Path, Path | None] = {}  # what replaces a file; None: it goes
        self._made: set[Path] = set()

    def _read(self) -> dict[str, Any] | None:
        try:
            found = json.loads(self._manifest.read_bytes())
        except FileNotFoundError:
            if strangers := sorted(p.name for p in self.root.iterdir() if p.name not in _EMPTY):
                raise ExportError(
                    f"{self.root}: holds what Wirecopy did not write ({', '.join(strangers[:3])});"
                    " name a folder that is empty, or not there yet"
                ) from None
            return None
        except ValueError:
            raise ExportError(
                f"{self._manifest}: cannot be read; empty the folder, and it is written anew"
            ) from None
        assert isinstance(found, dict)
        return found

    def path(self, name: str) -> Path:
        """Where the file *name* is, as ``feeds/india.rss``.

        :raises ExportError: for one that would not be in the folder, or be hidden.
        """
        if not all(_SEGMENT.fullmatch(segment) for segment in name.split("/")):
            raise ExportError(f"{name!r}: cannot be the name of a file in {self.root}")
        return self.root / name

    def has(self, name: str) -> bool:
        """Whether *name* is there, or will be with the next :meth:`flush`."""
        path = self.path(name)
        return path in self._staged or path.is_file()

    def put(
        self, name: str, body: bytes, gzipped: bytes | None = None, modified: datetime | None = None
    ) -> bool:
        """Have *name* hold *body*; False when it does, or when a file there is not ours.

        *gzipped* is the body packed, None if that is not worth it. A file's date is *modified* or
        else now, in whole seconds, and never that of other bytes: servers make validators of it.
        """
        path = self.path(name)
        try:
            before, held = path.stat().st_mtime_ns, path.read_bytes()
        except FileNotFoundError:
            before, held = None, None
        listed = not OURS.match(name)
        if held is not None and listed and name not in self.files:
            log.warning("left alone, as somebody else put it there", file=str(path))
            return False
        if path not in self._staged and held == body and self._packed(path, before, gzipped):
            return False
        date = int((modified or clock.now()).timestamp())
        if before is not None:
            date = before // 10**9 if held == body else max(date, before // 10**9 + 1)
        if listed:
            self.files.add(name)
        self._make(path.parent)
        packed = [gzipped, zstd_whole(body)] if gzipped is not None else [None, None]
        for ending, bytes_ in zip(PACKINGS, packed, strict=True):
            self._stage(path.with_name(path.name + ending), bytes_, date)
        # Last, so that after a crash the packed ones are never taken for done.
        self._stage(path, body, date)
        return True

    def _packed(self, path: Path, date: int | None, gzipped: bytes | None) -> bool:
        """Whether what is packed beside *path* is of the same *date*, or rightly not there."""
        wanted = None if gzipped is None else date
        return all(_date(path.with_name(path.name + ending)) == wanted for ending in PACKINGS)

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)  # for the server's user, whatever the umask
            self._made.add(folder.parent)

    def _stage(self, path: Path, body: bytes | None, date: int) -> None:
        if body is None:
            self._staged[path] = None
            return
        new = path.with_name(f".{path.name}.new")
        try:
            with new.open("wb") as file:
                os.fchmod(file.fileno(), 0o644)
                file.write(body)
            os.utime(new, (date, date))
        except OSError:
            with suppress(OSError):
                new.unlink()
            raise
        self._staged[path] = new

    def flush(self) -> None:
        """Write what was put to the disk, and let it take its place."""
        if not self._staged:
            return
        self.save()  # first: a file that is there and not listed would be somebody else's
        staged, self._staged = self._staged, {}
        made, self._made = self._made, set()
        _sync(new for new in staged.values() if new is not None)
        for path, new in staged.items():
            if new is None:
                path.unlink(missing_ok=True)
            else:
                new.replace(path)
        _sync({path.parent for path in staged} | made)

    def drop(self, name: str) -> bool:
        """Delete *name*, if it is ours, and what is packed beside it; False if it is not there."""
        path = self.path(name)
        if not OURS.match(name) and name not in self.files:
            return False
        there = path.exists()
        for one in (*(path.with_name(path.name + ending) for ending in PACKINGS), path):
            one.unlink(missing_ok=True)
            one.with_name(f".{one.name}.new").unlink(missing_ok=True)
        self.files.discard(name)
        with suppress(OSError):  # others are in it, or it is not there
            if path.parent != self.root:
                path.parent.rmdir()
        return there

    def put_own(self, name: str, body: bytes) -> None:
        """Have a file of our own, which is not served, hold *body*, at once."""
        path = self.root / OWN / name
        with suppress(FileNotFoundError):
            if path.read_bytes() == body:
                return
        self._stage(path, body, int(clock.now().timestamp()))
        new = self._staged.pop(path)
        assert new is not None
        _sync([new])
        new.replace(path)
        _sync([path.parent])

    def save(self) -> None:
        """Write the manifest, if it is another than before."""
        now = {"id": self.id, "files": sorted(self.files), "notes": self.notes}
        text = json.dumps(now)
        if text != self._saved:
            self.put_own(self._manifest.name, text.encode())
            self._saved = text


_EMPTY = (OWN, "lost+found")
"""What may be in a folder that is to become ours."""


@contextmanager
def opened(root: Path, *, wait: bool) -> Iterator[Folder]:
    """The folder *root*, made if it is not there, for this process alone. While another has it,
    *wait*, or not.

    :raises BusyError: when another process has it.
    :raises ExportError: when it holds what is not ours.
    :raises OSError: when it cannot be made or read.
    """
    own = root / OWN
    if root.exists() and not root.is_dir():
        raise ExportError(f"{root}: is a file; name a folder, which is made if it is not there")
    for one in (root, own):
        if not one.is_dir():
            one.mkdir(parents=True, exist_ok=True)
            one.chmod(0o755)
    lock = os.open(own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise BusyError(f"{root}: another process is writing it") from None
        folder = Folder(root)
        folder.save()  # a new one is ours from now on, also if this process ends at once
        yield folder
        folder.flush()
        folder.save()
    finally:
        os.close(lock)


def _date(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _sync(paths: Iterable[Path]) -> None:
    """Have files and folders on the disk, so that no power cut takes back what was done."""
    every = list(paths)
    if len(every) > MANY:
        os.sync()
        return
    for path in every:
        folders.to_disk(path)
