"""How to read the figures of the page: what each kind of number is, and how it was obtained."""

from __future__ import annotations

import html

from energy_sweep.front import PricedStudy
from energy_sweep.front.unpriced import unpriced_text
from energy_sweep.report.figures import objective_text
from energy_sweep.report.section import Section
from energy_sweep.report.tables import disturbed, wrong_sentence


def notes_section(priced: PricedStudy) -> Section:
    """Notes by name; those that have nothing to say are left out."""
    named = "".join(
        f"<dt>{name}</dt><dd>{html.escape(text)}</dd>"
        for name, text in _notes(priced).items()
        if text
    )
    body = f'<dl class="notes">{named}</dl>'
    return Section(key="notes", title="How to read the figures", html=body)


def _notes(priced: PricedStudy) -> dict[str, str]:
    meter = priced.study.meter
    return {
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
    }
