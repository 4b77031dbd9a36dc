"""What is made of pictures: smaller JPEGs, upright, without what tells of places; and of what is no
picture nothing, whatever it is."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from publish.pictures import ShrinkError, understood
from publish.pictures import shrunk as shrunk_apart
from publish.shrink import RefusedError, shrunk
from tests.publish.drawn import drawn, opened

WIDTHS = (320, 640, 1280)


def exif(orientation: int = 1, **more: str) -> bytes:
    found = Image.Exif()
    found[ExifTags.Base.Orientation] = orientation
    for name, value in more.items():
        found[ExifTags.Base[name]] = value
    found.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (28.0, 36.0, 0.0)
    return found.tobytes()


@pytest.mark.parametrize(
    ("data", "sizes"),
    [
        (drawn(), [(320, 160), (640, 320), (1000, 500)]),
        (drawn(size=(4000, 3000)), [(320, 240), (640, 480), (1280, 960)]),
        (drawn(size=(640, 100)), [(320, 50), (640, 100)]),
        (drawn(size=(100, 400)), [(100, 400)]),
        (drawn(size=(16, 16)), [(16, 16)]),
        (drawn(size=(5000, 16)), [(320, 1), (640, 2), (1280, 4)]),
        (drawn(exif=exif(6)), [(320, 640), (500, 1000)]),
    ],
)
def test_each_width_that_it_has_is_made(data: bytes, sizes: list[tuple[int, int]]) -> None:
    made = shrunk(data, WIDTHS)
    assert [(width, height) for width, height, _ in made] == sizes
    for width, height, body in made:
        picture = opened(body)
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (width, height))


@pytest.mark.parametrize(
    ("format", "mode", "colour"),
    [
        ("JPEG", "RGB", "teal"),
        ("JPEG", "L", 90),
        ("JPEG", "CMYK", (255, 0, 0, 100)),
        ("PNG", "RGB", "teal"),
        ("PNG", "1", 1),
        ("PNG", "P", 5),
        ("PNG", "LA", (90, 255)),
        ("WEBP", "RGB", "teal"),
        ("GIF", "P", 5),
        ("AVIF", "RGB", "teal"),
    ],
)
def test_of_every_format_and_kind(format: str, mode: str, colour: object) -> None:
    data = drawn(format, mode=mode, colour=colour)
    (width, _, body) = shrunk(data, WIDTHS)[0]
    expected = opened(data).convert("RGB").getpixel((10, 10))
    found = opened(body).getpixel((3, 3))
    assert width == 320
    assert isinstance(expected, tuple)
    assert isinstance(found, tuple)
    assert all(abs(a - b) < 40 for a, b in zip(expected, found, strict=True)), (expected, found)


def test_it_is_upright_and_on_white() -> None:
    turned = opened(shrunk(drawn(exif=exif(8)), WIDTHS)[0][2])
    assert turned.height > turned.width
    below, above = (turned.getpixel((50, y)) for y in (turned.height - 10, 10))
    assert isinstance(below, tuple)
    assert isinstance(above, tuple)
    assert below[1] > 90, "turned to the left"
    assert above[1] < 30
    clear = drawn("PNG", mode="RGBA", colour=(0, 128, 128, 0))
    seen = opened(shrunk(clear, WIDTHS)[0][2]).getpixel((3, 3))
    assert isinstance(seen, tuple)
    assert min(seen) > 250


def test_who_made_it_stays_and_where_goes() -> None:
    data = drawn(exif=exif(Artist="A. Rao", Copyright="© PTI", Make="Camera"))
    for *_, body in shrunk(data, WIDTHS):
        found = opened(body).getexif()
        assert found[ExifTags.Base.Artist] == "A. Rao"
        assert "PTI" in found[ExifTags.Base.Copyright]
        assert not found.get_ifd(ExifTags.IFD.GPSInfo)
        assert ExifTags.Base.Make not in found
    iptc = b"".join(
        b"\x1c" + struct.pack(">BBH", 2, number, len(text)) + text
        for number, text in ((80, b"B. Sen"), (116, b"UNI"))
    )
    block = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc
    app13 = b"\xff\xed" + struct.pack(">H", len(block) + 2) + block
    told = opened(shrunk(data[:2] + app13 + drawn()[2:], WIDTHS)[0][2]).getexif()
    assert (told[ExifTags.Base.Artist], told[ExifTags.Base.Copyright]) == ("B. Sen", "UNI")


def test_a_profile_is_followed_and_left_out() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (lab, b"no profile", lab[:200]):
        body = shrunk(drawn(icc_profile=profile), WIDTHS)[0][2]
        assert "icc_profile" not in opened(body).info
        found = opened(body).getpixel((3, 3))
        assert isinstance(found, tuple)
        assert abs(found[1] - 128) < 10


def png_of(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is so large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


def moving(format: str) -> bytes:
    frames = [Image.new("RGB", (100, 100), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, format, save_all=True, append_images=frames[1:])
    return out.getvalue()


REFUSED = [
    (b"", "cannot be read"),
    (b"<html>404</html>", "cannot be read"),
    (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "cannot be read"),
    (drawn("BMP"), "cannot be read"),
    (drawn("TIFF"), "cannot be read"),
    (drawn()[:3000], "cannot be read"),
    (drawn("PNG")[:200], "cannot be read"),
    (png_of(50_000, 50_000), "has more than"),
    (png_of(9_000, 7_000), "has more than"),
    (drawn(size=(1, 1)), "is smaller"),
    (drawn(size=(1000, 15)), "is smaller"),
    (drawn("PNG", mode="I;16", colour=9), "rare kind"),
    (moving("GIF"), "moves"),
    (moving("WEBP"), "moves"),
    (moving("PNG"), "moves"),
]


@pytest.mark.parametrize(("data", "why"), REFUSED)
def test_what_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        shrunk(data, WIDTHS)


@given(st.integers(0, 5_000), st.binary(min_size=1, max_size=40))
def test_a_broken_picture_is_a_picture_or_refused(at: int, junk: bytes) -> None:
    whole = drawn(size=(200, 100))
    at %= len(whole)
    try:
        made = shrunk(whole[:at] + junk + whole[at + len(junk) :], (64,))
    except RefusedError:
        return
    assert all(opened(body).size == (width, height) for width, height, body in made)


def test_in_a_process_of_its_own() -> None:
    data = drawn(size=(4000, 3000))
    made = shrunk_apart(data, WIDTHS)
    assert [(*size, body) for size, body in made] == shrunk(data, WIDTHS)
    with pytest.raises(ShrinkError, match="cannot be read"):
        shrunk_apart(b"<html>", WIDTHS)


def test_one_that_takes_all_there_is_hurts_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits are the process's own, so what it becomes is limited too."""
    fat = tmp_path / "publish"
    fat.mkdir()
    (fat / "__init__.py").write_text("")
    own = Path(shrunk.__code__.co_filename).read_text(encoding="utf-8")
    (fat / "shrink.py").write_text(own.replace("Image.MAX_IMAGE_PIXELS", "b'x' * (2 << 30)\n    _"))
    monkeypatch.setattr("publish.pictures.__file__", str(fat / "pictures.py"))
    with pytest.raises(ShrinkError, match="breaks what reads it"):
        shrunk_apart(drawn(), WIDTHS)


