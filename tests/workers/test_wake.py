"""A broker that is away stops no work: only who hands out work must know that nobody heard."""

from pathlib import Path

import pytest
from kombu.exceptions import OperationalError

from stories.newsroom import Newsroom, Publisher
from workers import app, tasks


def test_waking_nobody_is_no_failure(tmp_path: Path) -> None:
    publisher = Publisher(name="The Daily Test", url="https://daily.example")
    nowhere = f"unix://{tmp_path}/nobody-listens.sock?db=0"
    app.configure(Newsroom(publisher=publisher, data=tmp_path / "data", redis_url=nowhere))
    with pytest.raises(OperationalError):
        tasks.send(tasks.ingest)
    tasks.wake(tasks.ingest)
