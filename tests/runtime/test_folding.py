"""Folding norms into convolutions, and the network's own answer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from energy_sweep.runtime.folding import find_folds, fold_norms, fold_state, logits


class Shared(nn.Module):
    """Convolutions of which only `plain` may be folded."""

    def __init__(self) -> None:
        super().__init__()
        self.plain, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.read_twice, self.after = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.called_twice, self.common = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.own_batch, self.no_memory = (
            nn.Conv2d(4, 4, 1),
            nn.BatchNorm2d(4, track_running_stats=False),
        )

    def forward(self, images: Tensor) -> Tensor:
        first = self.norm(self.plain(images)).relu()
        second = self.read_twice(first)
        third = self.after(second) + second
        fourth = self.common(self.called_twice(self.called_twice(third)))
        return self.no_memory(self.own_batch(fourth)).mean((2, 3))


class Untraceable(Shared):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images if images.sum() > 0 else -images)


@pytest.fixture
def network() -> Shared:
    torch.manual_seed(0)
    module = Shared()
    for norm in (module.norm, module.after, module.common):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return module


def test_only_a_norm_that_alone_reads_its_convolution_is_folded(network: Shared) -> None:
    assert find_folds(network) == {"plain": "norm"}
    assert find_folds(Untraceable()) == {}


@pytest.mark.parametrize("folds", [{}, {"plain": "norm"}])
def test_a_folded_copy_computes_the_same(network: Shared, folds: dict[str, str]) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    copy, images = fold_norms(network, folds).eval(), torch.randn(3, 2, 5, 5)
    torch.testing.assert_close(copy(images), network.eval()(images), rtol=1e-3, atol=1e-4)
    state = fold_state(network, folds)
    assert state.keys() == copy.state_dict().keys()
    assert all(torch.equal(state[name], value) for name, value in copy.state_dict().items())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    "folds", [{"plain": "nope"}, {"norm": "plain"}, {"own_batch": "no_memory"}]
)
def test_folds_of_another_network_are_refused(network: Shared, folds: dict[str, str]) -> None:
    with pytest.raises(LookupError):
        fold_state(network, folds)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_answer_leaves_modes_and_types_alone(dtype: torch.dtype) -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten()).to(dtype)
    module.train()
    module[1].eval()
    images = torch.randint(0, 16, (4, 1, 3, 3), dtype=torch.uint8)
    answer = logits(module, images, mean=(5.0,), std=(2.0,))
    assert [part.training for part in module] == [True, False, True]
    assert next(module.parameters()).dtype == dtype
    expected = module.eval()((images.to(dtype) - 5) / 2).float()
    torch.testing.assert_close(answer, expected)
