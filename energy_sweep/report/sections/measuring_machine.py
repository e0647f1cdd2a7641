"""The machine and its meter: what was measured with, by what, on what, and with which versions."""

from __future__ import annotations

import html
import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, cast

from energy_sweep.front import PricedStudy, joules_text
from energy_sweep.front.sureness import percent_text
from energy_sweep.record import JsonDict, StudyRecord
from energy_sweep.report.section import Section

SHORT = 1e-4  # seconds: a tick that nobody notices
HASH = 64  # digits


def machine_section(priced: PricedStudy) -> Section:
    """A definition list; what is not known is left out."""
    named = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>"
        for name, text in _facts(priced).items()
        if text
    )
    return Section(
        key="machine", title="The machine and its meter", html=f'<dl class="notes">{named}</dl>'
    )


def _facts(priced: PricedStudy) -> dict[str, str]:
    study, meter = priced.study, priced.study.meter
    spent = spent_by_domain(study)
    total = sum(spent.values())
    return {
        "Meter": f"{', '.join(meter.sources)}: {priced.quality}",
        "Domains": "; ".join(
            f"{domain} {joules_text(joules)}"
            + (f" ({100 * joules / total:.0f} % of what was spent)" if total else "")
            for domain, joules in spent.items()
        )
        or ", ".join(meter.domains),
        "Counter tick": "" if meter.tick_seconds < SHORT else f"{1000 * meter.tick_seconds:g} ms",
        "Idle": _pairs(meter.idle_watts, " W"),
        "Repeatability": _repeatability(priced),
        "Coefficients": _pairs(meter.coefficients),
        "Meter details": _pairs(meter.details),
        "Machine": _pairs(study.machine),
        "Data": _data(study.data),
        "Study": _pairs({name: _short(value) for name, value in study.identity.items()}),
    }


def _data(data: JsonDict) -> str:
    """What the nets were trained on, and how much of it."""
    parts = {side: sum(count) for side, count in data.get("counts", {}).items()}
    told = {
        "": data.get("name"),
        "images": data.get("used"),
        "classes": len(data.get("classes", ())) or None,
        "shape": data.get("shape"),
        **parts,
    }
    return _pairs(told).removeprefix(": ")


def _repeatability(priced: PricedStudy) -> str:
    meter = priced.study.meter
    if not meter.repeatability:
        return ""
    parts = {d: percent_text(share) for d, share in meter.repeatability_by_domain.items()}
    said = f"two runs of equal work differ by less than {percent_text(meter.repeatability)}"
    return f"{said}, 19 times of 20" + (f" ({_pairs(parts)})" if parts else "")


def spent_by_domain(study: StudyRecord) -> dict[str, float]:
    """What was spent in each domain, lost work among it; what another study spent is not."""
    found = defaultdict[str, list[float]](list)
    for record in study.stages.values():
        if record.elsewhere is None:
            for mark in (*record.marks, *record.lost):
                for part in mark.reading.domains:
                    found[part.domain].append(part.joules)
    return {domain: math.fsum(parts) for domain, parts in found.items()}


def _pairs(values: Mapping[str, Any], unit: str = "") -> str:
    return "; ".join(
        f"{name}: {_text(value)}{unit}"
        for name, value in values.items()
        if value not in (None, [], {}, "")
    )


def _short(value: Any) -> Any:
    """A hash by its beginning; all else as it is."""
    return value[:12] if isinstance(value, str) and len(value) == HASH else value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return f"({_pairs(cast(JsonDict, value))})"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, cast("list[Any]", value)))
    return str(value)
