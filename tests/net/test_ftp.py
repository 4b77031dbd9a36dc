"""What lines of MLSD and LIST mean, by a table of what servers write."""

import pytest

from net.ftp import listed_by_list, listed_by_mlsd
from net.places import File


@pytest.mark.parametrize(
    ("line", "file"),
    [
        (
            "type=file;size=12;modify=20261122060000; a b.xml",
            File("a b.xml", 12, "12 20261122060000 ", order=20261122060000.0),
        ),
        (
            "Type=File;Size=3;Modify=20261122060000.123;Unique=7g1; ;x",
            File(";x", 3, "3 20261122060000.123 7g1", order=20261122060000.123),
        ),
        ("type=file; x", File("x", 0, "  ")),
        ("type=file;size=-1;modify=now; x", File("x", 0, "-1 now ")),
        ("type=dir;size=12;modify=20261122060000; d", "d"),
        ("type=dir; ../d", None),
        ("type=cdir;modify=20261122060000; .", None),
        ("type=OS.unix=symlink;size=3; l", None),
        ("type=file;size=3; ../x", None),
        ("type=file;size=3; ..", None),
        ("type=file;size=3; ", None),
        ("", None),
    ],
)
def test_a_line_of_mlsd(line: str, file: File | str | None) -> None:
    assert listed_by_mlsd(line) == file


@pytest.mark.parametrize(
    ("line", "file"),
    [
        (
            "-rw-r--r--    1 ftp      ftp          1234 Nov 22 06:00 a b.xml",
            File("a b.xml", 1234, "1234 Nov 22 06:00"),
        ),
        (
            "-rw-r--r--+   1 1000     1000            7 Nov 22  2025 x",
            File("x", 7, "7 Nov 22  2025"),
        ),
        ("-rw-r--r-- 1 a b 7 Jan  1 06:00  led", File(" led", 7, "7 Jan  1 06:00")),
        (
            "11-22-26  06:00AM                 1234 a b.xml",
            File("a b.xml", 1234, "1234 11-22-26  06:00AM"),
        ),
        ("11-22-2026  06:00PM       <DIR>          d", "d"),
        ("drwxr-xr-x    2 ftp      ftp          4096 Nov 22 06:00 d", "d"),
        ("drwxr-xr-x    2 ftp      ftp          4096 Nov 22 06:00 ..", None),
        ("lrwxrwxrwx    1 ftp      ftp            11 Nov 22 06:00 l -> /etc/passwd", None),
        ("-rw-r--r--    1 ftp      ftp          1234 Nov 22 06:00 ../x", None),
        ("total 12", None),
        ("", None),
    ],
)
def test_a_line_of_list(line: str, file: File | str | None) -> None:
    assert listed_by_list(line) == file
