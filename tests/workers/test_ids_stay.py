"""Ids are made once: no other address of the publisher and no other name of a wire moves them."""

from pathlib import Path

import pytest

from publish.entry import urn
from stories.config import Config
from stories.errors import ConfigError
from tests.conftest import ConfigOf
from workers.start import open_store, start

WIRE = {"name": "heron", "url": "https://heron.example/f"}


def ids(config: Config) -> list[str]:
    start(config).close()
    return [urn(config, "feed", "all"), urn(config, "wire", "heron"), config.publisher.authority]


@pytest.mark.parametrize(
    "url", ["https://daily.example.in", "https://example.org/daily", "http://x"]
)
def test_the_publishers_address_moves_no_id(config: ConfigOf, url: str) -> None:
    before = config(wires=[WIRE])
    moved = {"name": before.publisher.name, "url": url}
    first = ids(before)
    after = config(wires=[WIRE], publisher=moved)
    assert after.publisher.authority != first[2]
    assert ids(after) == first
    looking = config(wires=[WIRE], publisher=moved)
    open_store(looking).close()
    assert looking.publisher.authority == first[2]


def test_a_wire_is_not_renamed_by_accident(config: ConfigOf, tmp_path: Path) -> None:
    other = {"name": "egret", "url": "https://egret.example/f"}
    start(config(wires=[WIRE])).close()
    with pytest.raises(
        ConfigError, match="'heron-national' has the url and agency that 'heron' had"
    ):
        start(config(wires=[{**WIRE, "name": "heron-national"}]))
    start(config(wires=[WIRE, {**WIRE, "name": "second"}, other])).close()  # beside it
    start(config(wires=[other])).close()
    start(config(wires=[other, {**WIRE, "name": "heron-national"}])).close()  # anew, on purpose


@pytest.mark.parametrize("agency", [{}, {"agency": "Heron"}, {"agency": "Heron", "code": "HRN"}])
def test_another_agency_at_the_same_address_is_another_wire(
    config: ConfigOf, agency: dict[str, str]
) -> None:
    start(config(wires=[{**WIRE, **agency}])).close()
    with pytest.raises(ConfigError, match="'heron-national' has the url and agency"):
        start(config(wires=[{**WIRE, **agency, "name": "heron-national"}]))
    start(config(wires=[{**WIRE, "agency": "Egret", "name": "egret"}])).close()
