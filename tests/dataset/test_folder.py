"""Trees of real PNG and JPEG files: read whole, copies kept together, damage refused by name."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from on_disk import save, scene, write_tree
from PIL import Image

from energy_sweep.dataset.base import Data
from energy_sweep.dataset.folder import BrainTumor, Folder
from energy_sweep.dataset.similarity import find_similar, thumbnail
from energy_sweep.record import BadInput


def refusal(source: Folder) -> str:
    with pytest.raises(BadInput) as error:
        source.load()
    assert "\n" not in str(error.value)
    return str(error.value)


def splits(data: Data) -> tuple[set[bytes], ...]:
    sides = (data.train, data.validation, data.test)
    return tuple({image.tobytes() for image in side.images} for side in sides)


def test_a_tree_is_read_pixel_for_pixel(tmp_path):
    write_tree(tmp_path)
    data = Folder(root=str(tmp_path)).load()
    assert data.classes == ("cat", "dog") and data.shape == (3, 48, 48)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [12, 4, 4]
    assert np.bincount(data.validation.labels).tolist() == [2, 2]
    files = {
        (np.asarray(Image.open(path)).transpose(2, 0, 1).tobytes(), path.parent.name)
        for path in tmp_path.rglob("*.*")
    }
    ours = {
        (image.tobytes(), data.classes[label])
        for side in (data.train, data.validation, data.test)
        for image, label in zip(side.images, side.labels, strict=True)
    }
    assert ours == files


def test_copies_in_another_format_quality_and_size_never_part(tmp_path):
    write_tree(tmp_path, count=30)
    sizes = [(48, 95), (96, 60), (40, 80)]
    for n in range(0, 30, 3):
        pixels = Image.fromarray(scene(7000 + n))
        for k, (side, quality) in enumerate(sizes):
            copy = np.asarray(pixels.resize((side, side)))
            # Names that scatter copies over any order of files.
            save(tmp_path / "cat" / f"{k}copy{n}.jpg", copy, quality=quality)
    data = Folder(root=str(tmp_path), resolution=48).load()
    thumbnails, sides = [], []
    for side in ("train", "validation", "test"):
        for image in getattr(data, side).images:
            thumbnails.append(thumbnail(image))
            sides.append(side)
    pairs = find_similar(np.array(thumbnails), bits=4, smallest=48)
    assert len(sides) == 90 and len(pairs) == 10 * 3
    assert all(sides[a] == sides[b] for a, b in pairs)
    assert "30 images in 10 groups are near-copies, and on one side with them" in (
        data.summary.found.notes
    )


def test_splits_do_not_follow_file_names_or_resolution(tmp_path):
    write_tree(tmp_path / "a")
    first = Folder(root=str(tmp_path / "a")).load()
    for path in list((tmp_path / "a").rglob("*.*")):
        path.rename(path.with_name(f"{99 - int(path.stem)}{path.suffix}"))
    assert Folder(root=str(tmp_path / "a")).load().fingerprint == first.fingerprint
    small = Folder(root=str(tmp_path / "a"), resolution=8).load()
    assert np.array_equal(small.train.labels, first.train.labels)
    part = Folder(root=str(tmp_path / "a"), fraction=0.5).load()
    assert splits(part)[0] < splits(first)[0] and splits(part)[1:] == splits(first)[1:]
    assert Folder(root=str(tmp_path / "a"), resolution=8, fraction=0.5).whole() == (
        Folder(root=str(tmp_path / "a")).whole()
    )


def test_files_are_upright_and_sixteen_bits_become_eight(tmp_path):
    for label in ("a", "b"):
        for n in range(3):
            ramp = scene(ord(label) * 10 + n, side=32, channels=1).astype(np.uint16) * 257
            save(tmp_path / label / f"{n}.png", ramp)
    data = Folder(root=str(tmp_path)).load()
    assert data.shape == (1, 32, 32)
    expected = {scene(ord(x) * 10 + n, 32, 1).tobytes() for x in "ab" for n in range(3)}
    assert set().union(*splits(data)) == expected
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    wide = scene(5, side=32, channels=1)[:16]
    for path in tmp_path.rglob("*.png"):
        path.unlink()
    for n, label in enumerate("aaabbb"):
        save(tmp_path / label / f"{n}.jpg", np.roll(wide, 5 * n, axis=1), exif=exif)
    assert Folder(root=str(tmp_path)).load().shape == (1, 32, 16)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()


def one_left(path: Path) -> None:
    for file in path.parent.iterdir():
        if file != path:
            file.unlink()


@pytest.mark.parametrize(
    ("file", "damage", "words"),
    [
        ("dog/4.jpg", cut_short, r"4\.jpg cannot be read as an image"),
        ("dog/5.png", cut_short, r"5\.png cannot be read as an image"),
        ("dog/5.png", lambda path: path.write_bytes(b""), r"5\.png cannot be read"),
        ("dog/5.png", lambda path: path.write_text("<html>"), r"5\.png cannot be read"),
        ("cat/1.png", lambda path: save(path, scene(1, side=20)), "20 x 20 .* type dataset.res"),
        ("dog/5.png", emptied, "class dog has no images in .*dog"),
        ("dog/5.png", one_left, "class dog has 1 different images"),
        (
            "cat/0.tif",
            lambda path: Image.new("F", (48, 48), float("nan")).save(path),
            r"0\.tif cannot be read as an image \(it holds NaN",
        ),
    ],
)
def test_a_damaged_tree_is_refused_in_one_line(
    tmp_path, file, damage: Callable[[Path], object], words
):
    write_tree(tmp_path)
    damage(tmp_path / file)
    assert re.search(words, refusal(Folder(root=str(tmp_path))))


def test_a_tree_of_another_form_says_how_to_lay_it_out(tmp_path):
    assert "type dataset.root=FOLDER" in refusal(Folder(root=str(tmp_path / "none")))
    assert "has 0 folders of images" in refusal(Folder(root=str(tmp_path)))
    write_tree(tmp_path / "half" / "Training")
    assert "has Training and neither validation nor test" in refusal(
        Folder(root=str(tmp_path / "half"))
    )
    write_tree(tmp_path / "brain", classes=("glioma", "no_tumor"))
    assert "class meningioma has no images" in refusal(BrainTumor(root=str(tmp_path / "brain")))
    write_tree(tmp_path / "twice", classes=("glioma", "glioma_tumor"))
    assert "are one class" in refusal(BrainTumor(root=str(tmp_path / "twice")))
    write_tree(tmp_path / "vehicles", classes=("train", "car"))
    assert Folder(root=str(tmp_path / "vehicles")).load().classes == ("car", "train")
    assert "type null, 1 or 3" in refusal(Folder(root=str(tmp_path), channels=2))
    assert "type 0 to 16" in refusal(Folder(root=str(tmp_path), near_bits=99))


def test_images_load_without_torch(tmp_path):
    write_tree(tmp_path, count=3)
    program = (
        "import sys; from energy_sweep.dataset.folder import Folder;"
        f"Folder(root={str(tmp_path)!r}).load(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
