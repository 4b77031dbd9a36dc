"""Tasks for the tests of the set-up itself; a worker gets them with ``--include``.

They leave their marks as files, which need nothing of what is being tested.
"""

import os
import time
from pathlib import Path

import structlog
from celery.exceptions import SoftTimeLimitExceeded

from stories.db import wires
from stories.errors import WirecopyError
from workers.app import celery
from workers.process import current


def _mark(folder: str, name: str) -> None:
    """Leave the file *name* with this process's id in it, there whole or not at all."""
    new = Path(folder) / f".{name}.new"
    new.write_text(str(os.getpid()), encoding="utf-8")
    new.rename(Path(folder) / name)


@celery.task
def leave(folder: str, name: str) -> None:
    """Leave the file *name*."""
    _mark(folder, name)


@celery.task
def take_long(folder: str, name: str, seconds: float) -> None:
    """Leave ``NAME.began`` with the process's id, work for *seconds*, leave ``NAME.ended``."""
    _mark(folder, f"{name}.began")
    time.sleep(seconds)
    (Path(folder) / f"{name}.ended").touch()


@celery.task
def wait(folder: str, name: str, sign: str) -> None:
    """Leave ``NAME.began``, wait for the file *sign*, leave ``NAME.ended``."""
    _mark(folder, f"{name}.began")
    while not (Path(folder) / sign).exists():
        time.sleep(0.05)
    _mark(folder, f"{name}.ended")


@celery.task
def speak(wire: str) -> None:
    """Say something; the ids are bound by the base class."""
    structlog.get_logger("errands").info("spoke")


@celery.task
def refuse(wire: str) -> None:
    """Fail as Wirecopy fails."""
    raise WirecopyError(f"{wire}: refused; say please")


@celery.task
def break_down(story: str) -> None:
    """Fail as only a mistake fails."""
    raise ZeroDivisionError("a mistake")


@celery.task
def cling(folder: str, name: str) -> None:
    """Refuse to end in time, leaving ``NAME.warned`` when asked to."""
    while True:
        try:
            _mark(folder, f"{name}.began")
            time.sleep(600)
        except SoftTimeLimitExceeded:
            (Path(folder) / f"{name}.warned").touch()


@celery.task
def introduce(folder: str, name: str) -> None:
    """Leave ``NAME.pid``, and ``NAME`` with the User-Agent that this process has configured
    and the number of wires that its store has as configured."""
    _mark(folder, f"{name}.pid")
    here = current()
    with here.store.read() as conn:
        known = sum(wire.configured for wire in wires.every(conn))
    new = Path(folder) / f".{name}.new"
    new.write_text(f"{here.config.agent} {known}", encoding="utf-8")
    new.rename(Path(folder) / name)
