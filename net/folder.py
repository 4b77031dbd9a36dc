"""A folder of this machine into which an agency, or another program, puts files.

Others write here while we read, and may be hostile: no link is followed, no pipe or device is
opened, and a file that changes while it is read is left for later.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from urllib.parse import quote

from net.errors import FetchError
from net.places import File, Got, changing, legible, not_deleted, too_large, unread, walked

_PIECE = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Folder:
    """The folder at *path*, opened; files of up to *max_bytes* are read, with *subfolders* also
    those in its subfolders.

    :raises FetchError: state ``folder`` where it cannot be opened.
    """

    def __init__(self, path: str, max_bytes: int, *, subfolders: bool = False) -> None:
        self._path = path
        self._max = max_bytes
        self._subfolders = subfolders
        try:
            self._folder = os.open(path, _FOLDER)
        except (OSError, ValueError) as error:
            raise self._fault(error) from error

    def close(self) -> None:
        """Leave it."""
        os.close(self._folder)

    def look(self) -> Sequence[File]:
        """The files in it."""
        return walked(self._listed, legible(self._path), subfolders=self._subfolders)

    def _listed(self, within: str) -> Iterator[File | str]:
        try:
            with self._opened(within) as folder, os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        yield entry.name
                        continue
                    with suppress(FileNotFoundError):  # it was there a moment ago
                        yield _file(within + entry.name, entry.stat(follow_symlinks=False))
        except OSError as error:
            if not within:
                raise self._fault(error) from error
            if not isinstance(error, FileNotFoundError):
                yield unread(within, str(error.strerror))

    @contextmanager
    def _opened(self, within: str) -> Iterator[int]:
        """The subfolder *within*, to which no link leads us. What is done there is done by it."""
        opened = os.dup(self._folder)
        try:
            for name in within.split("/")[:-1]:
                below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=opened)
                os.close(opened)
                opened = below
            yield opened
        finally:
            os.close(opened)

    def read(self, file: File, known: str | None) -> Got | None:
        """The bytes of *file*, if nothing touched it since it was seen."""
        name = legible(file.name)
        try:
            # Non-blocking: a pipe put in the file's place would keep us waiting for its writer.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
            within, last = _split(file.name)
            with self._opened(within) as folder:
                opened = os.open(last, flags, dir_fd=folder)
        except OSError as error:
            raise FetchError(
                "unreadable",
                f"{name}: cannot be read: {error.strerror}; let the user of Wirecopy read it",
            ) from error
        try:
            if _mark(os.fstat(opened)) != file.mark:
                raise changing(file.name)
            body = bytearray()
            while piece := os.read(opened, _PIECE):
                body += piece
                if len(body) > self._max:
                    raise too_large(file.name, self._max)
            if _mark(os.fstat(opened)) != file.mark:
                raise changing(file.name)
        except OSError as error:
            raise FetchError("unreadable", f"{name}: cannot be read: {error.strerror}") from error
        finally:
            os.close(opened)
        path = os.path.join(os.fsencode(self._path), os.fsencode(file.name))  # noqa: PTH118
        return Got(f"file://{quote(path)}", bytes(body), file.mark)

    def remove(self, file: File) -> None:
        """Delete *file*, unless it is another by now."""
        try:
            within, last = _split(file.name)
            with self._opened(within) as folder:
                about = os.stat(last, dir_fd=folder, follow_symlinks=False)
                if _mark(about) == file.mark:
                    os.unlink(last, dir_fd=folder)
        except FileNotFoundError:
            return
        except OSError as error:
            remedy = "let the user of Wirecopy write in the folder"
            raise not_deleted(file.name, str(error.strerror), remedy) from error

    def _fault(self, error: OSError | ValueError) -> FetchError:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return FetchError(
            "folder",
            f"{legible(self._path)}: cannot be opened: {why}; make it, let the user of Wirecopy"
            " read it, or correct the wire's url",
        )


def _split(name: str) -> tuple[str, str]:
    """The subfolder that *name* is in, with its last slash, and its name there."""
    folder, slash, last = name.rpartition("/")
    return folder + slash, last


def _file(name: str, about: os.stat_result) -> File:
    fault = None
    if not stat.S_ISREG(about.st_mode):
        kind = "a link, which is not followed" if stat.S_ISLNK(about.st_mode) else "no file"
        fault = FetchError("not-a-file", f"{legible(name)}: is {kind}; put the file itself there")
    return File(
        name,
        about.st_size,
        _mark(about),
        order=about.st_mtime,
        changed=about.st_ctime,  # no program can set it, as it can the time of the bytes
        fault=fault,
    )


def _mark(about: os.stat_result) -> str:
    """Other for other bytes, however equal their size and the time that their writer claims."""
    return f"{about.st_size} {about.st_mtime_ns} {about.st_ctime_ns} {about.st_ino}"
