"""MNIST, Fashion-MNIST, KMNIST, CIFAR-10 and CIFAR-100, as torchvision reads and downloads them."""

from __future__ import annotations

import math
import pickle
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from energy_sweep.dataset.base import Data, Preprocessing, assemble
from energy_sweep.dataset.cache import load_cached
from energy_sweep.dataset.split import TEST, Split
from energy_sweep.dataset.summary import Found
from energy_sweep.record import BadInput

# torchvision's class of each set, and the folder of its unpacked files.
KINDS = {
    "mnist": ("MNIST", "MNIST/raw"),
    "fashion_mnist": ("FashionMNIST", "FashionMNIST/raw"),
    "kmnist": ("KMNIST", "KMNIST/raw"),
    "cifar10": ("CIFAR10", "cifar-10-batches-py"),
    "cifar100": ("CIFAR100", "cifar-100-python"),
}
CHARACTERS = ("mnist", "kmnist")
# What torchvision raises for files that it cannot read; it checks some of them with `assert`.
UNREADABLE = (
    *(OSError, EOFError, RuntimeError, ValueError, TypeError, LookupError, AssertionError),
    *(pickle.UnpicklingError, tarfile.TarError, zlib.error),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vision:
    """The torchvision set called `name`, read from `root`; `resolution` None keeps its own.

    `validation` is cut from the official training images, of which `fraction` are then kept; the
    official test images test.
    """

    name: str
    root: str = "data"
    download: bool = False
    resolution: int | None = None
    fraction: float = 1.0
    shift: int = 2
    flip: bool = False
    validation: float = 0.1
    cache: str | None = "auto"

    def load(self) -> Data:
        """Read what torchvision holds to be whole; BadInput names the file that is not."""
        cut = Preprocessing(
            resolution=self.resolution,
            shift=self.shift,
            flip=self.flip,
            validation=self.validation,
            fraction=self.fraction,
        )
        if self.name not in KINDS:
            raise BadInput(f"dataset.name={self.name}: type one of {', '.join(KINDS)}")
        if self.flip and self.name in CHARACTERS:
            raise BadInput(
                f"dataset.flip=true: a mirrored character of {self.name} is another or none: "
                "type dataset.flip=false"
            )
        root = Path(self.root).expanduser()
        folder = root / KINDS[self.name][1]
        return load_cached(self, cut, lambda: folder.glob("*"), lambda: self._read(cut, root))

    def _read(self, cut: Preprocessing, root: Path) -> Data:
        kind = getattr(_torchvision(), KINDS[self.name][0])
        ready = _prepare_idx if issubclass(kind, _torchvision().MNIST) else _prepare_batches
        ready(self, kind, root)
        train, classes = _read(self, kind, root, train=True)
        test, _ = _read(self, kind, root, train=False)
        return assemble(
            self.name,
            train.images,
            train.labels,
            classes=classes,
            cut=cut,
            given={TEST: test},
            found=Found(source=str((root / KINDS[self.name][1]).absolute())),
        )


def _torchvision() -> Any:
    """torchvision's data sets, imported late: it takes seconds."""
    from torchvision import datasets

    return datasets


def _file_error(source: Vision, what: str, *, them: str = "it") -> BadInput:
    return BadInput(
        f"dataset={source.name}: {what}: delete {them}, then type dataset.download=true"
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _read(source: Vision, kind: Any, root: Path, *, train: bool) -> tuple[Split, tuple[str, ...]]:
    """The official training or test images as [N, C, H, W], and the names of the classes."""
    side = f"the {'training' if train else 'test'} files in {root}"
    try:
        loaded = kind(root, train=train)
        images, labels = np.asarray(loaded.data), np.asarray(loaded.targets, np.int64)
    except UNREADABLE as error:
        why = _one_line(error)
        raise _file_error(source, f"torchvision cannot read {side} ({why})", them="them") from error
    classes = tuple(label.split(" - ")[0] for label in loaded.classes)
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    if len(images) != len(labels) or not len(images):
        counts = f"{len(images)} images and {len(labels)} labels"
        raise _file_error(source, f"{counts} are in {side}", them="them")
    if not 0 <= labels.min() <= labels.max() < len(classes):
        what = f"a label in {side} is {labels.max()}, of {len(classes)} classes"
        raise _file_error(source, what, them="them")
    return Split(np.ascontiguousarray(images), labels), classes


def _download(source: Vision, kind: Any, root: Path) -> None:
    """Let torchvision fetch, check and unpack what is missing, with its progress bar."""
    try:
        kind(root, download=True)
    except UNREADABLE as error:
        raise BadInput(
            f"dataset={source.name}: the download from {_address(kind)} into {root} failed"
            f" ({_one_line(error)}): delete what is there of it and type it again; with"
            " dataset.download=false a line says where files that you bring yourself go"
        ) from error


def _address(kind: Any) -> str:
    """Where torchvision fetches a set from: an archive, or the folder of its files."""
    return str(kind.mirrors[0] if hasattr(kind, "mirrors") else kind.url)


def _prepare_idx(source: Vision, kind: Any, root: Path) -> None:
    """See that the four files of an MNIST are there and whole, unpacking them where they are not.

    torchvision has checksums of the packed files only, so unpacked ones are held to their header.
    """
    folder = root / kind.__name__ / "raw"
    old = folder.with_name("processed")
    if old.exists():
        raise BadInput(
            f"dataset={source.name}: torchvision would read {old}, a form that cannot be checked: "
            "delete that folder"
        )
    packed = [(folder / file, md5) for file, md5 in kind.resources]
    missing = [(path, md5) for path, md5 in packed if not path.with_suffix("").is_file()]
    if missing and source.download:
        _download(source, kind, root)
    elif any(not path.is_file() for path, _ in missing):
        _refuse_missing(source, [path for path, _ in missing], kind)
    else:
        for path, md5 in missing:
            _check_md5(source, path, md5)
            _unpack(source, path)
    for path, _ in packed:
        _check_idx(source, path.with_suffix(""))


def _prepare_batches(source: Vision, kind: Any, root: Path) -> None:
    """See that the batches of a CIFAR are there and that their checksums hold.

    They are pickles, which run code when read: torchvision compares the same checksums before it
    unpickles any, and this pass names the file that differs.
    """
    archive, folder = root / kind.filename, root / kind.base_folder
    files = [*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])]
    paths = [(folder / file, md5) for file, md5 in files]
    missing = [path for path, _ in paths if not path.is_file()]
    if source.download:
        _download(source, kind, root)
    elif missing and archive.is_file():
        _check_md5(source, archive, kind.tgz_md5)
        _unpack(source, archive)
    elif missing:
        _refuse_missing(source, missing if folder.exists() else [archive], kind)
    for path, md5 in paths:
        _check_md5(source, path, md5)


