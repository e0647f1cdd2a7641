"""A trained network as it is deployed: norms folded into convolutions, pixels normalised inside."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor, fx, nn
from torch.fx.proxy import TraceError
from torch.nn.utils.fusion import fuse_conv_bn_weights


class DeployableNet(nn.Module):
    """uint8 images [N, C, H, W] to float32 logits [N, classes]; mean and std in pixel units."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.network((images.to(torch.float32) - self.mean) / self.std)

    def answer(self, images: Tensor, dtype: torch.dtype) -> Tensor:
        """The logits of a network whose weights are of `dtype`."""
        return self.network(((images.to(torch.float32) - self.mean) / self.std).to(dtype))


class HalfPrecisionNet(DeployableNet):
    """The same for a network of 16-bit numbers; logits are float32 all the same."""

    def forward(self, images: Tensor) -> Tensor:
        dtype = next(self.network.parameters()).dtype
        return self.answer(images, dtype).to(torch.float32)


def find_folds(module: nn.Module) -> dict[str, str]:
    """The convolutions (keys) whose only reader is a BatchNorm (values), by their names.

    Empty for a network that fx cannot trace: its norms then stay in the graph.
    """
    try:
        graph = fx.symbolic_trace(module).graph
    except (TraceError, TypeError):
        return {}
    calls = Counter(node.target for node in graph.nodes if node.op == "call_module")
    folds: dict[str, str] = {}
    for node in graph.nodes:
        source = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(source, fx.Node) or source.op != "call_module" or len(source.users) > 1:
            continue
        names = str(source.target), str(node.target)
        if calls[source.target] == calls[node.target] == 1 and _can_fold(module, *names):
            folds[names[0]] = names[1]
    return folds


def _can_fold(module: nn.Module, convolution: str, norm: str) -> bool:
    before, after = module.get_submodule(convolution), module.get_submodule(norm)
    return (
        isinstance(before, nn.Conv2d)
        and isinstance(after, nn.BatchNorm2d)
        and after.running_mean is not None
    )


def fold_norms(module: nn.Module, folds: Mapping[str, str]) -> nn.Module:
    """A float32 copy of `module` on the CPU, with each norm of `folds` inside its convolution."""
    state = fold_state(module, folds)
    network = copy.deepcopy(module).to("cpu", torch.float32)
    # The exporter writes another, slower graph for weights that are stored channels last.
    network.to(memory_format=torch.contiguous_format)
    for name, norm in folds.items():
        convolution = network.get_submodule(name)
        convolution.register_parameter("bias", nn.Parameter(state[f"{name}.bias"]))
        network.set_submodule(norm, nn.Identity())
    network.load_state_dict(state)
    return network


def scramble(module: nn.Module) -> nn.Module:
    """Give `module` weights that no optimiser of graphs can take for zeros, ones or each other."""
    generator = torch.Generator().manual_seed(0)
    for value in module.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5, generator=generator)
    return module


def fold_state(module: nn.Module, folds: Mapping[str, str]) -> dict[str, Tensor]:
    """The state dict of `folded(module, folds)`, without the copy.

    LookupError where `module` does not have the layers that `folds` names.
    """
    state = {name: value.detach().to("cpu") for name, value in module.state_dict().items()}
    for name, norm_name in folds.items():
        try:
            norm = module.get_submodule(norm_name)
        except AttributeError as error:
            raise LookupError(str(error)) from error
        if not (isinstance(norm, nn.BatchNorm2d) and _can_fold(module, name, norm_name)):
            raise LookupError(f"{norm_name} does not normalise {name}")
        weight, bias = fuse_conv_bn_weights(
            state[f"{name}.weight"],
            state.get(f"{name}.bias"),
            state.pop(f"{norm_name}.running_mean"),
            state.pop(f"{norm_name}.running_var"),
            norm.eps,
            state.pop(f"{norm_name}.weight", None),
            state.pop(f"{norm_name}.bias", None),
        )
        state.pop(f"{norm_name}.num_batches_tracked", None)
        state |= {f"{name}.weight": weight.detach(), f"{name}.bias": bias.detach()}
    return {
        name: value.to(torch.float32).contiguous() if value.is_floating_point() else value
        for name, value in state.items()
    }


def logits(
    module: nn.Module, images: Tensor, *, mean: tuple[float, ...], std: tuple[float, ...]
) -> Tensor:
    """What `module` itself answers in float32 on the CPU to uint8 images [N, C, H, W].

    The module is used as it is where it can be, since a copy costs more than the answer.
    """
    parameters = list(module.parameters())
    if any(p.dtype != torch.float32 or p.device.type != "cpu" for p in parameters):
        module = fold_norms(module, {})
    modes = {part: part.training for part in module.modules()}
    try:
        with torch.no_grad():
            return DeployableNet(module, mean, std).eval()(images)
    finally:
        for part, training in modes.items():
            part.training = training
