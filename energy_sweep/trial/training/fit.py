"""Training as stages: warm-up, the shared trunk, and the cooldown that branches off it."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from energy_sweep.compression.hooks import TrainingHook
from energy_sweep.record import Infeasible, JsonDict
from energy_sweep.training.loop import Trainee, restore
from energy_sweep.trial.context import TrialContext
from energy_sweep.trial.training.segment import Segment, is_finished, run_segment, trained_state


def fit(bench: TrialContext, *, following: str | None = None) -> None:
    """Train the net of the recipe, as far as the store does not hold what it leads to.

    That is the stage with the key `following`: by default the first that takes the weights over.
    A stage whose record was lost is done again in any case, as far as its weights are gone too.
    """
    _charge_pretraining(bench)
    _prepare(bench)
    segments = training(bench)
    is_used_up = bench.store.get(following or bench.following) is not None
    has_end = is_finished(segments[-1], bench.store)
    for segment in segments:
        is_known = bench.store.get(segment.use.key) is not None
        if is_known and (is_used_up or (has_end and segment is not segments[-1])):
            bench.done(segment.use)
        else:
            count_segment(bench, segment)


def training(bench: TrialContext) -> list[Segment]:
    """The trunk and the cooldown, or the one of them that the schedule has; the last ends it."""
    makers = {"trunk": trunk, "cooldown": cooldown}
    return [make(bench) for stage, make in makers.items() if stage in bench.stages]


def count_segment(bench: TrialContext, segment: Segment) -> None:
    """Run a segment and count its epochs, also those up to where its loss diverged.

    An epoch that memory ran out in is not counted: its joules are lost work.
    """
    try:
        run_segment(segment, store=bench.store, meter=bench.meter)
    except Infeasible:
        record = bench.store.get(segment.use.key)
        bench.done(segment.use, units=min(record.units, segment.use.units) if record else 0)
        raise
    bench.done(segment.use)


def _charge_pretraining(bench: TrialContext) -> None:
    """Refuse weights that do not fit before anything is spent, and take their joules over."""
    source, use = bench.recipe.pretrained, bench.stages.get("pretrain")
    if source is None:
        return
    source.put_into(bench.network())
    if use is not None:
        meter_id = bench.store.meter_id
        bench.store.once(use, lambda _: source.record(use, meter_id=meter_id))
        bench.done(use)


def _prepare(bench: TrialContext) -> None:
    """Build and warm up the net: metered the first time, unmetered in a later process."""
    use, last = bench.stages["prepare"], training(bench)[-1].use

    def warm() -> None:
        bench.warm_up(bench.dense_trainee(), last.cost_key, acting_in_training(bench, 0.0))

    if bench.store.get(use.key) is None:
        _wake(bench)
        images = 2 * bench.recipe.batch * bench.recipe.accumulate
        bench.store.once(use, lambda _: bench.metered(use, warm, images=images))
    elif bench.store.get(last.key) is None:
        warm()
    bench.done(use)


def _wake(bench: TrialContext) -> None:
    """Import what training imports on first use, which belongs to no configuration."""
    module = bench.network()
    bench.trainee(module).optimizer.step()


def acting_in_training(bench: TrialContext, progress: float) -> TrainingHook | None:
    """What acts in an epoch of training; `progress` is the share of the horizon before it."""
    if bench.recipe.in_training is None:
        return None
    technique, level = bench.recipe.in_training
    teacher = bench.answers() if bench.answers is not None else None
    return technique.acting(level, progress=progress, teacher=teacher)


def _by_horizon(bench: TrialContext, start: int = 0) -> Callable[[int], TrainingHook | None]:
    horizon = bench.recipe.epochs
    return lambda epoch: acting_in_training(bench, (start + epoch) / horizon)


def dense_state(bench: TrialContext) -> dict[str, Tensor]:
    """The state after the last training epoch; weights that are gone are trained again."""
    return trained_state(training(bench)[-1], store=bench.store, meter=bench.meter)


def trunk(bench: TrialContext) -> Segment:
    """Training at the constant rate, from the fresh net, shared by all horizons."""
    recipe, use = bench.recipe, bench.stages["trunk"]
    schedule, steps, epochs = recipe.optimizer.schedule, bench.steps, int(use.units)

    def lr(epoch: int, step: int) -> float:
        return schedule.trunk_lr(recipe.lr, epoch * steps + step)

    settings: JsonDict = recipe.config() | {"seed": recipe.seed}
    return Segment(
        use=use,
        epochs=epochs,
        begin=bench.dense_trainee,
        train_epoch=bench.epochs("train", lr, acting=_by_horizon(bench)),
        work=bench.epoch_work("trunk"),
        keep=frozenset(epoch for epoch in bench.keep if 0 < epoch <= epochs),
        settings={name: settings[name] for name in ("batch", "lr", "optimizer", "seed")},
    )


def cooldown(bench: TrialContext) -> Segment:
    """The rate brought down to 0, from the trunk's state where this horizon branches off."""
    recipe, use = bench.recipe, bench.stages["cooldown"]
    schedule, steps, epochs = recipe.optimizer.schedule, bench.steps, int(use.units)
    start = int(bench.stages["trunk"].units) if "trunk" in bench.stages else 0

    def begin() -> Trainee:
        trainee = bench.dense_trainee()
        if start:
            state = trained_state(trunk(bench), store=bench.store, meter=bench.meter)
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
        train_epoch=bench.epochs("train", lr, acting=_by_horizon(bench, start), first=start),
        work=bench.epoch_work("cooldown"),
        settings={"epochs": recipe.epochs},
    )
