"""What compressed nets kept: the share of each layer's weights, and the first layer's mask."""

from __future__ import annotations

import html
import math

from energy_sweep.front import PricedStudy, Row
from energy_sweep.front.achieved import name_of
from energy_sweep.record import JsonDict, TrialResult
from energy_sweep.record.answers import STAGE
from energy_sweep.record.connections import Connections, connections_in
from energy_sweep.report.section import Section

MOST_TRIALS = 300  # in one page


def kept_section(priced: PricedStudy) -> Section | None:
    """The connections of one configuration at a time; None where all have all, or none is known."""
    results = dict(priced.study.results)
    known = [(row, _connections(results[row.trial], priced)) for row in priced.ranked]
    kept = [(row, found) for row, found in known if found is not None][:MOST_TRIALS]
    if not kept:
        return None
    # At first what lacks most of its first layer, since that is the picture.
    first = min(kept, key=lambda one: _share_left(one[1]))[0]
    options = "".join(
        f'<option value="{row.trial}"{" selected" * (row is first)}>{html.escape(_name(row))}'
        "</option>"
        for row, _ in kept
    )
    return Section(
        key="kept",
        title="What compression kept",
        html=(
            f'<p><label>of <select id="kept-trial">{options}</select></label></p>'
            '<p id="kept-said"></p>'
            '<div class="small-multiples wide-ones"><figure>'
            '<figcaption class="caption">Weights left of each layer</figcaption>'
            '<div class="plot" id="kept-layers-figure" role="img"'
            ' aria-label="Share of weights left, by layer"></div></figure>'
            '<figure id="kept-first"><figcaption class="caption" id="kept-first-title">'
            "</figcaption>"
            '<div class="plot" id="kept-first-figure" role="img"'
            ' aria-label="Where the first layer has connections"></div></figure></div>'
            '<p class="soft">Weights that are zero, or gone with their channel, are not left. What'
            " is only zero saves no joules here: kernels are dense, and multiply by zeros. Seeds"
            " differ in which weights they keep: this is the first one's.</p>"
        ),
        data=_data(kept),
        script="kept.js",
    )


def _connections(result: TrialResult, priced: PricedStudy) -> Connections | None:
    """Those that the trial's evaluation has kept."""
    records = (priced.study.stages.get(use.key) for use in result.stages if use.stage == STAGE)
    return next((connections_in(one.facts) for one in records if one is not None), None)


def _share_left(found: Connections) -> float:
    """Of the first layer, where something of it is known."""
    first = found.first
    return sum(first.left) / (len(first.left) * first.most) if first and first.left else 1.0


def _name(row: Row) -> str:
    """The technique, what it achieved, and the trial; how it does is in the table."""
    technique = name_of(row.config["compression"]) if "compression" in row.config else ""
    return ", ".join(filter(None, (f"trial {row.trial}", technique, row.achieved)))


def _data(kept: list[tuple[Row, Connections]]) -> JsonDict:
    """The layers of each dense net once, and what each trial has left of them."""
    nets: list[dict[str, int]] = []
    trials: JsonDict = {}
    for row, found in kept:
        dense = dict(found.dense)
        if dense not in nets:
            nets.append(dense)
        first = found.first
        trials[str(row.trial)] = {
            "net": nets.index(dense),
            "left": [found.left[name] for name in dense],
            "first": None
            if first is None or math.prod(first.shape) != len(first.left)
            else {
                "kind": first.kind,
                "shape": list(first.shape),
                "left": list(first.left),
                "most": first.most,
            },
        }
    return {
        "nets": [{"layers": list(net), "dense": list(net.values())} for net in nets],
        "trials": trials,
    }
