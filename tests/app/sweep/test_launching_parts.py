"""What a launcher lost is found in the trial's folder, and what others do is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from energy_sweep.app.sweep.announce import others_text, plan_text
from energy_sweep.app.sweep.launching import LAUNCHERS, Launching
from energy_sweep.hardware.cpu import usable_cores
from energy_sweep.record import EnergySweepError, TrialResult, to_json
from energy_sweep.record.notice import Notice
from energy_sweep.record.seal import seal
from energy_sweep.search import Planned
from energy_sweep.search.events import TakenOver, Waiting

RESULT = TrialResult(config={"lr": 0.1}, seed=0, stages=(), n_validation=10, correct=9)


class LosesJobs:
    """A launcher whose jobs are lost once they have run."""

    def launch(self, overrides: list[list[str]], initial_job_idx: int) -> list[object]:
        raise RuntimeError("the node went away")


@pytest.fixture
def lost() -> Launching:
    return Launching(LosesJobs(), slots=2, is_here=False, notice=Notice())  # type: ignore[arg-type]


def test_a_lost_job_that_wrote_its_result_is_no_loss(tmp_path: Path, lost: Launching) -> None:
    document = seal({**to_json(RESULT), "trial": 3, "energy": {}})
    (tmp_path / "result.json").write_text(json.dumps(document))
    assert lost.run(["lr=0.1"], 3, tmp_path) == RESULT


@pytest.mark.parametrize("content", [None, "", "{}", json.dumps(to_json(RESULT))])
def test_a_lost_job_without_a_sealed_result_has_failed(
    tmp_path: Path, lost: Launching, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "result.json").write_text(content)
    with pytest.raises(EnergySweepError, match="its job was lost: the node went away"):
        lost.run(["lr=0.1"], 3, tmp_path)


@pytest.mark.parametrize(("jobs", "slots"), [(3, 3), (-1, usable_cores()), (-1000, 1)])
def test_joblib_counts_its_jobs_as_ever(jobs: int, slots: int) -> None:
    assert LAUNCHERS["JoblibLauncher"]({"n_jobs": jobs}) == slots


def test_what_others_do_is_told_in_a_line() -> None:
    assert others_text(Waiting((4,))).endswith("waiting for trial 4, which others run")
    assert "trials 4, 5" in others_text(Waiting((4, 5)))
    assert others_text(TakenOver(number=4, why="too late")).startswith("trial 4 is dropped here")
    planned = Planned(plan=None, sampler="tpe", measured=1, total=9, adopted=(2,), others=2)
    told = plan_text(planned, ())
    assert "2 other workers are at it" in told and "killed sweep left: trials 2" in told
