"""torchvision's sets in their true formats: read whole, and refused in one line where damaged."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import re
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from on_disk import idx, md5_of, some_images, write_cifar, write_mnist
from torchvision import datasets

from energy_sweep.dataset.vision import Vision
from energy_sweep.record import BadInput

IDX = {"mnist": datasets.MNIST, "fashion_mnist": datasets.FashionMNIST, "kmnist": datasets.KMNIST}


def refusal(source: Vision) -> str:
    with pytest.raises(BadInput) as error:
        source.load()
    assert "\n" not in str(error.value)
    return str(error.value)


def rows(split) -> set[tuple[bytes, int]]:
    return {(i.tobytes(), t) for i, t in zip(split.images, split.labels.tolist(), strict=True)}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", IDX)
def test_an_mnist_is_what_torchvision_reads(monkeypatch, tmp_path, name, packed):
    write_mnist(monkeypatch, tmp_path, IDX[name], packed=packed)
    data = Vision(name=name, root=str(tmp_path), validation=0.25).load()
    test = IDX[name](tmp_path, train=False)
    expected = {(i.numpy().tobytes(), int(t)) for i, t in zip(test.data, test.targets, strict=True)}
    assert rows(data.test) == expected
    assert data.shape == (1, 28, 28) and len(data.classes) == 10
    assert np.bincount(data.train.labels).tolist() == [3] * 10
    assert np.bincount(data.validation.labels).tolist() == [1] * 10
    train = IDX[name](tmp_path, train=True)
    everything = {i.numpy().tobytes() for i in train.data}
    assert {image for image, _ in rows(data.train) | rows(data.validation)} == everything


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("name", "kind", "classes", "images"),
    [("cifar10", datasets.CIFAR10, 10, 200), ("cifar100", datasets.CIFAR100, 100, 300)],
)
def test_a_cifar_is_what_torchvision_reads(
    monkeypatch, tmp_path, name, kind, classes, images, packed
):
    write_cifar(monkeypatch, tmp_path, kind, packed=packed)
    data = Vision(name=name, root=str(tmp_path), validation=0.2, shift=4).load()
    assert data.shape == (3, 32, 32) and len(data.train) + len(data.validation) == images
    assert data.classes == tuple(f"class {n}" for n in range(classes))
    theirs = kind(tmp_path, train=False)
    assert rows(data.test) == {
        (image.transpose(2, 0, 1).tobytes(), label)
        for image, label in zip(theirs.data, theirs.targets, strict=True)
    }


def test_resolution_and_fraction_keep_the_originals_of_each_side(monkeypatch, tmp_path):
    write_mnist(monkeypatch, tmp_path)
    whole = Vision(name="mnist", root=str(tmp_path), validation=0.25).load()
    half = Vision(name="mnist", root=str(tmp_path), validation=0.25, fraction=0.7).load()
    assert rows(half.train) < rows(whole.train)
    assert np.bincount(half.train.labels).tolist() == [2] * 10
    assert rows(half.validation) == rows(whole.validation)
    small = Vision(name="mnist", root=str(tmp_path), validation=0.25, resolution=14).load()
    assert small.shape == (1, 14, 14)
    assert np.array_equal(small.train.labels, whole.train.labels)
    assert len({d.fingerprint for d in (whole, half, small)}) == 3


@pytest.mark.parametrize("name", [*IDX, "cifar10", "cifar100"])
def test_missing_files_say_what_to_put_where(tmp_path, name):
    line = refusal(Vision(name=name, root=str(tmp_path)))
    assert "type dataset.download=true, or put" in line and str(tmp_path) in line
    assert ("train-images-idx3-ubyte.gz" if name in IDX else "python.tar.gz") in line
    assert ("https://www.cs.toronto.edu/~kriz/" in line) == (name not in IDX)
    assert re.search(r"\(from https?://[^ ]+\)$", line)


def test_only_the_missing_batches_are_asked_for(monkeypatch, tmp_path):
    folder = write_cifar(monkeypatch, tmp_path)
    (folder / "data_batch_3").unlink()
    line = refusal(Vision(name="cifar10", root=str(tmp_path)))
    assert f"put data_batch_3 into {folder}/" in line


IMAGES, LABELS = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def shorter(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("file", "damage", "words"),
    [
        (IMAGES, shorter, r"has \d+ bytes where its header announces"),
        (IMAGES, lambda path: path.write_bytes(b""), "is not an idx file"),
        (IMAGES, lambda path: path.write_bytes(b"\0\0\x08\x03\0\0"), "is not an idx file"),
        (IMAGES, lambda path: path.write_bytes(gzip.compress(path.read_bytes())), "not an idx"),
        (LABELS, lambda path: path.write_bytes(path.read_bytes() + b"\0"), "has 29 bytes"),
        (LABELS, lambda path: path.write_bytes(idx(np.arange(9, dtype=np.uint8))), "9 labels"),
        (LABELS, lambda path: path.write_bytes(idx(np.full(20, 77, np.uint8))), "label .* is 77"),
        (LABELS, lambda path: path.write_bytes(idx(some_images(4, 5))), "is not an idx file"),
    ],
)
def test_a_damaged_mnist_is_refused_in_one_line(
    monkeypatch, tmp_path, file, damage: Callable[[Path], object], words
):
    path = write_mnist(monkeypatch, tmp_path) / file
    damage(path)
    for download in (False, True):
        line = refusal(Vision(name="mnist", root=str(tmp_path), download=download))
        assert re.search(words, line) and "then type dataset.download=true" in line
        assert str(path) in line or "test files" in line


@pytest.mark.parametrize("write", [write_mnist, write_cifar])
def test_an_archive_with_another_checksum_is_not_unpacked(monkeypatch, tmp_path, write):
    place = write(monkeypatch, tmp_path, packed=True)
    path = place if place.is_file() else place / f"{IMAGES}.gz"
    shorter(path)
    name = "mnist" if write is write_mnist else "cifar10"
    assert f"{path} is damaged or another file" in refusal(Vision(name=name, root=str(tmp_path)))
    assert not path.with_suffix("").exists() and not (tmp_path / "cifar-10-batches-py").exists()


def test_the_old_form_that_cannot_be_checked_is_not_read(monkeypatch, tmp_path):
    old = write_mnist(monkeypatch, tmp_path).with_name("processed")
    old.mkdir()
    assert f"read {old}" in refusal(Vision(name="mnist", root=str(tmp_path)))


class Bomb:
    """A pickle that makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("file", ["data_batch_2", "test_batch", "batches.meta"])
