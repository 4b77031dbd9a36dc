"""Which wire a file means by a name: one that has it, one that had it, or a new one."""

import pytest

from stories.config import Wire
from stories.db.names import Known, meant

ONE, TWO = "https://one.example/f", "https://two.example/f"


def wire(name: str, url: str = ONE, aliases: tuple[str, ...] | None = None) -> Wire:
    return (
        Wire(name=name, url=url) if aliases is None else Wire(name=name, url=url, aliases=aliases)
    )


NEW = {"new": Known(ONE, configured=True)}
WAS_OLD = {"new": {"old": ONE}}
SWAPPED = {"a": Known(TWO, configured=True), "b": Known(ONE, configured=True)}
REUSED = {**NEW, "old": Known(TWO, configured=True)}


@pytest.mark.parametrize(
    ("file", "known", "former", "found"),
    [
        ([wire("new")], NEW, WAS_OLD, {}),
        ([wire("next", aliases=("new",))], NEW, {}, {"next": "new"}),
        ([wire("old")], NEW, WAS_OLD, {"old": "new"}),
        # Also when it has another address now, or left the file long ago.
        ([wire("old")], {"new": Known(TWO, configured=True)}, WAS_OLD, {"old": "new"}),
        ([wire("old")], {"new": Known(ONE, configured=False)}, WAS_OLD, {"old": "new"}),
        # An older file may say of itself that its wire was a new one.
        ([wire("old", aliases=())], NEW, WAS_OLD, {"old": "new"}),
        ([wire("a")], NEW, {"new": {"a": ONE, "b": ONE}}, {"a": "new"}),
        # By the name before, though the store has gone back to the one before that.
        (
            [wire("c", TWO, ("b",))],
            {"a": Known(ONE, configured=True)},
            {"a": {"b": TWO}},
            {"c": "a"},
        ),
        # Who has both means two.
        ([wire("new"), wire("old")], NEW, WAS_OLD, {}),
        ([wire("new"), wire("old", TWO)], NEW, WAS_OLD, {}),
        ([wire("old", TWO, ())], NEW, WAS_OLD, {}),
        # Of a wire that is not there any more, nothing can go on.
        ([wire("old")], {}, WAS_OLD, {}),
        ([wire("old"), wire("other", TWO, ("new",))], NEW, WAS_OLD, {"other": "new"}),
        ([wire("new"), wire("old", TWO)], REUSED, WAS_OLD, {}),
        ([wire("new"), wire("old", ONE)], REUSED, WAS_OLD, {}),
        # Going back, an alias may be left over from the way here.
        ([wire("x"), wire("a", TWO, ("b",))], SWAPPED, {"b": {"x": ONE}}, {"x": "b"}),
        ([wire("b"), wire("a", TWO)], SWAPPED, {"b": {"a": ONE}, "a": {"b": TWO}}, {}),
    ],
)
def test_a_name_means_the_wire_that_has_it_or_had_it_with_that_url(
    file: list[Wire],
    known: dict[str, Known],
    former: dict[str, dict[str, str | None]],
    found: dict[str, str],
) -> None:
    assert meant(file, known, former) == (found, [], [])


@pytest.mark.parametrize(
    ("file", "known", "former", "fault"),
    [
        ([wire("other")], NEW, {}, "'other' has the url that 'new' had until now"),
        ([wire("old", TWO)], NEW, WAS_OLD, "'old' is what 'new' was called before, with another"),
        ([wire("old")], REUSED, WAS_OLD, "'old' has the url that 'new' had when it was called so"),
        (
            [wire("a"), wire("b", TWO)],
            SWAPPED,
            {"b": {"a": ONE}},
            "'a' has the url that 'b' had when it was called so",
        ),
    ],
)
def test_a_file_that_does_not_say_which_wire_it_means_is_refused(
    file: list[Wire],
    known: dict[str, Known],
    former: dict[str, dict[str, str | None]],
    fault: str,
) -> None:
    faults = meant(file, known, former).faults
    assert len(faults) == 1
    assert fault in faults[0]


@pytest.mark.parametrize(
    ("file", "twins"),
    [
        (wire("new", aliases=("old",)), ["new", "old"]),
        (wire("x", aliases=("new", "y", "old")), ["new", "old"]),
    ],
)
def test_a_wire_that_would_have_two_names_of_the_store(file: Wire, twins: list[str]) -> None:
    assert meant([file], REUSED, {}).twins == [twins]
