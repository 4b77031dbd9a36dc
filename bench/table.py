"""The tables, as text and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | float | int | None


@dataclass(slots=True)
class Table:
    """Figures side by side. ``notes`` say what is compared, and what is not.

    A cell of None is a figure that could not be had; a row may end early, with the reason in the
    second cell.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def text(self) -> str:
        """The table for a terminal: first column to the left, figures to the right."""
        short = [r for r in self.rows if len(r) < len(self.columns)]
        lines = [self.columns, *([figure(c) for c in r] for r in self.rows if r not in short)]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.columns))]
        widths[0] = max([widths[0], *(len(str(r[0])) for r in short)])
        printed = [_line(lines[0], widths), _line(["-" * w for w in widths], widths)]
        printed += [
            f"{r[0]!s:<{widths[0]}}  {' '.join(map(figure, r[1:]))}"
            if r in short
            else _line([figure(c) for c in r], widths)
            for r in self.rows
        ]
        return "\n".join([self.title, "", *printed, "", *self.notes])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    return "  ".join([f"{first[0]:<{first[1]}}", *(f"{c:>{w}}" for c, w in rest)])


def figure(cell: Cell) -> str:
    """*cell* as printed: numbers with three significant digits or whole, ``-`` for None."""
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) or abs(cell) >= 100:
        return f"{cell:,.0f}"
    return f"{cell:.2f}" if abs(cell) >= 1 else f"{cell:.3g}"


def megabytes(size: int | None) -> float | None:
    """*size* in bytes as MB (10⁶ bytes)."""
    return None if size is None else size / 1e6


def times(theirs: float | None, ours: float | None) -> str | None:
    """How many times *ours* fits into *theirs*, as printed; None when one is not known."""
    return None if theirs is None or not ours else f"{figure(theirs / ours)} ×"
