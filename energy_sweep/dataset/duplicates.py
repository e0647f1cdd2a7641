"""Which images of a data set are copies of each other, also in another size, quality or format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from energy_sweep.dataset.similarity import NEAREST, find_similar
from energy_sweep.dataset.split import Labels
from energy_sweep.dataset.storage import Pixels, gather

SHARE = 0.1  # of the images of a class: more look-alikes than that are no copies
FEW = 8  # images: so many may be copies in a small class as well


class Copies(NamedTuple):
    """The name of each image, which all its copies share, and a line for each thing found."""

    names: list[str]
    notes: tuple[str, ...]


def find_copies(
    contents: Sequence[str],
    thumbnails: Pixels,
    labels: Labels,
    *,
    bits: int,
    smallest: int,
    classes: Sequence[str],
) -> Copies:
    """Images that must share a side: of equal `contents`, or confirmed to show the same.

    Near-copies have the same labels, and are confirmed against one image of their group. A group
    that holds more than a tenth of a class is no group of copies: only equal images share then.
    """
    known, first, where = np.unique(contents, return_index=True, return_inverse=True)
    kinds = _labels_by_content(where, labels)
    pairs = find_similar(gather(thumbnails, first), bits=bits, smallest=smallest)
    agreed = [(a, b) for a, b in pairs if kinds[a] == kinds[b]]
    centres = _nearest_centres(len(known), agreed)
    if np.bincount(centres).max() > NEAREST:  # each image is compared with fewer than that
        some = np.flatnonzero(np.bincount(centres, minlength=len(known)) > 1)
        again = find_similar(gather(thumbnails, first[some]), bits=bits, smallest=smallest)
        joined = [(int(some[a]), int(some[b])) for a, b in again]
        merged = _nearest_centres(len(known), [(a, b) for a, b in joined if kinds[a] == kinds[b]])
        centres = [merged[centre] for centre in centres]
    large = _oversized_groups(centres, kinds)
    kept = [index if centre in large else centre for index, centre in enumerate(centres)]
    names = [str(known[kept[index]]) for index in where.tolist()]
    counts = np.bincount(centres)
    notes = [
        _equal_line(len(contents) - len(known)),
        _near_copies_line(np.bincount(kept)),
        _dissolved_groups_line(
            [(int(counts[centre]), kinds[centre]) for centre in sorted(large)], classes
        ),
        _crossing_pairs_line(len(pairs) - len(agreed)),
        _conflict_line([kind for kind in kinds if len(kind) > 1], classes),
    ]
    return Copies(names, tuple(note for note in notes if note))


def _labels_by_content(where: np.ndarray, labels: Labels) -> list[tuple[int, ...]]:
    """The labels of each content, in order."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for content, label in zip(where.tolist(), labels.tolist(), strict=True):
        found[content].add(label)
    return [tuple(sorted(found[content])) for content in range(len(found))]


def _nearest_centres(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """For each of `count` images the one that it is a copy of, itself where there is none.

    Those with most copies first, so that no copy of a copy is taken for one.
    """
    near: defaultdict[int, list[int]] = defaultdict(list)
    for a, b in pairs:
        near[a].append(b)
        near[b].append(a)
    centres = list(range(count))
    taken: set[int] = set()
    for centre in sorted(near, key=lambda index: (-len(near[index]), index)):
        if centre not in taken:
            members = [index for index in (centre, *near[centre]) if index not in taken]
            taken.update(members)
            for index in members:
                centres[index] = centre
    return centres


def _oversized_groups(centres: Sequence[int], kinds: Sequence[tuple[int, ...]]) -> set[int]:
    """The centres of groups that hold too much of a class to be copies."""
    of_class = np.bincount([label for kind in kinds for label in kind])
    sizes = np.bincount(centres)
    limits = [max(FEW, SHARE * min(of_class[label] for label in kind)) for kind in kinds]
    return {centre for centre in set(centres) if sizes[centre] > limits[centre]}


def _equal_line(count: int) -> str:
    return f"{count:,} files are equal to others, and on one side with them" if count else ""


def _near_copies_line(sizes: np.ndarray) -> str:
    groups = sizes[sizes > 1]
    if not len(groups):
        return ""
    many = f"{len(groups):,} groups" if len(groups) > 1 else "one group"
    return f"{int(groups.sum()):,} images in {many} are near-copies, and on one side with them"


def _dissolved_groups_line(
    found: Sequence[tuple[int, tuple[int, ...]]], classes: Sequence[str]
) -> str:
    if not found:
        return ""
    size, kind = max(found)
    return (
        f"{len(found):,} groups of look-alikes, such as {size:,} images of {classes[kind[0]]}, "
        "hold too much of their class to be copies: they are split as different images"
    )


def _crossing_pairs_line(count: int) -> str:
    return f"{count:,} pairs of look-alikes are of different classes: not copies" if count else ""


def _conflict_line(kinds: Sequence[tuple[int, ...]], classes: Sequence[str]) -> str:
    if not kinds:
        return ""
    both = " and ".join(classes[label] for label in kinds[0])
    return f"{len(kinds):,} images are in several classes, such as {both}: see which is right"
