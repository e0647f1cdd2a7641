"""What Optuna's dashboard shows of trials in place of their raw facts: lines, and steps."""

from __future__ import annotations

import json
from collections.abc import Mapping

from energy_sweep.export.study_figures import StudyFigures, study_figures
from energy_sweep.export.trial_figures import TrialFigures
from energy_sweep.front import PricedStudy, Row, contended_text, joules_text
from energy_sweep.front.sureness import percent_text
from energy_sweep.report.figures import front_figure, objective_text
from energy_sweep.study.shown import ShownTrial
from energy_sweep.text.terminal import one_line

LOSS, JOULES = "loss", "joules"
FRONT = "Front-with-its-intervals"
STEPS = {
    LOSS: "the mean training loss of each epoch",
    JOULES: "the joules of each epoch",
}
NUMBERS = ("belongs", "file_bytes", "latency_seconds", "joules_per_1000_images")


def shown_trials(priced: PricedStudy) -> tuple[dict[int, ShownTrial], str]:
    """What is shown of each trial by its number, and what its intermediate values are."""
    figures = study_figures(priced)
    kind = step_kind(figures)
    return {
        one.number: ShownTrial(
            values=_values(priced.row_by_trial.get(one.number)),
            steps={step["epoch"]: step[kind] for step in one.epochs if step.get(kind) is not None},
            lines=_lines(one, priced.row_by_trial.get(one.number), priced),
        )
        for one in figures.trials
    }, STEPS[kind]


def step_kind(figures: StudyFigures) -> str:
    """Losses where they are stored of every epoch, else joules: one chart has one meaning."""
    steps = [step for trial in figures.trials for step in trial.epochs]
    return LOSS if steps and all(step.get(LOSS) is not None for step in steps) else JOULES


def study_lines(priced: PricedStudy) -> dict[str, str]:
    """The facts of a study, a line each."""
    study, meter = priced.study, priced.study.meter
    low, high = (*meter.scale_band, 1.0, 1.0)[:2]
    lines = {
        "values": f"accuracy, and {objective_text(priced.objective)}, {priced.quality}",
        "meter": f"{', '.join(meter.sources)}: {', '.join(meter.domains)}",
        "scale band": f"all joules may be off by one factor, {low:.3g} to {high:.3g}",
        "machine": str(study.machine.get("device_class") or ""),
        "data": str(study.data.get("name") or study.identity.get("dataset") or ""),
        "axes": ", ".join(priced.axes),
        "constraints": priced.constraints.text if priced.constraints else "",
    }
    return {name: one_line(text) for name, text in lines.items() if text}


def figures_of(priced: PricedStudy) -> dict[str, str]:
    """Our figure of the front, with its line and intervals, as Plotly's JSON by its title."""
    return {FRONT: json.dumps(front_figure(priced), allow_nan=False)} if priced.rows else {}


def _values(row: Row | None) -> tuple[float, float] | None:
    return None if row is None else (row.accuracy, row.joules)


def _lines(trial: TrialFigures, row: Row | None, priced: PricedStudy) -> Mapping[str, str | float]:
    lines: dict[str, str | float] = {"state": trial.tags["state"]}
    if "reason" in trial.tags:
        lines["reason"] = trial.tags["reason"]
    lines["place"] = trial.tags.get("place", "")
    if row is not None:
        quality = priced.quality
        mark = f" ({contended_text(row.contended)})" if row.contended else ""
        lines["accuracy"] = (
            f"{row.accuracy:.4f}, at 95 % {row.accuracy_low:.4f} to {row.accuracy_high:.4f}"
        )
        joules = joules_text(row.joules, row.uncertainty_joules)
        lines[priced.objective.name] = f"{joules} {quality}{mark}"
        if row.belongs is not None:
            lines["belongs to the front"] = f"{percent_text(row.belongs)} sure"
        lines |= {
            f"stage {name}": f"{joules_text(part.joules)} {quality}"
            for name, part in row.stages.items()
            if part.joules is not None
        }
    lines |= {
        name.replace("_", " "): trial.metrics[name] for name in NUMBERS if name in trial.metrics
    }
    lines["command"] = trial.tags["command"]
    return {name: value for name, value in lines.items() if value != ""}
