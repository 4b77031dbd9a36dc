"""The worked example of docs/statement.md, computed again from what stands there alone."""

import base64
import hashlib
import html
import json
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.vectors import example

SECTION = example.PAGE.read_text(encoding="utf-8").partition("<!-- example -->")[2]
BLOCKS = re.findall(r"^```\w+\n(.*?)\n```$", SECTION, re.M | re.S)
ITEM, KEYS, PAYLOAD, HEADER, DIGESTED, DIGESTS, LEAF, LEAF_HASH, PROOF = BLOCKS


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def statement() -> tuple[str, str, str]:
    found = re.search(r"<wirecopy:statement>(.*)</wirecopy:statement>", ITEM)
    assert found is not None
    key, signature, payload = html.unescape(found[1]).split(".", 2)
    return key, signature, payload


def test_the_signature_is_that_of_the_key() -> None:
    kid, signature, payload = statement()
    (jwk,) = json.loads(KEYS)["keys"]
    assert kid == jwk["kid"] == json.loads(HEADER)["kid"]
    signed = f"{b64url(HEADER.encode())}.{payload}".encode()
    Ed25519PublicKey.from_public_bytes(unb64url(jwk["x"])).verify(unb64url(signature), signed)


def test_the_payload_is_the_one_that_is_signed() -> None:
    assert json.loads(PAYLOAD) == json.loads(statement()[2])


def test_the_digests_are_those_of_what_is_digested() -> None:
    said = json.loads(PAYLOAD)
    digests = [b64url(hashlib.sha256(line.encode()).digest()) for line in DIGESTED.splitlines()]
    assert digests == DIGESTS.splitlines()
    received, published = said["received"], said["published"]
    assert digests == [received["headline"], published["headline"], received["text"]]
    assert published.keys() == {"headline"}
    _, headline, text = (json.loads(line)[2] for line in DIGESTED.splitlines())
    assert f"<title>{headline}</title>" in ITEM
    assert all(words in re.sub("<[^>]*>", "", html.unescape(ITEM)) for words in text)


def test_the_proof_has_the_leaf_hash_and_leads_to_the_root() -> None:
    leaf = base64.b64encode(hashlib.sha256(b"\0" + LEAF.encode()).digest()).decode()
    assert leaf == LEAF_HASH
    _, listed, hashes, _, _, size, root, *_ = PROOF.split("\n")
    index, count = int(listed.removeprefix("leaves ")), int(size)
    assert index == json.loads(PAYLOAD)["index"]
    joined = base64.b64decode(hashes)
    each = iter([joined[at : at + 32] for at in range(0, len(joined), 32)])

    def node(low: int, high: int) -> bytes:
        if not low <= index < high or high - low == 1:
            return next(each)
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        return hashlib.sha256(b"\1" + node(low, middle) + node(middle, high)).digest()

    assert node(0, count) == base64.b64decode(root)
    assert base64.b64decode(leaf) in joined
