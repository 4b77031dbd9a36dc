"""Places where a wire's files lie: what they hold, and what their entries are.

A folder of this machine (:mod:`net.folder`), a server of files, a list of addresses: each can say
what is there, read one file, and most can remove one. Which are read, and when, is decided
elsewhere (:mod:`ingest.arrivals`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from net.errors import FetchError

MOST_FILES = 50_000
"""Files that one place may hold. Each is asked about at every poll, and costs some 20 µs of
processor time then (measured of a folder of this machine): as many cost a second."""

MOST_LEVELS = 8
"""Levels of subfolders that are entered, where that is wished."""

_ENDINGS = (
    *(".tmp", ".temp", ".part", ".partial", ".filepart", ".inprogress", ".in_progress"),
    *(".uploading", ".upload", ".writing", ".incomplete", ".crdownload", ".lock", ".swp", "~"),
)
"""How programs that upload or save end the names of what is not whole yet."""

OF_ONE_FILE: Final = frozenset({"not-a-file", "unreadable", "too-large", "changing"})
"""States that concern one file; the others of its place can be read."""

STATES: Final = (*sorted(OF_ONE_FILE), "folder", "login", "host-key", "too-many", "no-list")
"""States of a wire that a place can lead to, besides those of :mod:`net.client`."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as its place tells of it.

    ``name`` is that in its place, after the names of the subfolders that it is in, and slashes.
    ``mark`` changes when its bytes do. ``order`` is when it came, in seconds since any moment, to
    sort by. ``changed`` is when anything of it last changed, in seconds since 1970 by this
    machine's clock, None where nobody can tell. ``ask``: only reading it tells whether it is
    another. ``fault`` says why it cannot be read.
    """

    name: str
    size: int
    mark: str
    order: float = 0.0
    changed: float | None = None
    ask: bool = False
    fault: FetchError | None = None


@dataclass(frozen=True, slots=True)
class Got:
    """The bytes of a file and the address that they came from; ``mark`` is what to know it by."""

    url: str
    body: bytes
    mark: str
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Remote:
    """A folder on a server, and how to come to it: the folder *path* of *host*, as *user* with
    *secret*. Files of up to *max_bytes* are read, with *subfolders* also those in its subfolders,
    and all of it within *seconds*."""

    host: str
    port: int | None
    path: str
    user: str
    secret: str | None = field(repr=False)
    allow_private: bool
    max_bytes: int
    subfolders: bool
    seconds: float


class Place(Protocol):
    """A place that is open for one poll. Each method raises :class:`~net.errors.FetchError`: with a
    state of :data:`OF_ONE_FILE` where others can still be read."""

    def look(self) -> Sequence[File]:
        """What is there now."""

    def read(self, file: File, known: str | None) -> Got | None:
        """The bytes of *file*; None where they are those that were *known* by that mark."""

    def remove(self, file: File) -> None:
        """Delete *file*, unless it has changed since it was seen."""

    def close(self) -> None:
        """Leave the place."""


def walked(
    listed: Callable[[str], Iterable[File | str]], where: str, *, subfolders: bool
) -> list[File]:
    """The files of the place that messages call *where*, with *subfolders* also those in its
    subfolders.

    *listed* gives what is in a folder of it, ``""`` for the place itself, else its names with a
    slash after each: files, and of folders their names.

    :raises FetchError: state ``too-many``.
    """
    files: list[File] = []
    folders, count = [""], 0
    for folder in folders:  # which grows meanwhile
        for entry in listed(folder):
            count += 1
            if count > MOST_FILES:
                raise too_many(where)
            if isinstance(entry, File):
                files.append(entry)
            elif subfolders and folder.count("/") < MOST_LEVELS and _is_entered(entry):
                folders.append(f"{folder}{entry}/")
    return files


def is_unfinished(name: str) -> bool:
    """Whether a file or folder is hidden, or its name says that somebody is still writing it."""
    return name.rpartition("/")[2].startswith(".") or name.lower().endswith(_ENDINGS)


def _is_entered(folder: str) -> bool:
    return folder != "lost+found" and not is_unfinished(folder)  # that one is the file system's


def unread(folder: str, why: str) -> File:
    """What stands for the subfolder *folder* where it cannot be looked into."""
    said = f"{legible(folder)}: cannot be looked into: {why}; let the user of Wirecopy read it"
    return File(folder, 0, "", fault=FetchError("folder", said))


def too_large(name: str, most: int) -> FetchError:
    """What is wrong with a file of more than *most* bytes."""
    return FetchError("too-large", f"{legible(name)}: more than {most:,} bytes")


def changing(name: str) -> FetchError:
    """Why a file was not taken that somebody writes to."""
    return FetchError("changing", f"{legible(name)}: was written to while it was read")


def not_deleted(name: str, why: str, remedy: str = "ask the agency") -> FetchError:
    """What is wrong where a file that was taken stays."""
    return FetchError(
        "unreadable",
        f"{legible(name)}: was taken and cannot be deleted: {why}; {remedy}, or take out"
        " delete_taken",
    )


def too_many(where: str) -> FetchError:
    """What is wrong with a place of more than :data:`MOST_FILES` files."""
    return FetchError(
        "too-many",
        f"{where} holds more than {MOST_FILES:,} files; have old ones deleted, or set delete_taken",
    )


def legible(name: str) -> str:
    """*name*, which somebody else chose, as it may stand in a message."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return shown if len(shown) <= 100 else f"{shown[:99]}…"
