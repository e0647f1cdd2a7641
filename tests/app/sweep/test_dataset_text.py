"""What is printed of a data set before its first trial: one block, short, and only once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.app.sweep.dataset_text import data_line, data_text
from energy_sweep.dataset.summary import Found, Summary
from energy_sweep.study import load_study

PETS = Summary(
    name="folder",
    found=Found(
        source="/data/pets",
        images=140,
        sizes={"64 x 48": 100, "32 x 32": 40},
        modes={"RGB": 120, "I;16": 20},
        notes=("4 training images are copies of test images and are left out",),
    ),
    classes=("cat", "dog"),
    counts={"train": (70, 14), "validation": (24, 4), "test": (20, 4)},
    shape=(3, 32, 32),
)
BLOCK = """\
data: folder from /data/pets
  140 images, 136 used, 2 classes
  class  train  validation  test
  cat       70          24    20
  dog       14           4     4
  all       84          28    24
  sizes: 64 x 48 (100), 32 x 32 (40); made into 32 x 32 pixels, colour
  modes: RGB (120), I;16 (20)
  note: 4 training images are copies of test images and are left out
  note: imbalanced: 114 images of cat, 22 of dog; to answer cat to every image
    has accuracy .857"""


def many(classes: tuple[str, ...], train: tuple[int, ...], **found: object) -> Summary:
    ones = (1,) * len(classes)
    return Summary(
        name="many",
        found=Found(images=sum(train) + 2 * len(classes), **found),  # type: ignore[arg-type]
        classes=classes,
        counts={"train": train, "validation": ones, "test": ones},
        shape=(1, 8, 8),
    )


def test_a_block_of_all_that_is_known() -> None:
    assert data_text(PETS) == BLOCK
    assert data_line(PETS) == (
        "data: folder, 2 classes, 84 train, 28 validation, 24 test, as before"
    )
    swept = data_text(PETS, {"dataset.fraction": 0.5}).splitlines()
    assert swept[8] == "  note: the sweep also has other values of dataset.fraction=0.5"


def test_many_classes_are_folded_and_lines_stay_short() -> None:
    names = tuple(f"class {n} {'x' * n}" for n in range(100))
    sizes = {f"{n} x {2 * n}": n for n in range(10, 50)}
    long = ("a note " * 30,)
    lines = data_text(many(names, tuple(range(1, 101)), sizes=sizes, notes=long)).splitlines()
    assert max(map(len, lines)) <= 80 and len(lines) < 20
    assert [line.split()[-3:] for line in lines[3:6]] == [[str(n), "1", "1"] for n in (100, 99, 98)]
    assert lines[6].strip() == "... 94 more"
    assert "10 x 20 to 49 x 98, 40 of them; most often 49 x 98 (49)" in " ".join(lines)
    even = data_text(many(names, (5,) * 100)).splitlines()
    assert [line.split() for line in even[3:5]] == [
        ["each", "class", "5", "1", "1"],
        ["all", "500", "100", "100"],
    ]


@pytest.mark.no_cover
def test_a_sweep_says_it_once_and_a_study_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["-m", "meter=replay", "search/space=none", "device.plan=contiguous", "epochs=5"]
    assert main([*words, "batch=32,64"], run=run_formula) == 0
    first = capsys.readouterr().out
    assert first.startswith("data: digits from scikit-learn\n  1,797 images, 10 classes\n")
    assert first.count("data: ") == 1
    assert main([*words, "batch=32,128"], run=run_formula) == 0
    again = capsys.readouterr().out.splitlines()
    assert again[0] == ("data: digits, 10 classes, 897 train, 450 validation, 450 test, as before")
    kept = load_study(Path("outputs/digits-small_cnn"), {}).data
    assert json.loads(json.dumps(kept)) == kept
    assert kept["counts"]["test"] == [44, 46, 44, 46, 45, 46, 45, 45, 44, 45]
    assert (kept["used"], kept["found"]["modes"]) == (1797, {"L": 1797})


def test_a_lone_trial_says_it_before_it_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("energy_sweep.trial.run_trial", run_formula)
        assert main(["meter=replay", "dataset.fraction=0.1", "device.plan=contiguous"]) == 0
    out = capsys.readouterr().out
    assert out.index("dataset.fraction=0.1 keeps 90 of 897 training images") < out.index("accuracy")
    assert main(["meter=replay"], run=run_formula) == 0
    assert "data:" not in capsys.readouterr().out
