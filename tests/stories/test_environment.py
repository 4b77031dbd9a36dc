"""Which variables of the environment are ours, and which of these nobody would read."""

import pytest

from stories.environment import unknown

KEYS = ("database_url", "politeness", "wires")
TABLES = ("politeness",)


@pytest.mark.parametrize(
    "name",
    [
        "WIRECOPY_DATABASE_URL",
        "wirecopy_database_url",
        "WIRECOPY_POLITENESS__GAP",
        "WIRECOPY_CONFIG",
        "WIRECOPY_TEST_REDIS_URL",
        "WIRECOPY_SERVICE_HOST",
        "WIRECOPY_SERVICE_PORT_HTTP",
        "WIRECOPY_PORT",
        "WIRECOPY_PORT_8080_TCP_ADDR",
        "WIRECOPYIST",
        "DATABASE_URL",
    ],
)
def test_what_is_read_or_not_ours(name: str) -> None:
    assert unknown({name: "x"}, KEYS, TABLES) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("WIRECOPY_DATABSE_URL", "WIRECOPY_DATABASE_URL"),
        ("WIRECOPY_POLITNESS__GAP", "WIRECOPY_POLITENESS"),
        ("WIRECOPY_WIRES__0__URL", "lists are JSON"),
        ("WIRECOPY_CONFIG__X", "WIRECOPY_CONFIG"),
        ("WIRECOPY_PORTAL", "unknown key"),
        ("WIRECOPY_", "unknown key"),
    ],
)
def test_what_nobody_would_read_is_told(name: str, told: str) -> None:
    (fault,) = unknown({name: "secret", "PATH": "x"}, KEYS, TABLES)
    assert name in fault
    assert told in fault
    assert "secret" not in fault
