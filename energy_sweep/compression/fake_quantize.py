"""Epochs in which a net computes as if it were int8 already."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from energy_sweep.compression.hooks import TrainingHook

WEIGHTS = (-63, 63)  # 7 bits, as `quantize` stores them
ACTIVATIONS = (0, 255)


class FakeQuantize(TrainingHook):
    """Rounds the weights of layers, channel by channel, and what they read, batch by batch.

    Gradients pass as if nothing were rounded, but for values out of range. Batch norms stay in
    float: folded into the weights later, they scale whole channels, hence their steps too.
    """

    def forward(self, module: nn.Module, images: Tensor) -> Tensor | None:
        layers = {
            name: part
            for name, part in module.named_modules()
            if isinstance(part, nn.Conv2d | nn.Linear)
        }
        weights = {f"{name}.weight": round_weight(part.weight) for name, part in layers.items()}
        hooks = [part.register_forward_pre_hook(_round_inputs) for part in layers.values()]
        try:
            return functional_call(module, weights, (images,))
        finally:
            for hook in hooks:
                hook.remove()


def round_weight(weight: Tensor) -> Tensor:
    """The nearest weights [O, ...] that int8 holds with one scale for each output channel."""
    largest = weight.detach().flatten(1).abs().amax(dim=1)
    scale = (largest / WEIGHTS[1]).clamp_min(torch.finfo(torch.float32).tiny)
    zero = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, *WEIGHTS)


def round_values(values: Tensor) -> Tensor:
    """The nearest values that uint8 holds over the range of the whole tensor, 0 among them."""
    low, high = values.detach().aminmax()
    low, high = low.clamp_max(0), high.clamp_min(0)
    scale = ((high - low) / ACTIVATIONS[1]).clamp_min(torch.finfo(torch.float32).tiny)
    zero = (-low / scale).round().clamp(*ACTIVATIONS).to(torch.int32)
    return torch.fake_quantize_per_tensor_affine(values, scale, zero, *ACTIVATIONS)


def _round_inputs(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(round_values(one) for one in inputs)
