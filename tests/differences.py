"""How two stores differ, of which one was made of the other's captures."""

from collections.abc import Iterator, Sequence

from desk.replaying import RecordChange
from stories.db import Connection, Store, feeds
from stories.db import stories as records
from stories.models import changed_fields


def compare(live: Store, other: Store, wires: Sequence[str]) -> Iterator[RecordChange]:
    """How *other* differs from *live* in stories of *wires*, field by field."""
    for wire in wires:
        with live.read() as here, other.read() as there:
            for name in sorted(_ids(here, wire) | _ids(there, wire)):
                old = {v.capture_id: v for v in records.history(here, name)}
                new = {v.capture_id: v for v in records.history(there, name)}
                for number in sorted(old.keys() | new.keys()):
                    if number not in old:
                        yield RecordChange(name, number, "new" if not old else "updated")
                    elif number not in new:
                        yield RecordChange(name, number, "removed")
                    elif fields := changed_fields(old[number], new[number]):
                        yield RecordChange(name, number, "changed", fields)
                before, after = feeds.entry(here, name), feeds.entry(there, name)
                if before is not None and after is not None:
                    fields = changed_fields(before, after, passed_over=("rendered_at", "packed"))
                    if fields:
                        yield RecordChange(name, None, "rendered", fields)


def _ids(conn: Connection, wire: str) -> set[str]:
    return set(records.ids_after(conn, "", 2**31, wire))
