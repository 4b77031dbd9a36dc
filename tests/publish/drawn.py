"""Pictures for tests, drawn when they are needed."""

import io
from typing import Any

from PIL import Image


def drawn(
    format: str = "JPEG",
    size: tuple[int, int] = (1000, 500),
    mode: str = "RGB",
    colour: Any = "teal",
    **options: Any,
) -> bytes:
    """A picture whose left half is of one *colour*, and whose right half is black."""
    picture = Image.new(mode, size)
    picture.paste(Image.new(mode, (size[0] // 2, size[1]), colour), (0, 0))
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    """The picture *data*, read whole."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture
