"""Text that every encoding can hold, and text that XML can."""

import re

_SURROGATE = re.compile("[\ud800-\udfff]")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def scalar(text: str) -> str:
    """*text* as Unicode scalar values: surrogate pairs joined, lone surrogates U+FFFD.

    What WebIDL's ``USVString`` and JavaScript's ``toWellFormed`` do. JSON and broken decoders hand
    such strings out; no UTF-8 can hold them.
    """
    if text.isascii() or _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def legal(text: str) -> str:
    """*text* without what XML 1.0 §2.2 cannot hold: one such character breaks a whole feed.

    Controls, U+FFFE and U+FFFF go; vertical tab and form feed, which part words, become spaces;
    surrogates are paired where they make a pair and else become U+FFFD, as decoders do.
    """
    return _ILLEGAL.sub(lambda found: " " if found[0] in "\v\f" else "", scalar(text))
