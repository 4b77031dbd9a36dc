"""reader's side: it polls, parses and stores."""

import importlib
import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

if importlib.util.find_spec("sgmllib") is None:
    # reader 3.26 holds a copy of feedparser that imports it, and counts on feedparser to bring it;
    # feedparser 6.0.14 brings the same module under a name of its own.
    sys.modules["sgmllib"] = importlib.import_module("feedparser_sgmllib")

from reader import make_reader


@contextmanager
def polling(urls: list[str]) -> Iterator[Callable[..., int]]:
    """Polls feeds with reader's own defaults.

    One thread is its default. Ten took a quarter more CPU and were no faster: there is no network
    to wait for here.
    """
    with (
        tempfile.TemporaryDirectory(prefix="wirecopy-bench-") as folder,
        make_reader(str(Path(folder) / "reader.sqlite")) as store,
    ):
        for url in urls:
            store.add_feed(url)
        asked = set(urls)

        def work(urls: Sequence[str], prepare: bool = False) -> int:
            if prepare:
                for url in asked ^ set(urls):
                    (store.disable_feed_updates if url in asked else store.enable_feed_updates)(url)
                asked.clear()
                asked.update(urls)
                return int(store.get_entry_counts().total or 0)
            # Scheduled: a feed is polled at most once an hour; here it is asked for now.
            results = list(store.update_feeds_iter(scheduled=False, workers=1))
            for url, value in results:
                if isinstance(value, Exception):
                    raise RuntimeError(f"polling {url} failed") from value
            return len(results)

        yield work
