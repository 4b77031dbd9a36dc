"""The worked example of ``docs/statement.md``: an entry of the vectors, and all its proof takes."""

import json
import re
from pathlib import Path

from tests.signed import Issuer, receipt, samples
from tests.signing import (
    TYPE,
    Signer,
    b64,
    canonical,
    digest,
    jwks,
    leaf_hash,
    payload_of,
    short,
)
from wirecopy.scope import Copy, parts
from wirecopy.text import plain

PAGE = Path(__file__).parents[2] / "docs" / "statement.md"
_MARKS = "<!-- example -->\n", "\n<!-- /example -->"


def page(text: str) -> str:
    """*text*, that of the specification, with the example as it has to be."""
    before, _, rest = text.partition(_MARKS[0])
    _, _, after = rest.partition(_MARKS[1])
    return f"{before}{_MARKS[0]}\n{_example()}\n{_MARKS[1]}{after}"


def _example() -> str:
    signer = Signer("first")
    issuer = Issuer(signer)
    for n in range(4):
        issuer.log.add(b"an earlier receipt %d" % n)
    entry, *_ = [issuer.sign(story) for story in samples()]
    token = entry.statement or ""
    payload, leaf = payload_of(token), canonical(receipt(issuer.told[token]))
    item = re.search(r"(?s) *<item>.*?</item>", issuer.feed([entry], "rss").decode())
    assert item is not None
    header = {"alg": "EdDSA", "b64": False, "crit": ["b64"], "kid": signer.kid, "typ": TYPE}
    text = parts(Copy(entry.headline, entry.html), disclosure=entry.disclosure).text
    digested = [
        canonical(["wirecopy-text-1", part, value]).decode()
        for part, value in (
            ("headline", plain(entry.wire_headline or "")),
            ("headline", plain(entry.headline)),
            ("text", text),
        )
    ]
    size = len(issuer.log.leaves)
    told = (
        ("An entry, in RSS:", "xml", item[0]),
        (
            "The key set of its publisher:",
            "json",
            json.dumps(jwks(signer, log=issuer.log), indent=1),
        ),
        (
            "The payload of its statement, which stands there in canonical form, read:",
            "json",
            json.dumps(payload, indent=1, ensure_ascii=False),
        ),
        (
            "The header. Signed is its base64url, `.`, and the payload in canonical form:",
            "json",
            canonical(header).decode(),
        ),
        (
            "What is digested of the headline as received, of that as published, and of the text,"
            " the same in both:",
            "json",
            "\n".join(digested),
        ),
        (
            "The digests of these: `received.headline`, `published.headline`, `received.text`:",
            "text",
            "\n".join(short(digest(each.encode())) for each in digested),
        ),
        (f"The receipt, leaf {payload['index']} of the log:", "json", leaf.decode()),
        ("The leaf hash of it, in base64:", "text", b64(leaf_hash(leaf))),
        (
            f"The proof in the head of a feed of this entry alone, when the log has {size} leaves:",
            "text",
            issuer.proof([token]),
        ),
    )
    return "\n\n".join(f"{said}\n\n```{kind}\n{block}\n```" for said, kind, block in told)
