"""Receipts say when they were given their place in the log.

A log is never rewritten: the leaves that do not say so stay as they are, in their places. Every
receipt, logged or waiting, is written once more in the form that does, and waits for a place; so a
story that is stated again has one to refer to, and says truly since when it can be shown.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_RECEIPTS = sa.table(
    "receipts",
    sa.column("hash", sa.LargeBinary()),
    sa.column("story_id", sa.String()),
    sa.column("capture_id", sa.BigInteger()),
    sa.column("position", sa.Integer()),
    sa.column("idx", sa.BigInteger()),
    sa.column("leaf", sa.LargeBinary()),
)
_STEP = 500
_LONGEST = 0xFFFF - len(b'"logged_at":"2000-01-01T00:00:00.000000Z",')


def upgrade() -> None:
    op.add_column("receipts", sa.Column("logged_at", sa.BigInteger(), nullable=True))
    conn = op.get_bind()
    place = _RECEIPTS.c.idx
    waiting = conn.execute(sa.select(_RECEIPTS).where(place.is_(None))).mappings().all()
    conn.execute(sa.delete(_RECEIPTS).where(place.is_(None)))
    _write(conn, waiting)
    for first in range(0, (conn.scalar(sa.select(sa.func.max(place))) or 0) + 1, _STEP):
        logged = sa.select(_RECEIPTS).where(place >= first, place < first + _STEP)
        _write(conn, conn.execute(logged).mappings().all())


def _write(conn: sa.Connection, rows: Sequence[sa.RowMapping]) -> None:
    found = [_anew(row) for row in rows]
    # One that would be too long for a leaf is of a story that is too long to be stated, too.
    fitting = [row for row in found if len(row["leaf"]) <= _LONGEST]
    if fitting:
        conn.execute(sa.insert(_RECEIPTS), fitting)


def _anew(row: sa.RowMapping) -> dict[str, Any]:
    receipt = {**json.loads(row["leaf"]), "type": "wirecopy-receipt-2"}
    text = json.dumps(receipt, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    leaf = text.encode()
    return {**row, "idx": None, "leaf": leaf, "hash": hashlib.sha256(b"\0" + leaf).digest()}
