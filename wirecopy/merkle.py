"""Merkle trees of RFC 6962: proofs that a leaf stands in a log, and that a log only grew.

The checks are those of RFC 9162 §2.1.3.2 and §2.1.4.2.
"""

import hashlib
from collections.abc import Callable, Sequence

from .errors import Refused

EMPTY = hashlib.sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""The hash of the subtree of 2**height leaves that is the index-th of its height."""


def leaf(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def join(left: bytes, right: bytes) -> bytes:
    """The hash of a node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def check_inclusion(
    hash_: bytes, index: int, size: int, root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the leaf of *hash_* is the *index*-th of the *size* leaves below *root*.

    :raises Refused: when it is not shown to be.
    """
    if not 0 <= index < size:
        raise Refused(f"leaf {index} does not stand in a log of {size}")
    at, last, found = index, size - 1, hash_
    for step in path:
        if last == 0:
            raise Refused("the proof is too long")
        if at & 1 or at == last:
            found = join(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = join(found, step)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise Refused("the proof is too short")
    if found != root:
        raise Refused("the proof does not lead to the signed root")


def check_consistency(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the log of *new* leaves begins with the log of *old* leaves.

    :raises Refused: when it is not shown to.
    """
    if old > new:
        raise Refused(f"a log of {new} cannot continue one of {old}")
    if old in (0, new):
        if proof or old_root != (EMPTY if old == 0 else new_root):
            raise Refused("the two roots contradict each other")
    else:
        _check_steps(old, old_root, new, new_root, proof)


def _check_steps(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    if not proof:
        raise Refused("the proof is empty")
    steps = list(proof)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise Refused("the proof is too long")
        if at & 1 or at == last:
            before, after = join(step, before), join(step, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = join(after, step)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise Refused("the proof is too short")
    if before != old_root or after != new_root:
        raise Refused("the log was rewritten: the new one does not continue the old one")


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """The proof from *old* to *new* leaves (RFC 6962 §2.1.2), of hashes that *node* gives.

    :raises Refused: as *node* does.
    """
    if not 0 < old < new:
        return []
    proof: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if old <= middle:
            proof.append(range_hash(middle, end, node))
            end = middle
        else:
            proof.append(range_hash(start, middle, node))
            start, whole = middle, False
    if not whole:
        proof.append(range_hash(start, end, node))
    return proof[::-1]


def range_hash(start: int, end: int, node: Node) -> bytes:
    """MTH of the leaves from *start* to *end*, where *start* is a multiple of the first cut."""
    found: bytes | None = None
    pieces: list[bytes] = []
    while start < end:
        height = (end - start).bit_length() - 1
        pieces.append(node(height, start >> height))
        start += 1 << height
    for piece in reversed(pieces):
        found = piece if found is None else join(piece, found)
    return EMPTY if found is None else found
