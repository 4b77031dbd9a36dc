"""Signing keys: which is in use, making, rotating and revoking them, and their files.

Private keys are files in one folder (``signing.keys``), which every process that signs must have;
on several machines it is shared, or copied before the second one starts. What is public of them is
in the database. The log has a key of its own, so that losing or revoking a statement key leaves the
log as it is.
"""

import json
import os
import secrets
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from stories import clock, folders
from stories.config import Config
from stories.db import Connection, Store, outbox, proofs
from stories.db.proofs import KeyRow, LogHead
from stories.errors import SigningError, UnknownNameError
from wirecopy import tlog
from wirecopy.encoding import from_base64url, to_base64url
from wirecopy.jose import Signer, jwk

SUCCESSION = timedelta(days=1)
"""How long a key stays valid after another took its place: clocks differ, and a statement may be
on its way."""

SECOND = timedelta(seconds=1)

LOG_FILE = "log.pem"

LOST_LOG = "if it is lost, begin a new log: wirecopy keys --new-log"
LOST = "if it is lost, make a new key: wirecopy keys --rotate --now"

_LARGEST_FILE = 10_000
"""Bytes of a key file; an Ed25519 key takes 119."""


class ElsewhereError(SigningError):
    """The keys are on another machine, or in another container."""


def ensure_keys(store: Store, config: Config) -> None:
    """Make the first key and the log, where there are none.

    Any number of processes may call it at once: one makes them, the others find them.

    :raises SigningError: when the key files cannot be written.
    """
    with store.read() as conn:
        if proofs.keys(conn) and proofs.log_head(conn) is not None:
            return
    with store.write() as conn:
        proofs.lock_keys(conn)
        if proofs.log_head(conn) is None:
            _begin_log(conn, config)
        if not proofs.keys(conn):
            _make(conn, config, clock.now().replace(microsecond=0))


def _make(conn: Connection, config: Config, begins: datetime) -> str:
    """A new key; its id.

    Its file is written before its row, so that what is published can sign. A file whose row is not
    committed does no harm; to remove it might remove one whose row is.
    """
    key = Ed25519PrivateKey.generate()
    signer = Signer.of(key)
    write_key_file(key_file(config, signer.kid), key)
    x = to_base64url(key.public_key().public_bytes_raw())
    proofs.add_key(conn, KeyRow(kid=signer.kid, x=x, not_before=begins))
    return signer.kid


def _begin_log(conn: Connection, config: Config) -> None:
    path = config.keys_folder / LOG_FILE
    # A file that is there already is from a start that got no further, or from a log that was lost,
    # whose proofs can then still be checked.
    write_key_file(path, Ed25519PrivateKey.generate())
    key = read_key_file(path)
    origin = tlog.origin_of(config.site.url)
    signed = tlog.sign_checkpoint(origin, 0, tlog.EMPTY, key)
    proofs.begin_log(conn, LogHead(origin, _public(key), 0, signed))


def key_file(config: Config, kid: str) -> Path:
    """The file of the private half of the key *kid*."""
    return config.keys_folder / f"{kid}.pem"


def signing_key(rows: Sequence[KeyRow], now: datetime) -> KeyRow | None:
    """The key among *rows* that signs at *now*: of the valid ones, the one that began last."""
    good = [
        row
        for row in rows
        if row.revoked_at is None
        and row.not_before <= now
        and (row.not_after is None or now <= row.not_after)
    ]
    return max(good, key=lambda row: (row.not_before, row.kid), default=None)


def current_signer(config: Config, rows: Sequence[KeyRow]) -> Signer:
    """The signer of statements now, among the keys *rows*.

    Read the time of signing afterwards: the first key may have been made meanwhile, and no
    statement may be older than its key.

    :raises SigningError: when its file cannot be used, or no key is valid; names the remedy.
    """
    row = signing_key(rows, clock.now())
    if row is None:
        raise SigningError("no key is good now: wirecopy keys --rotate --now makes one")
    return signer_of(config, row)


def signer_of(config: Config, row: KeyRow) -> Signer:
    """The private half of *row*, from its file.

    :raises SigningError: when it cannot be used; names the file and the remedy.
    """
    path = key_file(config, row.kid)
    found = _signer(read_key_file(path))
    if found.kid != row.kid:
        raise SigningError(
            f"key file {path}: holds another key; put the right one back from a backup,"
            " or make a new one: wirecopy keys --rotate --now"
        )
    return found


def log_key(config: Config, head: LogHead) -> Ed25519PrivateKey:
    """The key that signs the checkpoints of the log of *head*.

    :raises SigningError: when its file cannot be used; names the remedy.
    """
    path = config.keys_folder / LOG_FILE
    found = read_key_file(path)
    if _public(found) != head.x:
        raise SigningError(
            f"key file {path}: holds another key than the log began with; put the right one back"
            f" from a backup; {LOST_LOG}"
        )
    return found


def key_of_next_log(config: Config) -> Ed25519PrivateKey:
    """The key for a log that is to follow the present one: that in the file, or a new one.

    :raises SigningError: when its file cannot be used or written.
    """
    path = config.keys_folder / LOG_FILE
    write_key_file(path, Ed25519PrivateKey.generate())
    return read_key_file(path)


