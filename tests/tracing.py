"""What is traced for coverage: lines of ours. Code of others is slowed down and tells nothing.

A plugin of coverage, which therefore has it in each process that it traces. The tracer is taken
away while others' modules are imported and while the functions of `THEIRS` run, and is given back
for modules of ours that those import. What calls ours back is not among them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import wraps
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

OURS = ("energy_sweep", "hydra_plugins")
# Where most of the time is theirs: by module, and in it by class or "" for functions.
THEIRS: dict[str, dict[str, tuple[str, ...]]] = {
    "hydra._internal.config_loader_impl": {
        "ConfigLoaderImpl": ("load_configuration", "load_sweep_config"),
    },
    "hydra._internal.hydra": {"Hydra": ("create_main_hydra2",)},
    "omegaconf.omegaconf": {
        "OmegaConf": ("create", "load", "merge", "resolve", "save", "to_container", "to_yaml"),
    },
    "omegaconf.dictconfig": {"DictConfig": ("__deepcopy__",)},
    "optuna.storages._rdb.storage": {
        "RDBStorage": (
            "create_new_study",
            "create_new_trial",
            "get_all_studies",
            "get_all_trials",
            "get_study_system_attrs",
            "get_study_user_attrs",
            "get_trial",
            "set_study_system_attr",
            "set_study_user_attr",
            "set_trial_param",
            "set_trial_state_values",
            "set_trial_system_attr",
            "set_trial_user_attr",
        ),
    },
    "_pytest.assertion.rewrite": {"": ("_rewrite_test",)},
}


P, R = ParamSpec("P"), TypeVar("R")


class _Aside(threading.local):
    """The tracer of this thread, while it is taken away."""

    tracer: Any = None


_aside = _Aside()

# A tracer of coverage that is given back sees frames under way again from the next call on, hence
# the calls of nothing. It counts calls and returns: it goes and comes in one and the same frame.


def without_tracer(function: Callable[P, R]) -> Callable[P, R]:
    """A function that runs untraced."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        tracer = sys.gettrace()
        if tracer is None:
            return function(*args, **kwargs)
        sys.settrace(None)
        _aside.tracer = tracer
        try:
            return function(*args, **kwargs)
        finally:
            _aside.tracer = None
            sys.settrace(tracer)
            _nothing()

    return run


def with_tracer(function: Callable[P, R]) -> Callable[P, R]:
    """A function that is traced though what calls it is not."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        tracer = _aside.tracer
        if tracer is None:
            return function(*args, **kwargs)
        _aside.tracer = None
        sys.settrace(tracer)
        _nothing()
        try:
            return function(*args, **kwargs)
        finally:
            sys.settrace(None)
            _aside.tracer = tracer

    return run


def _nothing() -> None:
    pass


class _Imports:
    """Finds modules as usual, and sees that ours alone run traced."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if sys.gettrace() is None and _aside.tracer is None and name not in THEIRS:
            return None
        root = name.partition(".")[0]
        if root in sys.stdlib_module_names:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or not isinstance(spec.loader, SourceFileLoader):
            return None
        ours = root in OURS
        if not ours and "site-packages" not in str(spec.origin):
            return None  # a test: pytest has a loader of its own
        plain = spec.loader.exec_module
        traced = with_tracer(plain) if ours else without_tracer(plain)

        def exec_module(module: ModuleType) -> None:
            traced(module)
            _spare(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _spare(module: ModuleType) -> None:
    """Have its functions that are among THEIRS run untraced. One that is gone costs only time."""
    for owner, names in THEIRS.get(module.__name__, {}).items():
        holder = getattr(module, owner, None) if owner else module
        for name in names:
            plain = vars(holder).get(name) if holder else None
            if isinstance(plain, (staticmethod, classmethod)):
                setattr(holder, name, type(plain)(without_tracer(plain.__func__)))
            elif plain is not None:
                setattr(holder, name, without_tracer(plain))


def coverage_init(*_: object) -> None:
    """Asked by each coverage of a process: the first does it."""
    if any(isinstance(finder, _Imports) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _Imports())  # type: ignore[arg-type]
    for name in THEIRS.keys() & sys.modules.keys():
        _spare(sys.modules[name])


@contextmanager
def untraced() -> Generator[None]:
    """Takes the tracers of this process away for a while."""
    tracers = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.settrace(tracers[0])
        threading.settrace(tracers[1])  # type: ignore[arg-type]
