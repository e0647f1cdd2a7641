"""What a model is to the program, and how a pruned one is built again from its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn


@runtime_checkable
class Model(Protocol):
    """A network family with its sizes: a frozen dataclass, so that it can be hashed and written."""

    @property
    def name(self) -> str: ...

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """A network from images [N, C, H, W] of `shape` (C, H, W) to logits [N, classes]."""
        ...


def adopt(module: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """Shrink a dense-built network in place to the shapes of `state`, load it, and return it.

    Convolutions (grouped and depthwise too), norms and linear layers change their sizes;
    ValueError where another layer would have to, or where names are missing or left over.
    """
    for name, part in module.named_modules():
        weight = state.get(f"{name}.weight" if name else "weight")
        if weight is None or weight.shape == getattr(part, "weight", weight).shape:
            continue
        match part:
            case nn.Conv2d():
                _shrink_conv(part, weight)
            case nn.Linear():
                part.out_features, part.in_features = weight.shape
            case nn.BatchNorm2d():
                part.num_features = weight.shape[0]
            case nn.GroupNorm() if weight.shape[0] % part.num_groups == 0:
                part.num_channels = weight.shape[0]
            case _:
                raise ValueError(f"{name}: cannot take another shape in {type(part).__name__}")
    _reshape(module, state)
    try:
        module.load_state_dict(dict(state), strict=True)
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    return module


def _shrink_conv(conv: nn.Conv2d, weight: Tensor) -> None:
    outputs, inputs_per_group = weight.shape[:2]
    if 1 < conv.groups == conv.in_channels:
        # Depthwise: whole groups went, each with the outputs that it feeds.
        conv.groups = outputs * conv.groups // conv.out_channels
    conv.out_channels = outputs
    conv.in_channels = inputs_per_group * conv.groups


def _reshape(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give each parameter and buffer the shape it has in `state`, on its device, in its dtype."""
    for prefix, part in module.named_modules():
        own = [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]
        for name, old in own:
            new = state.get(f"{prefix}.{name}" if prefix else name)
            if new is None or new.shape == old.shape:
                continue
            # In the layout of the dense net, on which speed and the last bits may depend.
            plain = old.ndim != 4 or old.is_contiguous()
            layout = torch.contiguous_format if plain else torch.channels_last
            empty = torch.empty(new.shape, dtype=old.dtype, device=old.device, memory_format=layout)
            if isinstance(old, nn.Parameter):
                setattr(part, name, nn.Parameter(empty, requires_grad=old.requires_grad))
            else:
                setattr(part, name, empty)


def count_parameters(module: nn.Module) -> int:
    """How many numbers training can change."""
    return sum(parameter.numel() for parameter in module.parameters())


def weight_bits(module: nn.Module) -> int:
    """Bits of the weights of convolutions and linear layers, at 32 each; biases and norms aside."""
    weights = (
        part.weight.numel() for part in module.modules() if isinstance(part, nn.Conv2d | nn.Linear)
    )
    return 32 * sum(weights)


def zero_share(module: nn.Module) -> float:
    """The share of the weights of convolutions and linear layers that are exactly zero."""
    weights = [part.weight for part in module.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    zeros = sum(int((weight == 0).sum()) for weight in weights)
    return zeros / max(1, sum(weight.numel() for weight in weights))
