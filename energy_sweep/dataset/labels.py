"""Labels of any form made into one class index for each image, and names of the classes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from energy_sweep.dataset.split import Labels
from energy_sweep.record import BadInput


class Labelled(NamedTuple):
    """The class of each image, what classes are called, and what was made of the labels."""

    labels: Labels
    classes: tuple[str, ...]
    notes: tuple[str, ...]


class _FlatLabels(NamedTuple):
    """One label for each image, of whatever type, and what was made of what was given."""

    labels: np.ndarray
    notes: tuple[str, ...] = ()


def as_classes(labels: np.ndarray, names: np.ndarray | None, count: int, where: str) -> Labelled:
    """The classes of `count` images; BadInput where a label says none.

    Labels are whole numbers, words, true and false, or one-hot rows. `names` are what classes 0, 1,
    ... are called, or the words in the order that classes are to have.
    """
    flat, notes = _flatten(labels, count, where)
    found, places = np.unique(flat, return_inverse=True)
    if len(found) < 2:
        raise BadInput(f"{where}: all labels are {found[0]}: give images of at least 2 classes")
    places = places.reshape(-1).astype(np.int64)
    own = tuple(map(str, found.tolist()))
    whole = flat.dtype.kind in "iu"
    if whole and found[0] < 0:
        raise BadInput(
            f"{where}: {np.sum(flat < 0):,} labels are below 0, such as {found[0]} for images of "
            "no class: leave those out, as of images[labels >= 0], or give whole numbers from 0"
        )
    if names is None:
        if whole and own != tuple(map(str, range(len(own)))):
            span = f"{own[0]} to {own[-1]}, not 0 to {len(own) - 1}"
            notes = (*notes, f"labels are {span}: classes are called so")
        return Labelled(places, own, notes)
    classes = tuple(map(str, names.reshape(-1).tolist()))
    if len(set(classes)) != len(found) or len(set(classes)) != len(classes):
        raise BadInput(
            f"{where}: {len(set(classes))} different names of classes for {len(found)} labels: "
            "give one for each"
        )
    if whole and found[-1] != len(found) - 1:
        raise BadInput(
            f"{where}: labels are {own[0]} to {own[-1]} where names are given for 0 to "
            f"{len(own) - 1}: give "
            + ("labels - 1" if found[0] == 1 else "numpy.unique(labels, return_inverse=True)[1]")
        )
    if flat.dtype.kind == "U":
        if missing := set(own) - set(classes):
            raise BadInput(
                f"{where}: label {min(missing)} is none of the classes {', '.join(classes)}: give "
                "it there"
            )
        places = np.array([classes.index(word) for word in own])[places]
    return Labelled(places, classes, notes)


def _flatten(labels: np.ndarray, count: int, where: str) -> _FlatLabels:
    """One label for each image: a whole number, a word, or true or false."""
    if labels.ndim == 2 and labels.shape[0] == count and labels.shape[1] > 1:
        return _from_one_hot(labels, where)
    kind = labels.dtype.str.lstrip("<>|=") if labels.dtype.kind in "SU" else str(labels.dtype)
    if labels.shape not in ((count,), (count, 1)):
        raise BadInput(
            f"{where}: labels are {kind} of shape {labels.shape} for {count} images: give one for "
            "each, of shape "
            f"({count},)"
        )
    flat = labels.reshape(-1)
    if flat.dtype.kind == "O":
        flat = _to_typed_array(flat, where)
    if flat.dtype.kind == "S":
        flat = np.char.decode(flat, "utf-8", "replace")
    if flat.dtype.kind == "f":
        odd = flat[~np.isfinite(flat) | (flat != np.floor(flat))]
        if len(odd):
            raise BadInput(
                f"{where}: labels are {kind}, such as {odd[0]:g}: give a whole number for each "
                "image, from 0"
            )
        return _FlatLabels(flat.astype(np.int64), (f"labels of {kind} are taken as whole numbers",))
    if flat.dtype.kind not in "biuU":
        raise BadInput(f"{where}: labels are {kind}: give a whole number or a word for each image")
    return _FlatLabels(flat)


def _to_typed_array(labels: np.ndarray, where: str) -> np.ndarray:
    """Python objects as an array of their one type."""
    kinds = ((str,), (bool, np.bool_), (int, np.integer), (int, float, np.number))
    others = [[label for label in labels if not isinstance(label, kind)] for kind in kinds]
    odd = min(others, key=len)
    if not odd:
        return np.array(labels.tolist())
    raise BadInput(
        f"{where}: labels are objects, such as {odd[0]}: give a whole number or a word for each "
        "image, and all of one type"
    )


def _from_one_hot(labels: np.ndarray, where: str) -> _FlatLabels:
    """The place of the 1 in each row."""
    if labels.dtype.kind in "biuf":
        if not np.isin(labels, (0, 1)).all():
            raise BadInput(
                f"{where}: labels have {labels.shape[1]} numbers for each image that are not 0 or "
                "1: give one class for each, as of labels.argmax(axis=1)"
            )
        if (labels.sum(axis=1) == 1).all():
            note = "labels are one-hot: the place of the 1 is the class"
            return _FlatLabels(labels.argmax(axis=1), (note,))
    raise BadInput(
        f"{where}: labels of shape {labels.shape} give none or several labels an image, where "
        "accuracy here counts one class for each: give one number or word for each"
    )
