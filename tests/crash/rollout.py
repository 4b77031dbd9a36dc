"""What people change while all of it runs: configuration and release, member by member; the store,
by one that was backed up."""

import json
import re
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial

from stories.db import SQLAlchemyError, Store, alerts, connect, timeline
from stories.errors import StoreError
from tests.crash.clocks import SEAM
from tests.crash.cluster import HOME, Cluster, configure
from tests.crash.keys import command
from tests.crash.programs import Program
from tests.crash.watch import Seen

PACKAGES = ("desk", "ingest", "net", "publish", "stories", "wirecopy", "workers")

_MIGRATION = '''"""A table more."""

import sqlalchemy as sa
from alembic import op

revision = "{new}"
down_revision = "{old}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("later_{new}", sa.Column("id", sa.Integer(), primary_key=True))
'''

Change = Callable[[Program], None]


def configuration(cluster: Cluster) -> list[Change]:
    """The other configuration, and back."""
    return [partial(configure, text=text) for text in reversed(cluster.texts)]


@dataclass(frozen=True, slots=True)
class Lost:
    """What came after ``backup`` was made was lost, when all was killed at ``killed``; members
    started on the backup at ``restored`` (seconds since 1970).

    Where a standby took the place of PostgreSQL, ``backup`` is when it received the last; then
    nobody else was killed, and of the log, by its name and size, was ``had`` and is ``left``.
    """

    backup: float
    killed: float
    restored: float
    had: tuple[str, int] | None = None
    left: tuple[str, int] | None = None

    @property
    def restore(self) -> bool:
        """Whether it was a backup."""
        return self.had is None

    def has(self, at: float) -> bool:
        """Whether what was acknowledged at that time may be lost."""
        # What lay in a folder was acknowledged, and may have been taken in later.
        return self.backup - TAKEN_WITHIN < at < self.restored

    def hides(self, seen: Seen) -> bool:
        """Whether what that poll saw may be lost."""
        return seen.before.timestamp() < self.restored and self.backup < seen.ended.timestamp()


TAKEN_WITHIN = 75.0
"""Seconds until a file is taken that lies in a folder, at most."""


def back_up(cluster: Cluster) -> bool:
    """Back the store up; whether that was possible just now."""
    with cluster.quiet:
        return command(cluster, "backup", str(cluster.folder / "backup")).returncode == 0


def forget(cluster: Cluster, lost: Lost) -> None:
    """Have nobody ask for what was *lost*."""
    with cluster.hidden.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"restored": lost.backup}) + "\n")
    cluster.lost.append(lost)


def failover_untold(store: Store, lost: Sequence[Lost]) -> list[str]:
    """The last fail-over, when no alert tells of it and something may be lost since a restore."""
    if not lost or lost[-1].restore:
        return []
    now = timeline.look(store)
    with store.read() as conn:
        told = [alert.subject for alert in alerts.standing(conn, kind="failover")]
    return [] if now and f"timeline {now.number}" in told else [f"{now}; alerts are of {told}"]


def untold(store: Store, lost: Sequence[Lost]) -> list[str]:
    """What the log lost by fail-overs of which no alert tells."""
    with store.read() as conn:
        found = alerts.standing(conn, kind="log")
    told = [
        (alert.subject, int(count), int(place))
        for alert in found
        for count, place in _TOLD.findall(alert.message)
    ]
    return [
        f"{each.had} became {each.left}; alerts are of {told}"
        for n, each in enumerate(lost)
        if each.had and each.left and each.had != each.left
        if not any(later.restore for later in lost[n:])  # which lost the alert, too
        if not any(
            log == each.left[0] and place <= each.left[1] and place + count >= each.had[1]
            for log, count, place in told
        )
    ]


_TOLD = re.compile(r"^(\d+) receipts, from place (\d+) on")


def restore(cluster: Cluster, backup: float) -> bool:
    """Lose the store, and restore what was backed up at *backup*; whether that was possible just
    now. No member runs meanwhile, nor until it was."""
    for member in cluster.members:
        member.rest()
    killed = time.time()
    with cluster.quiet, suppress(SQLAlchemyError, StoreError):
        with closing(connect(cluster.config.database)) as store, store.write() as conn:
            conn.exec_driver_sql("DROP SCHEMA public CASCADE")
            conn.exec_driver_sql("CREATE SCHEMA public")
        done = command(cluster, "restore", str(cluster.folder / "backup"))
        if done.returncode == 0:
            forget(cluster, Lost(backup, killed, time.time()))
            for member in cluster.members:
                member.go_on()
            return True
    return False


def release(cluster: Cluster) -> Change:
    """To the next release: the newest code with one migration more."""
    folder = cluster.folder / "releases"
    folder.mkdir(exist_ok=True)
    before = [HOME, *sorted(folder.iterdir(), key=lambda each: int(each.name))][-1]
    home = folder / f"{len(list(folder.iterdir())) + 1}"
    for package in PACKAGES:
        shutil.copytree(before / package, home / package)
    engine = home / "stories" / "db" / "engine.py"
    text = engine.read_text(encoding="utf-8")
    head = re.search(r'^HEAD = "(\d+)"$', text, re.MULTILINE)
    assert head, "the newest revision"
    new = f"{int(head[1]) + 1:04}"
    engine.write_text(text.replace(head[0], f'HEAD = "{new}"'), encoding="utf-8")
    migration = _MIGRATION.format(new=new, old=head[1])
    versions = home / "stories" / "db" / "migrations" / "versions"
    (versions / f"{new}_later.py").write_text(migration, encoding="utf-8")

    def install(member: Program) -> None:
        if member.folder != HOME and int(member.folder.name) > int(home.name):
            return  # another rollout was faster
        member.folder = home
        member.environment = {**member.environment, "PYTHONPATH": f"{SEAM}:{home}"}

    return install