def _refuse_missing(source: Vision, paths: list[Path], kind: Any) -> None:
    names = ", ".join(path.name for path in paths)
    raise BadInput(
        f"dataset={source.name}: its files are missing: type dataset.download=true, or put {names} "
        f"into {paths[0].parent}/ (from {_address(kind)})"
    )


def _check_md5(source: Vision, path: Path, md5: str) -> None:
    from torchvision.datasets.utils import check_integrity

    if not check_integrity(path, md5):
        raise _file_error(source, f"{path} is damaged or another file (its MD5 is not {md5})")


def _unpack(source: Vision, path: Path) -> None:
    from torchvision.datasets.utils import extract_archive

    try:
        extract_archive(str(path), str(path.parent))
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise _file_error(source, f"{path} cannot be unpacked ({_one_line(error)})") from error


def _check_idx(source: Vision, path: Path) -> None:
    """Hold an idx file to its own header: unsigned bytes, and as many as it announces."""
    dimensions = 3 if "idx3" in path.name else 1
    with path.open("rb") as file:
        header = file.read(4 + 4 * dimensions)
    size = path.stat().st_size
    if header[:4] != bytes((0, 0, 8, dimensions)) or size < 4 + 4 * dimensions:
        raise _file_error(source, f"{path} is not an idx file of bytes")
    announced = len(header) + math.prod(np.frombuffer(header[4:], ">u4").tolist())
    if size != announced:
        raise _file_error(source, f"{path} has {size} bytes where its header announces {announced}")