def left(conn: Connection, config: Config, head: LogHead) -> dict[str, Signer]:
    """The keys of the log of *head* and of statements, by the names of their files, whose private
    halves are here; without those that were revoked."""
    wanted = {LOG_FILE: head.x}
    wanted |= {f"{row.kid}.pem": row.x for row in proofs.keys(conn) if row.revoked_at is None}
    found: dict[str, Signer] = {}
    for name, x in wanted.items():
        with suppress(SigningError):
            key = read_key_file(config.keys_folder / name)
            if _public(key) == x:
                found[name] = Signer.of(key)
    return found


def needed(rows: Sequence[KeyRow], now: datetime) -> list[KeyRow]:
    """Those of the keys *rows* that sign statements at *now* and will."""
    current = signing_key(rows, now)
    return [r for r in rows if r == current or (r.not_before > now and r.revoked_at is None)]


def replace_lost(conn: Connection, config: Config) -> str | None:
    """Make a new key where the file of the one that signs is not here; its id.

    A key that waits to sign, and cannot, is taken out.

    :raises SigningError: when it cannot be written.
    """
    proofs.lock_keys(conn)
    now, rows = clock.now(), proofs.keys(conn)
    lost = [row for row in needed(rows, now) if not _is_here(config, row)]
    for row in lost:
        if row.not_before > now:
            proofs.change_key(conn, row.kid, revoked_at=now, reason="lost")
    current = signing_key(rows, now)
    if current is not None and current not in lost:
        return None
    kid = _make(conn, config, begins := _at_once(rows, now))
    _retire(conn, kid, begins)
    return kid


def _is_here(config: Config, row: KeyRow) -> bool:
    with suppress(SigningError):
        return bool(signer_of(config, row))
    return False


def _at_once(rows: Sequence[KeyRow], now: datetime) -> datetime:
    """When a key begins that is to sign now: of two that begin in the same second, neither would be
    the later one."""
    begun = [r.not_before + SECOND for r in rows if r.not_before <= now]
    return max([now.replace(microsecond=0), *begun])


def faults(conn: Connection, config: Config, now: datetime) -> list[str]:
    """What is wrong with the files of the keys that are needed, and the remedy; nothing where the
    keys are on another machine."""
    rows = proofs.keys(conn)
    head = proofs.log_head(conn) if rows else None
    checks: list[Callable[[], object]] = [] if head is None else [partial(log_key, config, head)]
    checks += [partial(signer_of, config, row) for row in needed(rows, now)]
    found: list[str] = []
    for check in checks:
        try:
            check()
        except ElsewhereError:
            return []
        except SigningError as error:
            found.append(str(error))
    return found


def _public(key: Ed25519PrivateKey) -> str:
    return to_base64url(key.public_key().public_bytes_raw())


def rotate_key(store: Store, config: Config, *, at_once: bool = False) -> KeyRow:
    """Make a new key: published now, it signs after ``signing.overlap``, or *at_once*.

    With *at_once*, a key that waits already signs now.

    :raises SigningError: when one waits already, or its file cannot be written.
    """
    ensure_keys(store, config)
    now = clock.now()
    with store.write() as conn:
        proofs.lock_keys(conn)
        rows = proofs.keys(conn)
        if at_once:
            begins = _at_once(rows, now)
        else:
            begins = now.replace(microsecond=0) + config.signing.overlap + SECOND
        next_one = next((r for r in rows if r.not_before > now and not r.revoked_at), None)
        if next_one is None:
            kid = _make(conn, config, begins)
        elif at_once:
            kid = signer_of(config, next_one).kid
            proofs.change_key(conn, kid, not_before=begins)
        else:
            raise SigningError(
                f"key {next_one.kid}: waits already, to sign from"
                f" {next_one.not_before:%Y-%m-%d %H:%M:%SZ};"
                " wirecopy keys --rotate --now lets it sign now"
            )
        _retire(conn, kid, begins)
        return next(r for r in proofs.keys(conn) if r.kid == kid)


def _retire(conn: Connection, successor: str, begins: datetime) -> None:
    """End the keys before *successor*, which begins at *begins*, a little later."""
    end = begins + SUCCESSION
    for row in proofs.keys(conn):
        ends_sooner = row.not_after is not None and row.not_after <= end
        if row.kid != successor and row.not_before <= begins and not ends_sooner:
            proofs.change_key(conn, row.kid, not_after=end)


