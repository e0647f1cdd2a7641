"""The verb compare: two configurations of a study, or the fronts of several studies."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from energy_sweep.app import stored_study
from energy_sweep.app.stored_study import StoredStudy
from energy_sweep.app.verbs.destination import check_page, writing_to
from energy_sweep.app.verbs.unit_options import units_of
from energy_sweep.record import BadInput, JsonDict, to_json
from energy_sweep.text import terminal

if TYPE_CHECKING:
    from energy_sweep.front.joint_front import JointFront

Studies = dict[str, StoredStudy]


def options(parser: argparse.ArgumentParser) -> None:
    """What is compared, and what all the same."""
    parser.add_argument(
        "names",
        nargs="+",
        metavar="NAME|TRIAL",
        help="a study (default: the latest) and two of its trials, or several studies",
    )
    parser.add_argument("--to", type=Path, metavar="FILE", help="studies: one page of their fronts")
    parser.add_argument(
        "--across-machines",
        action="store_true",
        help="also of other machines, meters or watts, whose joules do not compare",
    )
    parser.add_argument(
        "--across-data",
        action="store_true",
        help="also of other images, whose accuracies do not compare",
    )


def compare(arguments: Namespace) -> None:
    """Print what sets two configurations, or the fronts of studies, apart."""
    names, trials = _asked(arguments.names)
    if trials:
        _of_trials(arguments, names, trials)
    else:
        _of_studies(arguments, names)


def _asked(words: Sequence[str]) -> tuple[list[str | None], list[int]]:
    """The studies and the trials that were typed: a whole number is always a trial."""
    trials = [int(word) for word in words if word.isdecimal()]
    names: list[str | None] = [word for word in words if not word.isdecimal()]
    if not trials and len(names) > 1:
        return names, []
    if len(trials) == 2 and len(names) < 2 and words[-2:] == [w for w in words if w.isdecimal()]:
        return names or [None], trials
    given = " ".join(words)
    if trials:
        raise BadInput(
            f"compare {given}: type one study and two of its trials, as in compare NAME 3 7, or"
            " studies alone (one whose name is a number as ./NUMBER)"
        )
    raise BadInput(f"compare {given} with what? Type two of its trials as well, or another study")


def _of_trials(arguments: Namespace, names: list[str | None], trials: list[int]) -> None:
    from energy_sweep.front.pair_difference import pair_difference
    from energy_sweep.report.pair_table import pair_table
    from energy_sweep.report.units_text import pair_units, units_document

    units = units_of(arguments)
    if arguments.to is not None:
        raise BadInput("--to writes the fronts of studies: type their names, or leave --to out")
    stored = stored_study.load_named(names[0], arguments)
    for number in trials:
        stored_study.trial_of(stored.record, number)
    priced = stored.priced
    if any(number not in priced.row_by_trial for number in trials):
        priced = priced.unconstrained
    pair = pair_difference(priced, trials[0], trials[1])
    if arguments.json:
        objective = stored.objective
        about: JsonDict = {
            "study": stored.record.name,
            "objective": objective.name,
            "images": objective.images,
            "quality": priced.quality,
        }
        if units is not None:
            joules = pair.joules.change, pair.joules.high - pair.joules.change
            both = units_document(priced, (pair.first, pair.second), units)
            about["units"] = {**both, "difference": units.figures(*joules)}
        stored_study.print_json({**about, **pair.document})
    else:
        width = terminal.width_of()
        more = "" if units is None else pair_units(priced, pair, units, width=width)
        print(*filter(None, [pair_table(priced, pair, width=width), more]), sep="\n\n")


def _of_studies(arguments: Namespace, names: list[str | None]) -> None:
    from energy_sweep.front.joint_front import JointFront
    from energy_sweep.report.studies_table import studies_table
    from energy_sweep.report.units_text import studies_units, units_document

    units, path = units_of(arguments), arguments.to
    if path is not None:
        with writing_to(path):
            check_page(path, force=arguments.force)
    studies = _labelled([stored_study.load_named(name, arguments) for name in names])
    reasons, is_one_machine = _apart(studies, arguments)
    joint = JointFront({name: one.priced for name, one in studies.items()}, is_one_machine)
    if path is not None:
        from energy_sweep.report.studies_page import write_studies_page

        with writing_to(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_studies_page(joint, path, apart=reasons, units=units)
    if arguments.json:
        document = _document(studies, joint, reasons)
        if units is not None:
            each = joint.studies.items()
            document["units"] = {n: units_document(one, one.front, units) for n, one in each}
        stored_study.print_json(document)
    else:
        width = terminal.width_of()
        more = "" if units is None else studies_units(joint.studies, units, width=width)
        told = [studies_table(joint, apart=reasons, width=width), more]
        if path is not None:
            told.append(f"{path}: open it in any browser, no network")
        print(*filter(None, told), sep="\n\n")


def _labelled(found: Sequence[StoredStudy]) -> Studies:
    """Studies by name; by folder where two have one name. BadInput for the same one twice."""
    folders = [one.folder.resolve() for one in found]
    for place, folder in enumerate(folders):
        if folder in folders[:place]:
            raise BadInput(f"{found[place].record.name} is named twice: type each study once")
    names = [one.record.name for one in found]
    return {
        str(one.folder) if names.count(one.record.name) > 1 else one.record.name: one
        for one in found
    }


def _apart(studies: Studies, arguments: Namespace) -> tuple[list[str], bool]:
    """Why these studies do not compare, where that was asked for; BadInput where it was not."""
    from energy_sweep.front.comparable import accuracies_apart, joules_apart

    records = {name: one.record for name, one in studies.items()}
    joules, accuracies = joules_apart(records), accuracies_apart(records)
    if joules and not arguments.across_machines:
        watts = ", or --cpu-watts W to price them alike" if "by other watts" in joules else ""
        raise BadInput(
            f"the studies {joules}, so that their joules do not compare: type --across-machines to"
            f" see them beside each other nevertheless{watts}"
        )
    if accuracies and not arguments.across_data:
        raise BadInput(
            f"the studies {accuracies}, so that their accuracies do not compare: type --across-data"
            " to see them beside each other nevertheless"
        )
    return [why for why in (joules, accuracies) if why], not joules


def _document(studies: Studies, joint: JointFront, reasons: list[str]) -> JsonDict:
    """The JSON of `compare` of several studies."""
    from energy_sweep.front.document import plain_row

    objective = next(iter(studies.values())).objective
    return {
        "objective": objective.name,
        "images": objective.images,
        "apart": reasons,
        "reference": None if joint.reference is None else joint.reference._asdict(),
        "hypervolume": joint.hypervolume(),
        "in_common": [to_json(one) for one in joint.in_common],
        "studies": [_study(name, one, joint) for name, one in studies.items()],
        "members": [
            {
                "study": one.study,
                "on_joint_front": one.on_front,
                "survives": one.survives,
                **plain_row(one.row),
            }
            for one in joint.members
        ],
    }


def _study(name: str, stored: StoredStudy, joint: JointFront) -> JsonDict:
    record, priced = stored.record, stored.priced
    return {
        "study": name,
        "device_class": record.machine.get("device_class"),
        "quality": priced.quality,
        "domains": list(record.meter.domains),
        "coefficients": dict(record.meter.coefficients),
        "dataset": record.identity.get("dataset"),
        "split": record.identity.get("split"),
        "constraints": priced.constraints.document,
        "configurations": len(priced.rows),
        "front": [row.trial for row in priced.front],
        "stay": list(joint.survivors(name)),
        "hypervolume": joint.hypervolume(name),
        "spent_joules": priced.spent_joules,
    }
