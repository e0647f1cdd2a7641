"""Weights of torchvision's, from a file of random ones under the name that torchvision gives it."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from nets import build
from torch import Tensor
from torchvision.models import get_model_weights

from energy_sweep.model.count import count_dense
from energy_sweep.model.efficientnet import EfficientNet
from energy_sweep.model.googlenet import GoogLeNet
from energy_sweep.model.mobilenet import MobileNet
from energy_sweep.model.resnet import ResNet
from energy_sweep.record import BadInput

PutDown = Callable[[Any], dict[str, Tensor]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where torch looks for downloads, in a world without a network."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr("torch.hub.urlopen", refuse)
    return tmp_path / "hub" / "checkpoints"


def file_of(model: Any, folder: Path) -> Path:
    return folder / get_model_weights(model.name)["IMAGENET1K_V1"].url.rpartition("/")[2]


@pytest.fixture
def put_down(folder: Path) -> PutDown:
    """Writes random weights of torchvision's net of that name into its file."""

    def write(model: Any) -> dict[str, Tensor]:
        from torchvision import models

        extra: dict[str, Any] = {"init_weights": False} if model.name == "googlenet" else {}
        torch.manual_seed(7)
        state = getattr(models, model.name)(**extra).state_dict()
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(state, file_of(model, folder))
        return state

    return write


@pytest.mark.parametrize(
    "model",
    [
        ResNet(weights="imagenet"),
        MobileNet(name="mobilenet_v3_small", weights="imagenet"),
        EfficientNet(weights="imagenet"),
        GoogLeNet(weights="imagenet"),
    ],
    ids=lambda model: model.name,
)
def test_what_fits_is_taken_and_the_rest_drawn_anew(model: Any, put_down: PutDown) -> None:
    theirs, ours = put_down(model), build(model).state_dict()
    taken = {n for n, value in ours.items() if n in theirs and value.equal(theirs[n])}
    fresh = {n for n in ours if n not in taken and n.endswith(".weight")}
    classifier = next(n for n in reversed(ours) if n.endswith(".weight"))
    stem = {"conv1.weight"} if model.name == "resnet18" else set[str]()
    stem |= {"conv1.conv.weight"} if model.name == "googlenet" else set()
    assert fresh == {classifier} | stem
    again = build(model).state_dict()
    assert all(value.equal(again[n]) for n, value in ours.items())


def test_the_published_net_is_theirs_but_for_its_classifier(put_down: PutDown) -> None:
    model = ResNet(weights="imagenet", stem="imagenet", heads=2)
    theirs, ours = put_down(model), build(model).state_dict()
    fresh = {name for name in ours if name not in theirs or not ours[name].equal(theirs[name])}
    assert fresh == {f"fc.{head}.{part}" for head in (0, 1) for part in ("weight", "bias")}
    gray = build(model, (1, 32, 32)).state_dict()
    assert gray["conv1.weight"].shape == (64, 1, 7, 7)
    assert gray["layer1.0.conv1.weight"].equal(theirs["layer1.0.conv1.weight"])


def test_without_a_network_it_says_what_to_put_where(folder: Path) -> None:
    model = ResNet(weights="imagenet")
    with pytest.raises(BadInput) as refusal:
        build(model)
    said = str(refusal.value)
    assert "\n" not in said and "no network" in said
    assert file_of(model, folder).name in said and f"into {folder}," in said
    assert "type model.weights=none" in said


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_to_be_deleted(folder: Path, content: bytes) -> None:
    model = ResNet(weights="imagenet")
    folder.mkdir(parents=True)
    file_of(model, folder).write_bytes(content)
    with pytest.raises(BadInput, match=r"resnet18-.*\.pth cannot be read: delete it") as refusal:
        build(model)
    assert "\n" not in str(refusal.value)


def test_weights_of_another_net_are_refused(folder: Path) -> None:
    model = ResNet(weights="imagenet")
    folder.mkdir(parents=True)
    torch.save({"some.weight": torch.zeros(3)}, file_of(model, folder))
    with pytest.raises(BadInput, match="does not hold the weights of resnet18"):
        build(model)


def test_counting_needs_no_file(folder: Path) -> None:
    found = count_dense(ResNet(weights="imagenet"), (3, 32, 32), 10)
    assert found == count_dense(ResNet(), (3, 32, 32), 10)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("family", "dials", "line"),
    [
        (ResNet, {"width": 0.5}, r"was trained with model\.width=1, not 0\.5: leave model\.width"),
        (ResNet, {"depth": 2}, r"was trained with model\.depth=1, not 2"),
        (MobileNet, {"activation": "gelu"}, r"with model\.activation=default, not gelu"),
        (EfficientNet, {"phi": 1.0}, r"with model\.phi=0, not 1: leave model\.phi out"),
        (GoogLeNet, {"norm": "group"}, r"with model\.norm=batch, not group"),
    ],
)
def test_weights_of_another_size_are_refused(family: Any, dials: Any, line: str) -> None:
    with pytest.raises(BadInput, match=line) as refusal:
        family(weights="imagenet", **dials)
    assert "type model.weights=none" in str(refusal.value)
