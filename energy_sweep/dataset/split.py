"""Images put on the sides train, validation and test, by what is in them and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from energy_sweep.dataset.storage import Pixels, gather
from energy_sweep.record import BadInput

Labels = npt.NDArray[np.int64]

TRAIN, VALIDATION, TEST = "train", "validation", "test"
TOLERANCE = 0.05  # of the images of a class that a side is to have
GIVEN_TOLERANCE, GIVEN_LEAST = 0.5, 5  # of those that it would have, and in images


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Images, uint8 [N, C, H, W], and the index of each one's class, int64 [N].

    `second` are labels of another kind, int64 [N], None where there is one kind only.
    """

    images: Pixels
    labels: Labels
    second: Labels | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, positions: npt.NDArray[np.int64]) -> Split:
        """The images at these positions, in this order."""
        second = None if self.second is None else self.second[positions]
        return Split(gather(self.images, positions), self.labels[positions], second)

    def first(self, count: int) -> Split:
        """The first so many images, without a copy."""
        second = None if self.second is None else self.second[:count]
        return Split(self.images[:count], self.labels[:count], second)

    @property
    def targets(self) -> Labels:
        """What a net is to answer: [N], or [N, 2] where there are two kinds of labels."""
        if self.second is None:
            return self.labels
        return np.stack([self.labels, self.second], axis=1)


def split_by_content(
    images: Pixels, labels: Labels, *, validation: float, test: float
) -> dict[str, Split]:
    """Train, validation and test, stratified by class; see `split`."""
    return split(images, labels, {TEST: test, VALIDATION: validation})


def split(
    images: Pixels,
    labels: Labels,
    shares: Mapping[str, float],
    *,
    names: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    second: Labels | None = None,
) -> dict[str, Split]:
    """The sides in `shares`, and train with the rest, stratified by class.

    Who goes where follows from `names` (None: the SHA-256 of the pixels): the input order does not
    matter, and images of one name are on one side whatever their labels. BadInput where a class
    has fewer different names than there are sides.
    """
    known = np.array([content_name(image) for image in images] if names is None else names)
    sides: dict[str, str] = {}
    for label in np.unique(labels):
        members, counts = np.unique(known[labels == label], return_counts=True)
        if len(members) <= len(shares):
            raise BadInput(
                f"class {classes[label] if classes else label} has {len(members)} different "
                f"images: each of {', '.join((TRAIN, *shares))} needs one, so give it at least "
                f"{len(shares) + 1}"
            )
        total = int(counts.sum())
        wanted = {side: max(1, round(share * total)) for side, share in shares.items()}
        _assign_sides(dict(zip(members.tolist(), counts.tolist(), strict=True)), wanted, sides)
    # By the other end of the names, which says nothing of side or class: so any leading part of a
    # split is a fair sample of it.
    order = np.lexsort((labels, [name[::-1] for name in known.tolist()]))
    chosen = np.array([sides[name] for name in known[order].tolist()])
    whole = Split(images, labels, second)
    return {
        side: whole.part(order[chosen == side])
        for side in (TRAIN, VALIDATION, TEST)
        if side == TRAIN or side in shares
    }


def content_name(image: Pixels) -> str:
    """The SHA-256 of an image's pixels."""
    return hashlib.sha256(image.tobytes()).hexdigest()


def _assign_sides(
    members: Mapping[str, int], wanted: Mapping[str, int], sides: dict[str, str]
) -> None:
    """Put each content of one class (name: copies) on a side.

    Images with copies go first, the most copies first, each to the side that lacks the largest
    share of its images and has room; single ones, in order, to the first side that wants more.
    """
    goals = {**wanted, TRAIN: max(1, sum(members.values()) - sum(wanted.values()))}
    held: dict[str, int] = dict.fromkeys(goals, 0)
    for name in members.keys() & sides.keys():  # an image that another class holds too
        held[sides[name]] += members[name]
    free = [name for name in members if name not in sides]
    free.sort(key=lambda name: (-members[name], name))
    for position, name in enumerate(free):
        empty = [side for side in held if held[side] == 0]
        if len(free) - position <= len(empty):
            # Many copies of few images must not starve a side of its last chance.
            side = empty[0]
        elif members[name] > 1:
            side = _neediest_side(members[name], goals, held)
        else:
            side = next((side for side in wanted if held[side] < wanted[side]), TRAIN)
        sides[name] = side
        held[side] += members[name]


def _neediest_side(size: int, goals: Mapping[str, int], held: Mapping[str, int]) -> str:
    room = {side: goal - held[side] for side, goal in goals.items()}
    fitting = [side for side in goals if room[side] >= size]
    if not fitting:
        return max(goals, key=lambda side: room[side])
    return max(fitting, key=lambda side: room[side] / goals[side])


def uneven_lines(
    splits: Mapping[str, Split], shares: Mapping[str, float], classes: Sequence[str]
) -> list[str]:
    """A line for each side that does not have its images of each class: the `shares` asked for,
    or where a side was given, about the share of the class in train."""
    counts = {
        side: np.bincount(split.labels, minlength=len(classes)) for side, split in splits.items()
    }
    total = np.sum([counts[side] for side in (TRAIN, *shares)], axis=0)
    lines: list[str] = []
    for side, found in counts.items():
        if side in shares:
            wanted = np.maximum(1, np.round(shares[side] * total))
            slack = np.maximum(1, TOLERANCE * wanted)
            why = "copies are not parted"
        elif side != TRAIN:
            wanted = counts[TRAIN] / max(1, counts[TRAIN].sum()) * found.sum()
            slack = np.maximum(GIVEN_LEAST, GIVEN_TOLERANCE * wanted)
            why = "it is used as it was given"
        else:
            continue
        off = np.abs(found - wanted) / slack
        worst = int(off.argmax())
        if off[worst] > 1:
            more = f" (and {int((off > 1).sum()) - 1} more)" if (off > 1).sum() > 1 else ""
            lines.append(
                f"{side} has {found[worst]:,} images of class {classes[worst]}{more} where its "
                f"share is {wanted[worst]:,.0f}: {why}"
            )
    return lines


def take_fraction(split: Split, fraction: float) -> Split:
    """The first images of each class, at least one: a larger fraction holds a smaller one."""
    if fraction == 1:
        return split
    kept = np.zeros(len(split), bool)
    for label in np.unique(split.labels):
        members = np.flatnonzero(split.labels == label)
        kept[members[: max(1, round(fraction * len(members)))]] = True
    return split.part(np.flatnonzero(kept))
