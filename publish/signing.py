"""Signs a statement of each story that is published, or was killed, unless its last one still makes
the same claims.

A new statement is made only when the claims have changed or the key of the last one was revoked, so
the same story rendered again carries the same statement, byte for byte. Pure: the renderer reads
and stores.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from publish.render import Rendered
from stories.errors import RenderError, SigningError
from stories.models import StatementRow, Story, credit_of
from wirecopy import statement, tlog
from wirecopy.jose import LONGEST, Signer, pieces_of, token_digest
from wirecopy.statement import Claims, Logged


class Last(NamedTuple):
    """The latest statement of a story, and what it says."""

    row: StatementRow
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Claims to sign, by story, and what that takes.

    ``last`` are the stories' latest statements. ``receipts`` are those that the claims refer to;
    ``logged`` has the place of each in the log, by its hash.
    """

    claims: Mapping[str, Claims]
    last: Mapping[str, Last]
    receipts: Mapping[str, bytes]
    logged: Mapping[bytes, Logged]
    signer: Signer
    now: datetime


@dataclass(frozen=True, slots=True)
class Signed:
    """Statements by story: the last one where it still stands, a new one, or why there is none."""

    standing: Mapping[str, StatementRow] = field(default_factory=dict)
    new: Mapping[str, StatementRow] = field(default_factory=dict)
    refused: Mapping[str, RenderError | SigningError] = field(default_factory=dict)


def claims_for(story: Story, rendered: Rendered) -> Claims:
    """What a statement of *story* as *rendered* claims."""
    return statement.claims(
        story.guid,
        story.id,
        credit_of(story.version),
        rendered.measurement,
        raw=story.raw_digest,
        details=rendered.entry.details,
        disclosure=rendered.entry.disclosure,
        received_at=story.received_at,
        changed_at=story.changed_at,
        custody=story.custody,
    )


def withdrawal_for(story: Story) -> Claims:
    """What a statement of *story*, which was killed, claims."""
    return statement.withdrawal(story.guid, story.id, story.status_at or story.changed_at)


def standing(
    claims: Mapping[str, Claims], last: Mapping[str, Last], revoked: Collection[str]
) -> dict[str, StatementRow]:
    """Those of the *last* statements that make these *claims* and whose key is not *revoked*."""
    return {
        story: row
        for story, (row, said) in last.items()
        if row.kid not in revoked and statement.claims_of(said) == claims[story]
    }


def receipts(claims: Mapping[str, Claims]) -> tuple[dict[str, bytes], dict[str, RenderError]]:
    """The receipt that each claim refers to, if it has one; and why some claims are refused."""
    found: dict[str, bytes] = {}
    refused: dict[str, RenderError] = {}
    for story, claimed in claims.items():
        try:
            receipt = statement.receipt_of(claimed)
        except ValueError as error:
            refused[story] = _refusal(story, error)
            continue
        if receipt is not None:
            found[story] = receipt
    return found, refused


def sign(batch: Batch) -> Signed:
    """A new statement of each story in the *batch*."""
    new: dict[str, StatementRow] = {}
    refused: dict[str, RenderError] = {}
    for story, claimed in batch.claims.items():
        before = batch.last.get(story)
        number = before.row.version + 1 if before else 1
        previous = before.row.digest if before else None
        receipt = batch.receipts.get(story)
        logged = batch.logged[tlog.leaf_hash(receipt)] if receipt is not None else None
        try:
            at = _issued(claimed, before, batch.now)
            token = batch.signer.sign(statement.compose(claimed, number, previous, logged, at))
            if (size := len(pieces_of(token).payload.encode())) > LONGEST:
                raise ValueError(f"it would take {size:,} bytes, which nobody reads")
        except ValueError as error:
            refused[story] = _refusal(story, error)
            continue
        checkpoint = logged.checkpoint if logged is not None else None
        kid = batch.signer.kid
        new[story] = StatementRow(story, number, kid, token_digest(token), token, checkpoint)
    return Signed(new=new, refused=refused)


def _issued(claimed: Claims, before: Last | None, now: datetime) -> datetime:
    """The present, but neither before the change that is *claimed* nor the statement *before*.

    A clock that ran ahead and was put right may have dated both: what is signed of such a story
    holds once that time has come, and would never if it were out of order.
    """
    last = [before.said["issued_at"]] if before else []
    changes = ("withdrawn_at", "changed_at", "received_at")
    changed_at = next(claimed[name] for name in changes if name in claimed)
    return max(now, *map(datetime.fromisoformat, (changed_at, *last)))


def _refusal(story: str, error: ValueError) -> RenderError:
    return RenderError(
        f"story {story}: nothing can be stated of it: {error}; it stays out of its feeds:"
        f" look at `wirecopy story {story} --raw`"
    )
