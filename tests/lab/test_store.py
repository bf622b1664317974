"""The local store is made once and whole; one that is not is replaced, or refused in words that name the cure."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from threading import Thread

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from pitfalls.config.schema import Tracking
from pitfalls.errors import TrackingError
from pitfalls.tracking import client_for, database
from pitfalls.tracking.store import DESCRIPTIONS, ensure_experiments, opened, tracking_errors

AN_OLDER_REVISION = "acf3f17fdcc7"
"""Of MLflow 2: the column of a run's inputs."""


def tracking_in(folder: Path) -> Tracking:
    """Return the settings of a store in a folder."""
    return Tracking(enabled=True, uri=f"sqlite:///{folder}/mlflow.db", artifacts=f"{folder}/mlruns")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A store that is whole and holds no run."""
    folder = tmp_path_factory.mktemp("whole")
    client_for(tracking_in(folder))
    return folder / "mlflow.db"


@pytest.fixture
def folder(tmp_path, whole, monkeypatch) -> Path:
    """A folder with a copy of the whole store, opened by nobody, and little patience."""
    opened.cache_clear()
    monkeypatch.setattr(database, "QUIET_SECONDS", 0.2)
    monkeypatch.setattr(database, "LOCKED_SECONDS", 0.2)
    shutil.copy2(whole, tmp_path / "mlflow.db")
    return tmp_path


def change(folder: Path, *statements: str) -> None:
    """Change a store behind MLflow's back."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def refusal(folder: Path) -> str:
    """Return how a store is refused."""
    with pytest.raises(TrackingError) as refused:
        client_for(tracking_in(folder))
    return str(refused.value)


def is_usable(folder: Path) -> bool:
    """Tell whether a store takes a run in each experiment, and nothing is left beside it that belonged to its making."""
    client = client_for(tracking_in(folder))
    for name in DESCRIPTIONS:
        client.create_run(client.get_experiment_by_name(name).experiment_id)
    left = {path.name for path in folder.iterdir()} - {"mlflow.db", "mlflow.db.half-made", "mlruns"}
    return not left


ONE_OF_MANY = """
import sys
from pitfalls.config.schema import Tracking
from pitfalls.tracking import client_for
print("ready", flush=True)
sys.stdin.readline()
client_for(Tracking(enabled=True, uri=sys.argv[1])).create_run("1")
"""


def test_processes_that_begin_at_once_make_one_store(tmp_path):
    """MLflow alone fails in most of them, and leaves a database that fails for ever."""
    command = [sys.executable, "-c", ONE_OF_MANY, f"sqlite:///{tmp_path}/mlflow.db"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(6)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate(timeout=120)[1] for process in processes]
    assert [(process.returncode, text) for process, text in zip(processes, told, strict=True)] == [
        (0, "")
    ] * 6
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (6,)


HALF_MADE = {
    "a step of the migration did not end": "CREATE TABLE _alembic_tmp_params (x)",
    "a table is missing": "DROP TABLE latest_metrics",
    "its version is missing": "DELETE FROM alembic_version",
    "its version has no table": "DROP TABLE alembic_version",
    "it stopped at an older version": f"UPDATE alembic_version SET version_num = '{AN_OLDER_REVISION}'",
}


@pytest.mark.parametrize("statement", HALF_MADE.values(), ids=HALF_MADE)
def test_a_half_made_store_without_runs_is_replaced(folder, capsys, statement):
    """It is kept under another name, and one line says so."""
    change(folder, statement)
    assert is_usable(folder)
    assert (folder / "mlflow.db.half-made").exists()
    assert capsys.readouterr().err == (
        "mlflow.db was half-made and held no run: it is now mlflow.db.half-made, and a new one is made.\n"
    )


def test_an_empty_file_is_a_half_made_store(folder, capsys):
    """SQLite makes one before anything is written."""
    (folder / "mlflow.db").write_bytes(b"")
    assert is_usable(folder)
    assert "half-made" in capsys.readouterr().err


def test_a_whole_store_is_left_alone(folder, capsys):
    """The other side: nothing is said or set aside."""
    assert is_usable(folder)
    assert not (folder / "mlflow.db.half-made").exists()
    assert capsys.readouterr().err == ""


def test_a_store_that_another_program_is_making_is_awaited(folder, whole, capsys, monkeypatch):
    """MLflow's own pages may be making it: while it changes it is not set aside."""
    monkeypatch.setattr(database, "QUIET_SECONDS", 1.0)
    place = folder / "mlflow.db"
    place.write_bytes(b"")

    def make_slowly() -> None:
        for change in range(1, 5):
            time.sleep(0.4)
            os.utime(place, ns=(change, change))
        shutil.copy2(whole, place)

    thread = Thread(target=make_slowly)
    thread.start()
    time.sleep(0.05)
    client_for(tracking_in(folder))
    thread.join()
    assert not (folder / "mlflow.db.half-made").exists()
    assert capsys.readouterr().err == ""


