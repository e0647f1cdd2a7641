"""Which folders of a tree are classes, and which are sides that someone has published."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from energy_sweep.dataset.split import TEST, TRAIN, VALIDATION
from energy_sweep.dataset.tree import Tree, count_suffixes
from energy_sweep.record import BadInput

WORDS = {
    TRAIN: ("train", "training"),
    VALIDATION: ("validation", "val", "valid", "validate", "validating", "dev"),
    TEST: ("test", "testing", "tests", "eval", "evaluation"),
}
FILLERS = ("set", "data", "dataset", "split", "images", "image", "imgs", "img", "folder", "files")
# Words of sides that are used in several ways, or of no side of these three.
DOUBTFUL_WORDS = """
    holdout heldout hold held development unseen trainval minival query gallery pred preds
    prediction predictions inference unlabeled unlabelled extra submission
    fold folds split splits partition calibration
"""
DOUBTFUL = frozenset(DOUBTFUL_WORDS.split())
KNOWN = "train, validation (or val, valid, dev) and test (or testing, eval)"
SIDE_OF = {word: side for side, words in WORDS.items() for word in words}


class FolderLayout(NamedTuple):
    """The folders of classes, by name, of each side (None: all images), and lines to be said."""

    trees: dict[str | None, dict[str, Tree]]
    notes: tuple[str, ...]


def side_of(name: str) -> str | None:
    """The side that a folder's name says, as `Train`, `val_set` or `test-images`; None: none."""
    words = [word for word in _split_words(name) if word not in FILLERS]
    return SIDE_OF.get(words[0]) if len(words) == 1 else None


def find_layout(root: Tree, spellings: Mapping[str, tuple[str, ...]]) -> FolderLayout:
    """How a tree is laid out; BadInput in one line where that is not plain.

    `spellings` (name: other ways to write it) are all classes there may be, where there are any.
    """
    filled = root.nonempty()
    known = {name: side for name in filled if (side := side_of(name)) is not None}
    others = [name for name in filled if name not in known]
    if not known or _is_class(filled, list(known), others):
        _refuse_hidden_sides(filled)
        trees: dict[str | None, dict[str, Tree]] = {None: by_class_name(root, spellings)}
        return FolderLayout(trees, (*_loose_images_line([root]), *_equal_subfolders_line(filled)))
    empty = [name for name in root.folders if name not in filled]
    if missing := [name for name in empty if side_of(name)]:
        raise BadInput(f"{root.path / missing[0]} has no images: add some, or delete that folder")
    if others:
        raise BadInput(
            f"{root.path / others[0]} lies beside the sides {', '.join(sorted(known))} and is "
            f"none: move it away, or name sides {KNOWN}"
        )
    trees, notes = _read_sides(root, known, spellings)
    more = (f"left out, folders without images: {', '.join(empty[:5])}",) if empty else ()
    return FolderLayout(trees, (*notes, *more))


def _read_sides(
    root: Tree, known: Mapping[str, str], spellings: Mapping[str, tuple[str, ...]]
) -> FolderLayout:
    """The classes of each published side; BadInput where sides do not fit each other."""
    named: dict[str, str] = {}
    for name, side in known.items():
        if side in named:
            both = f"{root.path / named[side]} and {root.path / name}"
            raise BadInput(f"{both} are both {side}: put their images together, or move one away")
        named[side] = name
        place = root.folders[name]
        if not place.nonempty():
            raise BadInput(
                f"{place.path} looks like a side and has no folder for each class, so its images "
                f"have no labels: lay them out as {place.path}/CLASS/*.png, or move it away"
            )
    if TRAIN not in named:
        raise BadInput(
            f"{root.path} has {', '.join(sorted(known))} and no folder train: add it, or give "
            "another name to what is a class"
        )
    if len(named) == 1:
        place = root.path / named[TRAIN]
        raise BadInput(
            f"{root.path} has {named[TRAIN]} and neither validation nor test: add them, or type "
            f"dataset.root={place} to cut all three from it"
        )
    sides = [side for side in (TRAIN, VALIDATION, TEST) if side in named]
    places = [root.folders[named[side]] for side in sides]
    _refuse_hidden_sides({**places[0].nonempty(), **places[-1].nonempty()})
    trees = [by_class_name(place, spellings) for place in places]
    for side, tree in zip(sides[1:], trees[1:], strict=True):
        if odd := sorted(set(trees[0]) ^ set(tree)):
            there, gone = (TRAIN, side) if odd[0] in trees[0] else (side, TRAIN)
            raise BadInput(
                f"{root.path}: class {odd[0]} is in {named[there]} and not in {named[gone]}: all "
                "sides need the same folders"
            )
    return FolderLayout(
        dict(zip(sides, trees, strict=True)),
        (_published_line(named), *_loose_images_line([root, *places])),
    )


