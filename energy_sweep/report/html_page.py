"""What a study found, to look at: one page that needs no network."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template

from energy_sweep.front import PricedStudy, choose, command, contended_text, joules_text
from energy_sweep.front.unpriced import unpriced_text
from energy_sweep.recipe.dials import value_text
from energy_sweep.record import JsonDict, Objective, StudyRecord
from energy_sweep.record.files import write_whole
from energy_sweep.report.figures import CONFIG, bill_figure, front_figure, objective_text
from energy_sweep.report.savings_table import savings_html
from energy_sweep.report.tables import (
    BELONGS,
    achieved_in,
    axes_of,
    belongs,
    bill_sentence,
    cells_of,
    disturbed,
    doubts_of,
    head_of,
    likely_wrong,
    near_sentence,
    short,
    unlikely,
    wrong_sentence,
)


def write_report(study: StudyRecord, objective: Objective | str, path: Path | str) -> None:
    """Write the study's report to `path` as one self-contained HTML file."""
    objective = Objective(objective) if isinstance(objective, str) else objective
    write_page(PricedStudy(study, objective), Path(path))


def write_page(priced: PricedStudy, path: Path) -> None:
    """The same of a study that is priced already."""
    write_whole(path, page(priced))


def page(priced: PricedStudy) -> str:
    """The report as HTML: figures, the front with its commands, the bill, how to read them."""
    # Plotly is slow to import, and the tables do not need it.
    from plotly.offline import get_plotlyjs  # pyright: ignore[reportMissingTypeStubs]

    study = priced.study
    commands = {trial.number: command(trial) for trial in study.trials}
    entries = _entries(priced, commands)
    chosen = choose(priced.rows).row.trial if priced.front else None
    shown = entries.get(str(chosen), {"title": "Nothing measured yet", "command": ""})
    data = {
        "front": front_figure(priced),
        "bill": bill_figure(priced),
        "config": CONFIG,
        "trials": entries,
    }
    template = resources.files("energy_sweep.report").joinpath("page.html")
    return Template(template.read_text(encoding="utf-8")).substitute(
        title=html.escape(f"{study.name}: accuracy against joules, {priced.quality}"),
        study=html.escape(study.name),
        lede=_lede(priced),
        tiles=_tiles(priced),
        hint="is the knee of the front. Click a point for another." if chosen is not None else "",
        chosen_title=html.escape(shown["title"]),
        chosen_command=html.escape(shown["command"]),
        front_caption=f"Accuracy against {objective_text(priced.objective)}, {priced.quality}",
        bill_caption=f"Joules by stage, {priced.quality}",
        front_table=_front_html(priced, commands),
        near=near_sentence(priced).strip(),
        bill_height=f"{7 + 3 * len(priced.bill)}rem",
        bill_text=bill_sentence(priced),
        savings=savings_html(priced),
        infeasible=_infeasible_html(priced),
        notes=_notes(priced),
        plotly=str(get_plotlyjs()),
        data=json.dumps(data, allow_nan=False).replace("<", "\\u003c"),
    )


def _entries(priced: PricedStudy, commands: Mapping[int, str]) -> dict[str, JsonDict]:
    """What a click on a point shows, by trial number."""
    entries: dict[str, JsonDict] = {}
    members = {row.trial for row in priced.front}
    for row in priced.ranked:
        title = f"Trial {row.trial}: accuracy {row.accuracy:.3f} for "
        title += f"{joules_text(row.joules)} {priced.quality}"
        title += f", {belongs(row)} sure to belong" if row.trial in members else ""
        title += f" ({contended_text(row.contended)})" if row.contended else ""
        title += f"; {row.achieved}" if row.achieved else ""
        entries[str(row.trial)] = {"title": title, "command": commands[row.trial]}
    for row in priced.infeasible:
        title = f"Trial {row.trial}: {row.reason}"
        entries[str(row.trial)] = {"title": title, "command": commands[row.trial]}
    return entries


def _lede(priced: PricedStudy) -> str:
    total = len(priced.rows)
    machine = priced.study.machine.get("device_class")
    where = f" on {html.escape(str(machine))}" if machine else ""
    return (
        f"{len(priced.front)} of {total} configurations are on the front of validation "
        f"accuracy and {objective_text(priced.objective)}. {_asked(priced)}{_wrong(priced)}"
        f"All joules are <strong>{priced.quality}</strong>{where}."
    )


