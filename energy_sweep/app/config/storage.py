"""`storage=`: where a study's database is, if it is not in the study's folder.

A password may come from the environment alone: as it is typed, a configuration goes to disk.
"""

from __future__ import annotations

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from energy_sweep.app.config import messages
from energy_sweep.record import BadInput, JsonDict
from energy_sweep.study.address import (
    Address,
    has_password,
    hide_passwords,
    parse_address,
    password_refusal,
)

STORAGE = "storage"


def check_typed(key: str, text: str) -> None:
    """BadInput, which repeats no password, for an address that is typed with one, or is none."""
    if has_password(text):
        raise password_refusal(key)
    if key == STORAGE and "${" not in text:
        parse_address(text)


def check_written(cfg: DictConfig) -> None:
    """BadInput where a configuration would be written to disk with a password in its address."""
    written = OmegaConf.to_container(cfg, resolve=False)
    text = written.get(STORAGE) if isinstance(written, dict) else None
    if isinstance(text, str) and has_password(text):
        raise password_refusal(STORAGE)


def storage_of(cfg: DictConfig) -> Address | None:
    """The address that a composed configuration asks for, None for a file in the folder."""
    check_written(cfg)
    try:
        text = OmegaConf.select(cfg, STORAGE)
    except OmegaConfBaseException as error:
        raise BadInput(messages.explain(error) or str(error)) from error
    return None if text is None else parse_address(text)


def without_password(values: JsonDict) -> JsonDict:
    """Resolved values whose address can be shown to anybody."""
    text = values.get(STORAGE)
    return {**values, STORAGE: hide_passwords(text)} if isinstance(text, str) else values
