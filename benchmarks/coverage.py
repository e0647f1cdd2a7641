"""How often the intervals in use hold the truth, and equal nets are called different: simulated.

python -m benchmarks.coverage --repeats 1000

Nets answer images that are hard to a degree of their own; seeds of a net differ in how good they
are. Each repeat draws accuracies, how many images there are, and how much nets and seeds differ.
Intervals are to hold the truth in 93 to 97 % of repeats, at 95 %; equal nets are to be called
different in at most 5 %. Last it prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from energy_sweep.uncertainty.between_seeds import beside_others
from energy_sweep.uncertainty.intervals import Interval, mean_interval, newcombe, wilson
from energy_sweep.uncertainty.paired import (
    SeedSpread,
    mcnemar,
    seeds_difference,
    spread_of,
    tango,
)

Bits = npt.NDArray[np.uint8]
Rng = np.random.Generator
LOW, HIGH, MOST_WRONG = 0.93, 0.97, 0.05
POPULATION = 40_000  # images that an accuracy in truth is taken over
STUDY = 8  # configurations of one study whose seeds are repeated
# Two or three seeds alone tell little of how seeds differ: such intervals may hold more than they
# say. Beside others of a study they are told more.
WIDER = ("2 seeds", "3 seeds")


class World:
    """Images of some hardness, and nets of some skill that answer them, right or wrong."""

    def __init__(self, rng: Rng) -> None:
        self.rng = rng
        self.images = int(rng.choice([359, 500, 1000, 2000]))
        self.skill = rng.uniform(1.5, 3.0)  # accuracies of about .85 to .97
        self.seed_spread = rng.uniform(0.0, 0.3)
        self.hardness = rng.standard_normal(POPULATION)

    def net(self, skill: float, hardness: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The chance that a net of this skill has an image right."""
        return 1 / (1 + np.exp(-3.0 * (skill - 1.3 * hardness)))

    def truth(self, skill: float, seeds: bool = False) -> float:
        """The accuracy over all images, and all seeds."""
        skills = skill + self.seed_spread * np.linspace(-2.5, 2.5, 41) if seeds else [skill]
        weight = np.exp(-(np.linspace(-2.5, 2.5, 41) ** 2) / 2) if seeds else [1.0]
        found = [self.net(one, self.hardness).mean() for one in skills]
        return float(np.average(found, weights=weight))

    def answers(self, *nets: tuple[float, int]) -> list[Bits]:
        """Answers [seeds, images] to the same images, of nets of a skill and a number of seeds.

        A net of one seed is as good as its skill says, which is then that of this seed.
        """
        hardness = self.rng.choice(self.hardness, self.images)
        found = list[Bits]()
        for skill, seeds in nets:
            moved = self.seed_spread * self.rng.standard_normal(seeds) if seeds > 1 else [0.0]
            chances = np.stack([self.net(skill + one, hardness) for one in moved])
            found.append((self.rng.random(chances.shape) < chances).astype(np.uint8))
        return found


def accuracy(rng: Rng) -> bool:
    """Wilson's interval of the accuracy of one net."""
    world = World(rng)
    [right] = world.answers((world.skill, 1))
    return holds(wilson(int(right.sum()), right.size), world.truth(world.skill))


def accuracy_of_seeds(seeds: int) -> Callable[[Rng], bool]:
    """The interval of the mean accuracy of several seeds."""

    def one(rng: Rng) -> bool:
        world = World(rng)
        [right] = world.answers((world.skill, seeds))
        interval = spread_of(right).interval(world.images)
        return holds(interval, world.truth(world.skill, seeds=True))

    return one


def difference(rng: Rng) -> bool:
    """Tango's interval of the difference of two nets on the same images."""
    world = World(rng)
    other = world.skill - rng.uniform(0.0, 0.5)
    (first, second), n = world.answers((world.skill, 1), (other, 1)), world.images
    gained, lost = int((first & ~second & 1).sum()), int((second & ~first & 1).sum())
    return holds(tango(gained, lost, n), world.truth(world.skill) - world.truth(other))


def difference_of_seeds(seeds: int, others: int) -> Callable[[Rng], bool]:
    """The interval of a difference where seeds were repeated on at least one side."""

    def one(rng: Rng) -> bool:
        world = World(rng)
        skill = world.skill - rng.uniform(0.0, 0.5)
        first, second = world.answers((world.skill, seeds), (skill, others))
        truth = world.truth(world.skill, seeds=seeds > 1) - world.truth(skill, seeds=others > 1)
        return holds(_compared(first, second)[0], truth)

    return one


def accuracy_in_study(seeds: int) -> Callable[[Rng], bool]:
    """The interval of the mean of several seeds, judged beside the other nets of a study."""

    def one(rng: Rng) -> bool:
        world = World(rng)
        spreads, _ = _study(world, world.skill, seeds)
        return holds(spreads[0].interval(world.images), world.truth(world.skill, seeds=True))

    return one


def difference_in_study(seeds: int) -> Callable[[Rng], bool]:
    """The interval of a difference of two nets of several seeds, judged beside the others."""

    def one(rng: Rng) -> bool:
        world = World(rng)
        skill = world.skill - rng.uniform(0.0, 0.5)
        (first, second, *_), answers = _study(world, world.skill, seeds, skill)
        truth = world.truth(world.skill, seeds=True) - world.truth(skill, seeds=True)
        return holds(_difference(first, second, answers)[0], truth)

    return one


