"""Backups: a folder with a copy of the store, the private keys or not, and a manifest of digests.

One is written beside its place and takes it whole, so that a folder with the name asked for is a
backup. What it holds is read again by the digests before anything is restored from it.
"""

import hashlib
import shutil
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from desk import show
from stories import clock, folders, keys
from stories.config import Config
from stories.db import Connection, Store, backup, connect, proofs
from stories.db.engine import HEAD
from stories.errors import SigningError, WirecopyError
from stories.models import Instant
from stories.transparency import Begun, begin_anew

MANIFEST = "manifest.json"
STORE = "store.sqlite3"
KEYS = "keys"


class BackupError(WirecopyError):
    """A backup cannot be written, is no good one, or cannot be restored here."""


class File(BaseModel):
    """A file of a backup: its length in bytes, and its SHA-256 in hexadecimal digits."""

    model_config = ConfigDict(frozen=True)

    size: int
    sha256: str


class Manifest(BaseModel):
    """What a backup is of, and which files it has.

    ``at`` is when its snapshot was taken, ``store`` the revision of its tables, ``wirecopy`` the
    release that wrote it, ``keys`` whether it has the private keys, ``rows`` how many the store
    has.
    """

    # Members that a later release adds are passed over: its ``type`` says whether they matter.
    model_config = ConfigDict(frozen=True)

    type: Literal["wirecopy-backup-1"] = "wirecopy-backup-1"
    at: Instant
    wirecopy: str
    store: str = Field(pattern=r"^[0-9]{4}$")
    keys: bool
    rows: int
    files: dict[str, File]

    @property
    def key_files(self) -> list[str]:
        """The names of the files of private keys."""
        return sorted(name for name in self.files if name.startswith(f"{KEYS}/"))


def write(store: Store, config: Config, place: Path, *, with_keys: bool) -> Manifest:
    """Back the *store* up into a new folder at *place*, with the private keys or without.

    It is of one moment, whatever is written meanwhile, and holds nobody up.

    :raises BackupError: when something is there already.
    :raises SigningError: when a key that is needed cannot be read.
    :raises OSError: when it cannot be written.
    """
    place = place.absolute()
    _refuse_what_is_there(place)
    folders.make(place.parent)
    draft = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".partial", dir=place.parent))
    try:
        at = clock.now()  # before the snapshot: what is issued later may be in it, nothing misses
        with store.read() as conn:
            rows = _save(conn, draft / STORE)
            if with_keys:
                _save_keys(conn, config, draft / KEYS)
        found = {str(one.relative_to(draft)): _looked_at(one) for one in _files(draft)}
        manifest = Manifest(
            at=at,
            wirecopy=metadata.version("wirecopy"),
            store=HEAD,
            keys=with_keys,
            rows=rows,
            files=found,
        )
        _write(draft / MANIFEST, manifest.model_dump_json(indent=2).encode() + b"\n")
        for one in (*_files(draft), *([draft / KEYS] if with_keys else []), draft):
            folders.to_disk(one)
        _refuse_what_is_there(place)
        draft.rename(place)
        folders.to_disk(place.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest


def _save(conn: Connection, file: Path) -> int:
    folders.make_file_private(file)
    rows = backup.rows(conn)
    with show.progress("copying the store", rows) as told:
        backup.save(conn, file, told)
    return rows


def _save_keys(conn: Connection, config: Config, folder: Path) -> None:
    """Copy the files of the store's keys. Of one that signs no more the file may be gone."""
    folder.mkdir(mode=0o700)
    rows = proofs.keys(conn)
    needed = {keys.LOG_FILE, *(f"{row.kid}.pem" for row in keys.needed(rows, clock.now()))}
    for kid in ["log", *(row.kid for row in rows)]:
        path = config.keys_folder / f"{kid}.pem"
        try:
            keys.write_key_file(folder / path.name, keys.read_key_file(path))
        except SigningError as error:
            if path.name in needed:
                raise BackupError(f"{error}; or leave the keys out: --without-keys") from error


def _refuse_what_is_there(place: Path) -> None:
    # An empty folder may be the mount point of a disk; a rename would not reach it.
    if place.exists() or place.is_symlink():
        raise BackupError(f"{place}: is there already; name a folder that is not")


# Reading


def read(folder: Path) -> Manifest:
    """The manifest of the backup in *folder*, whose files were all read and are those it lists.

    :raises BackupError: when it is none, is damaged, or was written by a newer Wirecopy.
    """
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BackupError(f"{folder}: is no backup: it has no {MANIFEST}") from None
    except ValidationError as error:
        what = ", ".join(".".join(map(str, one["loc"])) or "JSON" for one in error.errors())
        raise BackupError(
            f"{folder}/{MANIFEST}: cannot be read ({what}): it is damaged, or of a newer Wirecopy;"
            " take another backup, or upgrade Wirecopy"
        ) from None
    if manifest.store > HEAD:
        raise BackupError(
            f"{folder}: its store {manifest.store} (Wirecopy {manifest.wirecopy}) is newer than"
            f" this Wirecopy, which knows {HEAD}; upgrade Wirecopy"
        )
    there = {str(one.relative_to(folder)) for one in _files(folder)} - {MANIFEST}
    if STORE not in manifest.files or there != manifest.files.keys():
        odd = ", ".join(sorted(there ^ {STORE, *manifest.files}))
        raise BackupError(f"{folder}: missing, or not of the backup: {odd}; take another backup")
    for name, stated in manifest.files.items():
        if _looked_at(folder / name) != stated:
            raise BackupError(
                f"{folder}/{name}: is not as it was written, its digest differs; take another"
                " backup"
            )
    return manifest


def _files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if not one.is_dir())


