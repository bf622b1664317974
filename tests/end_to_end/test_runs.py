"""Runs and sweeps as a user starts them: files, tracking, what is not trained twice, what fails."""

import json
import subprocess
import sys

import mlflow
import pytest

from pitfalls.project import ROOT

QUICK = ["runtime=keras2", "task.high=10", "task.batch_size=4", "hydra/launcher=basic"]

KEYS = {
    "schema", "cell", "task", "training", "loss", "final_loss", "standard_error", "window_steps",
    "broken_batches", "broken_rows", "repeated_batches", "rewritten_batches", "shapes", "prediction",
    "seconds", "versions", "buffer_address_mod_64", "fingerprint",
}  # fmt: skip


def test_a_sweep_is_written_tracked_and_not_trained_twice(run, sweep, store, tmp_path):
    """Two runs: their files, their MLflow runs under one parent, and a second sweep that trains nothing."""
    line = ["-m", *QUICK, *store, "generator=reused_inputs", "model=mean_lambda,dense", f"sweep={sweep}"]
    told = run("train", *line)
    assert told.returncode == 0, told.stderr
    assert "[  2/2]" in told.stdout

    folder = ROOT / "runs" / sweep / "keras2" / "reused_inputs"
    result = json.loads((folder / "mean_lambda" / "seed-0" / "result.json").read_text())
    verdict = json.loads((folder / "mean_lambda" / "seed-0" / "verdict.json").read_text())
    assert result.keys() >= KEYS
    assert (verdict["verdict"], verdict["effect"]) == ("pass", "bites")

    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("manual").experiment_id
    runs = {one.data.tags["mlflow.runName"]: one for one in client.search_runs([experiment])}
    parent, child = runs[f"{sweep} / keras2"], runs["keras2 / reused_inputs / mean_lambda / 0"]
    assert (parent.info.status, child.info.status) == ("FINISHED", "FINISHED")
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.tags["effect"] == "bites"
    assert child.data.params["shapes.prediction"] == "[4, 1]"
    assert len(client.get_metric_history(child.info.run_id, "loss")) == len(result["loss"])
    dense = runs["keras2 / reused_inputs / dense / 0"].info.run_id
    assert {one.path for one in client.list_artifacts(dense)} == {
        "config.yaml", "loss.png", "model.keras", "predictions.png", "probe.json",
    }  # fmt: skip

    again = run("train", *line)
    assert "2 runs: 2 finished before, 0 to train." in again.stdout
    listed = run("train", *line, "seed=1", "dry_run=true")
    assert "2 of 2 runs would be trained; nothing was." in listed.stdout


def test_a_job_that_dies_leaves_a_failed_run_and_fails_its_parent(run, sweep, store, tmp_path):
    """The other job is kept, the error is on the run, and the sweep ends with a message."""
    models = "model._target_=pitfalls.lab.tensorflow.models.mean_lambda,os.getcwdb"
    told = run("train", "-m", *QUICK, *store, "model=mean_lambda", models, f"sweep={sweep}")
    assert told.returncode == 1
    assert "1 of 2 runs failed; the others are kept." in told.stderr
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("manual").experiment_id
    runs = client.search_runs([experiment])
    parent = next(one for one in runs if one.data.tags.get("role") == "parent")
    children = [one for one in runs if one is not parent]
    assert parent.info.status == "FAILED"
    assert sorted(one.info.status for one in children) == ["FAILED", "FINISHED"]
    assert "'bytes' object" in next(one.data.tags["error"] for one in children if one.info.status == "FAILED")


def test_a_probe_says_which_label_fits_which_inputs(run, sweep):
    """The article's third listing, in words."""
    told = run("probe", "experiment=listing_3", f"sweep={sweep}")
    assert told.returncode == 0
    assert "The first label does not fit its inputs" in told.stdout
    written = json.loads(
        (ROOT / "runs" / sweep / "probe" / "reused_inputs" / "seed-0" / "probe.json").read_text()
    )
    assert written["fits"] == [False, True]
    assert written["shares_memory"] is True


