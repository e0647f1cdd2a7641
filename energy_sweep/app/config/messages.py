"""One line for each thing that Hydra or OmegaConf refuses: what is wrong and what to type."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from hydra.errors import ConfigCompositionException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationKeyError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from energy_sweep.app.config import schema
from energy_sweep.app.config.quoting import quote_override
from energy_sweep.front import constraints

EXAMPLES = {
    "name": "name=first",
    "outputs": "outputs=FOLDER",
    "storage": "storage=postgresql://USER@HOST/DATABASE",
    "allow": "'allow=[mypackage]'",
    "model._target_": "model._target_=mypackage.net.Mine 'allow=[mypackage]'",
    "batch": "batch=64",
    "lr": "lr=0.05",
    "epochs": "epochs=10",
    "seed": "seed=0",
    "precision": "precision=fp32",
    "profile": "profile=true",
    "track": "track=mlflow",
    "inference.batch": "inference.batch=64",
    "compression.level": "compression.level=0.5",
    "search.trials": "search.trials=20",
    "objective.images": "objective.images=100000",
}
NO_JOULES = "its joules cannot be read by a program"
REASONS = {
    "device=tpu": NO_JOULES,
    "device=mps": NO_JOULES,
    "device=xpu": "no meter of ours reads its joules",
    "device=rocm": "no meter of ours reads its joules",
}
WORDS = {
    "Integer": "a whole number",
    "Float": "a number",
    "Boolean": "true or false",
    "bool": "true or false",
}
KEY = re.compile(r"[+~]*[\w./@:]+")
FUNCTION = re.compile(r"\s*(choice|range|interval|glob|shuffle|sort|tag|int|float|str|bool)\(")
# What Hydra says of a group, or of its own settings, that is not there yet; dials are ours to tell.
APPENDED = re.compile(
    r"To append to your (default list use \+|config use \+(?=hydra\.))(?P<key>[^=]+)(?P<value>=.*)"
)
SAMPLERS = "|".join(schema.SAMPLERS)
CONSTRAINTS = "search.constraints"
SAMPLER_GROUP = "hydra/sweeper/sampler"  # of hydra-optuna-sweeper
PLUGINS = {
    "sweeper": "hydra_plugins.energy_sweep.EnergySweeper",
    "launcher": "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
}
UNNAMED = ("", "_dummy_")  # what OmegaConf calls a place that has no name
NAMELESS = re.compile(r"Interpolation key '(?P<group>\w+)\.name' not found")
CONVERSION = re.compile(
    r"Value '(?P<value>.*)' (?:of type '\w+' could not be converted to|is not a valid)"
    r" (?P<kind>\w+)"
)


def explain(error: BaseException, known: Iterable[str] = ()) -> str | None:
    """The one line for an error of composing, None for another; `known` are the dials."""
    if isinstance(error, MissingConfigException):
        return _missing(error)
    if isinstance(error, OverrideParseException):
        return parse_error(error.override)
    if isinstance(error, ConfigCompositionException):
        cause = error.__cause__ or error.__context__
        if isinstance(cause, OmegaConfBaseException):
            return _value(cause, str(error), known)
        return _composition(str(error), known)
    if isinstance(error, OmegaConfBaseException):
        return _value(error, "", known)
    return None


def before_start(error: Exception) -> str:
    """The line for what went wrong while Hydra prepared a run: nothing of ours had begun."""
    if match := re.match(r"(?:Unknown plugin class|Invalid plugin)\W+([\w.]+)", str(error)):
        kind = "sweeper" if "sweeper" in match[1].lower() else "launcher"
        return (
            f"hydra.{kind}._target_={match[1]} is not installed:"
            f" type hydra.{kind}._target_={PLUGINS[kind]}"
        )
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}: type outputs=FOLDER, a folder of yours"
    return next(iter(str(error).splitlines()), type(error).__name__)


def unknown_word(word: str, verbs: Sequence[str]) -> str:
    """The line for a word that is neither a verb nor KEY=VALUE."""
    dials = schema.dials()
    if word in dials:
        return f"{word} is a setting: type {EXAMPLES.get(word, f'{word}=VALUE')}"
    near = difflib.get_close_matches(word, [*verbs, *dials], n=1, cutoff=0.7)
    if near and near[0] in verbs:
        hint = f"did you mean {near[0]}?"
    elif near:
        hint = f"did you mean {EXAMPLES.get(near[0], f'{near[0]}=VALUE')}?"
    else:
        hint = f"type one of {', '.join(verbs)}, or DIAL=VALUE"
    return f"{word} is neither a verb nor a setting: {hint}"


def parse_error(text: str) -> str:
    """The line for an override that Hydra's grammar does not read."""
    key, equals, value = text.partition("=")
    if not equals or not KEY.fullmatch(key):
        return f"{text} is neither a verb nor a setting: type DIAL=VALUE, or see --help"
    if FUNCTION.match(value):
        return f"{text} cannot be read: type KEY=VALUE, or a list such as 'lr=choice(0.1,1)'"
    return (
        f"{text} cannot be read as it is: type quotes within quotes, {quote_override(key, value)}"
    )


