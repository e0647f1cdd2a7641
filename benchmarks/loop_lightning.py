"""A Lightning Trainer on the usual batches, timed within its epoch: its start is left out."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from typing import Any

import lightning  # pyright: ignore[reportMissingImports]
import torch
from torch.nn import functional

from energy_sweep.optimizer import SGD


class _Module(lightning.LightningModule):
    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net
        self.begun = self.seconds = 0.0

    def training_step(self, batch: Any, _: int) -> torch.Tensor:
        images, labels = batch
        outputs = self.net(images)
        loss = functional.cross_entropy(outputs, labels)
        self.log("loss", loss)
        self.log("accuracy", (outputs.argmax(1) == labels).float().mean())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        part = SGD()
        return torch.optim.SGD(
            self.parameters(), lr=0.01, momentum=part.momentum, nesterov=part.nesterov
        )

    def on_train_epoch_start(self) -> None:
        self.begun = time.process_time()

    def on_train_epoch_end(self) -> None:
        self.seconds = time.process_time() - self.begun


def lightning_side(loader: Any, net: torch.nn.Module) -> Callable[[], float]:
    """Times one epoch of a Trainer without logger, bar, checkpoints and summary."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    module = _Module(net)

    def run() -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer = lightning.Trainer(
                max_epochs=1,
                accelerator="cpu",
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.fit(module, loader)
        return module.seconds

    return run
