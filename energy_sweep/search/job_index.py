"""Points of a space as jobs, each described once, and found again by what they measure."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Container, Iterator, Sequence

from energy_sweep.record import JsonDict
from energy_sweep.search.run_order import Job
from energy_sweep.study import Identity
from energy_sweep.study.space import Space

# Values tried for the axes that a stored trial does not name, at most.
GUESSES = 64

Describe = Callable[[JsonDict], Job]


class JobIndex:
    """Remembers which job each point is, so that no point is described twice.

    To describe a point may take joules, since a plan is tried for its net; its `outline` takes
    none, and says the same of what it measures, but may name stages as of a net run plainly. A
    `look` at it reads a few steps of its net, and says what `foretold` has by pool: joules of an
    epoch. The `edition` is another one whenever outlines would say something else than before.
    """

    def __init__(
        self,
        space: Space,
        describe: Describe,
        outline: Describe | None = None,
        look: Describe | None = None,
    ) -> None:
        self.space = space
        self.edition = 0
        self.foretold: dict[str, float] = {}
        self._describe = describe
        self._outline = outline
        self._look = look
        self._jobs: dict[str, Job] = {}
        self._outlines: dict[str, Job] = {}
        self._seen: set[str] = set()
        self._points: dict[Identity, JsonDict] = {}
        self._outside: set[Identity] = set()

    def job(self, point: JsonDict) -> Job:
        """The job of a point."""
        key = _text(point)
        if key not in self._jobs:
            self._jobs[key] = job = self._describe(point)
            self._remember(key, job, point)
            self._compare(key, job)
        return self._jobs[key]

    @property
    def can_look(self) -> bool:
        """Whether prices can be read before anything is run."""
        return self._look is not None

    def look(self, point: JsonDict) -> None:
        """Read what an epoch of a point's net takes."""
        assert self._look is not None
        key, job = _text(point), self._look(point)
        self._compare(key, job)
        self._outlines[key] = job
        self._remember(key, job, point)

    def _compare(self, key: str, job: Job) -> None:
        """Forget all outlines where a plan is known by now that was not."""
        outlined = self._outlines.get(key)
        if outlined is not None and outlined.stages != job.stages:
            self._outlines.clear()
            self.edition += 1

    def outline(self, point: JsonDict) -> Job:
        """The job of a point as far as it is known without spending a joule."""
        if self._outline is None:
            return self.job(point)
        key = _text(point)
        known = self._jobs.get(key) or self._outlines.get(key)
        if known is None:
            self._outlines[key] = known = self._outline(point)
            self._remember(key, known, point)
        return known

    def _remember(self, key: str, job: Job, point: JsonDict) -> None:
        self._seen.add(key)
        self.foretold.update(job.foretold)
        self._points.setdefault(job.identity, point)

    def locate(self, identity: Identity, params: JsonDict) -> JsonDict | None:
        """The point of today's space that is this configuration, typed once as `params`, or None.

        An axis that `params` does not name was a default or a fixed dial then: its values are
        tried, and the configuration decides.
        """
        if identity in self._points:
            return self._points[identity]
        whole = self.space.size is not None and len(self._seen) >= self.space.size
        if not whole and identity not in self._outside:
            for point in itertools.islice(self._guesses(params), GUESSES):
                if self.outline(point).identity == identity:
                    return point
        self._outside.add(identity)
        return None

    def untried(self, avoid: Container[Identity], *, seed: int) -> Job | None:
        """Any job of a finite space that is not to be avoided, by lot."""
        if self.space.size is None:
            return None
        points = list(self.space.grid())
        random.Random(seed).shuffle(points)  # noqa: S311 (which configuration is next is no secret)
        new = (point for point in points if self.outline(point).identity not in avoid)
        return next(map(self.job, new), None)

    def _guesses(self, params: JsonDict) -> Iterator[JsonDict]:
        columns: list[Sequence[object]] = []
        for axis in self.space.axes:
            named = axis.name in params and axis.contains(params[axis.name])
            columns.append((params[axis.name],) if named else axis.values or ())
        for point in itertools.product(*columns):
            yield dict(zip(self.space.names, point, strict=True))


def _text(point: JsonDict) -> str:
    return repr(sorted(point.items()))
