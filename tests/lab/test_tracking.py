"""What MLflow is told: experiments with a view, runs that can be compared, a registry that refuses in words."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import mlflow
import numpy as np
import pytest
from made_results import made_result
from made_store import CELLS, made_run, make_store
from mlflow.entities import DatasetInput

from pitfalls.config.schema import Config, Tracking
from pitfalls.errors import PromotionError
from pitfalls.project import SeededCell
from pitfalls.results import Probe
from pitfalls.tracking import client_for, register_champion, view_links
from pitfalls.tracking.contents import dataset_of, params_of
from pitfalls.tracking.runs import log_dataset
from pitfalls.tracking.store import opened
from pitfalls.tracking.views import VIEWS
from pitfalls.verdicts.effects import EFFECTS

REUSED, FRESH = CELLS[:2]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A made-up store: its settings, a client, and the ids of its runs."""
    folder = tmp_path_factory.mktemp("store")
    runs = make_store(folder)
    tracking = Tracking(enabled=True, uri=f"sqlite:///{folder}/mlflow.db", artifacts=f"{folder}/mlruns")
    return tracking, client_for(tracking), runs


def test_twins_differ_in_few_parameters_and_telling_metrics(store):
    """What the page of two runs shows under "show diff only": the generator, and what came of it."""
    _, client, runs = store
    reused, fresh = (client.get_run(runs[str(cell)]).data for cell in (REUSED, FRESH))
    assert {
        key
        for key in reused.params.keys() | fresh.params.keys()
        if reused.params.get(key) != fresh.params.get(key)
    } == {"generator", "generator._target_", "generator.inputs_offset_bytes"}
    assert {key for key in reused.metrics if reused.metrics[key] != fresh.metrics[key]} == {
        "loss", "final_loss", "standard_error", "claimed_loss", "tolerance", "broken_rows", "broken_batches",
        "rewritten_batches", "prediction_for_73_57",
    }  # fmt: skip


def test_a_run_has_the_colour_of_its_effect(store):
    """In the table and in every chart, as in the report."""
    _, client, runs = store
    seen = {
        run.data.tags["effect"]: run.data.tags["mlflow.runColor"]
        for run in map(client.get_run, runs.values())
    }
    assert seen == {name: effect.colour for name, effect in EFFECTS.items()}


def test_every_experiment_opens_on_its_view(store):
    """By a link that looks the experiment's id up, whatever it is."""
    _, client, _ = store
    for name in VIEWS:
        experiment = client.get_experiment_by_name(name)
        links = view_links(client, name, "http://127.0.0.1:5000")
        assert links["table"].startswith(
            f"http://127.0.0.1:5000/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning"
        )
        view = json.loads(experiment.tags["mlflow.sharedViewState.lab"])
        assert links["table"].endswith("&viewStateShareKey=lab")
        assert set(json.loads(view["state"])["selectedColumns"]) >= {"tags.`effect`", "metrics.`final_loss`"}


def test_the_view_of_the_matrix_lists_its_cells_and_no_parent(store):
    """Its filter, asked of the store itself."""
    _, client, _ = store
    experiment = client.get_experiment_by_name("matrix").experiment_id
    names = [
        run.info.run_name for run in client.search_runs([experiment], VIEWS["matrix"][1]["searchFilter"])
    ]
    assert sorted(names) == sorted(str(cell) for cell in CELLS if cell.seed == 0)


def test_a_view_that_somebody_edited_is_left_alone(store):
    """An older experiment is given what it lacks, and keeps what it has."""
    tracking, client, _ = store
    experiment = client.get_experiment_by_name("manual").experiment_id
    client.set_experiment_tag(experiment, "mlflow.note.content", "mine")
    client.delete_experiment_tag(experiment, "mlflow.sharedViewState.lab")
    opened.cache_clear()  # as another process opens it
    tags = client_for(tracking).get_experiment(experiment).tags
    assert tags["mlflow.note.content"] == "mine"
    assert "mlflow.sharedViewState.lab" in tags


CURE = """\
Train it again, then promote it:
  python src/train.py sweep=matrix runtime=keras2 generator=fresh_arrays model=dense seed=0 retrain=true
  dvc repro"""


def refusal(tracking, cell: SeededCell, run_id) -> str:
    """Return how the registry refuses a run."""
    result, verdict = made_run(cell)
    with pytest.raises(PromotionError) as refused:
        register_champion(tracking, run_id, result, verdict, load=None)
    return str(refused.value)


def test_a_run_without_tracking_is_refused(store):
    """Its model was not kept."""
    told = refusal(store[0], FRESH, None)
    assert told == f"{FRESH} was trained with tracking=off, so its model was not kept.\n{CURE}"


def test_a_run_that_is_not_in_the_store_is_refused(store):
    """As after `make clean`, or in a store that somebody moved away."""
    told = refusal(store[0], FRESH, "0" * 32)
    assert told == (
        f"{FRESH} was tracked as run {'0' * 32}, but the store does not have it: "
        f"the run was removed, or this is another store.\n{CURE}"
    )


def test_a_run_that_was_deleted_is_refused(store):
    """It is still there, in MLflow's bin."""
    tracking, client, runs = store
    client.delete_run(runs[str(FRESH)])
    told = refusal(tracking, FRESH, runs[str(FRESH)])
    client.restore_run(runs[str(FRESH)])
    assert told == (
        f"{FRESH} was tracked as run {runs[str(FRESH)]}, but that run was deleted.\n"
        f"Restore it in MLflow (`make ui`, State: Deleted), or train it again.\n{CURE}"
    )


