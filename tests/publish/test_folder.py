"""The folder of files: whole or not there, only ours, and only what changed."""

import gzip
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from publish.folder import BusyError, Folder, opened
from stories import clock
from stories.errors import ExportError

AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TEXT = b"Rates rise again. " * 200


def packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def write(root: Path, name: str, body: bytes, at: datetime = AT, *, worth: bool = True) -> bool:
    with opened(root, wait=False) as folder:
        return folder.put(name, body, packed(body) if worth else None, at)


def files(root: Path) -> set[str]:
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_file() and ".wirecopy" not in path.parts
    }


@pytest.fixture
def closed_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("closed_umask")
def test_a_file_stands_beside_itself_packed_for_everybody_to_read(tmp_path: Path) -> None:
    root = tmp_path / "a" / "folder"
    assert write(root, "feeds/india.rss", TEXT)
    assert files(root) == {"feeds/india.rss", "feeds/india.rss.gz", "feeds/india.rss.zst"}
    file = root / "feeds/india.rss"
    assert file.read_bytes() == TEXT
    assert gzip.decompress((root / "feeds/india.rss.gz").read_bytes()) == TEXT
    zst = (root / "feeds/india.rss.zst").read_bytes()
    assert zstandard.ZstdDecompressor().decompress(zst) == TEXT
    for name in files(root):
        found = (root / name).stat()
        assert (stat.S_IMODE(found.st_mode), found.st_mtime) == (0o644, AT.timestamp())
    assert {stat.S_IMODE(one.stat().st_mode) for one in (root, root / "feeds")} == {0o755}


def test_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    write(tmp_path, "feeds/india.rss", TEXT)
    before = {name: (tmp_path / name).stat().st_ino for name in files(tmp_path)}
    assert not write(tmp_path, "feeds/india.rss", TEXT, AT + timedelta(days=1))
    assert {name: (tmp_path / name).stat().st_ino for name in files(tmp_path)} == before


def test_other_bytes_have_another_date(tmp_path: Path) -> None:
    """Of which servers make ETag and Last-Modified."""
    for n in range(3):
        assert write(tmp_path, "feeds/india.rss", TEXT + str(n).encode())
        dates = {(tmp_path / name).stat().st_mtime for name in files(tmp_path)}
        assert dates == {AT.timestamp() + n}


def test_what_is_not_worth_packing_any_more_is_not_left_packed(tmp_path: Path) -> None:
    write(tmp_path, "feeds/india.rss", TEXT)
    write(tmp_path, "feeds/india.rss", b"short", worth=False)
    assert files(tmp_path) == {"feeds/india.rss"}
    assert write(tmp_path, "feeds/india.rss", b"short", worth=True)
    assert len(files(tmp_path)) == 3


@pytest.mark.parametrize("lost", ["feeds/india.rss", "feeds/india.rss.gz", "feeds/india.rss.zst"])
def test_what_somebody_took_away_comes_again(tmp_path: Path, lost: str) -> None:
    write(tmp_path, "feeds/india.rss", TEXT)
    (tmp_path / lost).unlink()
    assert write(tmp_path, "feeds/india.rss", TEXT)
    assert len(files(tmp_path)) == 3
    assert {(tmp_path / name).stat().st_mtime for name in files(tmp_path)} == {AT.timestamp()}


def test_what_goes_goes_with_what_is_packed_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "stories/a/statements", TEXT)
    with opened(tmp_path, wait=False) as folder:
        assert folder.drop("stories/a/statements")
        assert not folder.drop("stories/a/statements")
    assert files(tmp_path) == set()
    assert not (tmp_path / "stories" / "a").exists()