def equal_in_study(seeds: int) -> Callable[[Rng], bool]:
    """Whether two equal configurations are called different, judged beside the others."""

    def one(rng: Rng) -> bool:
        world = World(rng)
        (first, second, *_), answers = _study(world, world.skill, seeds, world.skill)
        return _difference(first, second, answers)[1] < 0.05

    return one


def _study(
    world: World, skill: float, seeds: int, other: float | None = None
) -> tuple[list[SeedSpread], list[Bits]]:
    """Nets of a study, the first of a skill, the second of another; seeds of all vary as much."""
    skills = [skill, *([] if other is None else [other])]
    skills += [skill + world.rng.uniform(-0.5, 0.5) for _ in range(STUDY - len(skills))]
    answers = world.answers(*((each, seeds) for each in skills))
    return beside_others([spread_of(one) for one in answers], [world.images] * STUDY), answers


def unpaired(rng: Rng) -> bool:
    """Newcombe's interval of the difference of two nets that answered other images."""
    world = World(rng)
    other = world.skill - rng.uniform(0.0, 0.5)
    [first], [second] = world.answers((world.skill, 1)), world.answers((other, 1))
    interval = newcombe(int(first.sum()), first.size, int(second.sum()), second.size)
    return holds(interval, world.truth(world.skill) - world.truth(other))


def mean(rng: Rng) -> bool:
    """Student's interval of the mean of a few repeats."""
    values = rng.normal(3.0, rng.uniform(0.1, 2.0), int(rng.integers(2, 12)))
    return holds(mean_interval(values.tolist())[1], 3.0)


def equal(rng: Rng) -> bool:
    """Whether McNemar's test calls two equal nets different."""
    world = World(rng)
    first, second = world.answers((world.skill, 1), (world.skill, 1))
    gained, lost = int((first & ~second & 1).sum()), int((second & ~first & 1).sum())
    return bool(mcnemar(gained, lost) < 0.05)


def equal_of_seeds(seeds: int) -> Callable[[Rng], bool]:
    """Whether two equal configurations of several seeds each are called different."""

    def one(rng: Rng) -> bool:
        world = World(rng)
        first, second = world.answers((world.skill, seeds), (world.skill, seeds))
        return _compared(first, second)[1] < 0.05

    return one


COVERAGE: dict[str, Callable[[Rng], bool]] = {
    "accuracy": accuracy,
    **{f"accuracy, {seeds} seeds": accuracy_of_seeds(seeds) for seeds in (2, 3, 5)},
    "difference": difference,
    **{f"difference, {n} seeds each": difference_of_seeds(n, n) for n in (2, 3, 5)},
    "difference, 3 seeds and 1": difference_of_seeds(3, 1),
    **{f"accuracy, {n} seeds, in a study": accuracy_in_study(n) for n in (2, 3, 5)},
    **{f"difference, {n} seeds, in a study": difference_in_study(n) for n in (2, 3, 5)},
    "difference, other images": unpaired,
    "mean of repeats": mean,
}
CALLED_DIFFERENT: dict[str, Callable[[Rng], bool]] = {
    "equal nets": equal,
    **{f"equal, {seeds} seeds each": equal_of_seeds(seeds) for seeds in (2, 3, 5)},
    **{f"equal, {seeds} seeds, in a study": equal_in_study(seeds) for seeds in (2, 3, 5)},
}


def holds(interval: Interval, truth: float) -> bool:
    """Whether the truth is inside."""
    return interval.low <= truth <= interval.high


def share(one: Callable[[Rng], bool], repeats: int, *, seed: int = 0) -> float:
    """In which share of the repeats it is so."""
    rng = np.random.default_rng(seed)
    return sum(one(rng) for _ in range(repeats)) / repeats


def is_right(name: str, found: float) -> bool:
    """Whether a coverage is what is asked of it."""
    return found >= LOW and (
        found <= HIGH or ("study" not in name and any(few in name for few in WIDER))
    )


def _compared(first: Bits, second: Bits) -> tuple[Interval, float]:
    return _difference(spread_of(first), spread_of(second), [first, second])


def _difference(
    first: SeedSpread, second: SeedSpread, answers: Sequence[Bits]
) -> tuple[Interval, float]:
    mine, theirs = answers[0].mean(axis=0), answers[1].mean(axis=0)
    squares = float(((mine - theirs) ** 2).sum())
    return seeds_difference(first, second, squares=squares, n=len(mine))


def main() -> None:
    """Simulate, print a table, and last one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    repeats = parser.parse_args().repeats
    covered = {name: share(one, repeats) for name, one in COVERAGE.items()}
    different = {name: share(one, repeats) for name, one in CALLED_DIFFERENT.items()}
    for name, found in covered.items():
        print(f"{name:32} {found:7.1%} {'' if is_right(name, found) else 'not 93 to 97 %'}")
    for name, found in different.items():
        print(f"{name:32} {found:7.1%} {'' if found <= MOST_WRONG else 'more than 5 %'}")
    print(json.dumps({"repeats": repeats, "covered": covered, "called_different": different}))


if __name__ == "__main__":
    main()
