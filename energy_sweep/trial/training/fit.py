"""Training as stages: warm-up, the shared trunk, and the cooldown that branches off it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from energy_sweep.compression.hooks import TrainingHook
from energy_sweep.record import Infeasible, JsonDict, StageRecord
from energy_sweep.training.loop import Trainee, restore
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.training.segment import Segment, is_finished, run_segment, trained_state


def fit(context: TrialContext, *, following: str | None = None) -> None:
    """Train the net of the recipe, as far as the store does not hold what it leads to.

    That is the stage with the key `following`: by default the first that takes the weights over.
    A stage whose record was lost is done again in any case, as far as its weights are gone too.
    """
    _charge_pretraining(context)
    _prepare(context)
    segments = training(context)
    is_used_up = context.store.get(following or context.following) is not None
    has_end = is_finished(segments[-1], context.store)
    for segment in segments:
        is_known = context.store.get(segment.use.key) is not None
        if is_known and (is_used_up or (has_end and segment is not segments[-1])):
            context.usage.done(segment.use)
        else:
            count_segment(context, segment)


def training(context: TrialContext) -> list[Segment]:
    """The trunk and the cooldown, or the one of them that the schedule has; the last ends it."""
    makers = {"trunk": trunk, "cooldown": cooldown}
    return [make(context) for stage, make in makers.items() if stage in context.stages]


def count_segment(context: TrialContext, segment: Segment) -> None:
    """Run a segment and count its epochs, also those up to where its loss diverged.

    An epoch that memory ran out in is not counted: its joules are lost work.
    """
    try:
        run_segment(segment, store=context.store, meter=context.meter)
    except Infeasible:
        record = context.store.get(segment.use.key)
        context.usage.done(segment.use, units=min(record.units, segment.use.units) if record else 0)
        raise
    context.usage.done(segment.use)


def _charge_pretraining(context: TrialContext) -> None:
    """Refuse weights that do not fit before anything is spent, and take their joules over."""
    source, use = context.recipe.pretrained, context.stages.get("pretrain")
    if source is None:
        return
    source.put_into(context.trainer.network())
    if use is not None:
        meter_id = context.store.meter_id
        context.store.once(use, lambda _: source.record(use, meter_id=meter_id))
        context.usage.done(use)


def _prepare(context: TrialContext) -> None:
    """Build and warm up the net: metered the first time, unmetered in a later process."""
    use, last = context.stages["prepare"], training(context)[-1].use
    trainer, images = context.trainer, 2 * context.recipe.batch * context.recipe.accumulate

    def warm() -> None:
        acting = acting_in_training(context, 0.0)
        trainer.warm_up(trainer.dense_trainee(), last.cost_key, acting)

    def prepare(_: Path) -> StageRecord:
        trainer.wake()
        acting_in_training(context, 0.0)  # asks a teacher for its answers before a window is open
        return context.usage.metered(use, warm, images=images)

    context.store.once(use, prepare)
    if context.store.get(last.key) is None and not trainer.is_warm(last.cost_key):
        warm()
    context.usage.done(use)


def acting_in_training(context: TrialContext, progress: float) -> TrainingHook | None:
    """What acts in an epoch of training; `progress` is the share of the horizon before it."""
    if context.recipe.in_training is None:
        return None
    technique, level = context.recipe.in_training
    teacher = context.answers() if context.answers is not None else None
    return technique.acting(level, progress=progress, teacher=teacher)


def _by_horizon(context: TrialContext, start: int = 0) -> Callable[[int], TrainingHook | None]:
    horizon = context.recipe.epochs
    return lambda epoch: acting_in_training(context, (start + epoch) / horizon)


def _begun(context: TrialContext) -> Trainee:
    """The net before its first epoch. What acts in epochs has what it needs before a window is
    open: for a teacher's answers another process might be waited for, which waits for the window.
    """
    acting_in_training(context, 0.0)
    return context.trainer.dense_trainee()


def dense_state(context: TrialContext) -> dict[str, Tensor]:
    """The state after the last training epoch; weights that are gone are trained again."""
    return trained_state(training(context)[-1], store=context.store, meter=context.meter)


def trunk(context: TrialContext) -> Segment:
    """Training at the constant rate, from the fresh net, shared by all horizons."""
    recipe, use = context.recipe, context.stages["trunk"]
    schedule, steps, epochs = recipe.optimizer.schedule, context.trainer.steps, int(use.units)

    def lr(epoch: int, step: int) -> float:
        return schedule.trunk_lr(recipe.lr, epoch * steps + step)

    settings: JsonDict = recipe.config() | {"seed": recipe.seed}
    return Segment(
        use=use,
        epochs=epochs,
        begin=lambda: _begun(context),
        train_epoch=context.trainer.epochs("train", lr, acting=_by_horizon(context)),
        work=context.epoch_work("trunk"),
        keep=frozenset(epoch for epoch in context.keep if 0 < epoch <= epochs),
        settings={name: settings[name] for name in ("batch", "lr", "optimizer", "seed")},
    )


def cooldown(context: TrialContext) -> Segment:
    """The rate brought down to 0, from the trunk's state where this horizon branches off."""
    recipe, use = context.recipe, context.stages["cooldown"]
    schedule, steps, epochs = recipe.optimizer.schedule, context.trainer.steps, int(use.units)
    start = int(context.stages["trunk"].units) if "trunk" in context.stages else 0

    def begin() -> Trainee:
        trainee = _begun(context)
        if start:
            state = trained_state(trunk(context), store=context.store, meter=context.meter)
            restore(trainee.module, trainee.optimizer, state)
        return trainee

    def lr(epoch: int, step: int) -> float:
        return schedule.cooldown_lr(
            recipe.lr, epoch * steps + step, start=start * steps, total=epochs * steps
        )

    return Segment(
        use=use,
        epochs=epochs,
        begin=begin,
        train_epoch=context.trainer.epochs(
            "train", lr, acting=_by_horizon(context, start), first=start
        ),
        work=context.epoch_work("cooldown"),
        settings={"epochs": recipe.epochs},
    )
