"""Wires that are folders of SFTP and FTP servers: real servers, from the file to the capture."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from desk.probe import probe
from ingest.item import Contents
from stories.db import Store
from tests import file_servers
from tests.conftest import ConfigOf
from tests.file_servers import PASSWORD, USER
from tests.hostile import CERTIFICATE
from tests.ingest.test_collect import Drop, feed

NEVER_MIND = {"allow_private": True, "timeout": "20s", "user": USER}


class Away(Drop):
    """A wire whose files are on a server; *folder* is what the server shows."""

    def serve(self, url: str, **keys: Any) -> None:
        self.configure(url=url, **{**NEVER_MIND, **keys})


@pytest.fixture
def away(config: ConfigOf, store: Store, tmp_path: Path) -> Away:
    folder = tmp_path / "served"
    (folder / "out").mkdir(parents=True)
    found = Away(config, store, folder)
    found.folder = folder / "out"
    return found


@pytest.fixture(params=["sftp", "ftp", "ftp by LIST", "ftps"])
def served(
    away: Away, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Away]:
    root = away.folder.parent
    if request.param == "sftp":
        with file_servers.sftp(root, tmp_path) as server:
            keys = {"secret": PASSWORD, "host_keys": [server.host_key]}
            away.serve(f"sftp://127.0.0.1:{server.port}/out", **keys)
            yield away
        return
    tls = request.param == "ftps"
    if tls:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    without = ("MLSD",) if "LIST" in request.param else ()
    with file_servers.ftp(root, tls=tls, without=without) as port:
        host = "localhost" if tls else "127.0.0.1"
        away.serve(f"{request.param[:4].strip()}://{host}:{port}/out", secret=PASSWORD)
        yield away


def test_a_file_is_taken_once_it_was_seen_the_same_twice(served: Away) -> None:
    os.utime(served.put("a.xml", feed("Avon")), (2_000_000, 2_000_000))
    os.utime(served.put("b.xml", feed("Bure")), (1_000_000, 1_000_000))
    first = served.poll()
    assert (first.state, first.message, first.captures) == ("not-modified", "", ())
    assert served.state.due_at > served.now() + timedelta(minutes=1)  # it is another's machine
    polled = served.poll()
    assert (polled.state, polled.message, len(polled.captures)) == ("ok", "", 2)
    assert sorted(b or b"" for b in served.bodies()) == [feed("Avon"), feed("Bure")]
    assert served.poll().state == "not-modified"
    served.take_in()
    assert [each.items for each in served.captured()] == [1, 1]


def test_line_ends_come_as_they_are(served: Away) -> None:
    body = feed("Avon").replace(b"><", b">\n<").replace(b"<item>", b"\r\n<item>\r")
    served.put("a.xml", body)
    served.poll()
    served.poll()
    assert served.bodies() == [body]


def test_other_bytes_under_the_same_name_come_too(served: Away) -> None:
    served.put("a.xml", feed("Avon"))
    served.poll()
    served.poll()
    served.put("a.xml", feed("Wharfe"))
    served.poll()
    served.poll()
    assert served.bodies() == [feed("Avon"), feed("Wharfe")]


def test_odd_names_are_files_like_others_and_folders_are_none(served: Away) -> None:
    names = [b"a b.xml", b"%2e.xml", "नदी.xml".encode(), b"-rf", b"x;type=dir; y"]
    if served.config.wires[0].way == "sftp":  # this FTP server cannot tell names that are no UTF-8
        names.append(b"caf\xe9.xml")
        (served.folder / "link").symlink_to("/etc/passwd")
    for number, name in enumerate(names):
        (served.folder / os.fsdecode(name)).write_bytes(feed(f"River {number}"))
    (served.folder / "more").mkdir()
    served.poll()
    polled = served.poll()
    assert (polled.message, polled.state) == ("", "ok")
    assert len(served.captured()) == len(names)


def test_what_is_captured_is_deleted_if_that_is_wished(served: Away) -> None:
    wire = served.config.wires[0]
    asked = wire.model_dump(exclude={"headers"}, exclude_unset=True)
    served.configure(**{**asked, "secret": PASSWORD, "delete_taken": True})
    path = served.put("a.xml", feed("Avon"))
    served.poll()
    served.poll()
    assert path.exists()
    served.poll()
    assert not path.exists()
    assert len(served.captured()) == 1


def test_subfolders_are_entered_where_that_is_wished(served: Away) -> None:
    wire = served.config.wires[0]
    asked = wire.model_dump(exclude={"headers"}, exclude_unset=True)
    served.configure(**{**asked, "secret": PASSWORD, "subfolders": True, "delete_taken": True})
    deep = served.folder / "2026" / "-l नदी"
    deep.mkdir(parents=True)
    (deep / "a.xml").write_bytes(feed("Avon"))
    (served.folder / ".hidden").mkdir()
    (served.folder / ".hidden" / "b.xml").write_bytes(feed("Bure"))
    served.poll()
    assert served.poll().message == ""
    assert served.bodies() == [feed("Avon")]
    assert served.captured()[0].url.endswith("/out/2026/-l%20%E0%A4%A8%E0%A4%A6%E0%A5%80/a.xml")
    served.poll()
    assert list(deep.iterdir()) == []


def test_a_file_that_is_too_large_is_named_and_the_others_come(served: Away) -> None:
    wire = served.config.wires[0]
    asked = wire.model_dump(exclude={"headers"}, exclude_unset=True)
    served.configure(**{**asked, "secret": PASSWORD, "max_bytes": 2000})
    served.put("a.xml", feed("Avon"))
    served.put("huge.xml", b"x" * 3000)
    served.poll()
    polled = served.poll()
    assert polled.state == "too-large"
    assert served.bodies() == [feed("Avon")]


def test_a_folder_that_is_not_there_is_named(served: Away) -> None:
    served.folder.rmdir()
    polled = served.poll()
    assert polled.state == "folder"
    assert PASSWORD not in polled.message


def test_check_reads_the_newest_file(served: Away) -> None:
    [(_, nothing)] = probe(served.config)
    assert nothing == Contents()
    served.put("a.xml", feed("Avon"))
    [(_, found)] = probe(served.config)
    assert isinstance(found, Contents)
    assert len(found.found) == 1


def sftp_of(tmp_path: Path, away: Away) -> AbstractContextManager[file_servers.Sftp]:
    return file_servers.sftp(away.folder.parent, tmp_path)


def test_a_private_key_lets_us_in(away: Away, tmp_path: Path) -> None:
    with sftp_of(tmp_path, away) as server:
        keys = {"client_key": str(server.client_key), "host_keys": [server.host_key]}
        away.serve(f"sftp://127.0.0.1:{server.port}/out", **keys)
        assert away.poll().state == "not-modified"


@pytest.mark.parametrize("known", [[], ["SHA256:" + "A" * 43]])
def test_a_host_key_that_is_not_configured_is_told_and_nothing_is_sent(
    away: Away, tmp_path: Path, known: list[str]
) -> None:
    with sftp_of(tmp_path, away) as server:
        url = f"sftp://127.0.0.1:{server.port}/out"
        away.serve(url, secret=PASSWORD, host_keys=known)
        polled = away.poll()
        assert polled.state == "host-key"
        assert server.host_key in polled.message
        assert PASSWORD not in polled.message


@pytest.mark.slow
def test_a_wrong_password_is_named(away: Away, tmp_path: Path) -> None:
    with sftp_of(tmp_path, away) as server:
        url = f"sftp://127.0.0.1:{server.port}/out"
        away.serve(url, secret="s3cret-wrong", host_keys=[server.host_key])
        polled = away.poll()
    assert polled.state == "login"
    assert "s3cret" not in polled.message
    with file_servers.ftp(away.folder.parent) as port:
        away.serve(f"ftp://127.0.0.1:{port}/out", secret="s3cret-wrong")
        polled = away.poll()
    assert polled.state == "login"
    assert "s3cret" not in polled.message


@pytest.mark.parametrize("scheme", ["sftp", "ftp", "ftps"])
def test_an_address_inside_is_refused_unless_it_is_allowed(away: Away, scheme: str) -> None:
    away.serve(f"{scheme}://127.0.0.1:1/out", secret=PASSWORD, allow_private=False)
    assert away.poll().state == "forbidden-address"


@pytest.mark.parametrize("scheme", ["sftp", "ftp", "ftps"])
def test_a_port_at_which_nobody_listens_is_named(away: Away, scheme: str) -> None:
    away.serve(f"{scheme}://127.0.0.1:1/out", secret=PASSWORD)
    assert away.poll().state == "refused"


def test_a_server_that_names_another_for_the_data_is_not_followed(away: Away) -> None:
    away.put("a.xml", feed("Avon"))
    with file_servers.ftp(away.folder.parent, says="192.0.2.1") as port:
        away.serve(f"ftp://127.0.0.1:{port}/out", secret=PASSWORD)
        away.poll()
        assert away.poll().state == "ok"


def test_a_server_that_says_our_secret_has_it_in_no_message(away: Away) -> None:
    def answer(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 hello\r\n")
            for line in lines:
                told = b"530 no: " + line if line.startswith(b"PASS") else b"331 go on\r\n"
                connection.sendall(told)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        away.serve(f"ftp://127.0.0.1:{listening.getsockname()[1]}/out", secret=PASSWORD)
        polled = away.poll()
        thread.join()
    assert polled.state == "login"
    assert "PASS ***" in polled.message
    assert PASSWORD not in away.state.message


def test_a_file_that_is_written_all_the_while_is_named_and_the_others_come(away: Away) -> None:
    away.put("a.xml", feed("Avon"))
    with file_servers.ftp(away.folder.parent) as port:
        away.serve(f"ftp://127.0.0.1:{port}/out", secret=PASSWORD)
        states = []
        for size in range(5):
            away.put("latest.xml", b"x" * (size + 1))
            states.append(away.poll(after=timedelta(minutes=4)).state)
        assert states == ["not-modified", "ok", "not-modified", "not-modified", "changing"]
        assert "latest.xml" in away.state.message
        away.poll()
        assert (away.state.state, len(away.captured())) == ("ok", 2)


def test_ftps_does_not_go_on_without_tls(away: Away) -> None:
    with file_servers.ftp(away.folder.parent) as port:
        away.serve(f"ftps://127.0.0.1:{port}/out", secret=PASSWORD)
        assert away.poll().state == "login"


def test_ftps_wants_a_certificate_that_it_can_check(away: Away) -> None:
    with file_servers.ftp(away.folder.parent, tls=True) as port:
        away.serve(f"ftps://localhost:{port}/out", secret=PASSWORD)
        assert away.poll().state == "tls"


@pytest.mark.slow
def test_a_server_that_says_nothing_is_given_up(away: Away, listening: Callable[[], int]) -> None:
    for scheme in ("sftp", "ftp"):
        away.serve(f"{scheme}://127.0.0.1:{listening()}/out", secret=PASSWORD, timeout="1s")
        assert away.poll().state == "timeout"


@pytest.fixture
def listening() -> Iterator[Callable[[], int]]:
    """Ports at which connections are taken and nothing is said."""
    opened: list[socket.socket] = []

    def one() -> int:
        opened.append(socket.create_server(("127.0.0.1", 0)))
        return int(opened[-1].getsockname()[1])

    yield one
    for each in opened:
        each.close()
