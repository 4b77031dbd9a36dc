"""Keys rotated, and every other old one revoked, by the command, all the while."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from stories.db import Store, proofs
from tests.crash.cluster import WIRECOPY, Cluster
from tests.crash.watch import Thread

PAUSE = (10.0, 30.0)
"""Seconds between two commands."""

PATIENCE = 120.0


def command(cluster: Cluster, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """``wirecopy`` with *arguments*, as somebody types it where a worker runs, its clock right."""
    there = cluster.workers[0]
    own = {**os.environ, **there.environment, **cluster.clock.environment}
    return subprocess.run(
        there.host.command(sys.executable, str(WIRECOPY), *arguments),
        check=False,
        cwd=there.folder,
        env=own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


class Keys(Thread):
    """Whoever rotates the keys. What was acknowledged, by exit code 0: when it was asked to make
    which keys (``made``), and to revoke them (``revoked``)."""

    def __init__(self, cluster: Cluster, seed: int, pause: tuple[float, float] = PAUSE) -> None:
        super().__init__(cluster.config, "keys")
        self._cluster, self._chance, self._pause = cluster, random.Random(seed), pause
        self.made: dict[str, float] = {}
        self.revoked: dict[str, float] = {}

    def once(self, store: Store) -> float:
        """Rotate, or revoke the oldest. Not where the clock was ahead: docs/operations.md."""
        pause = self._chance.uniform(*self._pause)
        clock = self._cluster.postgres_clock
        if clock is not None and clock.moved:
            return pause
        asked = time.time()  # what was committed by then may be lost, whenever it is acknowledged
        known = self._asked("keys", "--rotate", "--now", "--json")
        self.made = {one["kid"]: asked for one in known} | self.made
        old = [one["kid"] for one in known if one["state"] in ("ends", "retired")]
        if old and self._chance.random() < 0.5:
            kid = self._chance.choice(old)
            asked = time.time()
            self._asked("keys", "--revoke", kid, "--reason", "superseded", "--json")
            self.revoked[kid] = asked
        return pause

    def _asked(self, *arguments: str) -> Sequence[Mapping[str, Any]]:
        with self._cluster.quiet:
            done = command(self._cluster, *arguments)
        if done.returncode != 0:
            time.sleep(PAUSE[0] / 2)  # not again at once: others want to start, too
            raise RuntimeError(f"wirecopy {' '.join(arguments[:2])}: {done.stderr.strip()[:200]}")
        found: Sequence[Mapping[str, Any]] = json.loads(done.stdout)
        return found

    def lost(self, store: Store) -> list[str]:
        """What was acknowledged and is not on record."""
        with store.read() as conn:
            rows = {row.kid: row for row in proofs.keys(conn)}
        revoked = {kid for kid, row in rows.items() if row.revoked_at is not None}
        return [
            f"key {kid} was {what}"
            for what, told, known in (
                ("made", self.made, rows.keys()),
                ("revoked", self.revoked, revoked),
            )
            for kid, at in told.items()
            if kid not in known and not any(each.has(at) for each in self._cluster.lost)
        ]
