"""Files of a training state: whole, or refused."""

from __future__ import annotations

import errno

import pytest
import torch
from torch import nn

from energy_sweep.model.small_cnn import SmallCNN
from energy_sweep.model.state import DamagedFile, Trainee, load, restore, save
from energy_sweep.optimizer import SGD


def some_trainee(width: int = 2, *, seed: int = 0) -> Trainee:
    torch.manual_seed(seed)
    module = (
        SmallCNN(width=width, depth=2).build((1, 4, 4), 3).to(memory_format=torch.channels_last)
    )
    trainee = Trainee(module, SGD().build(module, 0.1))
    module(torch.randn(4, 1, 4, 4)).square().sum().backward()
    trainee.optimizer.step()
    return trainee


def test_a_file_gives_back_tensors_and_metadata(tmp_path):
    trainee, path = some_trainee(), tmp_path / "new" / "state.safetensors"
    metadata = {"epoch": 3, "marks": [{"joules": 0.1}], "none": None}
    name = save(path, trainee, metadata)
    tensors, found = load(path)
    assert found == metadata and name == trainee.fingerprint()
    assert Trainee.optimizer_in(tensors)
    assert trainee.state_bytes() == sum(tensor.nbytes for tensor in tensors.values())
    other = some_trainee(seed=1)
    assert other.fingerprint() != name
    restore(other.module, other.optimizer, tensors)
    assert other.fingerprint() == name
    assert [file.name for file in path.parent.iterdir()] == ["state.safetensors"]


def test_weights_alone_may_be_those_of_another_width(tmp_path):
    small, path = some_trainee().module, tmp_path / "weights.safetensors"
    save(path, small, {})
    tensors, _ = load(path)
    assert not Trainee.optimizer_in(tensors)
    wide = some_trainee(5).module
    restore(wide, None, tensors)
    images = torch.randn(3, 1, 4, 4)
    assert torch.equal(wide.eval()(images), small.eval()(images))


def test_an_optimizer_without_tensors_is_still_a_state(tmp_path):
    module = nn.Linear(2, 2)
    trainee = Trainee(module, SGD(momentum=0.0, nesterov=False).build(module, 0.1))
    save(tmp_path / "x", trainee, {})
    assert Trainee.optimizer_in(load(tmp_path / "x")[0])


def test_the_name_depends_on_values_and_not_on_the_layout(tmp_path):
    module = nn.Conv2d(3, 4, 3)
    first = save(tmp_path / "a", module, {"x": 1})
    assert save(tmp_path / "b", module.to(memory_format=torch.channels_last), {"x": 2}) == first
    with torch.no_grad():
        module.weight[0, 0, 0, 0] += 1e-6
    assert save(tmp_path / "c", module, {"x": 1}) != first


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign"])
def test_a_damaged_file_is_refused(tmp_path, damage):
    path = tmp_path / "state.safetensors"
    save(path, some_trainee(), {"epoch": 1})
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    damaged = {
        "cut": content[: len(content) // 2],
        "flipped": content,
        "empty": b"",
        "foreign": b"not a file of weights at all",
    }
    path.write_bytes(damaged[damage])
    with pytest.raises(DamagedFile, match=r"state\.safetensors"):
        load(path)


def test_a_missing_file_is_not_a_damaged_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none")


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "state"
    name = save(path, some_trainee(), {})

    def refuse(*_):
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        save(path, some_trainee(seed=1), {})
    assert load(path) and some_trainee().fingerprint() == name
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_another_stage_or_epoch_is_refused(tmp_path):
    own, other = tmp_path / "aa" / "epoch-1", tmp_path / "bb" / "epoch-1"
    save(own, some_trainee(), {"marks": [{"joules": 1.5}]})
    save(other, some_trainee(seed=1), {"marks": []})
    other.replace(own)
    with pytest.raises(DamagedFile, match="was written as bb/epoch-1"):
        load(own)


def test_a_study_may_be_copied_and_renamed(tmp_path):
    save(tmp_path / "study" / "aa" / "epoch-1", some_trainee(), {})
    (tmp_path / "study").rename(tmp_path / "copy")
    assert load(tmp_path / "copy" / "aa" / "epoch-1")[1] == {}


def test_a_changed_digit_in_the_metadata_is_seen(tmp_path):
    path = tmp_path / "state"
    save(path, some_trainee(), {"marks": [{"joules": 1.5217}]})
    content = path.read_bytes()
    assert content.count(b"1.5217") == 1
    path.write_bytes(content.replace(b"1.5217", b"1.6217"))
    with pytest.raises(DamagedFile, match="does not match its seal"):
        load(path)