def lines_of(words, module, *extra):
    """Run a stage in an interpreter of its own; its last line tells whether a module was loaded."""
    code = "\n".join(
        [
            "import contextlib, runpy, sys",
            f"sys.argv = {words}",
            "sys.path.insert(0, 'src')",
            "with contextlib.suppress(SystemExit): runpy.run_path(sys.argv[0], run_name='__main__')",
            *extra,
            f"print({module!r} in sys.modules)",
        ]
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return told.stdout.splitlines()


@pytest.mark.parametrize(("extra", "loads"), [([], False), (["import tensorflow"], True)])
def test_what_would_be_trained_is_known_before_tensorflow_is_imported(sweep, extra, loads):
    """Seconds for each sweep, also for one that has finished; an import would be seen."""
    words = ["src/train.py", "-m", *QUICK, "model=dense,mean_lambda", f"sweep={sweep}", "dry_run=true"]
    *told, loaded = lines_of(words, "tensorflow", *extra)
    assert "2 of 2 runs would be trained; nothing was." in told
    assert loaded == str(loads)


@pytest.mark.parametrize(("extra", "loads"), [([], False), (["import mlflow"], True)])
def test_an_untracked_run_does_not_wait_for_mlflow(sweep, extra, loads):
    """Two seconds of a run of eight; an import would be seen."""
    words = ["src/train.py", *QUICK, "model=mean_lambda", f"sweep={sweep}", "tracking=off"]
    *told, loaded = lines_of(words, "mlflow", *extra)
    assert any(line.startswith("files ") for line in told)
    assert loaded == str(loads)


def test_a_sweep_leaves_out_what_a_runtime_does_not_take_and_a_single_run_is_refused(run, sweep):
    """How many, and which generators there are for it; nothing is left to train where all are left out."""
    line = ["-m", *QUICK, "model=mean_lambda", f"sweep={sweep}", "dry_run=true"]
    told = run("train", *line, "generator=fresh_arrays,reused_inputs", "+generator.yields=arrays,samples")
    assert "2 runs left out: the runtime does not take the generator.\n" in told.stdout
    assert "2 of 2 runs would be trained; nothing was." in told.stdout
    told = run("train", *line, "takes=[tensors]")
    assert told.returncode == 2 and "1 run left out, none to train." in told.stderr
    told = run("train", *QUICK, f"sweep={sweep}", "+generator.yields=samples")
    assert told.returncode == 2
    assert (
        "this generator yields samples, and this runtime takes arrays.\nChoose one of: copied_inputs,"
        in told.stderr
    )


def run_without_jax(*words):
    """Run train.py as if JAX were not installed."""
    code = (
        "import runpy, sys; from pitfalls.config import frameworks; "
        "frameworks.PACKAGES['jax'] = (('a-jax-that-is-not-there',),); "
        f"sys.argv = ['src/train.py', *{words}]; runpy.run_path('src/train.py', run_name='__main__')"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_a_framework_that_is_not_installed_is_refused_or_left_out(sweep):
    """By default with how to get it; the pipeline leaves its runs out, says so in their folder, and trains the others."""
    line = ["-m", *QUICK, "model=mean_lambda", f"sweep={sweep}", "tracking=off", "runtime=keras2,jax_loop"]
    told = run_without_jax(*line)
    assert told.returncode == 2
    assert "a-jax-that-is-not-there is not installed.\nRun `make setup`." in told.stderr

    note = ROOT / "runs" / sweep / "jax_loop" / "not_run.txt"
    why = "a-jax-that-is-not-there is not installed. Run `make setup`."
    told = run_without_jax(*line, "not_installed=leave_out", "dry_run=true")
    assert f"1 run left out: {why}\n" in told.stdout and not note.exists()
    told = run_without_jax(*line, "not_installed=leave_out")
    assert told.returncode == 0, told.stderr
    assert f"1 run left out: {why}\n1 run: 0 finished before, 1 to train.\n" in told.stdout
    assert note.read_text() == f"{why}\n"
    told = run_without_jax(*line, "runtime=jax_loop", "not_installed=leave_out")
    assert (told.returncode, told.stdout) == (0, f"1 run left out: {why}\n")


def test_a_framework_that_was_installed_later_is_trained(run, sweep):
    """What said that it was left out goes."""
    note = ROOT / "runs" / sweep / "keras2" / "not_run.txt"
    note.parent.mkdir(parents=True)
    note.write_text("tensorflow is not installed.\n")
    line = ["-m", *QUICK, "model=mean_lambda", f"sweep={sweep}", "tracking=off"]
    assert run("train", *line, "not_installed=leave_out").returncode == 0
    assert not note.exists()