def _asked(priced: PricedStudy) -> str:
    """What the study's constraints are, and how many break them."""
    if not priced.constraints:
        return ""
    out = len(priced.excluded)
    return f"They have {priced.constraints.text}, which {out} more do not have. "


def _wrong(priced: PricedStudy) -> str:
    """How many members of several are expected to be wrong, and which likely are."""
    if len(priced.front) < 2:
        return ""
    count, wrong = len(priced.front), priced.expected_wrong
    return f"Of {count} members, {wrong:.1f} are expected to be wrong{likely_wrong(priced)}. "


def _tiles(priced: PricedStudy) -> str:
    spent, attributed = priced.spent_joules, priced.attributed_joules
    tiles = {
        "on the front": str(len(priced.front)),
        "trials": str(len(priced.study.results)),
        f"spent, all in, {priced.quality}": joules_text(spent),
        f"one by one, all in, {priced.quality}": joules_text(attributed),
    }
    if spent > 0:
        tiles["one by one over spent"] = f"{attributed / spent:.1f}&times;"
    return "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles.items())


def _front_html(priced: PricedStudy, commands: Mapping[int, str]) -> str:
    axes = (*axes_of(priced.front), *achieved_in(priced.front))
    doubts = doubts_of(priced.front)
    head = [*head_of(axes, priced.quality), BELONGS, *doubts]
    unsure = {row.trial for row in unlikely(priced)}
    lines: list[str] = []
    for row in priced.front:
        cells = [*cells_of(row, axes), belongs(row)]
        line = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        line += "".join(f'<td class="wide">{short(of(row))}</td>' for of in doubts.values())
        text = html.escape(commands[row.trial])
        lines.append(
            f'<tr{" class=unsure" * (row.trial in unsure)}>{line}</tr><tr class="command">'
            f'<td colspan="{len(head)}"><code>{text}</code></td></tr>'
        )
    titles = "".join(f"<th>{html.escape(title).replace('.', '.<wbr>')}</th>" for title in head)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _infeasible_html(priced: PricedStudy) -> str:
    if not priced.infeasible:
        return ""
    items = [
        f"<li>trial {row.trial} ({_named(row.params)}): {html.escape(row.reason)}</li>"
        for row in priced.infeasible
    ]
    count = f"{len(items)} trial{'s' if len(items) > 1 else ''} that could not be finished"
    return (
        f"<h2>Infeasible</h2><details><summary>{count}</summary><ul>{''.join(items)}</ul></details>"
    )


def _named(params: JsonDict) -> str:
    return html.escape(" ".join(f"{name}={value_text(value)}" for name, value in params.items()))


def _notes(priced: PricedStudy) -> str:
    meter, facts = priced.study.meter, priced.study.machine
    coefficients = ", ".join(f"{k} = {v:g}" for k, v in meter.coefficients.items())
    machine = ", ".join(f"{k}: {v}" for k, v in facts.items() if v not in (None, []))
    notes = {
        "Accuracy": "on the validation images, by the exported model; a mean over n seeds. The "
        "interval, at 95 %, is Wilson's over images where n is 1, and says nothing of other seeds; "
        "with more it is over images and seeds.",
        "Joules": f"{objective_text(priced.objective)}, as if the configuration ran alone. The "
        f"quality is {priced.quality}: counter, integrated and estimated are the three there are, "
        "best first. Domains: "
        f"{', '.join(meter.domains)}, by {', '.join(meter.sources)}.",
        "Uncertainty": "measured again from scratch, a configuration differs by less, 19 times of "
        "20. Work that two configurations share cancels in their difference.",
        "Scale band": priced.scale_text,
        "Rivals": "a configuration beats another beyond uncertainty where it is more accurate on "
        "the same images by p < .05, or its joules are lower by more than the uncertainty of the "
        "difference. Where the images that each net got right are not known, accuracy decides by "
        "intervals that do not meet. Rivals are two of which neither beats the other. What one is "
        "beaten by beats it in accuracy or joules, while it beats that in neither.",
        "Belongs": f"{wrong_sentence(priced)} It is the share of joint draws of all accuracies and "
        "joules in which that is so. Fainter marks belong less likely.",
        "Contended": disturbed(priced),
        "Left out": unpriced_text(priced.unpriced),
        "Coefficients": coefficients,
        "Machine": machine,
    }
    return "".join(
        f"<dt>{name}</dt><dd>{html.escape(text)}</dd>" for name, text in notes.items() if text
    )
