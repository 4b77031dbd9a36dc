"""A process that takes files is killed again and again: none is lost, and none comes twice."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stories.db import Store, captures
from stories.models import body_digest
from stories.pdeathsig import bound_to_parent
from tests.conftest import ConfigOf
from tests.ingest.test_collect import Drop, feed

COUNT = 120
KILLS = 12

TAKE = """
import sys
from datetime import UTC, datetime, timedelta
from ingest import arrivals, poll
from net.client import Client
from stories.config import Config
from stories.db import connect, wires
arrivals.MOST_TAKEN, arrivals.SETTLED = 3, timedelta(0)
config = Config.model_validate_json(sys.argv[2])
store = connect(sys.argv[1])
with Client() as http:
    while True:
        print("goes", flush=True)
        with store.write() as conn:
            claimed = wires.take(conn, ["w"], datetime.now(UTC) + timedelta(minutes=1))
        list(poll.poll(store, config, http, claimed))
"""


@pytest.mark.slow
def test_files_are_captured_once_whoever_is_killed(
    config: ConfigOf, store: Store, database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    drop = Drop(config, store, folder)
    drop.configure(delete_taken=True)
    bodies = [feed(f"River {number}") for number in range(COUNT)]
    for number, body in enumerate(bodies):
        drop.put(f"{number}.xml", body)
    asked = [sys.executable, "-c", TAKE, database_url, drop.config.model_dump_json()]
    drawn = random.Random(7)
    for _ in range(KILLS):
        with subprocess.Popen(bound_to_parent(asked), stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            for _ in range(drawn.randrange(1, 4)):
                assert child.stdout.readline() == b"goes\n"
            time.sleep(drawn.random() / 20)
            child.kill()
    while any(folder.iterdir()):
        drop.poll()
    with store.read() as conn:
        found = captures.listing(conn, limit=2 * COUNT)
    assert sorted(each.digest for each in found) == sorted(map(body_digest, bodies))