def revoke_key(store: Store, config: Config, kid: str, reason: str) -> list[str]:
    """Revoke the key *kid*, so that none of its statements counts any more.

    The stories whose last statement it signed get a new one, by another key, which is made now when
    there is none. Returns the ids of those stories.

    :raises UnknownNameError: when there is no such key.
    :raises SigningError: when it is revoked already, or a new one cannot be written.
    """
    ensure_keys(store, config)
    now = clock.now()
    with store.write() as conn:
        proofs.lock_keys(conn)
        rows = {r.kid: r for r in proofs.keys(conn)}
        row = rows.pop(kid, None)
        if row is None:
            raise UnknownNameError(f"key {kid}: there is none; see `wirecopy keys`")
        if row.revoked_at is not None:
            raise SigningError(f"key {kid}: is revoked already, for: {row.reason}")
        proofs.change_key(conn, kid, revoked_at=now, reason=reason)
        lasting = [r for r in rows.values() if r.revoked_at is None and r.not_after is None]
        begins = now.replace(microsecond=0)
        if not lasting:
            _make(conn, config, begins)
        elif signing_key(list(rows.values()), now) is None:  # the next one is not valid yet
            proofs.change_key(conn, min(lasting, key=lambda r: r.not_before).kid, not_before=begins)
        touched = proofs.stories_signed_by(conn, kid)
        outbox.want(conn, "story", touched, now)
    return touched


def key_set(conn: Connection) -> dict[str, Any] | None:
    """The JWK Set as published: every key there ever was, the log's, and how logs followed others;
    None before the first."""
    logs = proofs.logs(conn)
    rows = proofs.keys(conn)
    if not logs or not rows:
        return None
    found = {
        "keys": [_published(row) for row in rows],
        "wirecopy_log": tlog.verifier_key(logs[-1].origin, from_base64url(logs[-1].x)),
    }
    if restores := [json.loads(proofs.leaves(conn, log.first, 1)[0]) for log in logs[1:]]:
        found["wirecopy_restores"] = restores
    return found


def _published(row: KeyRow) -> dict[str, Any]:
    published: dict[str, Any] = {**jwk(from_base64url(row.x)), "kid": row.kid}
    published |= {"alg": "EdDSA", "use": "sig", "nbf": int(row.not_before.timestamp())}
    if row.not_after is not None:
        published["exp"] = int(row.not_after.timestamp())
    if row.revoked_at is not None:
        published["revoked"] = {"revoked_at": int(row.revoked_at.timestamp()), "reason": row.reason}
    return published


# Private keys in files: one to a file, PKCS #8, readable by their owner alone


def read_key_file(path: Path) -> Ed25519PrivateKey:
    """The private key in the file at *path*.

    :raises SigningError: when it cannot be read, others can read or replace it, or it holds no
        Ed25519 key; names the file and the remedy.
    """
    try:
        # Non-blocking, for somebody may have put a pipe there.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        _check_place(path.parent, error)
        raise SigningError(
            f"key file {path}: is not there; put it back from a backup, copy it from the machine"
            " that made it, or name the folder that holds it (signing.keys);"
            f" {LOST_LOG if path.name == LOG_FILE else LOST}"
        ) from error
    except OSError as error:
        raise SigningError(
            f"key file {path}: cannot be read: {error.strerror}; give it to the user that runs"
            " Wirecopy (chown), with chmod 600"
        ) from error
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise SigningError(f"key file {path}: is no file; put the key there, from a backup")
        _check_mode(path, found, 0o077, "read", "chmod 600")
        _check_mode(path.parent, path.parent.stat(), 0o022, "replace keys in", "chmod 700")
        data = os.read(handle, _LARGEST_FILE)
    finally:
        os.close(handle)
    try:
        key = _key_in(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningError(
            f"key file {path}: is damaged; put it back from a backup, or move it away:"
            f" {LOST_LOG if path.name == LOG_FILE else LOST}"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"key file {path}: holds no Ed25519 key; put the right one there")
    return key


# A file is read for each statement, as it may be taken away; its bytes are mostly those of before.


@lru_cache(maxsize=4)
def _key_in(pem: bytes) -> PrivateKeyTypes:
    return serialization.load_pem_private_key(pem, password=None)


_signer = lru_cache(maxsize=4)(Signer.of)


def _check_mode(path: Path, found: os.stat_result, wrong: int, verb: str, remedy: str) -> None:
    if found.st_mode & wrong:
        raise SigningError(
            f"{path}: its permissions ({stat.S_IMODE(found.st_mode):04o}) let others {verb} it:"
            f" {remedy} {path}"
        )


def write_key_file(path: Path, key: Ed25519PrivateKey) -> bool:
    """Write *key* to a new file at *path*; False, and nothing done, when there is one already.

    The file appears whole, and is on disk when this returns, so that a key that has signed is not
    lost in a power cut.

    :raises SigningError: when it cannot be written; names the file and the remedy.
    """
    data = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        folders.to_disk(path.parent)
    except OSError as error:
        _check_place(path.parent, error)
        raise SigningError(
            f"key file {path}: cannot be written: {error.strerror}; name a folder that the user"
            " who runs Wirecopy may write to (signing.keys)"
        ) from error
    return True


def _check_place(folder: Path, cause: OSError) -> None:
    """Refuse a folder that has no key and cannot get one: the keys are somewhere else, as for all
    but the workers where only those have the folder."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    writable = not there.is_dir() or os.access(there, os.W_OK | os.X_OK)
    if not writable and not any(folder.glob("*.pem")):
        raise ElsewhereError(
            f"folder of keys {folder}: holds no key and cannot be written here; run this where the"
            " keys are (compose.yaml: docker compose run --rm worker …), or name the folder that"
            " holds them (signing.keys)"
        ) from cause
