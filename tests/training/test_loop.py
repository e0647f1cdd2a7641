"""Training repeats itself bit for bit, from memory or from a file, and says when it diverges."""

from __future__ import annotations

import copy
import functools

import numpy as np
import pytest
import torch
from torch import nn

from energy_sweep.compression.hooks import HookList, TrainingHook
from energy_sweep.dataset.base import Data, Preprocessing, assemble
from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.optimizer import SGD, Adam, AdamW
from energy_sweep.recipe import indexed_seed
from energy_sweep.record import BadInput, Infeasible
from energy_sweep.training.loop import (
    OnDeviceDataset,
    Trainee,
    load,
    network,
    restore,
    save,
    train_epoch,
)
from energy_sweep.trial.compression.recalibrate import recalibrate

NET = SmallCNN(width=4, depth=3)


@functools.cache
def some_data(shift: int = 1) -> Data:
    """Two classes, bright at the left or at the right: learnt in a few steps."""
    noise = np.random.default_rng(0)
    images = noise.integers(0, 120, (200, 1, 6, 6), dtype=np.uint8)
    labels = np.repeat([0, 1], 100)
    images[:100, ..., :3] += 100
    images[100:, ..., 3:] += 100
    cut = Preprocessing(resolution=None, shift=shift, validation=0.2, test=0.2)
    return assemble("sides", images, labels, classes=("left", "right"), cut=cut)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def fresh(part=None, *, precision="fp32", layout=torch.channels_last, net=NET) -> Trainee:
    module = network(net, some_data(), seed=0, precision=precision, memory_format=layout)
    part = part or SGD()
    return Trainee(module, part.build(module, part.lr))


def train(
    trainee: Trainee,
    epochs: range,
    *,
    lr=0.05,
    precision="fp32",
    layout=torch.channels_last,
    **more,
) -> list[float]:
    data = some_data()
    resident = OnDeviceDataset(data.train, data, "cpu", layout)
    return [
        train_epoch(
            trainee,
            resident,
            batch=32,
            lr_at=lambda _: lr,
            generator=torch.Generator().manual_seed(indexed_seed(0, "train", epoch)),
            precision=precision,
            **more,
        )
        for epoch in epochs
    ]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "float64"])
@pytest.mark.parametrize("part", [SGD(), Adam(), AdamW()], ids=lambda part: part.name)
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_a_branch_from_a_file_equals_the_uninterrupted_run(tmp_path, part, precision, layout):
    make = functools.partial(fresh, part, precision=precision, layout=layout)
    run = functools.partial(train, lr=part.lr, precision=precision, layout=layout)
    straight = make()
    run(straight, range(3))
    branch = make()
    run(branch, range(1))
    save(tmp_path / "state", branch, {})
    resumed = make()
    torch.manual_seed(99)  # the state of the global generator must not matter
    restore(resumed.module, resumed.optimizer, load(tmp_path / "state")[0])
    run(resumed, range(1, 3))
    assert resumed.fingerprint() == straight.fingerprint()
    assert branch.fingerprint() != straight.fingerprint()


@pytest.mark.parametrize("part", [SGD(), Adam()], ids=lambda part: part.name)
def test_what_the_optimizer_remembers_is_part_of_the_state(part):
    straight, forgetful = fresh(part), fresh(part)
    train(straight, range(1))
    forgetful.module.load_state_dict(straight.module.state_dict())
    train(straight, range(1, 2))
    train(forgetful, range(1, 2))
    assert forgetful.fingerprint() != straight.fingerprint()


def test_dropout_follows_the_epoch_and_not_the_global_generator():
    def trained(noise: int) -> str:
        torch.manual_seed(0)
        module = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(36, 2))
        trainee = Trainee(module, SGD().build(module, 0.05))
        torch.manual_seed(noise)
        train(trainee, range(2))
        return trainee.fingerprint()

    assert trained(1) == trained(2)


def test_training_and_a_fresh_net_leave_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train(fresh(), range(1))
    assert torch.equal(torch.rand(1), expected)


def test_training_learns():
    trainee, data = fresh(), some_data()
    losses = train(trainee, range(6))
    assert losses[-1] < 0.4 < losses[0]
    validation = OnDeviceDataset(data.validation, data, "cpu")
    batch = next(validation.epoch(40, torch.Generator()))
    predicted = trainee.module.eval()(batch.images).argmax(1)
    assert (predicted == batch.labels).float().mean() > 0.9


def test_the_seed_names_the_fresh_net():
    data = some_data()
    nets = [network(NET, data, seed=seed) for seed in (0, 0, 1)]
    first, again, other = (net.block1.conv.weight for net in nets)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_rate_is_asked_for_each_step_and_limit_stops_early():
    asked: list[int] = []
    data, trainee = some_data(), fresh()
    resident = OnDeviceDataset(data.train, data)
    before = copy.deepcopy(list(trainee.module.parameters()))

    def rate(step: int) -> float:
        asked.append(step)
        return 0.0

    for limit in (None, 2):
        train_epoch(
            trainee,
            resident,
            batch=32,
            lr_at=rate,
            generator=torch.Generator(),
            limit=limit,
        )
    assert asked == [0, 1, 2, 0, 1]
    after = trainee.module.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


class Spy(TrainingHook):
    def __init__(self):
        self.seen, self.begun, self.updates = [], [], 0

    def begin(self, module):
        self.begun.append(module)

    def loss(self, outputs, targets, index):
        labels = torch.as_tensor(some_data().train.labels)
        assert torch.equal(targets, labels[index])
        self.seen += index.tolist()
        return None if len(self.seen) > 32 else outputs.square().mean()

    def after_step(self, module):
        self.updates += 1


