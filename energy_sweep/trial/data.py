"""The data sets that the trials of a process share, each read and laid out once."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from energy_sweep.dataset.base import Data
from energy_sweep.training.loop import LAYOUTS, OnDeviceDataset


@functools.lru_cache(maxsize=2)
def load_data(source: Any) -> Data:
    """The data of a source, read once per process."""
    return source.load()


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What plans need to know of a data set: its fingerprint, and its images to train on.

    `sizes` are the channels, height and width of an image, and its classes.
    """

    fingerprint: str
    images: int
    sizes: tuple[int, ...]


@functools.cache
def data_facts(source: Any) -> DataFacts:
    """The facts of a source, remembered longer than its images."""
    data = load_data(source)
    return DataFacts(data.fingerprint, len(data.train.labels), sizes_of(data))


def sizes_of(data: Data) -> tuple[int, ...]:
    """Channels, height and width of an image, and the logits: what a net is built for."""
    return (*data.shape, data.outputs)


@functools.lru_cache(maxsize=2)
def resident_images(source: Any, device: str, layout: str) -> OnDeviceDataset:
    """The images that a source trains on, as they lie on the device."""
    data = load_data(source)
    return OnDeviceDataset(data.train, data, device, LAYOUTS[layout])
