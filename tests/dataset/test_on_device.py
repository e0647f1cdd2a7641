"""Batches on the device: every image once, moved by no more than asked, in the asked layout."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
import torch

from energy_sweep.dataset.base import Data, Preprocessing, Split, assemble
from energy_sweep.dataset.on_device import OnDeviceDataset
from energy_sweep.record import BadInput

LAYOUTS = (torch.contiguous_format, torch.channels_last)


def some_data(*, channels: int = 3, width: int = 6, shift: int = 0) -> Data:
    images = np.random.default_rng(0).integers(0, 256, (50, channels, 6, width), dtype=np.uint8)
    cut = Preprocessing(resolution=None, shift=shift, validation=0.2, test=0.2)
    return assemble("x", images, np.repeat([0, 1], 25), classes=("a", "b"), cut=cut)


def mirrored(data: Data) -> Data:
    return dataclasses.replace(data, flip=True)


def epoch(resident: OnDeviceDataset, *, batch: int = 7, seed: int = 3):
    return list(resident.epoch(batch, torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_epoch_shows_whole_batches_of_distinct_normalised_images(layout):
    data = some_data()
    batches = epoch(OnDeviceDataset(data.train, data, "cpu", layout))
    index = torch.cat([batch.positions for batch in batches])
    assert len(batches) == 30 // 7 and len(index.unique()) == 28
    mean, std = (np.array(m)[:, None, None] for m in (data.mean, data.std))
    expected = (data.train.images[index.numpy()] - mean) / std
    assert np.allclose(torch.cat([batch.images for batch in batches]).numpy(), expected, atol=1e-5)
    labels = torch.cat([batch.labels for batch in batches]).numpy()
    assert np.array_equal(labels, data.train.labels[index.numpy()])


@pytest.mark.parametrize("float_bytes", [0, 2**20])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("shift", [0, 2])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_neither_the_layout_nor_bytes_leak_or_change_values(
    layout, channels, shift, flip, float_bytes
):
    data = dataclasses.replace(some_data(channels=channels, shift=shift), flip=flip)
    plain = epoch(OnDeviceDataset(data.train, data, "cpu", torch.contiguous_format))
    tried = OnDeviceDataset(data.train, data, "cpu", layout, float_bytes=float_bytes)
    # Strides and not `is_contiguous`, which holds in every format where there is one channel; and
    # PyTorch runs a whole net in the format that the strides of its images look like.
    pixel = (36, 6, 1) if layout is torch.contiguous_format else (1, 6 * channels, channels)
    for batch, same in zip(epoch(tried), plain, strict=True):
        assert batch.images.stride() == (36 * channels, *pixel)
        assert torch.equal(batch.images, same.images)


@pytest.mark.parametrize("shift", [0, 2])
def test_bytes_may_be_mapped_from_a_file_that_is_read_only(tmp_path, shift):
    data = some_data(shift=shift)
    np.save(tmp_path / "images.npy", data.train.images)
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapped = OnDeviceDataset(Split(images, data.train.labels), data, float_bytes=0)
        batches = epoch(mapped)
    assert np.shares_memory(mapped._images, images), "the whole file was read"
    for batch, same in zip(batches, epoch(OnDeviceDataset(data.train, data)), strict=True):
        assert torch.equal(batch.images, same.images)


def test_a_flip_mirrors_half_of_the_images_and_nothing_else():
    data = some_data(channels=1)
    plain = epoch(OnDeviceDataset(data.train, data), batch=10)
    flipped = epoch(OnDeviceDataset(data.train, mirrored(data)), batch=10)
    mirrors = 0
    for batch, other in zip(plain, flipped, strict=True):
        assert torch.equal(batch.positions, other.positions)
        for image, changed in zip(batch.images, other.images, strict=True):
            if not torch.equal(image, changed):
                assert torch.equal(image.flip(2), changed)
                mirrors += 1
    assert mirrors == 15


def test_the_flip_is_drawn_after_all_else():
    data = some_data(shift=2)
    plain, flipped = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    list(OnDeviceDataset(data.train, data).epoch(7, plain))
    torch.randperm(28, generator=plain)
    list(OnDeviceDataset(data.train, mirrored(data)).epoch(7, flipped))
    assert torch.equal(plain.get_state(), flipped.get_state())


def test_an_epoch_draws_its_order_and_then_its_moves():
    data = some_data(shift=2)
    mine, theirs = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    order = torch.cat(
        [batch.positions for batch in OnDeviceDataset(data.train, data).epoch(7, mine)]
    )
    assert torch.equal(order, torch.randperm(30, generator=theirs)[:28])
    torch.randint(5, (2, 28), generator=theirs)
    assert torch.equal(mine.get_state(), theirs.get_state())


@pytest.mark.parametrize("flip", [False, True])
def test_ranks_share_out_each_batch_and_see_what_one_process_sees(flip):
    data = some_data(shift=2)
    whole = OnDeviceDataset(data.train, mirrored(data) if flip else data)
    shares = [epoch(whole.shard(rank, 3), batch=6) for rank in range(3)]
    for batch, *parts in zip(epoch(whole, batch=6), *shares, strict=True):
        for kind in range(3):
            assert torch.equal(torch.cat([part[kind] for part in parts]), batch[kind])
    assert whole.part == (0, 1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_images_move_by_up_to_shift_over_a_background_of_zero_pixels(layout):
    data = some_data(channels=1, width=5, shift=2)
    seen = set()
    padded = np.pad(data.train.images, ((0, 0), (0, 0), (2, 2), (2, 2)))
    for batch in epoch(OnDeviceDataset(data.train, data, "cpu", layout), batch=30):
        pixels = (batch.images * data.std[0] + data.mean[0]).round().numpy()
        for image, index in zip(pixels, batch.positions.tolist(), strict=True):
            moves = [
                (y, x)
                for y in range(5)
                for x in range(5)
                if np.array_equal(padded[index, :, y : y + 6, x : x + 5], image)
            ]
            assert moves
            seen.update(moves)
    assert len(seen) > 10


def test_the_order_follows_the_generator_alone():
    data = some_data(shift=1)
    resident = OnDeviceDataset(data.train, data)
    first, again, other = epoch(resident), epoch(resident), epoch(resident, seed=4)
    assert all(torch.equal(a.images, b.images) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].positions, other[0].positions)


def test_a_batch_larger_than_the_split_is_refused():
    data = some_data()
    with pytest.raises(BadInput, match="batch=31: there are 30 images"):
        OnDeviceDataset(data.train, data).steps(31)