def test_a_foreign_pickle_is_never_opened(monkeypatch, tmp_path, file):
    folder = write_cifar(monkeypatch, tmp_path)
    trace = tmp_path / "opened"
    (folder / file).write_bytes(pickle.dumps(Bomb(trace)))
    assert f"{folder / file} is damaged" in refusal(Vision(name="cifar10", root=str(tmp_path)))
    assert not trace.exists()
    pickle.loads((folder / file).read_bytes())
    assert trace.exists()  # the pickle does what is feared of it


def test_the_checksums_are_torchvisions_own():
    assert datasets.CIFAR10.tgz_md5 == "c58f30108f718f92721af3b95e74349a"
    lists = (datasets.CIFAR10, datasets.CIFAR100)
    files = [pair for kind in lists for pair in (*kind.train_list, *kind.test_list)]
    assert len(files) == 8 and all(len(bytes.fromhex(md5)) == 16 for _, md5 in files)


def test_a_batch_without_its_keys_is_refused(monkeypatch, tmp_path):
    folder = write_cifar(monkeypatch, tmp_path)
    (folder / "test_batch").write_bytes(pickle.dumps({"something": 1}))
    monkeypatch.setattr(
        datasets.CIFAR10, "test_list", [["test_batch", md5_of(folder / "test_batch")]]
    )
    assert "cannot read the test files" in refusal(Vision(name="cifar10", root=str(tmp_path)))


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serves folders over HTTP on this machine; gives the address."""
    servers = []

    def start(folder: Path) -> str:
        handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_download_goes_through_torchvision_and_its_checksums(monkeypatch, tmp_path, serve):
    archive = write_cifar(monkeypatch, tmp_path / "served", packed=True)
    monkeypatch.setattr(datasets.CIFAR10, "url", f"{serve(archive.parent)}/{archive.name}")
    root = tmp_path / "root"
    data = Vision(name="cifar10", root=str(root), download=True, shift=4).load()
    assert len(data.test) == 40
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", hashlib.md5(b"").hexdigest())
    line = refusal(Vision(name="cifar10", root=str(tmp_path / "other"), download=True))
    assert f"the download from {datasets.CIFAR10.url} into" in line and "corrupted" in line


def test_without_a_network_the_line_says_where_the_files_are_to_be_had(monkeypatch, tmp_path):
    nobody = "http://127.0.0.1:9/cifar-10-python.tar.gz"
    monkeypatch.setattr(datasets.CIFAR10, "url", nobody)
    line = refusal(Vision(name="cifar10", root=str(tmp_path), download=True))
    assert f"the download from {nobody} into {tmp_path} failed" in line


def test_a_name_that_torchvision_does_not_have_is_refused():
    assert "type one of mnist" in refusal(Vision(name="svhn"))
