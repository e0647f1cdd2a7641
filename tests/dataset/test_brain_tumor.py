"""Trees as published, with Training and Testing folders or one, in both spellings of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from on_disk import save, scene, write_tree
from PIL import Image

from energy_sweep.dataset.base import Data
from energy_sweep.dataset.folder import BrainTumor, Folder
from energy_sweep.dataset.similarity import find_similar, thumbnail
from energy_sweep.record import BadInput


@pytest.mark.parametrize("ending", ["", "_tumor"])
def test_brain_tumor_keeps_its_sides_in_both_spellings(tmp_path, ending):
    names = [f"{n}{ending}" for n in ("glioma", "meningioma", "pituitary")]
    names.append(f"no{ending or 'tumor'}")
    for seed, side, count in ((1, "Training", 8), (2, "Testing", 3)):
        for label, name in enumerate(names):
            for n in range(count):
                pixels = scene(seed * 1000 + label * 100 + n, side=40 + n, channels=1)
                save(tmp_path / side / name / f"{n}.jpg", pixels)
    data = BrainTumor(root=str(tmp_path)).load()
    assert data.classes == ("glioma", "meningioma", "notumor", "pituitary")
    assert data.shape == (1, 64, 64)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [24, 8, 12]
    copy = Image.open(tmp_path / "Testing" / names[0] / "0.jpg").resize((90, 90))
    copy.save(tmp_path / "Training" / names[0] / "copy.jpg", quality=60)
    again = BrainTumor(root=str(tmp_path)).load()
    assert again.fingerprint == data.fingerprint
    said = "1 training images are copies of test images and are left out"
    assert said in again.summary.found.notes


def test_brain_tumor_in_one_tree_of_mixed_spellings(tmp_path):
    write_tree(tmp_path, ("Glioma", "meningioma_tumor", "No_Tumor", "pituitary"), count=5)
    data = BrainTumor(root=str(tmp_path)).load()
    assert data.classes == ("glioma", "meningioma", "notumor", "pituitary")
    assert [len(s) for s in (data.train, data.validation, data.test)] == [12, 4, 4]
    one = {(image.tobytes(), label) for image, label in zip(*_all(data), strict=True)}
    (tmp_path / "No_Tumor").rename(tmp_path / "notumor")
    again = BrainTumor(root=str(tmp_path)).load()
    assert {(i.tobytes(), label) for i, label in zip(*_all(again), strict=True)} == one


def _all(data: Data) -> tuple[np.ndarray, list[int]]:
    sides = (data.train, data.validation, data.test)
    labels = np.concatenate([side.labels for side in sides]).tolist()
    return np.concatenate([side.images for side in sides]), labels


def test_copies_in_a_published_training_folder_do_not_reach_validation(tmp_path):
    write_tree(tmp_path / "Testing", count=3)
    for n in range(24):
        pixels = Image.fromarray(scene(5000 + n))
        for k, (side, quality) in enumerate([(48, 95), (60, 70)]):
            copy = np.asarray(pixels.resize((side, side)))
            name = f"{n}.jpg" if k else f"z{n}.jpg"
            save(tmp_path / "Training" / ("cat", "dog")[n % 2] / name, copy, quality=quality)
    data = Folder(root=str(tmp_path), resolution=48).load()
    assert len(data.train) + len(data.validation) == 48
    images = [*data.validation.images, *data.train.images]
    pairs = find_similar(np.array([thumbnail(image) for image in images]), bits=4, smallest=48)
    held = len(data.validation)
    assert len(pairs) == 24 and all((a < held) == (b < held) for a, b in pairs)


def test_who_does_not_have_it_is_told_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"as of https://www\.kaggle\.com/datasets/"):
        BrainTumor(root=str(tmp_path / "none")).load()
    with pytest.raises(BadInput, match="there is no folder") as refused:
        Folder(root=str(tmp_path / "none")).load()
    assert "kaggle" not in str(refused.value)
