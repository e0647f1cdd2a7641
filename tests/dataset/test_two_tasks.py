"""Labels of two kinds: cut with their images, and both seen in the fingerprint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from energy_sweep.dataset.digits import Digits
from energy_sweep.dataset.two_tasks import ArrayTasks, DigitTasks
from energy_sweep.record import BadInput


def test_the_second_label_of_a_digit_is_whether_it_is_odd() -> None:
    plain, both = Digits().load(), DigitTasks().load()
    for side in ("train", "validation", "test"):
        one, two = getattr(plain, side), getattr(both, side)
        assert (one.images == two.images).all()
        assert (one.labels == two.labels).all()
        assert (two.targets == np.stack([one.labels, one.labels % 2], axis=1)).all()
    assert (both.outputs, plain.outputs) == (12, 10)


def test_each_question_is_a_data_set_of_its_own_over_the_same_images() -> None:
    tasks = ("digit", "parity", "digit+parity", "parity+digit")
    found = {name: DigitTasks(tasks=name).load() for name in tasks}
    assert len({data.fingerprint for data in found.values()}) == 4
    assert found["digit"].fingerprint == Digits().load().fingerprint
    assert found["parity"].classes == ("even", "odd")
    assert found["parity+digit"].second_classes == tuple("0123456789")
    assert (found["parity"].train.labels == found["digit"].train.labels % 2).all()


@pytest.mark.parametrize("fraction", [1.0, 0.3])
def test_second_labels_of_arrays_stay_with_their_images(tmp_path: Path, fraction: float) -> None:
    images = np.random.default_rng(0).integers(0, 256, (90, 6, 6), dtype=np.uint8)
    labels, path = np.arange(90) % 3, tmp_path / "mine.npz"
    images[:, 0, 0] = 10 * labels
    second = np.where(images[:, 3, 3] > 120, "light", "dark")
    np.savez(path, images=images, labels=labels, second=second)
    data = ArrayTasks(file=str(path), cache=str(tmp_path / "cache"), fraction=fraction).load()
    assert data.second_classes == ("dark", "light")
    for split in (data.train, data.validation, data.test):
        assert split.second is not None
        assert (split.second == (split.images[:, 0, 3, 3] > 120)).all()
        assert (split.labels == split.images[:, 0, 0, 0] // 10).all()
    assert ArrayTasks(file=str(path), cache=str(tmp_path / "cache"), fraction=fraction).load()


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    path = tmp_path / "one.npz"
    np.savez(path, images=np.zeros((30, 4, 4), np.uint8), labels=np.arange(30) % 2)
    with pytest.raises(BadInput, match="has no second: write it with"):
        ArrayTasks(file=str(path), cache=None).load()
    with pytest.raises(BadInput, match=r"type dataset\.tasks=digit\|parity"):
        DigitTasks(tasks="sum")
    with pytest.raises(BadInput, match=r"dataset\.second_weight=0"):
        DigitTasks(second_weight=0)
    with pytest.raises(BadInput, match=r"type dataset\.file="):
        ArrayTasks().load()