def test_what_acts_sees_the_batches_and_each_update():
    spy, plain, watched = Spy(), fresh(), fresh()
    train(plain, range(1))
    train(watched, range(1), acting=spy)
    assert len(set(spy.seen)) == 96
    assert (spy.begun, spy.updates) == ([watched.module], 3)
    assert plain.fingerprint() != watched.fingerprint()


def test_several_act_together_and_the_last_with_an_answer_gives_it():
    class Constant(TrainingHook):
        def __init__(self, value):
            self.value = value

        def forward(self, module, images):
            return self.value

        def loss(self, outputs, targets, index):
            return self.value

    nothing, spy = torch.zeros(1), Spy()
    both = HookList([spy, Constant(1), Constant(None)])
    assert both.forward(None, nothing) == both.loss(nothing, nothing, nothing) == 1
    both.begin(None)
    both.after_step(None)
    assert (spy.begun, spy.updates) == ([None], 1)
    assert HookList([TrainingHook()]).forward(None, nothing) is None


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_diverging_run_is_infeasible(precision):
    with pytest.raises(Infeasible, match="diverged"):
        train(fresh(), range(20), lr=1e5, precision=precision)


def test_weights_that_overflow_in_the_last_step_are_noticed():
    trainee, data = fresh(), some_data()
    rates = iter([0.1, 0.1, 3e38])
    with pytest.raises(Infeasible):
        train_epoch(
            trainee,
            OnDeviceDataset(data.train, data),
            batch=32,
            lr_at=lambda _: next(rates),
            generator=torch.Generator(),
        )


def test_fp16_needs_cuda():
    with pytest.raises(BadInput, match="precision=bf16"):
        train(fresh(), range(1), precision="fp16")


def test_recalibration_sets_norm_statistics_and_nothing_else():
    trainee, data = fresh(), some_data(0)
    train(trainee, range(2))
    module = trainee.module
    resident = OnDeviceDataset(data.train, data)
    expected = copy.deepcopy(module)
    module.block2.norm.eval()
    for norm in (module.block1.norm, module.block2.norm):
        norm.running_mean.fill_(100)
    recalibrate(module, resident, torch.Generator().manual_seed(0), images=10_000)
    images = next(resident.epoch(120, torch.Generator())).images
    first = module.block1.conv(images)
    assert torch.allclose(module.block1.norm.running_mean, first.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(module.block1.norm.running_var, first.var((0, 2, 3)), rtol=1e-4)
    norms = (module.block1.norm, module.block2.norm, module.block3.norm)
    assert all(norm.momentum == 0.1 for norm in norms)
    assert module.training and not module.block2.norm.training
    pairs = zip(module.parameters(), expected.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_recalibration_without_norms_does_not_run_the_net():
    class Untouchable(nn.Module):
        def forward(self, images):
            raise RuntimeError("ran")

    data = some_data()
    recalibrate(Untouchable(), OnDeviceDataset(data.train, data), torch.Generator())


@pytest.mark.parametrize("accumulate", [2, 4])
def test_gathered_gradients_are_those_of_one_large_batch(accumulate):
    net = SmallCNN(width=4, depth=2, norm="group")
    data = some_data(shift=0)
    resident = OnDeviceDataset(data.train, data, "cpu", torch.channels_last)
    found = []
    for parts in (1, accumulate):
        trainee = fresh(SGD(), precision="float64", net=net)
        train_epoch(
            trainee,
            resident,
            batch=96 // parts,
            accumulate=parts,
            lr_at=lambda _: 0.05,
            generator=torch.Generator().manual_seed(7),
            precision="float64",
            limit=1,
        )
        found.append(dict(trainee.module.named_parameters()))
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-9, atol=1e-12)


def test_an_epoch_must_have_as_many_batches_as_an_update_takes():
    with pytest.raises(BadInput, match="accumulate=9: an epoch has 3 batches of 32; type acc"):
        train(fresh(), range(1), accumulate=9)


def test_smoothed_labels_keep_the_loss_up():
    losses = [train(fresh(), range(4), label_smoothing=share)[-1] for share in (0.0, 0.3)]
    assert losses[0] < 0.3 < losses[1]


def test_what_a_cpu_cannot_train_in_is_refused():
    for precision in ("fp16", "tf32"):
        with pytest.raises(BadInput, match=f"precision={precision} trains on CUDA only: type"):
            train(fresh(), range(1), precision=precision)


def test_peers_differ_in_dropout_and_agree_on_the_loss() -> None:
    class Two:
        def __init__(self, rank: int) -> None:
            self.rank = rank

        def average(self, value: torch.Tensor) -> torch.Tensor:
            return value * 0 + 7

    def trained(peers: Two | None) -> tuple[float, torch.Tensor]:
        torch.manual_seed(0)
        module = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(36, 2))
        loss = train_epoch(
            Trainee(module, SGD().build(module, 0.1)),
            OnDeviceDataset(some_data().train, some_data()),
            batch=40,
            lr_at=lambda _: 0.1,
            generator=torch.Generator().manual_seed(1),
            peers=peers,
        )
        return loss, next(module.parameters()).detach()

    (alone, weights), (first, same), (second, other) = map(trained, (None, Two(0), Two(1)))
    assert torch.equal(weights, same) and not torch.equal(weights, other)
    assert first == second == pytest.approx(7 / 3) and first != alone