BODY = b"\xff\xd8\xff\xe0"


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\n",
        b"[]\n",
        b"1\n",
        b'{"sizes": []}\n',
        b'{"sizes": 1}\n',
        b'{"sizes": [[320, 200]]}\n',
        b'{"sizes": [[320, 200, 4]]}\n',
        b'{"sizes": [[320, 200, 4]]}\nabcd',
        b'{"sizes": [[320, 200, 4]]}\n' + BODY + b"x",
        b'{"sizes": [[320, 200, -1]]}\n' + BODY,
        b'{"sizes": [["a", 200, 4]]}\n' + BODY,
        b'{"sizes": [[1281, 200, 4]]}\n' + BODY,
        b'{"sizes": [[320, 0, 4]]}\n' + BODY,
        b'{"sizes": [[320.5, 200, 4]]}\n' + BODY,
        b'{"sizes": [[true, 200, 4]]}\n' + BODY,
        b"[" * 100_000,
    ],
)
def test_nonsense_that_it_answers_is_no_picture(said: bytes) -> None:
    with pytest.raises(ShrinkError, match="nonsense"):
        understood(said, WIDTHS)


@given(st.binary(max_size=60))
def test_whatever_it_answers(said: bytes) -> None:
    with pytest.raises(ShrinkError):
        understood(said, WIDTHS)
