"""Private keys in files: one to a file, PKCS #8, readable by their owner alone."""

import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stories.errors import SigningError

LARGEST = 10_000
"""Bytes of a key file; an Ed25519 key takes 119."""


def read(path: Path) -> Ed25519PrivateKey:
    """The private key in the file at *path*.

    :raises SigningError: when it cannot be read, others can read or replace it, or it holds no
        Ed25519 key; names the file and the remedy.
    """
    try:
        # Not to be held up by a pipe that somebody put there.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise SigningError(
            f"key file {path}: is not there; put it back from a backup, copy it from the machine"
            " that made it, or name the folder that holds it (signing.keys);"
            " if it is lost: wirecopy keys --rotate --now"
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
        _check(path, found, 0o077, "read", "chmod 600")
        _check(path.parent, path.parent.stat(), 0o022, "replace keys in", "chmod 700")
        data = os.read(handle, LARGEST)
    finally:
        os.close(handle)
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningError(f"key file {path}: is damaged; put it back from a backup") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"key file {path}: holds no Ed25519 key; put the right one there")
    return key


def _check(path: Path, found: os.stat_result, wrong: int, verb: str, remedy: str) -> None:
    if found.st_mode & wrong:
        raise SigningError(
            f"{path}: its permissions ({stat.S_IMODE(found.st_mode):04o}) let others {verb} it:"
            f" {remedy} {path}"
        )


def write(path: Path, key: Ed25519PrivateKey) -> bool:
    """Put *key* into a new file at *path*; False, and nothing done, when there is one already.

    The file is whole when it appears, and on disk when this returns: a key that has signed must
    not be lost to a power cut.

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
        _sync(path.parent)
    except OSError as error:
        raise SigningError(
            f"key file {path}: cannot be written: {error.strerror}; name a folder that the user"
            " who runs Wirecopy may write to (signing.keys)"
        ) from error
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
