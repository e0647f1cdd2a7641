"""What a study found, to look at: one page that needs no network."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template

from energy_sweep.front import choose, command, contended_text, front_document, joules_text, rows
from energy_sweep.front.achieved import achieved_of
from energy_sweep.front.savings import savings_html
from energy_sweep.front.unpriced import unpriced_text
from energy_sweep.recipe.dials import typed
from energy_sweep.record import JsonDict, Objective, StudyRecord
from energy_sweep.record.files import write_whole
from energy_sweep.report.figures import CONFIG, bill_figure, front_figure, objective_text
from energy_sweep.report.tables import (
    achieved_in,
    axes_of,
    band,
    bill_sentence,
    cells_of,
    disturbed,
    doubts_of,
    head_of,
    short,
)


def write_report(study: StudyRecord, objective: Objective | str, path: Path | str) -> None:
    """Write the study's report to `path` as one self-contained HTML file."""
    path = Path(path)
    objective = Objective(objective) if isinstance(objective, str) else objective
    write_whole(path, page(study, objective))


def page(study: StudyRecord, objective: Objective) -> str:
    """The report as HTML: figures, the front with its commands, the bill, how to read them."""
    # Plotly is slow to import, and the tables do not need it.
    from plotly.offline import get_plotlyjs  # pyright: ignore[reportMissingTypeStubs]

    document = front_document(study, objective)
    commands = {trial.number: command(trial) for trial in study.trials}
    entries = _entries(document, commands)
    chosen = choose(rows(study, objective)).row.trial if document["front"] else None
    shown = entries.get(str(chosen), {"title": "Nothing measured yet", "command": ""})
    data = {
        "front": front_figure(document),
        "bill": bill_figure(document),
        "config": CONFIG,
        "trials": entries,
    }
    template = resources.files("energy_sweep.report").joinpath("page.html")
    return Template(template.read_text(encoding="utf-8")).substitute(
        title=html.escape(f"{study.name}: accuracy against joules, {document['quality']}"),
        study=html.escape(study.name),
        lede=_lede(document),
        tiles=_tiles(document),
        hint="is the knee of the front. Click a point for another." if chosen is not None else "",
        chosen_title=html.escape(shown["title"]),
        chosen_command=html.escape(shown["command"]),
        front_caption=f"Accuracy against {objective_text(document)}, {document['quality']}",
        bill_caption=f"Joules by stage, {document['quality']}",
        front_table=_front_html(document, commands),
        bill_height=f"{7 + 3 * len(document['bill'])}rem",
        bill_text=bill_sentence(document),
        savings=savings_html(study),
        infeasible=_infeasible_html(document),
        notes=_notes(document),
        plotly=str(get_plotlyjs()),
        data=json.dumps(data, allow_nan=False).replace("<", "\\u003c"),
    )


def _entries(document: JsonDict, commands: Mapping[int, str]) -> dict[str, JsonDict]:
    """What a click on a point shows, by trial number."""
    entries: dict[str, JsonDict] = {}
    for row in (*document["front"], *document["dominated"]):
        title = f"Trial {row['trial']}: accuracy {row['accuracy']:.3f} for "
        title += f"{joules_text(row['joules'])} {document['quality']}"
        title += f" ({contended_text(row['contended'])})" if row["contended"] else ""
        title += f"; {reached}" if (reached := achieved_of(row)) else ""
        entries[str(row["trial"])] = {"title": title, "command": commands[row["trial"]]}
    for row in document["infeasible"]:
        title = f"Trial {row['trial']}: {row['reason']}"
        entries[str(row["trial"])] = {"title": title, "command": commands[row["trial"]]}
    return entries


def _lede(document: JsonDict) -> str:
    total = len(document["front"]) + len(document["dominated"])
    machine = document["machine"].get("device_class")
    where = f" on {html.escape(str(machine))}" if machine else ""
    return (
        f"{len(document['front'])} of {total} configurations are on the front of validation "
        f"accuracy and {objective_text(document)}. "
        f"All joules are <strong>{document['quality']}</strong>{where}."
    )


def _tiles(document: JsonDict) -> str:
    spent, attributed = document["spent_joules"], document["attributed_joules"]
    tiles = {
        "on the front": str(len(document["front"])),
        "trials": str(document["trials"]),
        f"spent, all in, {document['quality']}": joules_text(spent),
        f"one by one, all in, {document['quality']}": joules_text(attributed),
    }
    if spent > 0:
        tiles["one by one over spent"] = f"{attributed / spent:.1f}&times;"
    return "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles.items())


def _front_html(document: JsonDict, commands: Mapping[int, str]) -> str:
    axes = (*axes_of(document["front"]), *achieved_in(document["front"]))
    doubts = doubts_of(document["front"])
    head = [*head_of(axes, document["quality"]), *doubts]
    lines: list[str] = []
    for row in document["front"]:
        cells = cells_of(row, axes)
        line = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        line += "".join(f'<td class="wide">{short(row[name])}</td>' for name in doubts.values())
        text = html.escape(commands[row["trial"]])
        lines.append(
            f'<tr>{line}</tr><tr class="command">'
            f'<td colspan="{len(head)}"><code>{text}</code></td></tr>'
        )
    titles = "".join(f"<th>{title}</th>" for title in map(html.escape, head))
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _infeasible_html(document: JsonDict) -> str:
    if not document["infeasible"]:
        return ""
    items = [
        f"<li>trial {row['trial']} ({_named(row['params'])}): {html.escape(row['reason'])}</li>"
        for row in document["infeasible"]
    ]
    count = f"{len(items)} trial{'s' if len(items) > 1 else ''} that could not be finished"
    return (
        f"<h2>Infeasible</h2><details><summary>{count}</summary><ul>{''.join(items)}</ul></details>"
    )


def _named(params: JsonDict) -> str:
    return html.escape(" ".join(f"{name}={typed(value)}" for name, value in params.items()))


def _notes(document: JsonDict) -> str:
    coefficients = ", ".join(f"{k} = {v:g}" for k, v in document["coefficients"].items())
    machine = ", ".join(f"{k}: {v}" for k, v in document["machine"].items() if v not in (None, []))
    notes = {
        "Accuracy": "on the validation images, by the exported model; the interval is Wilson's "
        "at 95 %. Seeds of one configuration are averaged.",
        "Joules": f"{objective_text(document)}, as if the configuration ran alone. The quality "
        f"is {document['quality']}: counter, integrated and estimated are the three there are, "
        "best first. Domains: "
        f"{', '.join(document['meter']['domains'])}, by {', '.join(document['meter']['sources'])}.",
        "Uncertainty": "measured again from scratch, a configuration differs by less, 19 times of "
        "20. Work that two configurations share cancels in their difference.",
        "Scale band": band(document),
        "Rivals": "a configuration beats another beyond uncertainty where its accuracy interval "
        "lies wholly above, or its joules are lower by more than the uncertainty of the "
        "difference. Rivals are two of which neither beats the other. What one is beaten by beats "
        "it in accuracy or joules, while it beats that in neither.",
        "Contended": disturbed(document),
        "Left out": unpriced_text(document["unpriced"]),
        "Coefficients": coefficients,
        "Machine": machine,
    }
    return "".join(
        f"<dt>{name}</dt><dd>{html.escape(text)}</dd>" for name, text in notes.items() if text
    )
