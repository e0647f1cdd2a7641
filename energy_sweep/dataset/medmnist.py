"""The 2-D MedMNIST sets of one label an image, from the .npz files that their authors publish."""

from __future__ import annotations

import importlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from energy_sweep.dataset.base import Data, Preprocessing, assemble
from energy_sweep.dataset.cache import load_cached
from energy_sweep.dataset.split import TEST, VALIDATION, Split
from energy_sweep.dataset.summary import Found
from energy_sweep.record import BadInput

ORGANS = (
    *("bladder", "femur-left", "femur-right", "heart", "kidney-left", "kidney-right"),
    *("liver", "lung-left", "lung-right", "pancreas", "spleen"),
)
# The package's class of each subset, and what its labels 0, 1, ... mean (medmnist/info.py).
SUBSETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "pathmnist": (
        "PathMNIST",
        (
            *("adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle"),
            *("normal colon mucosa", "cancer-associated stroma"),
            "colorectal adenocarcinoma epithelium",
        ),
    ),
    "dermamnist": (
        "DermaMNIST",
        (
            *("actinic keratosis", "basal cell carcinoma", "benign keratosis", "dermatofibroma"),
            *("melanoma", "melanocytic nevi", "vascular lesions"),
        ),
    ),
    "octmnist": (
        "OCTMNIST",
        ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
    ),
    "pneumoniamnist": ("PneumoniaMNIST", ("normal", "pneumonia")),
    "retinamnist": ("RetinaMNIST", ("0", "1", "2", "3", "4")),
    "breastmnist": ("BreastMNIST", ("malignant", "normal or benign")),
    "bloodmnist": (
        "BloodMNIST",
        (
            *("basophil", "eosinophil", "erythroblast", "immature granulocyte", "lymphocyte"),
            *("monocyte", "neutrophil", "platelet"),
        ),
    ),
    "tissuemnist": (
        "TissueMNIST",
        (
            *("collecting duct, connecting tubule", "distal convoluted tubule"),
            *("glomerular endothelial cells", "interstitial endothelial cells", "leukocytes"),
            *("podocytes", "proximal tubule segments", "thick ascending limb"),
        ),
    ),
    "organamnist": ("OrganAMNIST", ORGANS),
    "organcmnist": ("OrganCMNIST", ORGANS),
    "organsmnist": ("OrganSMNIST", ORGANS),
}
SIDES = ("train", "val", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class MedMnist:
    """The set `subset`, read from root/SUBSET.npz with its official splits; 28 pixels a side.

    `fraction` of the official training images is kept.
    """

    name: str = "medmnist"
    subset: str = "bloodmnist"
    root: str = "data"
    download: bool = False
    resolution: int | None = None
    fraction: float = 1.0
    shift: int = 2
    flip: bool = False
    cache: str | None = "auto"

    def load(self) -> Data:
        """Read the file; BadInput names it where it is missing, damaged or of another kind."""
        cut = Preprocessing(
            resolution=self.resolution, shift=self.shift, flip=self.flip, fraction=self.fraction
        )
        _check_subset(self.subset)
        path = Path(self.root).expanduser() / f"{self.subset}.npz"
        if not path.is_file():
            _download(self, path)
        return load_cached(self, cut, lambda: [path], lambda: self._read(cut, path))

    def _read(self, cut: Preprocessing, path: Path) -> Data:
        _, classes = SUBSETS[self.subset]
        splits = _read(self.subset, path)
        return assemble(
            f"{self.name} {self.subset}",
            splits["train"].images,
            splits["train"].labels,
            classes=classes,
            cut=cut,
            given={VALIDATION: splits["val"], TEST: splits["test"]},
            found=Found(source=str(path.absolute())),
        )


def _check_subset(subset: str) -> None:
    if subset in SUBSETS:
        return
    several = "gives an image several labels, where accuracy here counts one class an image"
    reasons = {"chestmnist": several}
    why = (
        "holds volumes, not images"
        if subset.endswith("3d")
        else reasons.get(subset, "is not known here")
    )
    raise BadInput(f"dataset.subset={subset} {why}: type one of {', '.join(SUBSETS)}")


def _download(source: MedMnist, path: Path) -> None:
    """Fetch the file through the package medmnist, where that was asked for."""
    place = f"dataset=medmnist: {path} is missing"
    by_hand = f"put {path.name} of https://medmnist.com into {path.parent}/"
    if not source.download:
        raise BadInput(f"{place}: type dataset.download=true, or {by_hand}")
    try:
        package = importlib.import_module("medmnist")
    except ImportError as error:
        raise BadInput(
            f"{place}, and dataset.download=true needs the package medmnist: "
            f"type pip install 'energy_sweep[medmnist]', or {by_hand}"
        ) from error
    kind, _ = SUBSETS[source.subset]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        getattr(package, kind)(split="train", download=True, root=str(path.parent))
    except (OSError, RuntimeError, ValueError, AttributeError) as error:
        why = " ".join(str(error).split())[:200]
        raise BadInput(f"{place} and its download failed ({why}): {by_hand}") from error
    if not path.is_file():
        raise BadInput(f"{place} after its download: {by_hand}")


def _read(subset: str, path: Path) -> dict[str, Split]:
    """The three splits; the zip's own checksums are compared, and nothing pickled is read."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {
                name: archive[name]
                for name in (f"{side}_{what}" for side in SIDES for what in ("images", "labels"))
            }
    except KeyError as error:
        raise _file_error(path, f"has no {error.args[0].split()[0]}") from error
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise _file_error(path, f"cannot be read ({' '.join(str(error).split())[:150]})") from error
    return {
        side: _split(subset, path, side, arrays[f"{side}_images"], arrays[f"{side}_labels"])
        for side in SIDES
    }


def _split(subset: str, path: Path, side: str, images: np.ndarray, labels: np.ndarray) -> Split:
    """One side as [N, C, H, W]: the file has [N, H, W] or [N, H, W, 3], and labels [N, 1]."""
    _, classes = SUBSETS[subset]
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[3:] not in ((), (3,)):
        kind = f"{images.dtype} of shape {images.shape}"
        raise _file_error(
            path, f"has {side}_images of {kind}, not bytes of [N, H, W] or [N, H, W, 3]"
        )
    if labels.dtype.kind not in "iu" or labels.shape not in ((len(images),), (len(images), 1)):
        raise _file_error(
            path,
            f"has {side}_labels of {labels.dtype} and shape {labels.shape} for {len(images)} "
            "images: one whole number each is needed",
        )
    flat = labels.reshape(-1).astype(np.int64)
    if not len(flat) or flat.min() < 0 or flat.max() >= len(classes):
        raise _file_error(path, f"has {side}_labels other than 0 to {len(classes) - 1}")
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    return Split(np.ascontiguousarray(images), flat)


def _file_error(path: Path, what: str) -> BadInput:
    return BadInput(
        f"dataset=medmnist: {path} {what}: delete it, then type dataset.download=true "
        f"or bring {path.name} of https://medmnist.com"
    )
