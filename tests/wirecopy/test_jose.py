"""Signing, against RFC 8037's example key and with a check that shares no code with it."""

import base64
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from hypothesis import given
from hypothesis import strategies as st

from wirecopy import encoding
from wirecopy.encoding import canonical
from wirecopy.errors import Refused
from wirecopy.jose import Signer, jwk, payload_of, thumbprint

# RFC 8037, appendix A.1 to A.4.
SECRET = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_the_thumbprint_of_the_rfc() -> None:
    assert jwk(decoded(PUBLIC)) == {"crv": "Ed25519", "kty": "OKP", "x": PUBLIC}
    assert thumbprint(decoded(PUBLIC)) == THUMBPRINT


def test_a_token_is_what_the_rfcs_say() -> None:
    signer = Signer.of(Ed25519PrivateKey.from_private_bytes(decoded(SECRET)))
    assert signer.kid == THUMBPRINT
    token = signer.sign({"b": "é \u2028 </", "a": [1, None]})
    payload = '{"a":[1,null],"b":"é \u2028 </"}'
    signature = token[-88:-2]
    assert token == f'{{"key":"{THUMBPRINT}","payload":{payload},"signature":"{signature}"}}'
    header = f'{{"alg":"EdDSA","b64":false,"crit":["b64"],"kid":"{THUMBPRINT}"'.encode()
    header += b',"typ":"wirecopy-statement-3"}'
    # RFC 7797 §3: the payload as it is, behind the header in base64url.
    head = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
    public = Ed25519PublicKey.from_public_bytes(decoded(PUBLIC))
    public.verify(decoded(signature), f"{head}.{payload}".encode())
    with pytest.raises(InvalidSignature):
        public.verify(decoded(signature), f"{head}.{payload}x".encode())
    assert payload_of(token) == {"a": [1, None], "b": "é \u2028 </"}
    assert signer.sign({"a": [1, None], "b": "é \u2028 </"}) == token


def test_text_is_written_as_the_rfc_writes_it() -> None:
    """RFC 8785 §3.2.2.2, its own example; and that what it does not name stays as it is."""
    text = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/"
    expected = b'{"a":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical({"a": text}) == expected
    assert canonical({"b": "\b\t\n\f\r\x00\x1f\x7f", "a": None, "B": [3, -1]}) == (
        b'{"B":[3,-1],"a":null,"b":"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f"}'
    )
    raw = "\u2028\u2029\u200b\ufeff</é😀"
    assert canonical({"a": raw}) == f'{{"a":"{raw}"}}'.encode()


_texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=4)
_values = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(), st.integers(-3, 3), _texts, st.text('ab"\\')),
        st.sampled_from((1.5, b"x", 2**53 - 1, 2**53, "\ud800", "\ud83d\ude00", {1: 2}, {"é": 1})),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(_texts, inner, max_size=3),
        st.dictionaries(st.sampled_from(["b", "a", "B", "\uffff", "\U0001f309"]), inner),
    ),
)


@given(_values)
def test_canonical_form_by_pythons_encoder_and_by_hand(value: object) -> None:
    def made(write: Callable[[object], bytes]) -> bytes | str:
        try:
            return write(value)
        except Refused as error:
            return str(error)

    assert made(canonical) == made(lambda value: encoding._written(value).encode())


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(ValueError, match="lone surrogate"):
        canonical({"a": "\ud800"})
    for value in (1.5, 2**53, b"x"):
        with pytest.raises(ValueError, match="holds"):
            canonical({"a": value})