def _missing(error: MissingConfigException) -> str:
    group, _, option = (error.missing_cfg_file or "config").rpartition("/")
    if not group:
        return f"no configuration called {option}: see --help for what there is"
    if group == SAMPLER_GROUP:
        return f"{group}={option}: leave it out, and type search.sampler={SAMPLERS}"
    if error.options:
        names, typed = "|".join(sorted(error.options)), f"{group}={option}"
        why = f" is refused, since {REASONS[typed]}" if typed in REASONS else ""
        return f"{typed}{why}: type {group}={names}"
    return f"{group}={option}: there is no group {group}; see --help for the groups"


def _value(cause: OmegaConfBaseException, outer: str, known: Iterable[str]) -> str:
    key, first = cause.full_key or "", str(cause).splitlines()[0]
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        if key.startswith("hydra."):
            return _composition(outer, known)
        return _unknown_in_part(key, cause.parent_node) or _unknown(key, known)
    if match := CONVERSION.match(first):
        shown = EXAMPLES.get(key)
        example = f", such as {shown}" if shown else ""
        return f"{key}={match['value']}: type {WORDS.get(match['kind'], match['kind'])}{example}"
    if isinstance(cause, MissingMandatoryValue):
        return f"{key} has no value: type {EXAMPLES.get(key, f'{key}=VALUE')}"
    if "Cannot convert 'list' to string" in first or "Cannot convert 'dict' to string" in first:
        return f"{_outer(outer) or key}: type a word, such as {EXAMPLES.get(key, f'{key}=WORD')}"
    if "is not a ListConfig" in first:
        return f"{_outer(outer) or key}: type a list, such as {EXAMPLES.get(key, f'{key}=[WORD]')}"
    if isinstance(cause, InterpolationKeyError):
        nameless = NAMELESS.search(first)
        if nameless is not None and nameless["group"] in schema.GROUPS:
            group = nameless["group"]
            return (
                f"{group}.name is missing: write name: NAME into the file of this {group}, or type"
                f" +{group}.name=NAME"
            )
        where = f"{key}: " if key not in UNNAMED else ""
        return f"{where}{first}; type a name that the configuration has (see --cfg job)"
    if first.endswith("is not Optional"):
        return f"{key} needs a value: type {EXAMPLES.get(key, f'{key}=VALUE')}"
    if key == CONSTRAINTS:
        return f"{_outer(outer) or key}: {_constraints_typed()}"
    inside = [name for name in known if name.startswith(f"{key}.")]
    if inside:
        return f"{key} is a group of settings: type one of {', '.join(inside)}"
    return f"{_outer(outer) or key}: {first}; see --cfg job for what {key} holds"


def _constraints_typed() -> str:
    names = ", ".join(constraints.EXAMPLES)
    return f"type {CONSTRAINTS}.min_accuracy=0.9, or another of {names}"


def _outer(text: str) -> str:
    """The override that Hydra names around an error, '' where it names none."""
    return next(iter(text.removeprefix("Error merging override ").splitlines()), "")


def or_one(typed: str) -> str:
    """How to type it where a path with commas, and no list of values, was meant."""
    key, _, value = typed.partition("=")
    return f", or {quote_override(key, value)} if it is one" if "/" in value else ""


def _composition(text: str, known: Iterable[str]) -> str:
    first = text.splitlines()[0] if text else "the configuration cannot be composed"
    if match := APPENDED.search(text):
        return f"{match['key']} does not exist: type +{match['key']}{match['value']}"
    if match := re.match(r"Ambiguous value for argument '(.*)'", first):
        return f"{match[1]} is several values: type -m before it to sweep them{or_one(match[1])}"
    if match := re.match(r"Sweep parameters '(.*)' requires", first):
        return f"{match[1]} is several values: type -m before it to sweep them"
    if match := re.match(r"Could not override '([^']*)'", first):
        return _unknown(match[1], known)
    if match := re.match(r"Sweeping over Hydra's configuration is not supported : '(.*)'", first):
        return f"{match[1]}: Hydra's own settings cannot be swept; type one value"
    return first


def _unknown_in_part(key: str, node: object) -> str | None:
    """The line for a setting that a part does not have, None where `node` is no part."""
    if not isinstance(node, DictConfig) or "_target_" not in node:
        return None
    place, target = key.rpartition(".")[0], OmegaConf.to_container(node)["_target_"]  # type: ignore[index]
    names = ", ".join(f"{place}.{name}" for name in node if name != "_target_")
    own = "" if target.startswith("energy_sweep.") else f" (or +{key}=VALUE, if your class has it)"
    return f"{key} does not exist: type one of {names}{own}"


def _unknown(key: str, known: Iterable[str]) -> str:
    if key.startswith(f"{CONSTRAINTS}."):
        return f"{key} is no constraint: {_constraints_typed()}"
    if key == SAMPLER_GROUP:
        return f"{key}: leave it out, and type search.sampler={SAMPLERS}"
    names = sorted(known)
    alike = [name for name in names if name.count(".") == key.count(".")]
    near = difflib.get_close_matches(key, alike, n=1, cutoff=0.6)
    if near:
        return f"{key} does not exist: did you mean {near[0]}?"
    group = key.partition(".")[0]
    if group in names:
        return f"{key} does not exist: type --cfg job to see what {group} has"
    inside = [name for name in names if name.startswith(f"{group}.")]
    listed = ", ".join(inside or [name for name in names if "." not in name])
    return f"{key} does not exist: type one of {listed}"
