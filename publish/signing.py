"""Issuing: what is stated of each published story, signed; or the statement that stands already.

A statement is made when its story claims something else than the last one says, or when that one's
key was revoked; so the same story rendered again carries the same statement, byte for byte.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from publish.render import Rendered
from stories import clock, keyring, transparency
from stories.config import Config
from stories.db import Store, proofs
from stories.db import stories as records
from stories.db.proofs import Receipt, StatementRow
from stories.errors import RenderError, SigningError
from stories.models import Story
from stories.signing import payload_of
from stories.statement import (
    LONGEST_STATEMENT,
    Claims,
    Logged,
    claims,
    claims_of,
    compose,
    receipt_of,
)
from wirecopy import tlog
from wirecopy.encoding import digest

log = structlog.get_logger()


Refusals = dict[str, RenderError | SigningError]
"""By story, why nothing can be stated of it."""


@dataclass(frozen=True, slots=True)
class Issued:
    """The statement that an entry carries; ``fresh`` when it is to be kept together with it."""

    row: StatementRow
    fresh: bool


def claims_for(story: Story, rendered: Rendered) -> Claims:
    """What is stated of *story* as *rendered*."""
    return claims(story, rendered.measurement, rendered.entry.disclosure)


def standing(conn: Connection, said: Mapping[str, Claims]) -> dict[str, StatementRow]:
    """Of the stories whose last statement claims what they are *said* to, that statement."""
    last = proofs.last_statements(conn, list(said))
    return _standing(conn, last, said)


def _standing(
    conn: Connection, last: Mapping[str, StatementRow], said: Mapping[str, Claims]
) -> dict[str, StatementRow]:
    revoked = {row.kid for row in proofs.keys(conn) if row.revoked_at is not None}
    return {
        story: row
        for story, row in last.items()
        if row.kid not in revoked and claims_of(payload_of(row.jws)) == said[story]
    }


def issue(
    store: Store, config: Config, said: Mapping[str, Claims]
) -> tuple[dict[str, Issued], Refusals]:
    """A statement of each story that it is as it is *said* to be; and for those of which nothing
    can be stated, why not: for a fault of their own, or because nothing can be signed now.

    What was received is in the log before anything is stated of it. The caller holds the stories,
    and keeps fresh statements in the transaction that keeps their entries.
    """
    with store.read() as conn:
        last = proofs.last_statements(conn, list(said))
        kept = _standing(conn, last, said)
    issued = {story: Issued(row, fresh=False) for story, row in kept.items()}
    wanted = {story: what for story, what in said.items() if story not in issued}
    if not wanted:
        return issued, {}
    leaves, refused = _leaves(wanted)
    try:
        logged = _logged(store, config, leaves)
        signer = keyring.signer(store, config)
    except SigningError as error:
        log.error("nothing can be signed", error=str(error))
        return issued, dict.fromkeys(wanted, error) | refused
    now = clock.now()
    for story, what in wanted.items():
        if story in refused:
            continue
        before = last.get(story)
        receipt = logged[leaves[story].hash] if story in leaves else None
        number = before.version + 1 if before else 1
        previous = before.digest if before else None
        try:
            jws = signer.sign(compose(what, number, previous, receipt, now))
            if len(jws) > LONGEST_STATEMENT:
                raise ValueError(f"it would take {len(jws):,} characters, which nobody reads")
        except ValueError as error:
            refused[story] = _refusal(story, error)
            continue
        row = StatementRow(story, number, signer.kid, digest(jws.encode()), jws)
        issued[story] = Issued(row, fresh=True)
    return issued, refused


def _refusal(story: str, error: ValueError) -> RenderError:
    return RenderError(
        f"story {story}: nothing can be stated of it: {error}; it stays out of its feeds:"
        f" look at `wirecopy story {story} --raw`"
    )


def _leaves(
    said: Mapping[str, Claims],
) -> tuple[dict[str, Receipt], Refusals]:
    """The receipt that each statement refers to, and why some can have none."""
    leaves: dict[str, Receipt] = {}
    refused: Refusals = {}
    for story, what in said.items():
        try:
            leaf = receipt_of(what)
        except ValueError as error:
            refused[story] = _refusal(story, error)
            continue
        if leaf is not None:
            leaves[story] = Receipt(tlog.leaf_hash(leaf), story, 0, 0, leaf)
    return leaves, refused


def _logged(store: Store, config: Config, leaves: Mapping[str, Receipt]) -> dict[bytes, Logged]:
    """Proofs that the *leaves* are in the log, where they are put if they are not there yet.

    Intake writes them. Missing are those of versions that were taken in before there was a log,
    or whose digests are made by another rule today.
    """
    hashes = {leaf.hash for leaf in leaves.values()}
    with store.read() as conn:
        known = proofs.receipt_places(conn, hashes)
        missing = {story: leaf for story, leaf in leaves.items() if leaf.hash not in known}
        brought = records.brought_by(conn, list(missing))
    if missing:
        with store.write() as conn:
            proofs.add_receipts(
                conn,
                [
                    Receipt(leaf.hash, story, *brought.get(story, (0, 0)), leaf.leaf)
                    for story, leaf in missing.items()
                ],
            )
    if missing or None in known.values():
        transparency.append(store, config)
    return transparency.inclusion_proofs(store, hashes)
