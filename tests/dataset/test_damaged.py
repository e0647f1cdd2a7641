"""Damaged data through the real command line: one line, exit code 2, nothing measured or left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from on_disk import idx, some_images, write_cifar, write_medmnist, write_mnist
from PIL import Image
from torchvision import datasets

from energy_sweep.app.main import main

Damage = Callable[[Path, pytest.MonkeyPatch], Path]


def cut_short(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def checksum(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = write_cifar(monkeypatch, root) / "data_batch_2"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    return path


def archive(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return cut_short(write_cifar(monkeypatch, root, packed=True))


def short_idx(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return cut_short(write_mnist(monkeypatch, root) / "train-images-idx3-ubyte")


def label_range(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = write_mnist(monkeypatch, root, datasets.KMNIST) / "t10k-labels-idx1-ubyte"
    path.write_bytes(idx(np.full(20, 77, np.uint8)))
    return path


def missing_array(root: Path, _: pytest.MonkeyPatch) -> Path:
    return write_medmnist(root / "bloodmnist.npz", val_images=None)


def wrong_shape(root: Path, _: pytest.MonkeyPatch) -> Path:
    return write_medmnist(root / "bloodmnist.npz", train_images=np.zeros((80, 28), np.uint8))


def flipped_byte(root: Path, _: pytest.MonkeyPatch) -> Path:
    path = write_medmnist(root / "bloodmnist.npz")
    content = bytearray(path.read_bytes())
    content[3000] ^= 0xFF
    path.write_bytes(content)
    return path


def floats(root: Path, _: pytest.MonkeyPatch) -> Path:
    np.savez(root / "my.npz", images=np.full((9, 4, 4), np.nan), labels=np.arange(9) % 3)
    return root / "my.npz"


def unlabelled(root: Path, _: pytest.MonkeyPatch) -> Path:
    np.savez(root / "my.npz", images=some_images(9, 4, 4), labels=np.arange(9) % 3 - 1)
    return root / "my.npz"


def tree(root: Path, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
    for label in classes:
        (root / label).mkdir(parents=True)
        for n, pixels in enumerate(some_images(5, 16, 16, seed=len(label) + ord(label[0]))):
            Image.fromarray(pixels).save(root / label / f"{n}.png")
    return root


def corrupt_png(root: Path, _: pytest.MonkeyPatch) -> Path:
    return cut_short(tree(root) / "dog" / "3.png")


def no_image(root: Path, _: pytest.MonkeyPatch) -> Path:
    path = tree(root) / "cat" / "9.jpg"
    path.write_text("<html>404</html>")
    return path


def empty_class(root: Path, _: pytest.MonkeyPatch) -> Path:
    path = tree(root) / "bird"
    path.mkdir()
    return path


def one_image(root: Path, _: pytest.MonkeyPatch) -> Path:
    path = tree(root) / "dog"
    for n in range(4):
        (path / f"{n}.png").unlink()
    return path


def mixed_sizes(root: Path, _: pytest.MonkeyPatch) -> Path:
    path = tree(root) / "dog" / "4.png"
    Image.fromarray(some_images(1, 20, 24)[0]).save(path)
    return path


def no_folder(root: Path, _: pytest.MonkeyPatch) -> Path:
    return root / "none"


def missing_class(root: Path, _: pytest.MonkeyPatch) -> Path:
    tree(root, ("glioma_tumor", "meningioma_tumor", "pituitary_tumor"))
    return root / "notumor"


CASES: dict[str, tuple[Damage, str, str]] = {
    "wrong checksum": (checksum, "cifar10", "is damaged or another file"),
    "truncated archive": (archive, "cifar10", "is damaged or another file"),
    "truncated file": (short_idx, "mnist", "bytes where its header announces"),
    "labels out of range": (label_range, "kmnist", "is 77, of 10 classes"),
    "npz without an array": (missing_array, "medmnist", "has no val_images"),
    "wrong shape": (wrong_shape, "medmnist", "not bytes of [N, H, W]"),
    "a changed byte": (flipped_byte, "medmnist", "cannot be read"),
    "not a number": (floats, "arrays", "images hold NaN"),
    "images without a label": (unlabelled, "arrays", "labels are below 0"),
    "corrupt image": (corrupt_png, "folder", "cannot be read as an image"),
    "no image at all": (no_image, "folder", "cannot be read as an image"),
    "empty class": (empty_class, "folder", "class bird has no images"),
    "class of one image": (one_image, "folder", "class dog has 1 different images"),
    "mixed sizes": (mixed_sizes, "folder", "is 24 x 20 pixels"),
    "no such folder": (no_folder, "folder", "there is no folder"),
    "missing class": (missing_class, "brain_tumor", "class notumor has no images"),
}


SWEPT = ("wrong checksum", "corrupt image", "not a number")


@pytest.mark.parametrize(
    ("case", "more"),
    [*((case, ()) for case in CASES), *((case, ("-m", "epochs=1,2")) for case in SWEPT)],
)
@pytest.mark.no_cover
def test_damaged_data_is_one_line_and_exit_2_before_a_joule_is_spent(
    case: str,
    more: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage, dataset, words = CASES[case]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    root = Path("data")
    root.mkdir()
    at_fault = damage(root, monkeypatch)
    where = f"file={at_fault}" if dataset == "arrays" else f"root={root}"
    if case == "no such folder":
        where = f"root={at_fault}"
    assert main([*more, f"dataset={dataset}", f"dataset.{where}", "meter=replay"]) == 2
    output = capsys.readouterr()
    [line] = output.err.splitlines()
    assert words in line and output.out == ""
    # A class is named by the folder at fault; a label by the files of its side.
    assert at_fault.name in line or case == "labels out of range"
    left = {path.name for path in Path("outputs").rglob("*")}
    assert not left & {"trials", "result.json", "stages", "study.db"}
