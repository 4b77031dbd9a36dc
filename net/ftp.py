"""A folder of an FTP server, also over TLS: ``ftp://`` (RFC 959), ``ftps://`` (RFC 4217).

``ftps`` asks for TLS before it logs in, or begins with it at port 990, and refuses to go on
without. What is there comes by MLSD (RFC 3659 §7), or by LIST as Unix and Windows write it; a
server that knows only names cannot say whether a file has changed, and is refused. Data comes from
the address that was judged, whatever the server says of another.
"""

import re
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from ftplib import FTP, FTP_TLS, Error, error_perm, error_temp
from typing import Any
from urllib.parse import quote

from net.client import authorities
from net.errors import FetchError
from net.places import (
    MOST_FILES,
    File,
    Got,
    Remote,
    legible,
    not_deleted,
    too_large,
    too_many,
    unread,
    walked,
)
from net.reach import fault_of, reach

IMPLICIT = 990
"""The port at which TLS comes before the first word."""

_PIECE = 1 << 16
_UNIX = re.compile(r"([-a-z])\S{9,}\s+\d+\s+\S+\s+\S+\s+(\d+)\s+(\w{3}\s+\d+\s+[\d:]+)\s(.+)")
_WINDOWS = re.compile(r"(\d\d-\d\d-\d{2,4}\s+\d\d:\d\d[AP]M)\s+(\d+|<DIR>)\s+(.+)", re.IGNORECASE)


class Ftp:
    """The folder *of* a server of FTP, with *tls* or without.

    :raises FetchError: where it cannot be had.
    """

    def __init__(self, of: Remote, *, tls: bool) -> None:
        host, path, port = of.host, of.path, of.port or 21
        self._host, self._path, self._max = host, path, of.max_bytes
        self._subfolders, self._home = of.subfolders, ""
        self._tls = tls
        self._end = time.monotonic() + of.seconds
        sock = reach(host, port, allow_private=of.allow_private, seconds=of.seconds)
        self._session = _Session(context=_context(), timeout=of.seconds, encoding="latin-1")
        try:
            self._session.begin(sock, host, implicit=tls and port == IMPLICIT)
            self._session.login(of.user or "anonymous", of.secret or "", secure=tls)
            if tls:
                self._session.prot_p()
        except error_perm as error:
            self._session.close()
            raise FetchError(
                "login",
                f"{host}: {_plain(error)}; check the wire's user and its secret"
                + (", and whether the server has TLS" if tls else ""),
            ) from error
        except (Error, OSError, EOFError) as error:
            self._session.close()
            raise fault_of(error, host) from error
        try:
            self._session.cwd(_raw(path))
            if of.subfolders:
                self._home = self._session.pwd().rstrip("/")
        except (Error, OSError, EOFError) as error:
            self._session.close()
            if not isinstance(error, error_perm):
                raise fault_of(error, host) from error
            raise FetchError(
                "folder", f"{host}: {legible(path)}: {_plain(error)}; check the wire's url"
            ) from error

    def close(self) -> None:
        """Leave it."""
        self._session.close()

    def look(self) -> Sequence[File]:
        """The files in the folder."""
        found = walked(self._listed, f"{self._host}: {self._path}", subfolders=self._subfolders)
        if self._subfolders:
            try:
                self._enter("")
            except error_perm as error:
                raise fault_of(error, self._host) from error
        return found

    def _listed(self, within: str) -> list[File | str]:
        if within:
            try:
                self._enter(within)
            except error_perm as error:
                return [unread(within, _plain(error))]
        return [
            replace(entry, name=within + entry.name) if isinstance(entry, File) else entry
            for entry in self._here()
        ]

    def _enter(self, within: str) -> None:
        """Go to the subfolder *within*; not by a path in LIST, where servers look for options."""
        try:
            self._session.cwd(f"{self._home}/{_raw(within.rstrip('/'))}")
        except error_perm:
            raise
        except (Error, OSError, EOFError) as error:
            raise fault_of(error, self._host) from error

    def _here(self) -> list[File | str]:
        """The files and the names of folders where we are."""
        try:
            return [entry for line in self._lines("MLSD") if (entry := listed_by_mlsd(line))]
        except error_perm:  # it knows no MLSD
            pass
        except (Error, OSError, EOFError) as error:
            raise fault_of(error, self._host) from error
        try:
            lines = self._lines("LIST")
        except (Error, OSError, EOFError) as error:
            if isinstance(error, error_perm | error_temp) and str(error)[:3] in ("450", "550"):
                return []  # so some say that nothing is there
            raise fault_of(error, self._host) from error
        found = [listed_by_list(line) for line in lines]
        if lines and all(entry is None for entry in found) and not all(map(_is_no_file, lines)):
            raise FetchError(
                "protocol",
                f"{self._host}: its list cannot be read, which begins {legible(lines[0])!r}; ask"
                " the agency for SFTP",
            )
        return [entry for entry in found if entry is not None]

    def read(self, file: File, known: str | None) -> Got | None:
        """The bytes of *file*."""
        name = legible(file.name)
        try:
            body = self._bytes(file)
        except error_perm as error:
            raise FetchError("unreadable", f"{name}: {_plain(error)}; ask the agency") from error
        except (Error, OSError, EOFError) as error:
            raise fault_of(error, self._host) from error
        if len(body) != file.size:  # cut off, or written to since: the next list says which
            raise FetchError("changing", f"{name}: {len(body):,} bytes came of {file.size:,}")
        scheme = "ftps" if self._tls else "ftp"
        where = quote(f"{self._path.strip('/')}/{file.name}".lstrip("/"), errors="surrogateescape")
        return Got(f"{scheme}://{self._host}/{where}", body, file.mark)

    def remove(self, file: File) -> None:
        """Delete *file*."""
        try:
            self._session.delete(_raw(file.name))
        except error_perm as error:
            raise not_deleted(file.name, _plain(error)) from error
        except (Error, OSError, EOFError) as error:
            raise fault_of(error, self._host) from error

    def _bytes(self, file: File) -> bytes:
        body = bytearray()
        with self._session.transfercmd(f"RETR {_raw(file.name)}") as connection:
            while piece := connection.recv(_PIECE):
                body += piece
                if len(body) > self._max:
                    raise too_large(file.name, self._max)
                self._in_time()
            if isinstance(connection, ssl.SSLSocket):
                with suppress(OSError):  # many hang up instead; the size says whether all came
                    connection.unwrap()
        self._session.voidresp()
        return bytes(body)

    def _lines(self, command: str) -> list[str]:
        lines: list[str] = []

        def take(line: str) -> None:
            lines.append(line)
            self._in_time()
            if len(lines) > MOST_FILES:
                raise too_many(f"{self._host}: {legible(self._path)}")

        self._session.retrlines(command, take)
        # A list is asked for as text. What is read after it must not be: line ends would change.
        self._session.voidcmd("TYPE I")
        return [line.encode("latin-1").decode("utf-8", "surrogateescape") for line in lines]

    def _in_time(self) -> None:
        if time.monotonic() > self._end:
            raise TimeoutError


