"""The watts that the command line names: they price estimates anew, and are typed again."""

from __future__ import annotations

import dataclasses
from argparse import Namespace
from pathlib import Path

from energy_sweep.app.config.quoting import quote_if_needed
from energy_sweep.record import BadInput, JsonDict, MeterFacts, StudyRecord

# By option: where its value is kept, and the setting of a meter that means the same.
WATTS = {
    "--cpu-watts": ("cpu_watts", "cpu_watts_per_core"),
    "--memory-watts": ("memory_watts", "memory_watts_per_gib"),
    "--calibration": ("calibration", "calibration"),
}


def repriced(meter: MeterFacts, arguments: Namespace) -> MeterFacts:
    """The facts of a study's meter with the watts on the command line in place of its own."""
    from energy_sweep.meter.estimate import SOURCE
    from energy_sweep.meter.estimate.watts import MEMORY_WATTS_PER_GIB, choose_watts

    cpu, memory, file = (getattr(arguments, name, None) for name, _ in WATTS.values())
    if (cpu, memory, file) == (None, None, None):
        return meter
    if SOURCE not in meter.sources:
        raise BadInput(
            f"the joules of this study are by {', '.join(meter.sources)}, not by watts that could"
            f" be changed: leave out {', '.join(WATTS)}"
        )
    if file is not None and (cpu, memory) != (None, None):
        raise BadInput("--calibration has both watts: leave out --cpu-watts and --memory-watts")
    if file is not None:
        watts = choose_watts(calibration=str(file))
    else:
        known = meter.coefficients
        watts = choose_watts(
            cpu_watts_per_core=cpu or known["cpu_watts_per_core"],
            memory_watts_per_gib=memory or known.get("memory_watts_per_gib", MEMORY_WATTS_PER_GIB),
        )
    bands = {source: meter.scale_band_of(source) for source in meter.sources}
    if (cpu, file) != (None, None):
        bands[SOURCE] = watts.scale_band
    return dataclasses.replace(
        meter,
        coefficients={**meter.coefficients, **watts.coefficients},
        scale_band=(min(low for low, _ in bands.values()), max(high for _, high in bands.values())),
        scale_bands=bands,
        details={**meter.details, SOURCE: watts.origin},
    )


def priced_by(arguments: Namespace) -> list[str]:
    """The words that let another verb price the study alike."""
    typed = [(option, getattr(arguments, name, None)) for option, (name, _) in WATTS.items()]
    return [word for option, value in typed if value is not None for word in (option, _word(value))]


def watts_settings(arguments: Namespace) -> JsonDict:
    """The settings of a meter that prices what it estimates by the watts that were typed."""
    typed = {setting: getattr(arguments, name, None) for name, setting in WATTS.values()}
    return {k: str(v) if isinstance(v, Path) else v for k, v in typed.items() if v is not None}


def watts_words(arguments: Namespace) -> list[str]:
    """The same settings as they are typed."""
    return [f"meter.{name}={_setting(value)}" for name, value in watts_settings(arguments).items()]


def priced_text(record: StudyRecord, arguments: Namespace) -> str:
    """A line on the watts that a study is priced by, empty where they are its own."""
    if not watts_settings(arguments):
        return ""
    watts = ", ".join(f"{name} = {value:g}" for name, value in record.meter.coefficients.items())
    return f"Its estimates are priced anew, by {watts}; nothing was run or written for that."


def _setting(value: float | str | Path) -> str:
    return quote_if_needed(str(value)) if isinstance(value, str) else _word(value)


def _word(value: float | str | Path) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return f"{value:.0f}" if whole else str(value)
