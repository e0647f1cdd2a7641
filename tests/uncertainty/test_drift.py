"""The drift of a machine, where there is none, and no noise either."""

from __future__ import annotations

import numpy as np
import pytest

from energy_sweep.uncertainty.drift import TimedWindows, fit_drift


@pytest.mark.parametrize("windows", [2, 40])
def test_windows_that_repeat_to_the_last_digit_have_no_drift(windows: int) -> None:
    pool = np.arange(windows) % 2
    exact = TimedWindows(
        pool=pool,
        time=3.0 * np.arange(windows),
        log_price=np.log(np.where(pool == 0, 2.0, 3.0)),
        marks=np.ones(windows),
        usual_noise=0.0,
    )
    with np.errstate(all="raise"):
        found = fit_drift(exact, 2)
    assert np.all(found.drift == 0) and np.all(found.counts == 1) and found.size == 0
    assert np.all(found.noise < 1e-8) and np.all(np.isfinite(found.covariance))
