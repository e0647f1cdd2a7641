"""The text of --help, without starting Hydra, which would take most of a second to list groups."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from string import Template

import yaml

from energy_sweep.text import terminal

CLAIMS = "\nclaims:"  # what an experiment has at its top, and no option of Hydra
TEMPLATE = Path("hydra", "help", "energy_sweep.yaml")


def help_text(conf: Path, arguments: Sequence[str]) -> str:
    """What there is to type; the groups are those of `conf` and of a --config-dir."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd", type=Path)
    own = parser.parse_known_args(list(arguments))[0].config_dir
    groups = groups_of([conf, *([own] if own else [])])
    lines = "\n".join(f"  {name:22}  {', '.join(options)}" for name, options in groups.items())
    settings = yaml.safe_load((conf / TEMPLATE).read_text(encoding="utf-8"))
    text = Template(settings["template"]).substitute(APP_CONFIG_GROUPS=f"{lines}\n")
    return f"{terminal.prose(text, width=terminal.width_of())}\n"


def groups_of(folders: Sequence[Path]) -> dict[str, list[str]]:
    """The groups of configuration in some folders, each with the names that can be chosen."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for path in folder.rglob("*.yaml"):
            group = path.parent.relative_to(folder)
            if group.parts and group.parts[0] != "hydra" and not is_preset(path):
                found.setdefault(group.as_posix(), set()).add(path.stem)
    return {name: sorted(found[name]) for name in sorted(found)}


def is_preset(path: Path) -> bool:
    """Whether a file says at its top that it has claims."""
    try:
        return CLAIMS in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