def _published_line(named: Mapping[str, str]) -> str:
    """What is used as published, and what is cut from train."""
    used = ", ".join(f"{side} from {name}/" for side, name in sorted(named.items()))
    missing = {VALIDATION, TEST} - set(named)
    cut = "".join(f"; {side} is cut from {named[TRAIN]}/" for side in sorted(missing))
    return f"sides as published: {used}{cut}"


def by_class_name(place: Tree, spellings: Mapping[str, tuple[str, ...]]) -> dict[str, Tree]:
    """The folders of classes under the names that `spellings` gives them.

    BadInput where two folders get one name, and for a folder that is none of them.
    """
    names = {other: name for name, others in spellings.items() for other in (name, *others)}
    named: dict[str, Tree] = {}
    for folder, inside in place.folders.items():
        name = names.get(folder.lower(), folder)
        if spellings and name not in spellings:
            raise BadInput(f"{inside.path} is none of {', '.join(spellings)}: move it away")
        if name in named:
            raise BadInput(
                f"{named[name].path} and {inside.path} are one class: put their images together"
            )
        if not inside.pictures():
            held = [path for tree in inside.walk() for path in tree.others]
            what = (
                f"it holds {count_suffixes(held)}: save them as .png, or "
                if held
                else "add some, or "
            )
            raise BadInput(f"class {name} has no images in {inside.path}: {what}delete that folder")
        named[name] = inside
    return named


def _is_class(filled: Mapping[str, Tree], known: list[str], others: list[str]) -> bool:
    """Whether the one folder that is called as a side is a class among others: `train` and `car`.

    It holds images as they do, and nothing else is called as a side.
    """
    if len(known) != 1 or not others or side_of(known[0]) != TRAIN:
        return False
    flat = all(filled[name].images and not filled[name].nonempty() for name in (*known, *others))
    return flat and not any(_looks_like_a_side(name) for name in others)


def _refuse_hidden_sides(filled: Mapping[str, Tree]) -> None:
    """BadInput where classes hold sides, or what looks like sides holds classes."""
    for inside in filled.values():
        sides = [name for name in inside.nonempty() if side_of(name)]
        if len(sides) > 1:
            raise BadInput(
                f"{inside.path} holds the sides {', '.join(sides)}: lay images out as "
                f"{inside.path.parent}/{sides[0]}/{inside.path.name}"
            )
    suspects = [name for name in filled if _looks_like_a_side(name) and not filled[name].images]
    if suspects and all(not inside.images for inside in filled.values()):
        shared = set.intersection(*(set(inside.nonempty()) for inside in filled.values()))
        if shared:
            raise BadInput(
                f"{filled[suspects[0]].path} looks like a side, with the folders "
                f"{', '.join(sorted(shared)[:3])} in it: name sides {KNOWN}"
            )


def _looks_like_a_side(name: str) -> bool:
    return any(word in SIDE_OF or word in DOUBTFUL for word in _split_words(name))


def _split_words(name: str) -> list[str]:
    """The words of a name, in small letters: `ValSet`, `val_set`, `01-valset` are val and set."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+", name)
    words: list[str] = []
    for part in map(str.lower, parts):
        filler = next((end for end in FILLERS if part != end and part.endswith(end)), "")
        stem = part.removesuffix(filler)
        words += [stem, filler] if filler and stem in SIDE_OF else [part]
    return words


def _loose_images_line(places: list[Tree]) -> list[str]:
    """A line where images lie beside the folders of classes."""
    loose = [path for place in places for path in place.images]
    if not loose:
        return []
    return [f"left out, beside the folders of classes: {len(loose):,} images, such as {loose[0]}"]


def _equal_subfolders_line(filled: Mapping[str, Tree]) -> list[str]:
    """A line where all classes hold the same folders, as sides of another name would."""
    inside = [set(tree.nonempty()) for tree in filled.values()]
    if len(inside) < 2 or len(inside[0]) < 2 or any(names != inside[0] for names in inside):
        return []
    few = ", ".join(sorted(inside[0])[:3])
    return [f"each class holds the same folders ({few}): they are read as one class each"]
