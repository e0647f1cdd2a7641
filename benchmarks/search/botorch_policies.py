"""BoTorch's acquisitions as they are, over all candidates of a world: no stage is shared.

Models and settings are those of BoTorch's own tutorials. Accuracies have the variance of their
count, joules are told as minus their logarithm, and the reference is the benchmark's: theirs is
better off than a user's, who knows neither reference nor price beforehand.

- qLogEHVI asks by expected gain alone.
- MOMF has the epochs as its fidelity: a third objective, and the gain is divided by the true price.
- HVKG looks one step ahead and divides by the true price. Every number of epochs is a configuration
  of the front here, so nothing is projected to the most epochs. It takes an hour and more a run, so
  that what is run over many seeds is its gradient as it is defined, of each candidate (`hvkg.py`).
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.search.runs import IMAGES, Policy, Run
from energy_sweep.search.acquisition.encoding import encode

STARTS = 10  # measured before anything is believed, as Optuna's samplers do
CHUNK = 128  # candidates looked at together
EPOCHS = "epochs"

# Of a run, its model and the candidates' features [N, D], what each is worth [N].
Worth = Callable[[Run, Any, Any], Any]


def _asked(worth: Worth, *, cheap_first: bool, fidelity: bool = False) -> Policy:
    def policy(run: Run) -> Iterator[None]:
        torch = importlib.import_module("torch")
        torch.manual_seed(run.seed)
        torch.set_num_threads(1)
        features = torch.tensor(_features(run))
        for index in _starts(run, cheap_first=cheap_first):
            run.measure(index)
            yield
        while not run.answered.all():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = _model(run, features, fidelity=fidelity)
                values = worth(run, model, features)
            values[torch.tensor(run.answered)] = -float("inf")
            run.measure(int(values.argmax()))
            yield

    return policy


def _features(run: Run) -> Any:
    points = [dict(point) for point in run.world.points]
    return encode(points, run.world.space)


def _starts(run: Run, *, cheap_first: bool) -> list[int]:
    """Drawn alike, or as often as they are cheap."""
    rng = np.random.default_rng([run.seed, 6])
    odds = 1 / run.world.alone if cheap_first else np.ones(len(run.world.points))
    return rng.choice(len(odds), STARTS, replace=False, p=odds / odds.sum()).tolist()


def _told(run: Run) -> tuple[Any, Any]:
    """Objectives of what was measured [M, 2], both to go up, and their variances."""
    torch = importlib.import_module("torch")
    measured = np.array(run.measured)
    accuracy = run.correct[measured] / IMAGES
    variance = (accuracy * (1 - accuracy) + 1 / IMAGES) / IMAGES
    values = np.stack([accuracy, -run.world.cost[measured]], axis=1)
    return torch.tensor(values), torch.tensor(np.stack([variance, np.full_like(accuracy, 1e-6)], 1))


def _reference(run: Run) -> Any:
    accuracy, cost = run.world.reference
    return importlib.import_module("torch").tensor([accuracy, -cost], dtype=float)


def _model(run: Run, features: Any, *, fidelity: bool) -> Any:
    """A Gaussian process of each objective."""
    torch = importlib.import_module("torch")
    models = importlib.import_module("botorch.models")
    transforms = importlib.import_module("botorch.models.transforms.outcome")
    likelihood = importlib.import_module("gpytorch.mlls.sum_marginal_log_likelihood")
    values, variances = _told(run)
    if fidelity:
        values = torch.cat([values, _fidelity(run)[run.measured]], dim=1)
        variances = torch.cat([variances, torch.full_like(variances[:, :1], 1e-6)], dim=1)
    each = [
        models.SingleTaskGP(
            features[run.measured],
            values[:, [one]],
            train_Yvar=variances[:, [one]],
            outcome_transform=transforms.Standardize(m=1),
        )
        for one in range(values.shape[1])
    ]
    model = models.ModelListGP(*each)
    fit = importlib.import_module("botorch.fit").fit_gpytorch_mll
    fit(likelihood.SumMarginalLogLikelihood(model.likelihood, model))
    return model


def _fidelity(run: Run) -> Any:
    """Epochs from 0 to 1 [N, 1]."""
    epochs = np.array([float(point[EPOCHS]) for point in run.world.points])
    return importlib.import_module("torch").tensor((epochs / epochs.max())[:, None])


def _sampler(count: int, seed: int) -> Any:
    torch = importlib.import_module("torch")
    normal = importlib.import_module("botorch.sampling.normal")
    return normal.SobolQMCNormalSampler(sample_shape=torch.Size([count]), seed=seed)


def _over_all(acquisition: Any, features: Any) -> Any:
    torch = importlib.import_module("torch")
    with torch.no_grad():
        return torch.cat([acquisition(part.unsqueeze(1)) for part in features.split(CHUNK)])


def _qlogehvi(run: Run, model: Any, features: Any) -> Any:
    logei = importlib.import_module("botorch.acquisition.multi_objective.logei")
    boxes = importlib.import_module(
        "botorch.utils.multi_objective.box_decompositions.non_dominated"
    )
    reference, (values, _) = _reference(run), _told(run)
    acquisition = logei.qLogExpectedHypervolumeImprovement(
        model=model,
        ref_point=reference,
        partitioning=boxes.FastNondominatedPartitioning(ref_point=reference, Y=values),
        sampler=_sampler(128, run.seed),
    )
    return _over_all(acquisition, features)


def _price(run: Run, features: Any) -> Callable[[Any], Any]:
    """What a trial of given features takes [..., 1]: that of the nearest candidate."""
    torch = importlib.import_module("torch")
    prices = torch.tensor(run.world.alone / run.world.alone.min())
    return lambda x: prices[
        torch.cdist(x, features.expand(*x.shape[:-2], *features.shape)).argmin(-1)
    ][..., None]


def _momf(run: Run, model: Any, features: Any) -> Any:
    torch = importlib.import_module("torch")
    fidelities = importlib.import_module("botorch.acquisition.multi_objective.multi_fidelity")
    boxes = importlib.import_module(
        "botorch.utils.multi_objective.box_decompositions.non_dominated"
    )
    reference = torch.cat([_reference(run), torch.zeros(1, dtype=torch.double)])
    values = torch.cat([_told(run)[0], _fidelity(run)[run.measured]], dim=1)
    acquisition = fidelities.MOMF(
        model=model,
        ref_point=reference,
        partitioning=boxes.FastNondominatedPartitioning(ref_point=reference, Y=values),
        sampler=_sampler(128, run.seed),
        cost_call=_price(run, features),
    )
    return _over_all(acquisition, features)


def _hvkg(run: Run, model: Any, features: Any) -> Any:
    """One-shot, over the box of features as its authors do; the nearest candidate is measured."""
    torch = importlib.import_module("torch")
    gradient = importlib.import_module(
        "botorch.acquisition.multi_objective.hypervolume_knowledge_gradient"
    )
    costs = importlib.import_module("botorch.acquisition.cost_aware")
    deterministic = importlib.import_module("botorch.models.deterministic")
    optimize = importlib.import_module("botorch.optim.optimize").optimize_acqf
    price, reference = _price(run, features), _reference(run)
    bounds = torch.tensor([[0.0], [1.0]], dtype=torch.double).expand(2, features.shape[1])
    value = gradient._get_hv_value_function(
        model=model, ref_point=reference, sampler=_sampler(32, run.seed), use_posterior_mean=True
    )
    _, current = optimize(
        value,
        bounds=bounds,
        q=PARETO,
        num_restarts=1,
        raw_samples=64,
        options={"nonnegative": True, "maxiter": STEPS},
    )
    acquisition = gradient.qHypervolumeKnowledgeGradient(
        model=model,
        ref_point=reference,
        num_fantasies=8,
        num_pareto=PARETO,
        current_value=current,
        cost_aware_utility=costs.InverseCostWeightedUtility(
            cost_model=deterministic.GenericDeterministicModel(price)
        ),
    )
    best, _ = optimize(
        acquisition,
        bounds=bounds,
        q=1,
        num_restarts=1,
        raw_samples=64,
        options={"batch_limit": 5, "maxiter": STEPS},
    )
    return -torch.cdist(best, features)[0]


def _hvkg_exact(run: Run, model: Any, features: Any) -> Any:
    """The same gradient over the price as it is defined, of each candidate."""
    exact = importlib.import_module("benchmarks.search.hvkg")
    noise = _told(run)[1].mean(dim=0)
    sampling = importlib.import_module("botorch.utils.sampling")
    draws = sampling.draw_sobol_normal_samples(d=2, n=READINGS, dtype=noise.dtype, seed=run.seed)
    gain = exact.knowledge_gradient(model.models, features, noise, _reference(run), draws)
    return gain / _price(run, features)(features)[:, 0]


PARETO = 10  # points of the front that HVKG imagines
STEPS = 30  # of its optimizer, where the tutorial leaves it 200: a run takes an hour even so
READINGS = 16  # that the exact one imagines of each candidate

qlogehvi = _asked(_qlogehvi, cheap_first=False)
momf = _asked(_momf, cheap_first=True, fidelity=True)
hvkg = _asked(_hvkg, cheap_first=True)
hvkg_exact = _asked(_hvkg_exact, cheap_first=True)