class _Session(FTP_TLS):
    """ftplib's client on a socket of ours. For data it goes on with the TLS session of the
    commands, without which many servers give none."""

    def begin(self, sock: Any, host: str, *, implicit: bool) -> None:
        """Read the server's greeting on *sock*."""
        self.host, self.af = host, sock.family
        self.sock = self.context.wrap_socket(sock, server_hostname=host) if implicit else sock
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()

    def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[Any, int | None]:
        """As ftplib has it, with the TLS session of the commands."""
        connection, size = FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - agencies have it
        if getattr(self, "_prot_p", False):
            session = getattr(self.sock, "session", None)
            connection = self.context.wrap_socket(
                connection, server_hostname=self.host, session=session
            )
        return connection, size


def _context() -> ssl.SSLContext:
    file, folder = authorities()
    return ssl.create_default_context(cafile=file, capath=folder)


def listed_by_mlsd(line: str) -> File | str | None:
    """The file of a line of MLSD (RFC 3659 §7.2), or a folder's name; None for what is neither."""
    stated, _, name = line.partition(" ")
    pairs = (fact.partition("=") for fact in stated.split(";"))
    facts = {key.lower(): value for key, equals, value in pairs if equals}
    kind = facts.get("type", "").lower()
    if kind not in ("file", "dir") or not _is_name(name):
        return None
    if kind == "dir":
        return name
    size, modified = facts.get("size", ""), facts.get("modify", "")
    return File(
        name,
        int(size) if re.fullmatch(r"[0-9]{1,15}", size) else 0,
        legible(f"{size} {modified} {facts.get('unique', '')}"),
        order=float(modified) if re.fullmatch(r"[0-9]{14}(\.[0-9]{1,6})?", modified) else 0.0,
    )


def listed_by_list(line: str) -> File | str | None:
    """The file of a line of LIST, as Unix or Windows write it, or a folder's name; None for what is
    neither."""
    if match := _UNIX.fullmatch(line):
        kind, size, when, name = match.groups()
    elif match := _WINDOWS.fullmatch(line):
        when, size, name = match.groups()
        kind = "d" if size.upper() == "<DIR>" else "-"
    else:
        return None
    if kind not in "-d" or not _is_name(name):
        return None
    if kind == "d":
        return name
    return File(name, int(size[:15]), f"{size} {when}")


def _is_no_file(line: str) -> bool:
    """Whether a line of LIST is of a folder or a link, or a sum at the top."""
    return bool(re.match(r"total \d+|[bcdlps]\S{9,}\s|.*<DIR>", line))


def _is_name(name: str) -> bool:
    """Whether *name* is that of a file in the folder, and of nothing elsewhere."""
    return bool(re.fullmatch(r"[^/\0\r\n]+", name)) and name not in (".", "..")


def _raw(name: str) -> str:
    """*name* as its bytes are to be sent, one character each."""
    return name.encode("utf-8", "surrogateescape").decode("latin-1")


def _plain(error: Exception) -> str:
    return legible(str(error)).rstrip(". ")
