"""What the literature says of the Zeus traces, computed again from their cells."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import fmean

import pytest

from energy_sweep.app.main import main
from energy_sweep.front import rows
from energy_sweep.record import BadInput, Objective, Quality, StudyRecord
from energy_sweep.study.stored import load_study
from energy_sweep.traces import GPUS, ZeusTrace, grid_cells, target_cells
from energy_sweep.traces.replay import replay

TRAINING = Objective(name="training")
LIMIT = "device.power_limit_watts"


@pytest.fixture(scope="module")
def to_60(tmp_path_factory: pytest.TempPathFactory) -> StudyRecord:
    """Trainings on the V100 to 60 %, without and with the lowest limit."""
    trace = ZeusTrace.of("v100")
    cells = target_cells(trace, 0.6, limits=(100, 250))
    return replay(trace, cells, tmp_path_factory.mktemp("zeus") / "to-60", "to-60")


def kilojoules(study: StudyRecord, limit: int) -> dict[int, float]:
    """By batch, the mean over the runs of what the program says that a training took."""
    found: dict[int, list[float]] = {}
    for row in rows(study, TRAINING):
        if row.params[LIMIT] == limit:
            assert row.accuracy >= 0.6
            found.setdefault(row.params["batch"], []).extend([row.joules / 1e3] * row.n)
    return {batch: fmean(each) for batch, each in found.items()}


def test_the_best_batch_to_60_percent_is_128(to_60: StudyRecord) -> None:
    each = kilojoules(to_60, 250)
    assert min(each, key=each.__getitem__) == 128
    assert each[128] == pytest.approx(41.4, abs=0.05)


def test_the_worst_of_batches_from_32_takes_6_8_times_the_best(to_60: StudyRecord) -> None:
    each = {batch: one for batch, one in kilojoules(to_60, 250).items() if batch >= 32}
    assert max(each.values()) / min(each.values()) == pytest.approx(6.8, abs=0.05)


def test_100_watts_save_31_percent_at_batch_128(to_60: StudyRecord) -> None:
    saved = 1 - kilojoules(to_60, 100)[128] / kilojoules(to_60, 250)[128]
    assert saved == pytest.approx(0.31, abs=0.005)


@pytest.mark.parametrize(
    ("gpu", "ratio"), [("v100", 6.8), ("a40", 7.5), ("rtx6000", 5.9), ("p100", 7.8)]
)
def test_worst_over_best_on_each_gpu(gpu: str, ratio: float) -> None:
    trace, each = ZeusTrace.of(gpu), dict[int, list[float]]()
    for cell in target_cells(trace, 0.6):
        if cell.batch >= 32 and cell.limit == trace.limits(cell.batch)[-1]:
            joules = cell.epochs * trace.epoch_joules(cell.batch, cell.limit)
            each.setdefault(cell.batch, []).append(joules)
    means = {batch: fmean(found) for batch, found in each.items()}
    assert min(means, key=means.__getitem__) == 128
    assert max(means.values()) / min(means.values()) == pytest.approx(ratio, abs=0.05)


def test_a_batch_whose_runs_did_not_all_arrive_is_left_out() -> None:
    trace = ZeusTrace.of("v100")
    arrived = [trace.epochs_to(4096, run, 0.6) for run in trace.runs[4096]]
    assert None in arrived
    assert any(arrived)
    assert 4096 not in {cell.batch for cell in target_cells(trace, 0.6)}


@pytest.mark.parametrize("gpu", GPUS)
def test_accuracy_never_falls_and_says_when_it_was_reached(gpu: str) -> None:
    trace = ZeusTrace.of(gpu)
    for batch in trace.batches:
        for run in trace.runs[batch]:
            curve = [trace.accuracy(batch, run, epochs) for epochs in range(61)]
            assert curve == sorted(curve)
            epochs = trace.epochs_to(batch, run, 0.3)
            assert epochs is not None
            assert trace.accuracy(batch, run, epochs) >= 0.3
            assert trace.accuracy(batch, run, epochs - 1) < 0.3


def test_cells_are_shared_stages_and_nothing_is_written_twice(tmp_path: Path) -> None:
    trace = ZeusTrace.of("v100")
    some = [cell for cell in grid_cells(trace, limits=(100,)) if cell.batch in (128, 256)]
    study = replay(trace, some[:6], tmp_path / "few", "few")
    again = replay(trace, some[3:], tmp_path / "few", "few")
    assert len(study.trials) == 6
    assert len(again.trials) == len(some) == 30
    assert len(again.stages) == 10  # two batches, five runs
    assert study.meter.quality is Quality.INTEGRATED
    assert {math.fsum(m.units for m in one.marks) for one in again.stages.values()} == {30.0}
    assert load_study(tmp_path / "few").results == again.results


def test_the_verb_says_what_reads_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["trace", "zeus-v100", "--to-accuracy", "0.6", "--limits", "250"]
    assert main([*typed, "--outputs", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "the study zeus-v100-to-0.6; joules are integrated" in " ".join(said.split())
    assert main(["front", "zeus-v100-to-0.6", "--outputs", str(tmp_path), "--json"]) == 0


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["--limits", "7"], "--limits 7: the trace has 100 125"),
        (["--to-accuracy", "0.95"], "type less, such as 0.6"),
        (["--to-accuracy", "0.6", "--epochs", "10"], "type one of them"),
    ],
)
def test_what_the_trace_does_not_hold_is_refused(
    typed: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", "zeus-v100", *typed, "--outputs", str(tmp_path)]) == 2
    assert told in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_another_gpu_is_refused() -> None:
    with pytest.raises(BadInput, match=r"type v100\|a40"):
        ZeusTrace.of("h100")
