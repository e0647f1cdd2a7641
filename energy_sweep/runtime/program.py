"""torch's own exported programs: a network with its pixels' normalisation in one .pt2 file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.ao.quantization.fx._decomposed  # the operations of int8 programs

from energy_sweep.record import digest
from energy_sweep.record.files import replace_file
from energy_sweep.runtime.base import Mismatch
from energy_sweep.runtime.folding import DeployableNet, HalfPrecisionNet, find_folds, fold_norms

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram

    from energy_sweep.runtime.base import RuntimeData

# What the exporter notes at each node of where in whose files it comes from.
NOTES = ("stack_trace", "from_node", "nn_module_stack", "source_fn_stack", "torch_fn")


def make_program(
    module: nn.Module, data: RuntimeData, dtype: torch.dtype = torch.float32
) -> ExportedProgram:
    """`module`, norms folded, as a program for any number of uint8 images [N, C, H, W]."""
    return export(network_of(module, data, dtype), data)


def network_of(
    module: nn.Module, data: RuntimeData, dtype: torch.dtype = torch.float32
) -> nn.Module:
    """`module`, norms folded, as the network from uint8 images to logits that is exported."""
    network = fold_norms(module, find_folds(module))
    if dtype == torch.float32:
        return DeployableNet(network, data.mean, data.std).eval()
    return HalfPrecisionNet(network.to(dtype), data.mean, data.std).eval()


def export(network: nn.Module, data: RuntimeData, *, strict: bool = False) -> ExportedProgram:
    """A network of uint8 images as a program for any number of them."""
    example = torch.zeros((2, *data.shape), dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        return torch.export.export(
            network,
            (example,),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            strict=strict,
        )


def swap_weights(program: ExportedProgram, module: nn.Module, data: RuntimeData) -> None:
    """Give a program the weights of another net; Mismatch where the nets are not alike."""
    new, own = network_of(module, data).state_dict(), program.state_dict
    if {k: v.shape for k, v in new.items()} != {k: v.shape for k, v in own.items()}:
        raise Mismatch("the program is of another architecture")
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(new[name])


def save_program(program: ExportedProgram, path: Path) -> None:
    """Write a program, whole or not at all, without what torch noted of this machine's files."""
    for node in program.graph.nodes:
        for note in NOTES:
            node.meta.pop(note, None)
    with replace_file(path) as part:
        torch.export.save(program, part)


def load_program(path: Path) -> ExportedProgram:
    """Read a program."""
    return torch.export.load(path)


def program_digest(program: ExportedProgram) -> str:
    """Hash of a program's graph without the values of its weights and without any names."""
    numbers: dict[Any, int] = {}

    def plain(part: Any) -> Any:
        if isinstance(part, torch.fx.Node):
            return {"node": numbers[part]}
        if isinstance(part, list | tuple):
            return [plain(one) for one in part]
        return str(part)

    found = list[Any]()
    for node in program.graph.nodes:
        numbers[node] = len(numbers)
        made = node.meta.get("val")
        kind = [str(made.dtype), [_size(n) for n in made.shape]] if torch.is_tensor(made) else None
        target = str(node.target) if node.op == "call_function" else ""
        args = node.args
        if target.startswith("quantized_decomposed"):  # its scales and zeros are weights
            args = tuple(arg for arg in args if isinstance(arg, torch.fx.Node))
        found.append([node.op, target, plain(args), plain(sorted(node.kwargs.items())), kind])
    return digest(found)


def _size(size: Any) -> int | str:
    return size if isinstance(size, int) else "batch"
