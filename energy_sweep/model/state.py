"""A state of training, and the file that holds it: weights, batch norms, optimizer, bit for bit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from energy_sweep.model.base import adopt
from energy_sweep.record import EnergySweepError, JsonDict
from energy_sweep.record.files import check_kind, write_whole
from energy_sweep.record.seal import Damaged, parse, seal, unseal

_METADATA = "energy_sweep"
_WEIGHTS, _OPTIMIZER = "model/", "optimizer/"
# Its presence says that the optimizer was saved, which may have no tensors of its own.
_MARKER = "optimizer"
UNREADABLE = (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError, Damaged)


class DamagedFile(EnergySweepError):
    """A file of weights that cannot be read, or does not hold what was written."""


@dataclass(frozen=True, slots=True)
class Trainee:
    """A network and its optimizer: all that training changes."""

    module: nn.Module
    optimizer: torch.optim.Optimizer

    def fingerprint(self) -> str:
        """The SHA-256 that `save` gives for this state."""
        return _digest(tensors_of(self))

    def state_bytes(self) -> int:
        """How large a file of this state is, short of its header."""
        return sum(tensor.nbytes for tensor in tensors_of(self).values())

    @staticmethod
    def optimizer_in(tensors: Mapping[str, Tensor]) -> bool:
        """Whether a loaded state can be trained on, since it holds the optimizer's part too."""
        return _MARKER in tensors


def save(path: Path, trainee: Trainee | nn.Module, metadata: JsonDict) -> str:
    """Write a state of training, or weights alone, whole or not at all; gives its SHA-256.

    `metadata` is plain JSON. The hash covers names, types, shapes and values of the tensors. The
    file is good under its name, in a folder of its folder's name, and nowhere else.
    """
    return save_tensors(path, tensors_of(trainee), metadata)


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: JsonDict) -> str:
    """Write contiguous tensors of the CPU as `save` does."""
    total = _digest(tensors)
    document = {"sha256": total, "home": _place_of(path), "metadata": metadata}
    header = {_METADATA: json.dumps(seal(document))}
    content = safetensors.torch.save(dict(tensors), metadata=header)
    # A torn file is seen by its hash, and its epochs run again: not worth a wait for the disk.
    write_whole(path, content, durable=False)
    return total


def load(path: Path) -> tuple[dict[str, Tensor], JsonDict]:
    """The tensors (on the CPU) and the metadata that `save` wrote.

    DamagedFile where they are not those; FileNotFoundError where there is no file.
    """
    try:
        check_kind(path)
        with safetensors.safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            header, _ = unseal(parse(file.metadata()[_METADATA]))
        expected, metadata = header["sha256"], header["metadata"]
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise DamagedFile(f"{path} cannot be read: {error}") from error
    if header.get("home", _place_of(path)) != _place_of(path):
        raise DamagedFile(f"{path} was written as {header['home']}")
    if _digest(tensors) != expected:
        raise DamagedFile(f"{path} does not hold the weights that were written")
    return tensors, metadata


def load_whole(path: Path) -> dict[str, Tensor] | None:
    """The tensors of a file; None where it is gone or damaged."""
    try:
        return load(path)[0]
    except (FileNotFoundError, DamagedFile):
        return None


def restore(
    module: nn.Module, optimizer: torch.optim.Optimizer | None, tensors: Mapping[str, Tensor]
) -> None:
    """Put a loaded state into a network and its fresh optimizer, bit for bit.

    Without an optimizer the weights may be those of a pruned network: `module` takes their shapes.
    """
    weights = {
        name.removeprefix(_WEIGHTS): value
        for name, value in tensors.items()
        if name.startswith(_WEIGHTS)
    }
    if optimizer is None:
        adopt(module, weights)
        return
    module.load_state_dict(weights)
    parameters = dict(module.named_parameters())
    optimizer.state.clear()
    for name, value in tensors.items():
        if not name.startswith(_OPTIMIZER):
            continue
        owner, key = name.removeprefix(_OPTIMIZER).split("/")
        parameter = parameters[owner]
        if value.shape == parameter.shape:
            value = torch.empty_like(parameter, requires_grad=False).copy_(value)
        # A count of steps too: fused optimizers want all their state on the device.
        optimizer.state[parameter][key] = value.to(parameter.device, copy=True)


def tensors_of(trainee: Trainee | nn.Module) -> dict[str, Tensor]:
    """Everything that training changes, by name, as contiguous tensors on the CPU."""
    module = trainee.module if isinstance(trainee, Trainee) else trainee
    named = {f"{_WEIGHTS}{name}": value for name, value in module.state_dict().items()}
    if isinstance(trainee, Trainee):
        named[_MARKER] = torch.empty(0)
        for name, parameter in module.named_parameters():
            for key, value in trainee.optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    named[f"{_OPTIMIZER}{name}/{key}"] = value
    return {name: value.detach().cpu().contiguous() for name, value in named.items()}


def _place_of(path: Path) -> str:
    """The name of a file within its folder, which says what stage and epoch its tensors are of."""
    return f"{path.absolute().parent.name}/{path.name}"


def _digest(tensors: Mapping[str, Tensor]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        total.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        total.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
