"""What is stated of each published story, and signed.

A statement is made when its story claims something else than the last one says, or when that one's
key was revoked; so the same story rendered again carries the same statement, byte for byte.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from publish.render import Rendered
from stories.errors import RenderError, SigningError
from stories.models import StatementRow, Story, credit_of
from wirecopy import tlog
from wirecopy.encoding import digest
from wirecopy.statement import Claims, Logged, claims, claims_of, compose, receipt_of
from wirecopy.token import LONGEST, Signer, payload_of


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be stated of some stories, by story, and what it takes to state it.

    ``last`` are their latest statements. ``receipts`` are those that the claims refer to, and
    ``logged`` shows of each, by its hash, that it is in the log.
    """

    claims: Mapping[str, Claims]
    last: Mapping[str, StatementRow]
    receipts: Mapping[str, bytes]
    logged: Mapping[bytes, Logged]
    signer: Signer
    now: datetime


@dataclass(frozen=True, slots=True)
class Signed:
    """Statements by story: those that stand, those made anew, and why there is none of others."""

    standing: Mapping[str, StatementRow] = field(default_factory=dict)
    new: Mapping[str, StatementRow] = field(default_factory=dict)
    refused: Mapping[str, RenderError | SigningError] = field(default_factory=dict)


def claims_for(story: Story, rendered: Rendered) -> Claims:
    """What is stated of *story* as *rendered*."""
    return claims(
        story.guid,
        story.id,
        credit_of(story.version, story.number),
        rendered.measurement,
        raw=story.raw_digest,
        disclosure=rendered.entry.disclosure,
        received_at=story.received_at,
        changed_at=story.changed_at,
    )


def standing(
    said: Mapping[str, Claims], last: Mapping[str, StatementRow], revoked: Collection[str]
) -> dict[str, StatementRow]:
    """Of the stories whose *last* statement claims what is *said* of them, that statement.

    None that a key among *revoked* signed.
    """
    return {
        story: row
        for story, row in last.items()
        if row.kid not in revoked and claims_of(payload_of(row.jws)) == said[story]
    }


def receipts(said: Mapping[str, Claims]) -> tuple[dict[str, bytes], dict[str, RenderError]]:
    """The receipt that each claim refers to, if something was received; and why some have none."""
    found: dict[str, bytes] = {}
    refused: dict[str, RenderError] = {}
    for story, what in said.items():
        try:
            receipt = receipt_of(what)
        except ValueError as error:
            refused[story] = _refusal(story, error)
            continue
        if receipt is not None:
            found[story] = receipt
    return found, refused


def sign(batch: Batch) -> Signed:
    """A statement of each story that it is as the batch claims."""
    new: dict[str, StatementRow] = {}
    refused: dict[str, RenderError] = {}
    for story, said in batch.claims.items():
        before = batch.last.get(story)
        number = before.version + 1 if before else 1
        previous = before.digest if before else None
        receipt = batch.receipts.get(story)
        logged = batch.logged[tlog.leaf_hash(receipt)] if receipt is not None else None
        try:
            jws = batch.signer.sign(compose(said, number, previous, logged, batch.now))
            if len(jws) > LONGEST:
                raise ValueError(f"it would take {len(jws):,} characters, which nobody reads")
        except ValueError as error:
            refused[story] = _refusal(story, error)
            continue
        new[story] = StatementRow(story, number, batch.signer.kid, digest(jws.encode()), jws)
    return Signed(new=new, refused=refused)


def _refusal(story: str, error: ValueError) -> RenderError:
    return RenderError(
        f"story {story}: nothing can be stated of it: {error}; it stays out of its feeds:"
        f" look at `wirecopy story {story} --raw`"
    )
