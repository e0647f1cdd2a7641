"""What a data set is, in the lines that are printed before its first trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from energy_sweep.app.sweep.trial_text import fraction, words
from energy_sweep.dataset.summary import Summary
from energy_sweep.record import JsonDict
from energy_sweep.text import terminal

WIDTH = 80
ROWS = 12  # classes; of more, the largest and the smallest are shown
SHOWN = 3
SIZES = 4
NAME = 30  # characters of a class's name
MARGIN = "  "


def data_text(summary: Summary, swept: JsonDict | None = None) -> str:
    """All that is known of a data set, in lines of at most 80 characters.

    `swept` are the settings of the data set that a sweep varies, with the values shown here.
    """
    found = summary.found
    source = f" from {found.source}" if found.source else ""
    used = "" if found.images == summary.used else f", {summary.used:,} used"
    lines = [
        *_wrap(f"data: {summary.name}{source}", first=""),
        f"{MARGIN}{found.images:,} images{used}, {len(summary.classes)} classes",
        *_table(summary),
        *_wrap(f"sizes: {_sizes(found.sizes)}; {_conversion_text(summary)}"),
        *_wrap(f"modes: {_counts(found.modes)}"),
    ]
    if swept:
        lines += _wrap(f"note: the sweep also has other values of {words(swept)}")
    for note in (*found.notes, *_imbalance_line(summary)):
        lines += _wrap(f"note: {note}")
    return "\n".join(lines)


def data_line(summary: Summary) -> str:
    """The same in one line, for who has read it before."""
    sides = ", ".join(f"{sum(counts):,} {side}" for side, counts in summary.counts.items())
    return f"data: {summary.name}, {len(summary.classes)} classes, {sides}, as before"


def _table(summary: Summary) -> list[str]:
    """Images of each class by side; many classes are folded."""
    sides = list(summary.counts)
    each = list(zip(*summary.counts.values(), strict=True))
    rows: list[tuple[str, Sequence[int] | None]] = []
    if len(each) > ROWS and len(set(each)) == 1:
        rows.append(("each class", each[0]))
    else:
        rows += _fold_classes(summary.classes, each)
    rows.append(("all", [sum(counts) for counts in summary.counts.values()]))
    none = [""] * len(sides)
    cells = [
        [_short(name), *(none if counts is None else (f"{count:,}" for count in counts))]
        for name, counts in rows
    ]
    table = terminal.table(["class", *sides], cells, left={"class"}, width=_width() - len(MARGIN))
    return [f"{MARGIN}{line}" for line in table.splitlines()]


def _fold_classes(
    classes: Sequence[str], each: Sequence[Sequence[int]]
) -> Iterator[tuple[str, Sequence[int] | None]]:
    """Rows of all classes or, of many, of the largest and the smallest."""
    if len(classes) <= ROWS:
        yield from zip(classes, each, strict=True)
        return
    order = sorted(range(len(classes)), key=lambda index: -sum(each[index]))
    for index in order[:SHOWN]:
        yield classes[index], each[index]
    yield f"... {len(classes) - 2 * SHOWN} more", None
    for index in order[-SHOWN:]:
        yield classes[index], each[index]


def _sizes(sizes: Mapping[str, int]) -> str:
    """How many images of which size or, of many sizes, from which to which."""
    if len(sizes) <= SIZES:
        return f"{_counts(sizes)}"

    def area(size: str) -> int:
        width, _, height = size.partition(" x ")
        return int(width) * int(height)

    order = sorted(sizes, key=area)
    often = max(sizes, key=lambda size: sizes[size])
    return f"{order[0]} to {order[-1]}, {len(sizes)} of them; most often {often} ({sizes[often]:,})"


def _conversion_text(summary: Summary) -> str:
    channels, height, width = summary.shape
    colour = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    return f"made into {width} x {height} pixels, {colour}"


def _counts(counts: Mapping[str, int]) -> str:
    most = sorted(counts.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} ({count:,})" for name, count in most)


def _imbalance_line(summary: Summary) -> Iterator[str]:
    uneven = summary.imbalance
    if uneven is not None:
        largest, smallest = _short(uneven.largest), _short(uneven.smallest)
        yield (
            f"imbalanced: {uneven.most:,} images of {largest}, {uneven.fewest:,} of {smallest};"
            f" to answer {largest} to every image has accuracy {fraction(uneven.accuracy)}"
        )


def _short(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= NAME else f"{name[: NAME - 3]}..."


def _wrap(text: str, first: str = MARGIN) -> list[str]:
    return terminal.prose(f"{first}{text}", width=_width(), indent=MARGIN * 2).splitlines()


def _width() -> int:
    return min(WIDTH, terminal.width_of() or WIDTH)
