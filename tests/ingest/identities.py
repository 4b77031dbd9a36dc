"""Items with the identities that decide which story they are of."""

from collections.abc import Collection, Sequence

from ingest import decide
from ingest.item import Item
from stories.models import Identity, IdentityRule


def identify(
    items: Sequence[Item], rule: IdentityRule, shared: Collection[str] = ()
) -> tuple[Identity, ...]:
    """The identities of *items*, of one capture of a wire whose rule is *rule*."""
    return decide.identify([decide.keys_of(item) for item in items], rule, shared)
