"""The command line: a verb, one trial, or with -m a sweep."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from energy_sweep.app.config.conf_folder import conf_folder
from energy_sweep.app.experiment.typed import check_no_preset
from energy_sweep.app.sweep.ending import keep_process, keep_signals
from energy_sweep.app.sweep.patience import Patience
from energy_sweep.app.system_errors import by_the_system, describe, is_out_of_memory
from energy_sweep.record import BadInput, EnergySweepError
from energy_sweep.record.notice import Ended
from energy_sweep.text.terminal import escape

if TYPE_CHECKING:
    from energy_sweep.app.sweep.task import RunTrial

WAIT = "--wait"  # for the end of another sweep of the same study
BY_SIGNAL = 128  # and the number of the signal
INTERRUPTED = 130  # what a shell expects of a program that was stopped with Ctrl-C
PIPE_CLOSED = 141  # and of one whose output nobody reads any more


def main(argv: Sequence[str] | None = None, *, run: RunTrial | None = None) -> int:
    """Do what is asked; the exit code is 0 done, 1 failed, 2 refused, 3 nothing fits.

    `run` stands in for `trial.run_trial`, so that a formula can be swept.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    _open_what_is_closed()
    _write_anything()
    wants_traceback = os.environ.get("HYDRA_FULL_ERROR") == "1"
    try:
        _check_letters(arguments)
        code = _run(arguments, run)
        sys.stdout.flush()  # so that a full disk is told here, and not by Python as it ends
        return code
    except EnergySweepError as error:
        if wants_traceback:
            raise
        print(escape(" ".join(str(error).split())), file=sys.stderr)
        return error.exit_code
    except Ended as ended:
        name = signal.Signals(ended.number).name
        print(f"ended by {name}: the same command goes on from here", file=sys.stderr)
        return BY_SIGNAL + ended.number
    except KeyboardInterrupt:
        print("stopped: the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # who reads has enough, as in `front | head`
        _give_up_output()
        return PIPE_CLOSED
    except Exception as error:
        refused = by_the_system(error)
        if wants_traceback or refused is None:
            raise
        _give_up_output()
        print(describe(refused), file=sys.stderr)
        return 1


def _open_what_is_closed() -> None:
    """Open what the shell closed, as `>&-` does, or what is printed goes into the next file."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest number, that of the stream
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8"))


def _write_anything() -> None:
    """Let a terminal without some letter show its number instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _check_letters(arguments: Sequence[str]) -> None:
    """BadInput for bytes that are no UTF-8, since all that is typed is written down in it."""
    for text in arguments:
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise BadInput(f"{text!a} is no UTF-8: type it in UTF-8, or rename that file")


def _check_here() -> None:
    """BadInput where the folder that we are in was removed: names of others begin there."""
    try:
        os.getcwd()
    except OSError as error:
        raise BadInput(f"the current folder: {error.strerror}: type cd FOLDER first") from error


def _run(arguments: Sequence[str], run: RunTrial | None) -> int:
    if arguments and arguments[0].replace("-", "_").isidentifier() and arguments[0][0] != "-":
        return _verb(arguments)
    if {"--help", "-h"} & set(arguments):
        return _help(arguments)
    if "--version" in arguments:
        print(f"energy-sweep {importlib.metadata.version('energy-sweep')}")
        return 0
    _check_here()
    with Patience() as patience:
        return _hydra(arguments, run, patience)


def _give_up_output() -> None:
    """Drop what Python would try to write once more as it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _help(arguments: Sequence[str]) -> int:
    from energy_sweep.app.help import help_text

    print(help_text(conf_folder(), arguments), end="")
    return 0


def _verb(arguments: Sequence[str]) -> int:
    from energy_sweep.app.verbs import options

    if arguments[0] not in options.VERBS:
        from energy_sweep.app.config.messages import unknown_word

        raise BadInput(unknown_word(arguments[0], options.VERBS))
    return options.run(arguments)


def _hydra(arguments: Sequence[str], run: RunTrial | None, patience: Patience) -> int:
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from energy_sweep.app.config import messages, schema
    from energy_sweep.app.config.command_line import parse_command_line
    from energy_sweep.app.sweep.folders import Refused
    from energy_sweep.app.sweep.task import Task

    schema.register()
    task = Task(run, patience)
    task.waits, arguments = _waits(arguments)
    check_no_preset(arguments)
    try:
        words = parse_command_line(arguments, conf_folder())
        with keep_process(), keep_signals(task.notice), _command_line(words):
            _hydra_main()(task)()
    except SystemExit as ended:  # code of the user's, beside a trial: no success, whatever it says
        if not task.begun:
            raise
        raise EnergySweepError(f"a part of yours ended the program by exit({ended.code})") from None
    except (HydraException, OmegaConfBaseException) as error:
        line = messages.explain(error, schema.dials())
        raise BadInput(line or str(error)) from error
    except Refused as refusal:
        raise refusal.error from None
    except EnergySweepError:
        raise
    except Exception as error:
        if task.begun or is_out_of_memory(error):
            raise
        raise BadInput(messages.before_start(error)) from error
    finally:
        task.close()
    if task.refused is not None:
        raise task.refused
    return task.exit_code


def _waits(arguments: Sequence[str]) -> tuple[bool, list[str]]:
    """Whether --wait is typed, and what else is."""
    others = [text for text in arguments if text != WAIT]
    waits = len(others) < len(arguments)
    if waits and not {"-m", "--multirun"} & set(others):
        raise BadInput(f"{WAIT} is for sweeps, and this is one trial: leave it out, or type -m")
    return waits, others


def _hydra_main() -> Any:
    """Hydra's decorator, asked for what Hydra 1.3 does, by the words that each version has for it.

    From 1.4 on there is no `version_base`, and what the user's own Hydra settings name (callbacks,
    logging) has to be permitted; the parts of a trial are checked in `app.config.parts`.
    """
    import hydra

    asked: dict[str, Any] = {"version_base": "1.3"}
    if "execution_whitelist" in inspect.signature(hydra.main).parameters:
        anything = importlib.import_module("hydra.utils").UNSAFE_DISABLE_EXECUTION_CHECKS
        asked = {"execution_whitelist": anything}
    return hydra.main(config_path=str(conf_folder()), config_name="config", **asked)


@contextmanager
def _command_line(arguments: Sequence[str]) -> Iterator[None]:
    """Let Hydra read `arguments`, and raise its errors instead of printing them."""
    before, full_error = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = [before[0], *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        sys.argv = before
        if full_error is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = full_error
