"""A broker that is away stops no work: only who hands out work must know that nobody heard."""

from pathlib import Path

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from kombu.exceptions import OperationalError

from stories.config import Config, Publisher
from workers import app, tasks


@pytest.fixture(autouse=True)
def _nobody_listens(tmp_path: Path) -> None:
    publisher = Publisher(name="The Daily Test", url="https://daily.example")
    nowhere = f"unix://{tmp_path}/nobody-listens.sock?db=0"
    app.configure(Config(publisher=publisher, data=tmp_path / "data", redis_url=nowhere))


def test_waking_nobody_is_no_failure() -> None:
    with pytest.raises(OperationalError):
        tasks.send(tasks.ingest)
    tasks.wake(tasks.ingest)


def test_a_task_told_to_end_ends_while_it_wakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The soft time limit is raised wherever the task is; a client's odd errors are passed over."""

    def raising(error: Exception) -> None:
        def send(_: object) -> None:
            raise error

        monkeypatch.setattr(tasks, "send", send)

    raising(AttributeError("'NoneType' object has no attribute 'client'"))  # kombu 5.7
    tasks.wake(tasks.ingest)
    raising(SoftTimeLimitExceeded())
    with pytest.raises(SoftTimeLimitExceeded):
        tasks.wake(tasks.ingest)