def test_a_run_with_nothing_to_learn_is_refused(store):
    """A fixed Lambda keeps no model."""
    tracking, _, runs = store
    cell = SeededCell("keras2", "reused_pair", "mean_lambda", 0)
    assert refusal(tracking, cell, runs[str(cell)]) == (
        f"{cell} has no model to promote: a fixed Lambda has no weights to train, so its run keeps none.\n"
        "Name a run of the model `dense` under `champion` in params.yaml."
    )


def test_a_run_whose_model_is_gone_is_refused(store):
    """As after `rm -r mlruns`."""
    tracking, client, runs = store
    artifacts = Path(client.get_run(runs[str(FRESH)]).info.artifact_uri)
    (artifacts / "model.keras").rename(artifacts / "elsewhere")
    told = refusal(tracking, FRESH, runs[str(FRESH)])
    assert told == f"{FRESH} has lost its model: model.keras is not among its artifacts in mlruns/.\n{CURE}"


def words(path):
    """Write something that is no model."""
    path.write_text("no model")


def truncated(path):
    """Write half of a model."""
    import keras

    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    path.write_bytes(path.read_bytes()[:1000])


def with_code(path):
    """Write a model that brings code along, as a Lambda of a lambda does."""
    import keras

    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)]).save(path)


def with_a_stranger(path):
    """Write a model whose layer is a class of somebody's program."""
    import keras

    class Stranger(keras.layers.Layer):
        """Is not registered anywhere."""

        def call(self, x):
            return x

    keras.Sequential([keras.Input((2,)), Stranger()]).save(path)


def with_a_function_of_the_lab(path):
    """Write a model that needs what the lab registers, which a server of it does not have."""
    from pitfalls.lab.keras.models import mean_lambda

    mean_lambda().save(path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (with_a_function_of_the_lab, "TypeError: "),
        (words, "ValueError: File not found"),
        (truncated, ""),
        (with_code, "ValueError: "),
        (with_a_stranger, "TypeError: "),
    ],
)
def test_a_model_that_cannot_be_loaded_is_refused(store, make, said):
    """In a sentence, with Keras's first line, and nothing is registered."""
    from pitfalls.lab.keras.models import load

    tracking, client, runs = store
    run = client.get_run(runs[str(FRESH)]).info
    make(Path(run.artifact_uri) / "model.keras")
    before = os.environ.get("MLFLOW_TRACKING_URI")
    result, verdict = made_run(FRESH)
    with pytest.raises(PromotionError) as refused:
        register_champion(tracking, run.run_id, result, verdict, load)
    first, why, *cure = str(refused.value).split("\n")
    assert first.startswith(f"{FRESH} has a model that cannot be loaded: {said}")
    assert why == (
        f"model.keras of run {run.run_id} is damaged, or needs code that the lab does not run. Nothing was promoted."
    )
    assert "\n".join(cure) == CURE
    assert not client.search_model_versions("name = 'mean-of-two'")
    assert os.environ.get("MLFLOW_TRACKING_URI") == before  # nothing is left set for those who come after


def test_two_clients_may_log_one_dataset_at_once(store):
    """Runs of one generator and seed share it; MLflow alone refuses one of two in most of these rounds."""
    tracking, client, _ = store
    experiment = client.create_experiment("one dataset")
    clients = [mlflow.MlflowClient(tracking.uri) for _ in range(2)]
    runs = [client.create_run(experiment).info.run_id for _ in clients]
    with ThreadPoolExecutor(2) as pool:
        for ordinal in range(20):
            dataset = DatasetInput(mlflow.data.from_numpy(np.full(3, ordinal))._to_mlflow_entity())
            both = Barrier(2)

            def log(client, run_id, both=both, dataset=dataset):
                both.wait(10)
                log_dataset(client, run_id, dataset)

            list(pool.map(log, clients, runs))  # raises what one of them was refused
    assert [len(client.get_run(run).inputs.dataset_inputs) for run in runs] == [20, 20]


def test_the_probe_s_rows_are_a_table_that_mlflow_finds(store, monkeypatch):
    """By the tag that its own log_table sets, and in the form that it reads."""
    tracking, client, runs = store
    run = client.get_run(runs[str(REUSED)]).info
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.uri)  # load_table looks runs up in the global store
    table = client.load_table(run.experiment_id, "probe.json", run_ids=[run.run_id])
    assert list(table.columns) == ["yield", "inputs", "label", "mean_of_inputs", "fits"]
    assert len(table) == 2 * 64
    assert table.iloc[0].tolist() == ["first", "[1.0, 2.0]", 1.5, 1.5, True]


@pytest.mark.parametrize("warned", [[], ["shapes differ."], ["shapes differ.", "few workers."]])
def test_what_a_framework_warned_of_is_a_parameter_of_its_run(warned):
    """So that runs are found by it; a run without a warning has none."""
    result = made_result(SeededCell("torch_loader", "flat_labels", "dense", 0), warnings=warned)
    params = {param.key: param.value for param in params_of(Config(), result)}
    assert params.get("warnings", "").splitlines() == warned
    assert ("warnings" in params) == bool(warned)


def test_a_dataset_of_samples_is_shown_by_the_sample_that_was_probed():
    """The probe holds two samples where the model was given a batch of 64."""
    result = made_result(SeededCell("torch_collate", "refilled_sample", "dense", 0))
    probed = Probe(
        listing=None, yields=[[[1.0, 3.0]]] * 2, labels=[[2.0]] * 2, fits=[True, True], shares_memory=True
    )
    profile = json.loads(dataset_of(result, probed).dataset.profile)
    assert (profile["features_shape"], profile["targets_shape"]) == ([1, 2], [1, 1])
