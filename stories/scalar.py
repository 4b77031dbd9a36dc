"""Text that every encoding can hold."""

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def scalar(text: str) -> str:
    """*text* as Unicode scalar values: surrogate pairs joined, lone surrogates U+FFFD.

    What WebIDL's ``USVString`` and JavaScript's ``toWellFormed`` do. JSON and broken decoders hand
    such strings out; no UTF-8 can hold them.
    """
    if text.isascii() or _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
