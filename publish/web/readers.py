"""Feed readers that take a feed's address in a link, so that one click subscribes."""

from urllib.parse import quote

READERS = {
    "Feedly": "https://feedly.com/i/subscription/feed%2F",
    "Inoreader": "https://www.inoreader.com/?add_feed=",
    "NewsBlur": "https://www.newsblur.com/?url=",
    "The Old Reader": "https://theoldreader.com/feeds/subscribe?url=",
    "Feedbin": "https://feedbin.com/?subscribe=",
}
"""The address of each, up to that of the feed."""


def subscribing(address: str) -> list[tuple[str, str]]:
    """For each reader, and for a program on one's own device, its name and the link that
    subscribes to the feed at *address*."""
    online = [(name, f"{start}{quote(address, safe='')}") for name, start in READERS.items()]
    # The scheme "feed" was never registered; programs take it before the whole address.
    return [*online, ("a program on this device", f"feed:{address}")]