def test_what_somebody_else_put_there_stays(tmp_path: Path) -> None:
    write(tmp_path, "feeds/india.rss", TEXT)
    for name in ("robots.txt", "feeds/other.rss"):
        (tmp_path / name).write_text("mine")
    with opened(tmp_path, wait=False) as folder:
        assert not folder.put("robots.txt", b"ours")
        assert not folder.drop("feeds/other.rss")
    assert (tmp_path / "robots.txt").read_text() == "mine"
    assert (tmp_path / "feeds/other.rss").read_text() == "mine"


def test_a_folder_that_holds_something_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(ExportError, match=r"photos.*empty"), opened(tmp_path, wait=False):
        pass
    with pytest.raises(ExportError, match="is a file"), opened(Path(sys.executable), wait=False):
        pass


def test_a_manifest_that_cannot_be_read_is_no_licence_to_overwrite(tmp_path: Path) -> None:
    write(tmp_path, "feeds/india.rss", TEXT)
    (tmp_path / ".wirecopy/manifest.json").write_text("{")
    with pytest.raises(ExportError, match="empty the folder"):
        write(tmp_path, "feeds/india.rss", b"other")
    assert (tmp_path / "feeds/india.rss").read_bytes() == TEXT


def test_one_process_at_a_time_writes(tmp_path: Path) -> None:
    with opened(tmp_path, wait=False), pytest.raises(BusyError, match="another process"):
        write(tmp_path, "a", b"")
    assert write(tmp_path, "a", b"")


def test_what_is_put_is_there_when_it_is_flushed_and_not_before(tmp_path: Path) -> None:
    with opened(tmp_path, wait=False) as folder:
        folder.put("a/b.txt", b"one")
        assert folder.has("a/b.txt")
        assert files(tmp_path) == {"a/.b.txt.new"}
        folder.put("a/b.txt", b"two")
        folder.flush()
        assert files(tmp_path) == {"a/b.txt"}
    assert (tmp_path / "a/b.txt").read_bytes() == b"two"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    with opened(tmp_path_factory.mktemp("folder"), wait=False) as found:
        yield found


@given(name=st.text(alphabet="ab./\\\0~ %é-", max_size=12))
def test_no_name_leads_out_of_the_folder_or_to_what_is_hidden(folder: Folder, name: str) -> None:
    try:
        path = folder.path(name)
    except ExportError:
        return
    assert Path(os.path.normpath(path)) == path
    assert folder.root in path.parents
    assert not any(part.startswith(".") for part in path.relative_to(folder.root).parts)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """Here, a limit on the size of files."""
    write(tmp_path, "feeds/india.rss", b"before", worth=False)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        with pytest.raises(OSError, match="too large"):
            write(tmp_path, "feeds/india.rss", TEXT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / "feeds/india.rss").read_bytes() == b"before"
    assert not (tmp_path / "feeds/.india.rss.new").exists()
    assert write(tmp_path, "feeds/india.rss", TEXT)


WRITER = """
import gzip, sys
from pathlib import Path
from publish.folder import opened
for n in range(10**6):
    with opened(Path(sys.argv[1]), wait=True) as folder:
        for name in ("a.txt", "b/c.txt"):
            body = str(n).encode() * 3000
            folder.put(name, body, gzip.compress(body, mtime=0))
    print(n, flush=True)
"""


def test_killed_at_any_moment_no_file_is_torn(tmp_path: Path) -> None:
    for kill in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.01 * kill)
        process.kill()
        process.wait()
        process.stdout.close()
        for name in ("a.txt", "b/c.txt"):
            for body in (
                (tmp_path / name).read_bytes(),
                gzip.decompress((tmp_path / f"{name}.gz").read_bytes()),
            ):
                assert body == body[: len(body) // 3000] * 3000
        for name in ("a.txt", "b/c.txt"):
            write(tmp_path, name, TEXT, clock.now())
        assert files(tmp_path) == {
            n + end for n in ("a.txt", "b/c.txt") for end in ("", ".gz", ".zst")
        }
        for name in ("a.txt", "b/c.txt"):
            assert gzip.decompress((tmp_path / f"{name}.gz").read_bytes()) == TEXT
