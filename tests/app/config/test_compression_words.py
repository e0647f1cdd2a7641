"""What is typed of compressions: lists of them, teachers, and what is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from energy_sweep.app.config.compression_lists import expand
from energy_sweep.app.main import main
from energy_sweep.record import BadInput

SMALL = (
    *("device=cpu", "device.plan=channels_last", "meter=replay"),
    *("model.width=8", "model.depth=2", "epochs=2", "batch=128"),
)
STEP = "+compression@compression.steps."


def test_a_list_is_written_out_as_groups() -> None:
    typed = ["lr=1", "compression=[prune, quantize]", "compression.steps.prune.recover_epochs=1"]
    assert expand(typed) == [
        "lr=1",
        "compression=chain",
        f"{STEP}prune=prune",
        f"{STEP}quantize=quantize",
        "compression.steps.prune.recover_epochs=1",
    ]
    with pytest.raises(BadInput, match="prune comes twice"):
        expand(["compression=[prune,prune]"])
    with pytest.raises(BadInput, match=r"at least two steps: type compression=prune$"):
        expand(["compression=[prune]"])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["compression=prune", "compression.level=1.5"], "compression.level=0.5"),
        (["compression=none", "compression.level=0.5"], "compression=prune"),
        (["compression=prune", "compression.level=0.9999"], "type compression.level=0.9"),
        (["model.width=1", "compression=distill", "compression.level=0.9"], "model.width"),
        (["precision=fp16"], "device=cuda"),
        (
            ["compression=halve", "compression.level=0.5"],
            "type runtime=openvino|inductor",
        ),
        (
            [
                "runtime=inductor",
                "compression=halve",
                *("compression.level=0.5", "compression.number=fp16"),
            ],
            "compression.number=bf16",
        ),
        (
            ["runtime=eager", "compression=quantize", "compression.level=0.75"],
            "type runtime=onnxruntime|openvino",
        ),
        (["runtime=tensorrt"], "runtime=eager|inductor|onnxruntime|openvino"),
        (
            ["compression=distill", "compression.level=0.5", "compression.teacher=nobody"],
            "compression.teacher=",
        ),
        (
            ["compression=distill", "compression.level=0.5", "compression.teacher=first/9"],
            "STUDY/NUMBER",
        ),
        (
            ["compression=distill", "compression.level=0.5", "compression.teachers=0"],
            "compression.teachers=3",
        ),
        (
            ["compression=distill", "compression.level=0.5", "compression.teacher_width=0"],
            "compression.teacher_width=2",
        ),
        (["compression=[quantize,prune]", "compression.level=0.9"], "[prune,quantize]"),
        (["compression=[prune,nothing]"], "compression=chain|"),
        (["compression=chain"], "[prune,quantize]"),
        (["compression=[prune,quantize", "compression.level=0.9"], "cannot be read"),
        (["compression.level=0.5", "compression.recover_epochs=-1"], "recover_epochs=3"),
        (
            ["compression.level=0.5", "compression.iterations=4"],
            "type compression.recover_epochs=4",
        ),
        (["compression.level=0.5", "compression.importance=luck"], "magnitude|taylor"),
        (["compression.level=0.5", "compression.max_accuracy_loss=2"], "max_accuracy_loss=0.01"),
        (
            ["compression=sparse", "compression.level=0.5", "compression.pattern=2:4"],
            "compression.pattern=any",
        ),
        (["compression=quantize", "compression.calibration=guess"], "minmax|percentile|entropy"),
        (
            ["compression=qat", "compression.level=0.75", "compression.recover_epochs=0"],
            "compression=quantize",
        ),
        (
            ["compression=magnitude", "compression.level=0.5", "device.processes=2"],
            "device.processes=1",
        ),
        (
            ["compression=[distill,prune]", "compression.steps.distill.teacher=resnet18"],
            "compression.teacher",
        ),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_bad_input_gets_one_line_and_spends_nothing(
    words: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [*SMALL, *words, f"outputs={tmp_path}"]
    assert main(given) == 2
    said = capsys.readouterr().err
    assert line in said and said.count("\n") == 1
    assert not list(tmp_path.rglob("record-*.json"))


@pytest.mark.no_cover
def test_chains_and_techniques_are_one_axis_and_one_front(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "compression=none,quantize,[prune,quantize]",
        "compression.level=0.5,0.75,0.9",
        "search/space=none",
        "name=words",
        f"outputs={tmp_path}",
    ]
    assert main(["-m", *SMALL, *words]) == 0
    said = capsys.readouterr()
    # none is one point, int8 one; of the chain, up to .75 int8 alone is left, which is that one.
    assert "3 configurations, 0 measured" in said.err + said.out
    assert main(["-m", *SMALL, *words]) == 0
    again = capsys.readouterr()
    assert "3 configurations, all measured" in again.err + again.out
    assert main(["front", "words", "--outputs", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = [*document["front"], *document["dominated"]]
    named = {row["params"]["compression"] for row in rows}
    assert named == {"none", "quantize", "[prune,quantize]"}
    levels = {row["params"]["compression.level"] for row in rows}
    assert levels == {0, 0.75, 0.9}


@pytest.mark.no_cover
def test_a_level_typed_once_is_that_of_the_techniques_that_have_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compression=none,prune", "compression.level=0.5", "search/space=none"]
    assert main(["-m", *SMALL, *words, "name=once", f"outputs={tmp_path}"]) == 0
    capsys.readouterr()
    assert main(["front", "once", "--outputs", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = [*document["front"], *document["dominated"]]
    pairs = {(row["params"]["compression"], row["params"]["compression.level"]) for row in rows}
    assert pairs == {("none", 0), ("prune", 0.5)}


def test_a_trial_teaches_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = ["-m", *SMALL, "seed=0", "name=first", "search/space=none", f"outputs={tmp_path}"]
    assert main([*first, "lr=0.05,0.1"]) == 0
    student = ["compression=distill", "compression.level=0.5", "compression.teacher=first/1"]
    assert main([*SMALL, *student, "name=second", f"outputs={tmp_path}"]) == 0
    (path,) = (tmp_path / "second" / "runs").glob("*/result.json")
    result = json.loads(path.read_text())
    assert result["config"]["teacher"]["name"] == "first/1"
    assert [use for use in result["stages"] if use["stage"] == "teacher"]
    assert result["energy"]["stages"]["teacher"]["joules"] > 0
