"""Makes JPEGs of several widths of a picture: ``python -m publish.shrink WIDTHS``, in a process of
its own, as it reads what strangers drew.

On standard input is the picture; on standard output one line of JSON, ``{"refused": "why"}`` or
``{"sizes": [[width, height, length], …]}``, and after the latter the JPEGs, the smallest first.
They are upright, in sRGB, on white where they were transparent, and have of what stood in the
picture's metadata who made it and whose it is, and nothing else: no place, no camera, no thumbnail.
"""

import contextlib
import io
import json
import os
import resource
import sys
from collections.abc import Sequence
from typing import Any

from PIL import ExifTags, Image, ImageCms, ImageFile, ImageOps, IptcImagePlugin

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")

MOST_PIXELS = 60_000_000
"""Of a picture; cameras of newsrooms make 24 to 50 million."""

LEAST = 16
"""Pixels of the shorter side: what is smaller is no picture for people."""

MEMORY = 1 << 30
SECONDS = 20
LARGEST = 64 << 20
"""What the process may use: bytes of memory, seconds of processor time, bytes of its answer."""

QUALITY = 80

_MODES = frozenset(("1", "L", "P", "RGB", "RGBA", "LA", "PA", "CMYK", "YCbCr"))
_MOVE = frozenset(("PNG", "WEBP", "GIF", "AVIF"))
_IPTC = {(2, 80): ExifTags.Base.Artist, (2, 116): ExifTags.Base.Copyright}
_LONGEST = 200
"""Characters of who made a picture, and of whose it is."""


class RefusedError(Exception):
    """Nothing is made of a picture; it says why."""


def shrunk(data: bytes, widths: Sequence[int]) -> list[tuple[int, int, bytes]]:
    """Width, height and bytes of a JPEG of each of *widths*, ascending, that the picture has; of
    its own width, where that is smaller than the largest of them.

    :raises RefusedError: for what is no still picture of a size to be shown.
    """
    Image.MAX_IMAGE_PIXELS = None  # we look ourselves, before any pixel is made
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            upright = _upright(picture, widths[-1])
            rights = _rights(picture)
    except RefusedError:
        raise
    except MemoryError:
        raise RefusedError("takes more memory than it may") from None
    except Exception as error:
        raise RefusedError(f"cannot be read: {type(error).__name__}") from error
    whole = min(widths[-1], upright.width)
    made = []
    for width in sorted({*(each for each in widths if each < whole), whole}):
        height = max(1, round(upright.height * width / upright.width))
        resized = upright.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        out = io.BytesIO()
        resized.save(
            out, "JPEG", quality=QUALITY, optimize=True, progressive=True, exif=rights.tobytes()
        )
        made.append((width, height, out.getvalue()))
    return made


def _upright(picture: Image.Image, widest: int) -> Image.Image:
    """The *picture* as people see it, in RGB, not much larger than it is needed."""
    if picture.width * picture.height > MOST_PIXELS:
        raise RefusedError(f"has more than {MOST_PIXELS:,} pixels")
    if min(picture.size) < LEAST:
        raise RefusedError(f"is smaller than {LEAST} pixels")
    if picture.format in _MOVE and getattr(picture, "is_animated", False):
        raise RefusedError("moves")
    if picture.mode not in _MODES:
        raise RefusedError(f"is of a rare kind ({picture.mode})")
    picture.draft(None, (widest, widest))  # of a JPEG not all pixels are made
    picture.load()
    return _in_rgb(ImageOps.exif_transpose(picture))


def _in_rgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        picture = Image.alpha_composite(white, seen)
        picture = picture.convert("RGB")
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        # What cannot be understood, or is for another kind of picture, says nothing.
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            told = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            found = ImageCms.profileToProfile(picture, told, srgb, outputMode="RGB")
            if found is not None:
                return found
    return picture.convert("RGB")


def _rights(picture: ImageFile.ImageFile) -> Image.Exif:
    """Who made the picture and whose it is, by its EXIF or else its IPTC, as EXIF."""
    found = Image.Exif()
    with contextlib.suppress(Exception):  # broken metadata says nothing
        told: dict[int, Any] = dict(picture.getexif())
        for key, tag in _IPTC.items():
            told.setdefault(tag, (IptcImagePlugin.getiptcinfo(picture) or {}).get(key))
        for tag in _IPTC.values():
            text = told.get(tag)
            text = text[0] if isinstance(text, list) and text else text
            text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
            if isinstance(text, str) and (said := text.strip("\0 \r\n\t")[:_LONGEST]):
                found[tag] = said
    return found


def main() -> None:
    """Read, make and answer, in bounds that the process gives itself first, and behind all else."""
    os.nice(10)
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, LARGEST),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    widths = [int(each) for each in sys.argv[1].split(",")]
    out = sys.stdout.buffer
    try:
        made = shrunk(sys.stdin.buffer.read(), widths)
    except RefusedError as error:
        out.write(json.dumps({"refused": str(error)}).encode() + b"\n")
        return
    head = {"sizes": [(width, height, len(data)) for width, height, data in made]}
    out.write(json.dumps(head).encode() + b"\n" + b"".join(data for _, _, data in made))


if __name__ == "__main__":
    main()
