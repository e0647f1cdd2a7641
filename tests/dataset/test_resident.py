"""Batches on the device: every image once, moved by no more than asked, in the asked layout."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from energy_sweep.dataset.base import Cut, Data, assemble
from energy_sweep.dataset.resident import Resident
from energy_sweep.record import BadInput

LAYOUTS = (torch.contiguous_format, torch.channels_last)


def some_data(*, channels: int = 3, shift: int = 0) -> Data:
    images = np.random.default_rng(0).integers(0, 256, (50, channels, 6, 6), dtype=np.uint8)
    cut = Cut(resolution=None, shift=shift, validation=0.2, test=0.2)
    return assemble("x", images, np.repeat([0, 1], 25), classes=("a", "b"), cut=cut)


def epoch(resident: Resident, *, batch: int = 7, seed: int = 3):
    return list(resident.epoch(batch, torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_epoch_shows_whole_batches_of_distinct_normalised_images(layout):
    data = some_data()
    batches = epoch(Resident(data.train, data, "cpu", layout))
    index = torch.cat([batch.positions for batch in batches])
    assert len(batches) == 30 // 7 and len(index.unique()) == 28
    mean, std = (np.array(m)[:, None, None] for m in (data.mean, data.std))
    expected = (data.train.images[index.numpy()] - mean) / std
    assert np.allclose(torch.cat([batch.images for batch in batches]).numpy(), expected, atol=1e-5)
    labels = torch.cat([batch.labels for batch in batches]).numpy()
    assert np.array_equal(labels, data.train.labels[index.numpy()])


@pytest.mark.parametrize("shift", [0, 2])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_does_not_leak_and_does_not_change_values(layout, shift):
    data = some_data(shift=shift)
    plain = epoch(Resident(data.train, data, "cpu", torch.contiguous_format))
    for batch, same in zip(epoch(Resident(data.train, data, "cpu", layout)), plain, strict=True):
        assert batch.images.is_contiguous(memory_format=layout)
        assert torch.equal(batch.images, same.images)


def test_ranks_share_out_each_batch_and_see_what_one_process_sees():
    data = some_data(shift=2)
    whole = Resident(data.train, data)
    shares = [epoch(whole.share(rank, 3), batch=6) for rank in range(3)]
    for batch, *parts in zip(epoch(whole, batch=6), *shares, strict=True):
        for kind in range(3):
            assert torch.equal(torch.cat([part[kind] for part in parts]), batch[kind])
    assert whole.part == (0, 1)


def test_images_move_by_up_to_shift_over_a_background_of_zero_pixels():
    data = some_data(channels=1, shift=2)
    seen = set()
    padded = np.pad(data.train.images, ((0, 0), (0, 0), (2, 2), (2, 2)))
    for batch in epoch(Resident(data.train, data), batch=30):
        pixels = (batch.images * data.std[0] + data.mean[0]).round().numpy()
        for image, index in zip(pixels, batch.positions.tolist(), strict=True):
            moves = [
                (y, x)
                for y in range(5)
                for x in range(5)
                if np.array_equal(padded[index, :, y : y + 6, x : x + 6], image)
            ]
            assert moves
            seen.update(moves)
    assert len(seen) > 10


def test_the_order_follows_the_generator_alone():
    data = some_data(shift=1)
    resident = Resident(data.train, data)
    first, again, other = epoch(resident), epoch(resident), epoch(resident, seed=4)
    assert all(torch.equal(a.images, b.images) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].positions, other[0].positions)


def test_a_batch_larger_than_the_split_is_refused():
    data = some_data()
    with pytest.raises(BadInput, match="batch=31: there are 30 images"):
        Resident(data.train, data).steps(31)
