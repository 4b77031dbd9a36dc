"""How a log begins anew after a restore, or after the loss of its key: the new one's first leaf.

It names the log before and its last known head, so that receipts in that stay provable and nobody
takes the new one for a fork; and it is signed by every key that is left (``docs/statement.md`` §3,
§5).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .encoding import (
    SLACK,
    canonical,
    from_base64url,
    from_instant,
    jws_header,
    to_base64url,
    to_instant,
)
from .errors import Refused
from .tlog import LONGEST_LEAF, Checkpoint, LogKey, is_signed, log_key, read_checkpoint

if TYPE_CHECKING:
    from .jose import Signer

TYPE = "wirecopy-restore-1"

MOST = 100
"""Restores that a key set may tell of."""

_MEMBERS = {"type", "former", "checkpoint", "log", "known_until", "begun_at"}


@dataclass(frozen=True, slots=True)
class Restore:
    """One log's end and the next one's beginning.

    ``head`` is the last one known of the log *former*; ``known_until`` is when the backup was made:
    of what was issued later nobody at the publisher knows. The log ``log`` began at ``begun_at``
    with ``leaf``. ``signatures`` are by key id.
    """

    former: LogKey
    head: Checkpoint
    log: LogKey
    known_until: datetime
    begun_at: datetime
    signatures: Mapping[str, bytes]
    leaf: bytes
    payload: bytes

    def may_have_lost(self, issued_at: datetime | None) -> bool:
        """Whether a statement issued then may be missing from what was restored. One of which that
        is not known may."""
        if self.known_until == self.begun_at:  # only the log began anew
            return False
        if issued_at is None:
            return True
        return self.known_until - SLACK <= issued_at <= self.begun_at + SLACK

    def signed_by(self, kid: str, public: bytes) -> bool:
        """Whether the Ed25519 key *public* (32 bytes), whose id is *kid*, has signed it.

        :raises Refused: when a signature is there in its name, and is not its own.
        """
        signature = self.signatures.get(kid)
        if signature is None:
            return False
        if not is_signed(jws_header(kid, TYPE) + self.payload, signature, public):
            raise Refused(f"the signature of {kid} on the restore does not verify")
        return True


def compose(
    former: str,
    checkpoint: str,
    log: str,
    *,
    known_until: datetime,
    begun_at: datetime,
    signers: Iterable["Signer"],
) -> bytes:
    """The first leaf of *log*, which follows *former*; both are verifier keys."""
    payload = {
        "type": TYPE,
        "former": former,
        "checkpoint": checkpoint,
        "log": log,
        "known_until": to_instant(known_until),
        "begun_at": to_instant(begun_at),
    }
    written = canonical(payload)
    signatures = {
        s.kid: to_base64url(s.key.sign(jws_header(s.kid, TYPE) + written)) for s in signers
    }
    return canonical({"payload": payload, "signatures": signatures})


def read_restores(found: object, log: str | None) -> tuple[Restore, ...]:
    """The restores in a key set, oldest first; *log* is the verifier key of its present log, None
    when it has none.

    :raises Refused: when they are not as they should be, or do not lead from log to log to the
        present one.
    """
    if not isinstance(found, list) or len(found) > MOST:
        raise Refused("'wirecopy_restores' is no list of restores")
    read: list[Restore] = []
    for one in found:
        try:
            read.append(_restore(one))
        except Refused as error:
            raise Refused(f"restore {len(read) + 1}: {error}") from None
    follows = [*(one["payload"]["former"] for one in found[1:]), log]
    if [one["payload"]["log"] for one in found] != (follows if found else []):
        raise Refused("its restores do not lead from log to log to the present one")
    names = [one.former.name for one in read] + [one.log.name for one in read[-1:]]
    if len(set(names)) < len(names):
        raise Refused("two of its logs have one name")
    return tuple(read)


def _restore(found: object) -> Restore:
    if not isinstance(found, dict) or found.keys() != {"payload", "signatures"}:
        raise Refused("has to hold payload and signatures")
    payload, signatures = found["payload"], found["signatures"]
    if not isinstance(payload, dict) or payload.keys() != _MEMBERS or payload["type"] != TYPE:
        raise Refused(f"its payload is no {TYPE}")
    if not all(isinstance(value, str) for value in payload.values()):
        raise Refused("a member of its payload is no string")
    leaf = canonical(found)
    if len(leaf) > LONGEST_LEAF:
        raise Refused(f"is longer than {LONGEST_LEAF} bytes")
    former = log_key(payload["former"])
    known_until, begun_at = (from_instant(payload[each]) for each in ("known_until", "begun_at"))
    if begun_at < known_until:
        raise Refused("its log began before the backup was made")
    return Restore(
        former=former,
        head=read_checkpoint(payload["checkpoint"], former),
        log=log_key(payload["log"]),
        known_until=known_until,
        begun_at=begun_at,
        signatures=_signatures(signatures),
        leaf=leaf,
        payload=canonical(payload),
    )


def _signatures(found: Any) -> dict[str, bytes]:
    if not isinstance(found, dict) or not found:
        raise Refused("is signed by nobody")
    read: dict[str, bytes] = {}
    for kid, text in found.items():
        signature = from_base64url(text) if isinstance(text, str) else b""
        if len(from_base64url(kid)) != 32 or len(signature) != 64:
            raise Refused("has a signature that is none")
        read[kid] = signature
    return read
