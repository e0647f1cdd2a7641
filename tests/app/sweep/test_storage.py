"""A sweep whose database is on a server: what is typed, what goes on there, no password left."""

from __future__ import annotations

import traceback
from pathlib import Path

import optuna
import pytest
from postgres_server import PostgresServer

from benchmarks.formula import run_formula
from energy_sweep.app.main import main
from energy_sweep.record import BadInput
from energy_sweep.study import at_hand, load_study
from energy_sweep.study.address import parse_address
from energy_sweep.study.elsewhere import open_elsewhere

STUDY = Path("outputs/digits-small_cnn")
SMALL = ["-m", "meter=replay", "search/space=none", "device.plan=channels_last", "epochs=5"]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sweep(*arguments: str) -> int:
    return main([*SMALL, *arguments], run=run_formula)


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_password_in_the_environment_is_in_no_file_and_no_line(
    storage: str,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    secret, typed = postgres_server.password, "storage=${oc.env:STUDIES}"
    monkeypatch.delenv("PGPASSWORD")
    whole = storage.replace("@", f":{secret}@")
    monkeypatch.setenv("STUDIES", whole)
    assert sweep("batch=32,64", typed, "hydra.verbose=true") == 0
    assert main([*SMALL[1:], "batch=32", typed], run=run_formula) == 0  # a lone trial
    monkeypatch.setenv("STUDIES", whole.replace(secret, f"{secret}x"))
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(BadInput, match="password authentication failed") as refused:
        sweep("batch=128", typed)
    print("".join(traceback.format_exception(refused.value)))
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    assert sweep("batch=128", typed) == 2
    said = capfd.readouterr()
    assert "password authentication failed" in said.err
    assert secret not in said.out + said.err
    files = [path for path in Path().rglob("*") if path.is_file()]
    assert {"multirun.yaml", "overrides.yaml", "storage.json"} <= {path.name for path in files}
    assert [path for path in files if secret.encode() in path.read_bytes()] == []


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_sweep_goes_on_there_and_verbs_need_no_server(
    storage: str, postgres_server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep("batch=32,64", f"storage={storage}") == 0
    assert not (STUDY / "study.db").exists()
    assert sweep("batch=32,64", f"storage={storage}", "search.dry_run=true") == 0
    assert "0 new, 2 known before" in capsys.readouterr().err
    assert sweep("batch=32,64") == 2
    assert f"is elsewhere: type storage={storage} too" in capsys.readouterr().err
    assert sweep("batch=32,64,128", f"storage={storage}") == 0
    address = parse_address(storage)
    opened = open_elsewhere(STUDY, "digits-small_cnn", address)
    assert opened is not None
    rows = opened.rows()
    assert rows is not None and [one.state for one in rows.trials.values()] == ["COMPLETE"] * 3
    opened.close()
    postgres_server.stop()
    try:
        record = load_study(STUDY, {})
        assert len(record.results) == 3 and record.damage == ()
        assert main(["front"]) == 0
        assert main(["dashboard", "--write"]) == 2
        assert f"optuna-dashboard 'postgresql+psycopg{storage[10:]}'" in capsys.readouterr().err
        with at_hand(STUDY) as shown:
            [summary] = optuna.get_all_study_summaries(storage=f"sqlite:///{shown}/study.db")
        assert (summary.study_name, summary.n_trials) == ("digits-small_cnn", 3)
    finally:
        postgres_server.start()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["storage=postgresql://me:S3CRET@host/db"], "export PGPASSWORD"),
        (['storage="postgresql://me@host/db?password=S3CRET"'], "export PGPASSWORD"),
        (["storage=postgresql://me@host/db?password=S3CRET"], "export PGPASSWORD"),
        (["--config-dir=own", "experiment=leaky"], "storage: an address with a password"),
        (["storage=sqlite:///study.db"], "sqlite is none of ours: leave it out"),
        (["storage=a,b"], "storage is one per study"),
        (["storage=${oc.env:NOT_SET}"], "NOT_SET"),
        (["storage=postgresql://me@127.0.0.1:1/db"], "start it, or type the address"),
    ],
)
def test_an_address_that_no_study_has_is_refused_before_anything_is_written(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Path("own/experiment/leaky.yaml")
    own.parent.mkdir(parents=True)
    own.write_text("# @package _global_\nstorage: postgresql://me:S3CRET@host/db\n")
    assert sweep("batch=32", *words) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert said in line and "S3CRET" not in line
    assert main([*SMALL[1:], "batch=32", *words], run=run_formula) in (0, 2)  # a lone trial
    written = [path for path in Path("outputs").rglob("*") if path.is_file()]
    assert not any(b"S3CRET" in path.read_bytes() for path in written)
    assert not (STUDY / "study.jsonl").exists()