A_RUN = "INSERT INTO runs (run_uuid, status, lifecycle_stage, experiment_id) VALUES ('a', 'FINISHED', 'active', 1)"
MOVE = (
    "Move it away (mv mlflow.db mlflow.db.damaged), and a new one is made: "
    "`python src/track.py` then fills it again from runs/. Or run with tracking=off."
)


def test_an_older_store_with_runs_is_to_be_upgraded(folder):
    """By MLflow's own command, and not replaced."""
    change(folder, A_RUN, HALF_MADE["it stopped at an older version"])
    assert refusal(folder) == (
        f"{folder}/mlflow.db holds runs and was made by an older MLflow than {mlflow.__version__}.\n"
        f"Nothing was trained. Copy it and upgrade it: mlflow db upgrade sqlite:///{folder}/mlflow.db"
    )


def test_an_interrupted_upgrade_of_a_store_with_runs_is_named(folder):
    """It may hold what people wrote on its pages, and it may be under way."""
    change(folder, A_RUN, HALF_MADE["a step of the migration did not end"])
    assert refusal(folder) == (
        f"{folder}/mlflow.db holds runs, but an upgrade of its tables was interrupted.\n"
        f"If none is under way: Nothing was trained. {MOVE}"
    )


def test_a_newer_store_is_named(folder):
    """MLflow ends in a traceback about a revision that it cannot locate."""
    change(folder, "UPDATE alembic_version SET version_num = 'fffffffffff1'")
    assert refusal(folder) == (
        f"{folder}/mlflow.db was made by another MLflow than {mlflow.__version__}, which cannot read it.\n"
        f"Nothing was trained. {MOVE}"
    )


def test_a_database_of_another_program_is_left_alone(tmp_path):
    """MLflow would put its tables into it."""
    change(tmp_path, "CREATE TABLE songs (title)")
    before = (tmp_path / "mlflow.db").read_bytes()
    assert "holds tables, but none of MLflow's: it belongs to another program." in refusal(tmp_path)
    assert (tmp_path / "mlflow.db").read_bytes() == before


def test_a_file_that_is_no_database_is_named(tmp_path):
    """What was in it can be had again."""
    (tmp_path / "mlflow.db").write_text("garbage " * 20)
    assert refusal(tmp_path) == (
        f"{tmp_path}/mlflow.db cannot be used: file is not a database.\nNothing was trained. {MOVE}"
    )


def test_a_store_that_another_process_has_locked_is_to_be_awaited(folder):
    """It is whole: to move it away would lose it."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert refusal(folder) == LOCKED.format(f"{folder}/mlflow.db")


LOCKED = (
    "{0} is locked by another process, so nothing can be tracked in it.\n"
    "Results in runs/ are kept. Wait until that process has finished, or stop it (`fuser -v {0}` names it), "
    "and run the same command again."
)


def test_a_lock_that_comes_later_is_named_too(tmp_path):
    """As MLflow tells it from its first write on."""
    with pytest.raises(TrackingError) as refused, tracking_errors(f"sqlite:///{tmp_path}/mlflow.db"):
        raise MlflowException("(sqlite3.OperationalError) database is locked\n[SQL: ...]")
    assert str(refused.value) == LOCKED.format(f"{tmp_path}/mlflow.db")


def test_what_is_left_of_a_killed_maker_is_cleared_away(folder):
    """Its unfinished database; and the journal of a deleted one, which SQLite would play into the new one."""
    (folder / "mlflow.db").unlink()
    for name in (".mlflow.db.123.tmp", ".mlflow.db.123.tmp-journal", "mlflow.db-journal"):
        (folder / name).write_text("left")
    assert is_usable(folder)


def test_a_reader_that_went_away_is_no_failure_of_the_store():
    """As in `python src/train.py ... | head`."""
    with pytest.raises(BrokenPipeError), tracking_errors("http://127.0.0.1:1"):
        raise BrokenPipeError(32, "Broken pipe")


def test_two_processes_may_create_an_experiment_of_a_server_at_once(folder):
    """The second finds the first one's, and MLflow's refusal is none."""

    class Late(mlflow.MlflowClient):
        """Looks for each experiment before the other process has created it."""

        looked: set[str] = set()

        def get_experiment_by_name(self, name):
            if name not in self.looked:
                self.looked.add(name)
                return None
            return super().get_experiment_by_name(name)

    late = Late(tracking_in(folder).uri)
    ensure_experiments(late, "")
    assert late.looked == set(DESCRIPTIONS)
    assert len(late.search_experiments()) == 1 + len(DESCRIPTIONS)
