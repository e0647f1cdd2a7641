"""`measure -- COMMAND`: the program runs as if alone, and its joules say where they come from."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from meter.fake_powercap import Powercap, machine

from energy_sweep.app.main import main
from energy_sweep.app.verbs import options as verbs
from energy_sweep.record import BadInput

MEASURE = [sys.executable, "-m", "energy_sweep", "measure"]
BURN = "import time\nwhile time.process_time() < {}: pass\n"
# Says when it is ready, and what it ends with.
WAITS = (
    "import signal, sys, time\n"
    "def end(number, frame):\n"
    "    print('told', number, flush=True)\n"
    "    sys.exit(7)\n"
    "for name in ('SIGINT', 'SIGTERM'): signal.signal(getattr(signal, name), end)\n"
    "print('ready', flush=True)\n"
    "time.sleep(60)\n"
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def powercap(tmp_path: Path) -> Iterator[Powercap]:
    """Counters of a package (50 W) and its memory (5 W) that move with the time."""
    with machine(tmp_path / "powercap") as tree:
        yield tree


def measure(*words: object) -> int:
    return verbs.run(["measure", *(str(word) for word in words)])


def python(code: str) -> list[str]:
    return ["--", sys.executable, "-c", code]


def test_a_program_keeps_its_streams_and_its_exit_code(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert measure("--meter", "estimate", *python(code)) == 3
    shown = capfd.readouterr()
    assert shown.out == "out\n"
    first, *said = shown.err.splitlines()
    assert first == "err"
    assert "J estimated in" in "\n".join(said) and "ended with 3" in "\n".join(said)


def test_standard_input_reaches_the_program() -> None:
    words = [*MEASURE, *python("print(input()[::-1])")]
    done = subprocess.run(words, input="abc\n", capture_output=True, text=True, check=True)
    assert done.stdout == "cba\n"


def test_the_text_has_every_domain_and_the_scale(capfd: pytest.CaptureFixture[str]) -> None:
    assert measure("--meter", "estimate", *python("")) == 0
    lines = capfd.readouterr().err.splitlines()
    rows = {line.split()[0]: line for line in lines if line}
    assert rows["domain"].split() == ["domain", "joules", "watts", "quality", "source"]
    for name in ("cpu", "memory", "total"):
        assert "±" in rows[name] and "estimated" in rows[name] and "estimate" in rows[name].split()
    assert "one unknown factor between 0.933 and 4" in "\n".join(lines)


def test_json_follows_the_programs_output(capfd: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-c", "print('mine')\n" + BURN.format(0.1)]
    assert measure("--json", "--meter", "estimate", "--", *command) == 0
    shown = capfd.readouterr()
    first, rest = shown.out.split("\n", 1)
    document = json.loads(rest)
    assert first == "mine" and shown.err == ""
    assert document["command"] == command and document["exit_code"] == 0
    assert document["terms"]["cpu_seconds"] >= 0.1
    assert document["joules"] == pytest.approx(sum(d["joules"] for d in document["domains"]))
    assert document["joules"] >= 3.0 * 0.1
    assert document["uncertainty_joules"] > 0.28 * document["joules"]
    assert document["quality"] == "estimated" and document["net_joules"] is None
    assert document["watts"] == pytest.approx(document["joules"] / document["seconds"])
    assert document["meter"]["coefficients"]["cpu_watts_per_core"] == 3.0
    assert document["meter"]["scale_band"] == pytest.approx([2.8 / 3, 4.0])


def test_the_document_may_go_to_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "joules.json"
    assert measure("--meter", "estimate", "--to", path, *python("print('mine')")) == 0
    assert capfd.readouterr().out == "mine\n"
    assert json.loads(path.read_text())["quality"] == "estimated"


def test_counters_are_read_where_they_are(
    powercap: Powercap, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["--json", "--powercap", powercap.root, *python("import time; time.sleep(0.5)")]
    assert measure(*words) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["quality"] == "counter"
    assert [one["domain"] for one in document["domains"]] == ["cpu:0", "dram:0"]
    package, memory = (one["watts"] for one in document["domains"])
    assert package == pytest.approx(50.0, rel=0.2) and memory == pytest.approx(5.0, rel=0.2)


def test_joules_that_are_lost_are_missing_and_not_0(
    powercap: Powercap, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    begun, counter = tmp_path / "begun", powercap.zones["intel-rapl:0"].file

    def lose() -> None:
        while not begun.exists():
            time.sleep(0.01)
        powercap.vanish("intel-rapl:0")

    code = (
        "import pathlib, time\n"
        f"pathlib.Path({str(begun)!r}).touch()\n"
        f"while pathlib.Path({str(counter)!r}).exists(): time.sleep(0.01)\n"
    )
    threading.Thread(target=lose, daemon=True).start()
    assert measure("--json", "--meter", "rapl", "--powercap", powercap.root, *python(code)) == 1
    shown = capfd.readouterr()
    document = json.loads(shown.out)
    assert document["joules"] is None and document["exit_code"] == 0
    assert shown.err.strip().endswith(document["lost"]) and "unknown" in shown.err


def test_memory_of_a_program_that_is_gone_is_charged(capfd: pytest.CaptureFixture[str]) -> None:
    code = "block = bytes(200 * 2**20)\nblock = bytearray(block)\n" + BURN.format(0.6)
    measure("--json", "--meter", "estimate", *python(code))
    terms = json.loads(capfd.readouterr().out)["terms"]
    assert terms["gib_cpu_seconds"] > 0.02 * terms["cpu_seconds"]


def test_other_watts_price_the_estimate(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.json"
    watts = {"cpu_watts_per_core": 5.0, "memory_watts_per_gib": 1.0, "cpu_watts_band": [4.5, 5.5]}
    file.write_text(json.dumps(watts))
    measure("--json", "--cpu-watts", 6, *python(""))
    by_hand = json.loads(capfd.readouterr().out)
    measure("--json", "--meter", "estimate", "--calibration", file, *python(""))
    fitted = json.loads(capfd.readouterr().out)
    assert by_hand["meter"]["coefficients"]["cpu_watts_per_core"] == 6.0
    assert fitted["meter"]["coefficients"]["cpu_watts_per_core"] == 5.0
    assert fitted["meter"]["scale_band"] == pytest.approx([0.9, 1.1])
    assert fitted["domains"][0]["joules"] == pytest.approx(5.0 * fitted["terms"]["cpu_seconds"])


@pytest.mark.parametrize(
    ("command", "code", "say"),
    [
        (["--", "no-such-program"], 127, "no-such-program cannot be found"),
        (["no-such-program", "--json"], 127, "no-such-program cannot be found"),
        (["--", "{folder}"], 126, "cannot be run (Permission denied)"),
        (["--", "{folder}/words"], 126, "cannot be run"),
        (["--"], 2, "type a program after --"),
        ([], 2, "type a program after --"),
        (["--meter", "wattmeter", "--", "true"], 2, "invalid choice"),
        (["--meter", "rapl", "--powercap", "{folder}", "--", "true"], 2, "meter=estimate"),
        (["--to", "{folder}", "--", "true"], 2, "is a folder"),
    ],
)
def test_what_cannot_run_is_one_line(
    command: list[str], code: int, say: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "words").write_text("no program\n")
    (tmp_path / "words").chmod(0o755)
    words = [word.format(folder=tmp_path) for word in command]
    assert main(["measure", *words]) == code
    [line] = capfd.readouterr().err.splitlines()
    assert say in line


def test_options_after_the_program_are_the_programs(capfd: pytest.CaptureFixture[str]) -> None:
    show = "import sys; print(sys.argv[1:])"
    assert measure("--meter", "estimate", *python(show), "--json", "--", "--to", "x") == 0
    assert capfd.readouterr().out == "['--json', '--', '--to', 'x']\n"


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_a_signal_that_ends_the_program_is_128_and_its_number() -> None:
    assert measure("--meter", "estimate", *python("import os; os.kill(os.getpid(), 9)")) == 137


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_program_and_the_reading_is_printed(number: signal.Signals) -> None:
    with subprocess.Popen(
        [*MEASURE, "--meter", "estimate", *python(WAITS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # no terminal tells the program too
    ) as measuring:
        assert measuring.stdout is not None
        assert measuring.stdout.readline() == "ready\n"
        measuring.send_signal(number)
        out, err = measuring.communicate(timeout=30)
    assert out == f"told {number.value}\n"
    assert "J estimated in" in err and "Traceback" not in err
    assert measuring.returncode == 7


@pytest.mark.skipif(os.name == "nt", reason="a terminal is POSIX")
def test_ctrl_c_on_a_terminal_reaches_the_program_once() -> None:
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [*MEASURE, "--meter", "estimate", *python(WAITS)])
    shown = b""
    while b"ready" not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    try:
        while more := os.read(terminal, 4096):
            shown += more
    except OSError:  # the terminal is gone with its last program
        pass
    _, status = os.waitpid(child, 0)
    text = shown.decode()
    assert text.count("told 2") == 1 and "J estimated in" in text
    assert os.waitstatus_to_exitcode(status) == 7


def test_a_measured_program_may_be_this_one() -> None:
    inner = shlex.join([*MEASURE, "--meter", "estimate", "--json", *python("")])
    done = subprocess.run(
        [*MEASURE, "--meter", "estimate", "--", "sh", "-c", inner],
        env={**os.environ},  # without the COLUMNS that readline puts beside Python's environment
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["quality"] == "estimated"
    assert "waiting" not in done.stderr and "J estimated in" in done.stderr


def test_a_program_is_measured_by_one_line_of_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        measure("--help")
    assert done.value.code == 0
    assert "measure -- python train.py" in capsys.readouterr().out


def test_a_lone_option_is_refused() -> None:
    with pytest.raises(BadInput, match="--help"):
        measure("--frobnicate")
