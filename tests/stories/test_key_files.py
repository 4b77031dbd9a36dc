"""Key files: whole or not there, for their owner alone; and what is said when they are not."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stories.errors import SigningError
from stories.keys import read_key_file, write_key_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys" / "k.pem"


def test_a_key_comes_back_and_only_its_owner_may_read_it(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    assert write_key_file(path, key)
    assert read_key_file(path).private_bytes_raw() == key.private_bytes_raw()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["k.pem"]


def test_a_key_is_never_written_over(path: Path) -> None:
    first = Ed25519PrivateKey.generate()
    assert write_key_file(path, first)
    assert not write_key_file(path, Ed25519PrivateKey.generate())
    assert read_key_file(path).private_bytes_raw() == first.private_bytes_raw()
    assert [p.name for p in path.parent.iterdir()] == ["k.pem"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read(path: Path, mode: int) -> None:
    write_key_file(path, Ed25519PrivateKey.generate())
    path.chmod(mode)
    with pytest.raises(SigningError, match=f"{mode:04o}.*others read it: chmod 600 .*k.pem"):
        read_key_file(path)


@pytest.mark.parametrize("mode", [0o770, 0o777])
def test_a_folder_that_others_can_write_to(path: Path, mode: int) -> None:
    write_key_file(path, Ed25519PrivateKey.generate())
    path.parent.chmod(mode)
    with pytest.raises(SigningError, match=r"chmod 700 .*keys$"):
        read_key_file(path)


def test_a_file_that_is_not_there(path: Path) -> None:
    with pytest.raises(SigningError, match=r"k\.pem: is not there; .*backup.*--rotate"):
        read_key_file(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_of_somebody_else(path: Path) -> None:
    write_key_file(path, Ed25519PrivateKey.generate())
    path.chmod(0o000)
    with pytest.raises(SigningError, match=r"cannot be read: .*chown"):
        read_key_file(path)


def test_what_is_no_key(path: Path) -> None:
    path.parent.mkdir(parents=True, mode=0o700)
    for data in (b"", b"rubbish", b"-----BEGIN PRIVATE KEY-----\n"):
        path.write_bytes(data)
        path.chmod(0o600)
        with pytest.raises(SigningError, match="is damaged"):
            read_key_file(path)
    other = generate_private_key(SECP256R1())
    path.write_bytes(
        other.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with pytest.raises(SigningError, match="no Ed25519 key"):
        read_key_file(path)


def test_neither_a_folder_nor_a_pipe_is_waited_for(path: Path) -> None:
    path.mkdir(parents=True, mode=0o700)
    with pytest.raises(SigningError, match=r"k\.pem"):
        read_key_file(path)
    pipe = path.parent / "pipe.pem"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(SigningError, match=r"pipe\.pem: is no file"):
        read_key_file(pipe)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("in the way")
    with pytest.raises(SigningError, match=r"cannot be written: .*signing\.keys"):
        write_key_file(tmp_path / "keys" / "k.pem", Ed25519PrivateKey.generate())


def test_a_folder_without_a_key_that_cannot_get_one_sends_to_where_the_keys_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that was not given the volume: another key is no remedy."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    for file in (tmp_path / "keys/k.pem", tmp_path / "k.pem"):
        with pytest.raises(SigningError, match="where the keys are") as caught:
            read_key_file(file)
        assert "rotate" not in str(caught.value)
    (tmp_path / "log.pem").touch()
    with pytest.raises(SigningError, match="--rotate"):
        read_key_file(tmp_path / "k.pem")