def _looked_at(file: Path) -> File:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
        return File(size=opened.tell(), sha256=digest)


def _write(file: Path, data: bytes) -> None:
    folders.make_file_private(file)
    file.write_bytes(data)


# Restoring


def restore(
    config: Config, folder: Path, *, moved: bool = False, unvouched: bool = False
) -> tuple[Manifest, Begun | None]:
    """Restore the backup in *folder* into the configured store, which has to be empty, and its keys
    into the folder of keys.

    Another log begins then, as nobody knows what was logged after the backup; unless the store
    only *moved*.

    :raises BackupError: when it is no good backup, or something is in the way; nothing is done.
    :raises SigningError: when no key of before is here, unless *unvouched* says that it need not.
    """
    manifest = read(folder)
    target = connect(config.database)
    try:
        target.migrate()
        with target.read() as conn:
            _refuse_to_overwrite(target, conn)
        _put_keys(config, folder, manifest)
        with backup.opened(folder / STORE, config.data) as copy:
            rows = backup.rows(copy)
            with show.progress("restoring the store", rows) as told, target.write() as conn:
                _refuse_to_overwrite(target, conn)
                backup.load(copy, conn, told)
                if moved or proofs.log_head(conn) is None:
                    return manifest, None
                return manifest, begin_anew(conn, config, manifest.at, unvouched=unvouched)
    finally:
        target.close()


def _refuse_to_overwrite(store: Store, conn: Connection) -> None:
    if what := backup.holds(conn):
        raise BackupError(
            f"database {store.name}: holds {what} already; restore into an empty one: name another"
            " (data or database_url), or move that away"
        )


def _put_keys(config: Config, folder: Path, manifest: Manifest) -> None:
    found = {config.keys_folder / Path(name).name: folder / name for name in manifest.key_files}
    for place, source in found.items():
        if place.exists() and _public(place) != _public(source):
            raise BackupError(f"{place}: another key is there already; move it away")
    for place, source in found.items():
        keys.write_key_file(place, keys.read_key_file(source))


def _public(file: Path) -> bytes:
    return keys.read_key_file(file).public_key().public_bytes_raw()


def told(begun: Begun) -> list[str]:
    """What a person has to know of a log that has begun, in sentences."""
    vouchers = ", ".join(begun.vouchers)
    return [
        f"the log {begun.former} ends with {begun.size} receipts, which stay provable while /log is"
        f" served; {begun.origin} begins",
        f"{vouchers} {'vouches' if len(begun.vouchers) == 1 else 'vouch'} for it"
        if vouchers
        else "nobody vouches for it: verifiers that remember the old log refuse the new one until"
        " they are told to begin anew",
    ]
