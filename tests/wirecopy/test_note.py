"""Notes, checkpoints and proofs, against the published example of the note format."""

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from wirecopy.tlog import Checkpoint, key_id, origin_of, proof, sign, verifier_key

# The example of the reference implementation (golang.org/x/mod/sumdb/note).
NAME = "PeterNeumann"
SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_the_published_note_byte_for_byte() -> None:
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    public = key.public_key().public_bytes_raw()
    assert sign(TEXT, NAME, key) == f"{TEXT}\n\u2014 {NAME} {SIGNATURE}\n"
    assert verifier_key(NAME, public) == VERIFIER
    assert key_id(NAME, public).hex() == "c74f20a3"


def test_a_checkpoint_is_three_lines() -> None:
    root = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert Checkpoint("example.com/behind-the-sofa", 20852163, root).text == (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


def test_a_proof_with_and_without_a_path() -> None:
    checkpoint = "example.com/log\n1\nAA==\n\n\u2014 example.com/log AA==\n"
    assert proof(0, [], checkpoint) == f"c2sp.org/tlog-proof@v1\nindex 0\n\n{checkpoint}"
    step = base64.b64encode(b"\1" * 32).decode()
    told = proof(7, [b"\1" * 32], checkpoint)
    assert told == f"c2sp.org/tlog-proof@v1\nindex 7\n{step}\n\n{checkpoint}"


def test_a_log_is_named_after_where_it_is_served() -> None:
    assert origin_of("https://feeds.chronicle.example") == "feeds.chronicle.example/log"
    assert origin_of("http://127.0.0.1:8080") == "127.0.0.1:8080/log"
    assert origin_of("https://www.example/a b/c+d") == "www.example/ab/cd/log"
