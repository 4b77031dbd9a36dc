"""What pool processes have open: the same configuration, whatever becomes of the file; clients."""

import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing

import pytest

from stories.config import Config, Publisher
from tests import servers
from tests.processes import until
from tests.workers import errands
from tests.workers.test_app import Site
from workers import app, queues
from workers.process import CLIENTS_KEPT, Clients
from workers.start import start


@pytest.fixture
def lone() -> Iterator[Site]:
    """A site of this test alone, whose worker has a file of its own."""
    with servers.throwaway() as folder, servers.redis(folder) as url:
        (folder / "wirecopy.toml").write_text(
            'user_agent = "first"\n[[wires]]\nname = "w"\nurl = "https://agency.example/w"\n'
        )
        yield Site(folder, url)


def worker(site: Site, *more: str) -> AbstractContextManager[object]:
    command = [*app.worker(1).command(), "--include=tests.workers.errands", *more]
    return site.running(["env", f"WIRECOPY_CONFIG={site.folder}/wirecopy.toml", *command], "worker")


def introduced(site: Site, name: str) -> str:
    errands.introduce.apply_async(args=(str(site.folder), name))
    until(site.there(name))
    return (site.folder / name).read_text()


@pytest.mark.slow
def test_a_new_process_has_the_workers_configuration_and_applies_it_to_no_store(lone: Site) -> None:
    """The file is spoiled meanwhile; then a member elsewhere with a newer file starts."""
    two = [{"name": name, "url": f"https://agency.example/{name}"} for name in "vw"]
    publisher = Publisher(name="The Daily Test", url="https://daily.example")
    with worker(lone):
        assert introduced(lone, "a") == "first 1"
        (lone.folder / "wirecopy.toml").write_text('user_agent = "seco')
        first = int((lone.folder / "a.pid").read_text())
        os.kill(first, signal.SIGKILL)
        assert introduced(lone, "b") == "first 1"
        second = int((lone.folder / "b.pid").read_text())
        assert second != first
        start(Config(publisher=publisher, data=lone.folder / "data", wires=two)).close()
        os.kill(second, signal.SIGKILL)
        assert introduced(lone, "c") == "first 2"


def test_what_a_worker_forks_with_does_not_count_as_memory_that_its_processes_took(
    lone: Site,
) -> None:
    """With many wires it is more than they may take: each would be replaced after its task."""
    with worker(lone, f"--max-memory-per-child={64 << 10}"):  # KiB; it has more when it forks
        for name in "abc":
            introduced(lone, name)
    assert len({(lone.folder / f"{name}.pid").read_text() for name in "abc"}) == 1


def test_a_worker_without_a_store_waits_for_it_and_is_whole_once_it_is_there(lone: Site) -> None:
    there = lone.folder / "data"
    there.rename(lone.folder / "away")
    there.write_text("a file where the folder is to be")
    said: list[str] = []

    def bring_back() -> None:
        def waiting() -> bool:
            said[:] = [e["error"] for e in lone.lines("worker") if "waits" in e["event"]]
            return bool(said)

        until(waiting)
        there.unlink()
        (lone.folder / "away").rename(there)

    (lone.folder / "worker.log").touch()
    friend = threading.Thread(target=bring_back)
    friend.start()
    with worker(lone):
        friend.join()
        assert introduced(lone, "b") == "first 1"
    assert len(said) == 1
    assert "cannot be made" in said[0]


def test_one_after_the_other_has_the_same_client() -> None:
    clients = Clients()
    with clients.one() as first:
        pass
    with clients.one() as again:
        assert again is first


def test_nobody_has_the_client_of_another() -> None:
    clients = Clients()
    with ExitStack() as stack:
        lent = [stack.enter_context(clients.one()) for _ in range(CLIENTS_KEPT + 2)]
        assert len(set(map(id, lent))) == CLIENTS_KEPT + 2
    with ExitStack() as stack:
        again = [stack.enter_context(clients.one()) for _ in range(CLIENTS_KEPT + 2)]
        assert len(set(map(id, again)) & set(map(id, lent))) == CLIENTS_KEPT


def test_a_client_that_an_error_found_at_work_is_not_lent_again() -> None:
    clients = Clients()
    with pytest.raises(RuntimeError), clients.one() as broken:
        raise RuntimeError
    with clients.one() as another:
        assert another is not broken


@pytest.mark.parametrize("member", ["worker", "poller"])
def test_a_member_of_the_release_before_ends_in_order_once_the_store_is_newer(
    lone: Site, member: str
) -> None:
    """Its own work is done first, and nothing is done any more with what it does not know."""
    running = lone.worker(1) if member == "worker" else lone.poller(1)
    queue = queues.INGEST if member == "worker" else queues.POLL
    with running as process:
        file = lone.folder / "data" / "wirecopy.sqlite3"
        with closing(sqlite3.connect(file)) as store, store:
            store.execute("UPDATE alembic_version SET version_num = '9999'")
        errands.introduce.apply_async(args=(str(lone.folder), "late"), queue=queue)
        assert process.wait(60) == 0
    assert not (lone.folder / "late").exists()
    (told,) = [e for e in lone.lines(member) if e["event"].startswith("ends")]
    assert "its schema 9999 is newer than this Wirecopy" in told["error"]
