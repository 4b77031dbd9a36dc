"""Whether a key set keeps what is pinned: the log of an agency that restored a backup goes on."""

import pytest

from ingest.pinning import lost
from tests.signing import Log, Signer, canonical, jwks
from tests.vectors import restores
from wirecopy import Keys, read_keys

FORMER = Log(restores.ORIGIN, leaves=restores.receipts(5))
PINNED = read_keys(canonical(jwks(restores.FIRST, log=FORMER)))


def followed(*signers: Signer, former: Log = FORMER, forged: bool = False) -> Keys:
    """The agency's key set after a restore for which these vouch."""
    log = Log(restores.NEXT, "third")
    told = restores.Restore(former, 5, log, signers).told()
    if forged:
        told["signatures"][restores.FIRST.kid] = "A" * 86
    return read_keys(canonical(restores.key_set([told], log)))


@pytest.mark.parametrize("signer", [restores.FIRST, restores.LOST])
def test_a_log_that_follows_by_the_word_of_a_pinned_key_is_not_lost(signer: Signer) -> None:
    assert lost(PINNED, followed(signer)) == []


def test_a_log_that_follows_by_nobodys_word_is_lost() -> None:
    gone = [f"the log {restores.ORIGIN}"]
    assert lost(PINNED, followed(restores.UNKNOWN)) == gone
    assert lost(PINNED, followed(restores.LOST, forged=True)) == gone
    other = Log(restores.ORIGIN, "another", FORMER.leaves)
    assert lost(PINNED, followed(restores.FIRST, former=other)) == gone
    assert lost(PINNED, read_keys(canonical(jwks(restores.FIRST, log=other)))) == gone
    assert lost(PINNED, read_keys(canonical(jwks(restores.FIRST)))) == gone
    assert lost(PINNED, PINNED) == []
