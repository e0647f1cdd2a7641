"""What is typed, checked before Hydra composes it: some of it Hydra answers by a traceback."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, Override, QuotedString, Sweep

from energy_sweep.app.config.compression_lists import expand
from energy_sweep.app.config.messages import SAMPLER_GROUP, parse_error
from energy_sweep.app.config.schema import GROUPS, SAMPLERS, check_name
from energy_sweep.app.config.storage import STORAGE, check_typed
from energy_sweep.app.help import groups_of
from energy_sweep.record import BadInput
from energy_sweep.study.address import has_password, password_refusal

COMMANDS = ("run", "multirun", "cfg", "info", "shell_completion")
FOLDERS = ("outputs", "stages", "hydra.run.dir", "hydra.sweep.dir")
ADDRESS = re.compile(r"['\"]?[A-Za-z][A-Za-z0-9+.-]*://")
COMPLETIONS = ("install", "uninstall", "query")


def parse_command_line(arguments: Sequence[str], conf: Path) -> list[str]:
    """The command line as Hydra's parser wants it, flags first; what it cannot be is BadInput."""

    def refuse(message: str) -> NoReturn:
        raise BadInput(f"{message}: type --help for the flags")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    parsed = parser.parse_intermixed_args(list(arguments))
    _check_flags(parsed)
    flags = list(arguments)
    for override in parsed.overrides:
        flags.remove(override)
    overrides = expand(map(_without_alias, parsed.overrides))
    if not parsed.shell_completion:
        own = Path(parsed.config_dir) if parsed.config_dir else None
        check_choices(overrides, groups_of([conf, *([own] if own else [])]))
    return [*flags, *overrides]


def _without_alias(text: str) -> str:
    """A choice of a sampler by the group of hydra-optuna-sweeper as the setting that it is here."""
    group, _, name = text.lstrip("+").partition("=")
    return f"search.sampler={name}" if group == SAMPLER_GROUP and name in SAMPLERS else text


def check_choices(overrides: Iterable[str], groups: Mapping[str, Sequence[str]]) -> None:
    """Raise BadInput for an override that cannot be read, or chooses what no group has."""
    parser = OverridesParser.create()
    for text in overrides:
        try:
            override = parser.parse_override(text)
        except Exception as error:
            _check_secret(*text.lstrip("+~").partition("=")[::2])
            raise BadInput(parse_error(text)) from error
        value = override.value()
        _check_secret(override.key_or_group, str(override.input_line).partition("=")[2])
        if override.key_or_group == STORAGE and isinstance(value, str | QuotedString):
            check_typed(STORAGE, value.text if isinstance(value, QuotedString) else value)
        if override.key_or_group == "name" and isinstance(override.value(), str | QuotedString):
            check_name(str(override.value()))  # before Hydra makes a folder of it
        if override.key_or_group in ("", "hydra"):
            raise BadInput(f"{text}: type KEY=VALUE, such as batch=64 or hydra.verbose=true")
        if override.key_or_group in groups or "/" in override.key_or_group:
            check_choice(override, groups.get(override.key_or_group, ()))


def _check_secret(key: str, text: str) -> None:
    """Raise BadInput, which does not repeat it, for a password: all that is typed goes to disk."""
    if key in FOLDERS and has_password(text):
        raise BadInput(
            f"{key}: an address with a password would be written to disk: leave the password out;"
            " a study and its stages lie in folders, as in outputs=FOLDER"
        )
    if has_password(text):
        raise password_refusal(key)
    if key in FOLDERS and ADDRESS.match(text):
        raise BadInput(f"{key}={text}: a study and its stages lie in folders: type {key}=FOLDER")


def check_choice(override: Override, options: Sequence[str]) -> None:
    """Raise BadInput for a group that is given no name: a number, a truth value, null."""
    group, text = override.key_or_group, override.input_line
    typed = f"{group}={'|'.join(options) or 'NAME'}"
    if override.is_delete():
        if group in GROUPS:
            raise BadInput(f"{text}: every trial has a {group}: type {typed}")
        if not isinstance(override.value(), str | None):
            raise BadInput(f"{text}: type ~{group}")
        return
    for name in _names(override):
        words = name if isinstance(name, list) and name else [name]
        if not all(isinstance(word, str | dict) for word in words):
            none = f", or leave {group} out" if name is None else ""
            raise BadInput(f"{text}: {group} is chosen by name: type {typed}{none}")


def _names(override: Override) -> Iterator[Any]:
    """What is chosen, one after another; of a range one number, which is no name either."""
    value = override.value()
    if isinstance(value, ChoiceSweep):
        for name in value.list:
            yield name.text if isinstance(name, QuotedString) else name
    elif isinstance(value, Sweep):
        yield 0
    elif not isinstance(value, Glob):
        yield value


def _check_flags(parsed: Namespace) -> None:
    given = [name for name in COMMANDS if getattr(parsed, name)]
    flags = [f"--{name.replace('_', '-')}" for name in given]
    if given == ["multirun", "cfg"]:
        raise BadInput(
            "--cfg shows one configuration: leave -m out, and type one value for each setting"
        )
    if len(flags) > 1:
        raise BadInput(f"{' and '.join(flags)} exclude each other: type one of them")
    for name in ("resolve", "package"):
        if getattr(parsed, name) and not parsed.cfg:
            raise BadInput(f"--{name} is for what --cfg shows: type --cfg job with it")
    if parsed.config_path:
        _check_config_path(Path(parsed.config_path), f"{parsed.config_name or 'config'}.yaml")
    rerun = parsed.experimental_rerun
    if rerun is not None and not Path(rerun).is_file():
        raise BadInput(f"--experimental-rerun {rerun}: there is no such file: type the name of one")
    if parsed.shell_completion:
        _check_completion(parsed.overrides)


def _check_config_path(folder: Path, file: str) -> None:
    """A folder that takes the place of ours must hold the configuration that is asked for."""
    if not (folder / file).is_file():
        raise BadInput(
            f"--config-path={folder} would replace all that can be typed, and has no {file}:"
            f" type --config-dir {folder}, which adds to it"
        )


def _check_completion(words: Sequence[str]) -> None:
    if len([word for word in words if word.partition("=")[0] in COMPLETIONS]) != 1:
        raise BadInput("--shell-completion: type --shell-completion install=bash")
