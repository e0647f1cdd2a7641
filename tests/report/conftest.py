"""One page of 5,000 configurations for all tests, since it takes seconds to write."""

from __future__ import annotations

from pathlib import Path

import page_study
import pytest

from energy_sweep.record import Objective
from energy_sweep.report.html_page import write_report
from tests.tracing import untraced


@pytest.fixture(scope="session")
def large_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "report.html"
    study = page_study.large()
    assert len(study.trials) == 5000
    with untraced():
        write_report(study, Objective(), path)
    return path
