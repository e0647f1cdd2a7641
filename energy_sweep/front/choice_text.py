"""A choice in words: which configuration it is, how sure that is, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence

from energy_sweep.front.configurations import contended_text, joules_text
from energy_sweep.front.limits import Limits
from energy_sweep.front.merged import Row
from energy_sweep.front.sureness import Judgement, Sureness, percent_text
from energy_sweep.recipe.dials import value_text
from energy_sweep.record import Quality
from energy_sweep.text.terminal import one_line


def sure_texts(sureness: Sureness | None, than: str) -> list[str]:
    """How sure a choice is, and what is not known of that; `than` is what it is beside the next."""
    if sureness is None:
        return []
    said, unknown = list[str](), list[str]()
    if sureness.min_accuracy is not None:
        said.append(f"{percent_text(sureness.min_accuracy)} sure to keep that accuracy")
    if sureness.max_joules is not None:
        percent = percent_text(sureness.max_joules)
        said.append(f"{percent} sure to keep those joules when measured again")
    elif sureness.constraints is None:
        unknown.append("keeps those joules")
    if sureness.runner_up is not None:
        than = f"{than} than trial {sureness.runner_up}"
        if sureness.beats_runner_up is None:
            unknown.append(f"is {than} (the runner-up)")
        else:
            percent = percent_text(sureness.beats_runner_up)
            said.append(f"{percent} sure to be {than}, the runner-up")
    known = [f"it is {' and '.join(said)}"] if said else []
    reason = "since contended joules say nothing"
    return known + ([f"whether it {' and '.join(unknown)} is not known, {reason}"] * bool(unknown))


def choice_text(row: Row, quality: Quality) -> str:
    """A row in one phrase: its axes, accuracy and joules."""
    named = one_line(" ".join(f"{name}={value_text(value)}" for name, value in row.params.items()))
    return (
        f"trial {row.trial}{f' ({named})' if named else ''},"
        f"{f' {row.achieved},' if row.achieved else ''} accuracy {row.accuracy:.3f} "
        f"[{row.accuracy_low:.3f}, {row.accuracy_high:.3f}] (n = {row.n}) for "
        f"{joules_text(row.joules, row.uncertainty_joules)} {quality.value}"
        f"{f' ({contended_text(row.contended)})' if row.contended else ''}"
    )


def doubt_texts(row: Row) -> list[str]:
    """What speaks against a row, beyond the point values."""
    doubts = list[str]()
    if row.contended:
        doubts.append(
            f"other programs ran in all windows of its {', '.join(row.contended)}, so that its"
            " joules beat nothing until they are measured again"
        )
    if row.rivals:
        doubts.append(f"it cannot be told apart from {_trials(row.rivals)}")
    if row.beaten_by:
        are = "are" if len(row.beaten_by) > 1 else "is"
        doubts.append(
            f"{_trials(row.beaten_by)} {are} surely cheaper or more accurate, and not surely worse"
            " in anything"
        )
    return doubts


def _trials(numbers: Sequence[int]) -> str:
    return f"trial{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


def wanted_text(limits: Limits) -> str:
    """What a choice has to keep, after what is taken; empty where that is nothing."""
    wanted = f" with {limits.text}" if limits.text else ""
    return wanted + (f", sure to {100 * limits.sure:g} %" if limits.sure is not None else "")


def nearest_text(
    found: Sequence[Row], limits: Limits, judgement: Judgement | None, quality: Quality
) -> str:
    """Says that no row keeps the limits, and which comes nearest to it."""
    if limits.sure is None:
        nearest = min(found, key=lambda row: (limits.excess(row), row.joules))
        said = f"no configuration has {limits.text}; the nearest is {choice_text(nearest, quality)}"
        return ", ".join([said, *_figures_beyond(nearest, limits)])

    def shortfall(row: Row) -> tuple[float, float, float]:
        return -(limits.sureness(row, judgement).constraints or 0.0), limits.excess(row), row.joules

    nearest = min(found, key=shortfall)
    sure = limits.sureness(nearest, judgement).constraints
    with_that = "" if sure is None else f", with {percent_text(sure)},"
    return (
        f"no configuration has {limits.text} as surely as {100 * limits.sure:g} %; the nearest"
        f"{with_that} is {choice_text(nearest, quality)}"
    )


def _figures_beyond(row: Row, limits: Limits) -> list[str]:
    """Figures of a row that break a limit, but for those that a choice is told with."""
    over = limits.constraints.violations(row)
    told = {
        "max_joules_per_image": (row.joules_per_image, "{:.3g} J an image"),
        "max_bytes": (row.file_bytes, "{:,.0f} bytes"),
        "max_latency": (row.latency_seconds, "{:.3g} s for one image alone"),
    }
    return [
        "unknown as to " + name.removeprefix("max_") if value is None else text.format(value)
        for name, (value, text) in told.items()
        if over.get(name, 0.0) > 0
    ]


def named_text(row: Row, limits: Limits, judgement: Judgement | None, quality: Quality) -> str:
    """Says of a row that was named which limits it does not keep, or not as surely as asked."""
    broken = limits.constraints.broken(row)
    if limits.sure is None:
        return f"{choice_text(row, quality)}: {broken}"
    sure = limits.sureness(row, judgement).constraints
    with_that = "is not known to keep" if sure is None else f"keeps with {percent_text(sure)}"
    return (
        f"{choice_text(row, quality)}, {with_that} what was asked for ({limits.text}), and"
        f" {100 * limits.sure:g} % were wanted{f'; {broken}' if broken else ''}"
    )
