"""The golden files: three stories, each a whole feed in each format, byte for byte.

After a change that is meant to change bytes, raise ``publish.rerender.RENDERING``, run
``python -m tests.publish.goldens write``, and read the difference. Without an argument this prints
the digest of each document, for other processes to compare.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from publish.document import frame
from publish.formats import Format
from publish.render import render
from publish.rerender import RENDERING
from publish.selection import metadata
from tests.publish.samples import config, english, hindi, urdu
from wirecopy.encoding import digest

FOLDER = Path(__file__).parent / "golden"
FORMATS: tuple[Format, ...] = ("rss", "atom", "json")


def documents() -> Iterator[tuple[str, bytes]]:
    """File names and what the files have to hold."""
    conf = config()
    for name, story in (("english", english()), ("hindi", hindi()), ("urdu", urdu())):
        rendered = render(story, conf)
        for form in FORMATS:
            fragment = getattr(rendered, form)
            document = frame(metadata(conf.feeds[0], conf, story.changed_at), form).join([fragment])
            yield f"{name}.{form}", document


def main() -> None:
    """Write the files, or print digests."""
    found = dict(documents())
    if sys.argv[1:] == ["write"]:
        for name, document in found.items():
            (FOLDER / name).write_bytes(document)
        (FOLDER / "RENDERING").write_text(f"{RENDERING}\n")
    else:
        print(json.dumps({name: digest(document) for name, document in found.items()}))


if __name__ == "__main__":
    main()
