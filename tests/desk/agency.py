"""What stands on the wires of the demo's agency, in words."""

from desk.demo import newswire
from desk.demo.items import WireItem
from desk.demo.newswire import Script


def stories_at(script: Script, wire: int, moment: float) -> tuple[WireItem, ...]:
    """The stories on *wire* at *moment*, newest date first."""
    editions = newswire.standing(script, wire, moment).editions
    return tuple(newswire.item(script, edition) for edition in editions)
