"""One line for each thing that Hydra or OmegaConf refuses: what is wrong and what to type."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from hydra.errors import ConfigCompositionException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationKeyError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

EXAMPLES = {
    "model._target_": "model._target_=mypackage.net.Mine 'allow=[mypackage]'",
    "batch": "batch=64",
    "lr": "lr=0.05",
    "epochs": "epochs=10",
    "seed": "seed=0",
    "precision": "precision=fp32",
    "profile": "profile=true",
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


def parse_error(text: str) -> str:
    """The line for an override that Hydra's grammar does not read."""
    if "=" not in text:
        return f"{text} is neither a verb nor a setting: type DIAL=VALUE, or see --help"
    return f"{text} cannot be read: type KEY=VALUE, with quotes around brackets: 'lr=choice(0.1,1)'"


def _missing(error: MissingConfigException) -> str:
    group, _, option = (error.missing_cfg_file or "config").rpartition("/")
    if not group:
        return f"no configuration called {option}: see --help for what there is"
    if error.options:
        names, typed = "|".join(sorted(error.options)), f"{group}={option}"
        why = f" is refused, since {REASONS[typed]}" if typed in REASONS else ""
        return f"{typed}{why}: type {group}={names}"
    return f"{group}={option}: there is no group {group}; see --help for the groups"


def _value(cause: OmegaConfBaseException, outer: str, known: Iterable[str]) -> str:
    key, first = cause.full_key or "", str(cause).splitlines()[0]
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        return _unknown_in_part(key, cause.parent_node) or _unknown(key, known)
    if match := CONVERSION.match(first):
        shown = EXAMPLES.get(key)
        example = f", such as {shown}" if shown else ""
        return f"{key}={match['value']}: type {WORDS.get(match['kind'], match['kind'])}{example}"
    if isinstance(cause, MissingMandatoryValue):
        return f"{key} has no value: type {EXAMPLES.get(key, f'{key}=VALUE')}"
    if isinstance(cause, InterpolationKeyError):
        return f"{key}: {first}; type a name that the configuration has (see --cfg job)"
    if first.endswith("is not Optional"):
        return f"{key} needs a value: type {EXAMPLES.get(key, f'{key}=VALUE')}"
    inside = [name for name in known if name.startswith(f"{key}.")]
    if inside:
        return f"{key} is a group of settings: type one of {', '.join(inside)}"
    typed = outer.removeprefix("Error merging override ").splitlines()
    return f"{typed[0] if typed else key}: {first}; see --cfg job for what {key} holds"


def _composition(text: str, known: Iterable[str]) -> str:
    first = text.splitlines()[0] if text else "the configuration cannot be composed"
    if match := re.match(r"Ambiguous value for argument '(.*)'", first):
        return f"{match[1]} is several values: type -m before it to sweep them"
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
