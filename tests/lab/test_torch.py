"""PyTorch in the lab: what its steps read, what its models keep, and its claims at other sizes. In a process of its own."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from made_results import SHORT, fed_with
from made_trainings import configured, in_torch, needs_torch, train_cell
from running import run_stage

from pitfalls.verdicts.run import judge

pytestmark = needs_torch


def train(runtime, generator, model, *overrides):
    """Train a cell in PyTorch and return its result."""
    return in_torch(train_cell, runtime, generator, model, *overrides)


@pytest.mark.parametrize(("high", "batch_size"), [(10, 16), (100, 4), (10, 64)])
@pytest.mark.parametrize(
    ("runtime", "generator", "model", "effect", "formula"),
    [
        ("torch_loader", "reused_inputs", "mean_lambda", "repaired", "0"),
        ("torch_loader", "reused_inputs_aligned", "flat_mean_lambda", "bites", "B = 2 V (1 - 1/b)"),
        ("torch_loader", "refilled_tensor", "mean_lambda", "repaired", "0"),
        ("torch_loader", "flat_labels", "flat_mean_lambda", "masked", "0"),
        ("torch_workers", "reused_inputs", "mean_lambda", "rare", "q S"),
        ("torch_workers", "refilled_tensor", "mean_lambda", "bites", "q S"),
        ("torch_workers", "refilled_tensor", "flat_mean_lambda", "bites", "q S + (1 - q) B"),
        ("torch_workers", "fresh_tensors", "mean_lambda", "clean", "0"),
        ("torch_collate", "refilled_sample", "mean_lambda", "bites", "B = 2 V (1 - 1/b)"),
        ("torch_collate", "refilled_sample", "flat_mean_lambda", "bites", "B = 2 V (1 - 1/b)"),
        ("torch_collate", "fresh_samples", "mean_lambda", "clean", "0"),
        ("torch_loop", "reused_inputs", "mean_lambda", "bites", "q S"),
        ("torch_loop", "reused_pair", "flat_mean_lambda", "bites", "q S + (1 - q) B"),
        ("keras3_torch", "reused_inputs_aligned", "mean_lambda", "repaired", "0"),
    ],
)
def test_a_fixed_model_measures_its_claim_at_other_sizes(
    runtime, generator, model, effect, formula, high, batch_size
):
    """A race by the identity between its share and its loss, with its share bounded."""
    verdict = judge(train(runtime, generator, model, f"task.high={high}", f"task.batch_size={batch_size}"))
    assert (verdict.effect, verdict.claim.formula, verdict.reasons) == (effect, formula, [])


@pytest.mark.parametrize(
    ("runtime", "generator", "high", "batch_size", "effect"),
    [
        ("torch_loader", "flat_labels", 10, 16, "bites"),
        ("torch_loader", "reused_inputs", 100, 16, "repaired"),
        ("torch_workers", "refilled_tensor", 10, 16, "bites"),
        ("torch_workers", "reused_inputs", 100, 16, "rare"),
        ("torch_collate", "refilled_sample", 10, 16, "bites"),
        ("torch_collate", "refilled_sample", 100, 4, "bites"),
        ("torch_collate", "fresh_samples", 10, 4, "clean"),
        ("torch_loop", "reused_inputs", 10, 64, "bites"),
        ("keras3_torch", "flat_labels", 10, 16, "repaired"),
    ],
)
def test_a_trained_model_measures_its_claim_at_other_sizes(runtime, generator, high, batch_size, effect):
    """A short schedule leaves much of RMSprop's excess, and the twin of the same schedule knows how much."""
    result = train(runtime, generator, "dense", f"task.high={high}", f"task.batch_size={batch_size}", *SHORT)
    verdict = judge(result)
    assert (verdict.effect, verdict.reasons) == (effect, [])


@pytest.mark.parametrize("model", ["dense", "mean_lambda"])
def test_a_pair_behind_a_queue_costs_what_its_share_implies(model):
    """A race may end in any effect: the identity holds for whatever share is measured."""
    result = train("torch_loop", "reused_pair", model, *(SHORT if model == "dense" else ()))
    verdict = judge(result)
    assert verdict.reasons == [] and verdict.effect in ("masked", "bites")


@pytest.fixture
def busy_cores():
    """Take the cores of this machine, twice over, while a test runs."""
    others = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))
    ]
    yield
    for other in others:
        other.kill()
        other.wait()


@pytest.mark.parametrize("model", ["dense", "mean_lambda"])
@pytest.mark.parametrize(
    ("generator", "effect"),
    [("reused_inputs", "rare"), ("refilled_tensor", "bites"), ("fresh_tensors", "clean")],
)
def test_what_workers_do_stays_within_its_bounds_on_a_busy_machine(busy_cores, generator, effect, model):
    """A worker's sending thread then waits for a core: ten times as many batches break, and the claim holds."""
    verdict = judge(train("torch_workers", generator, model, *(SHORT if model == "dense" else ())))
    assert (verdict.effect, verdict.reasons) == (effect, [])


CAUSES = {  # (runtime, generator, model): the formula that it leads to, and its effect
    ("torch_workers", "refilled_tensor", "mean_lambda"): ("q S", "bites"),
    ("torch_workers", "reused_inputs", "mean_lambda"): ("q S", "rare"),
    ("torch_loader", "flat_labels", "mean_lambda"): ("B = 2 V (1 - 1/b)", "bites"),
    ("torch_collate", "refilled_sample", "mean_lambda"): ("B = 2 V (1 - 1/b)", "bites"),
    ("torch_collate", "refilled_sample", "dense"): ("C = V (1 - 1/b^2)", "bites"),
    ("torch_loader", "flat_labels", "dense"): ("C = V (1 - 1/b^2)", "bites"),
    ("torch_loader", "reused_inputs", "mean_lambda"): ("0", "repaired"),
    ("torch_loader", "fresh_arrays", "dense"): ("0", "clean"),
}

SOUND = {"clean", "repaired", "rare"}
"""Effects that measure alike: a window of 300 steps may show no batch that a rare race breaks."""

WITHIN = {
    (
        ("torch_workers", "refilled_tensor", "mean_lambda"),
        ("torch_collate", "refilled_sample", "mean_lambda"),
    ),
}
"""A claim, and what it holds of too: a race by which 63 of 64 rows come apart costs what a collate costs, q S = B."""


def test_each_claim_fails_when_it_is_fed_with_another_effect_s_result():
    """What was measured of one cause, under the mechanism of every other: B of a collate is not B of a broadcast."""
    results = {cause: train(*cause) for cause in CAUSES}
    for cause, (formula, effect) in CAUSES.items():
        verdict = judge(results[cause])
        assert (verdict.claim.formula, verdict.effect, verdict.reasons) == (formula, effect, [])
        for other, measured in results.items():
            if other == cause or (cause, other) in WITHIN or {effect, CAUSES[other][1]} <= SOUND:
                continue
            assert judge(fed_with(results[cause], measured)).verdict == "fail", (cause, other)


def rows_of_a_step(kind: str) -> tuple[list[int], bool]:
    """Return how a step's batch lies in memory and whether a refill behind it changes its record.

    Args:
        kind: float32 arrays, or float64 ones that are converted.
    """
    import torch

    from pitfalls.lab.recorder import Recorder
    from pitfalls.lab.torch.recording import TensorRecorder

    recorder = TensorRecorder(Recorder(4), 2)
    inputs, labels = np.ones((4, 2), kind), np.ones((4, 1), kind)
    copied, copied_labels = recorder.copied(inputs, labels)
    inputs[...] = 7
    recorder.note(torch.tensor(0.5))
    recorder.end_epoch()
    return list(copied.shape + copied_labels.shape), bool((copied == 1).all())


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_step_works_on_a_copy_of_its_batch(kind):
    """What is recorded is what the loss was computed on, whatever refills the batch meanwhile."""
    assert in_torch(rows_of_a_step, kind) == ([4, 2, 4, 1], True)


def recorded(epochs: int, kind: str) -> list:
    """Return the history of 40 steps that were recorded in some epochs; of arrays or tensors, (b,) or (b, 1)."""
    import torch

    from pitfalls.lab.recorder import Recorder
    from pitfalls.lab.torch.recording import TensorRecorder

    rng = np.random.default_rng(0)
    recorder = Recorder(4)
    recording = TensorRecorder(recorder, 40 // epochs)
    inputs = rng.integers(0, 100, (40, 4, 2)).astype(float)
    inputs[20] = inputs[21] = inputs[19]
    labels = inputs.mean(axis=2)
    labels[10, 3] += 1
    for step in range(40):
        batch = (inputs[step], labels[step] if kind == "flat" else labels[step][:, np.newaxis])
        recording.copied(*(map(torch.from_numpy, batch) if kind == "tensors" else batch))
        recording.note(torch.tensor(float(step)))
        if (step + 1) % (40 // epochs) == 0:
            recording.end_epoch()
    last, last_labels = recorder.last_batch()
    assert np.array_equal(last, inputs[39]) and last_labels.shape == ((4,) if kind == "flat" else (4, 1))
    return recorder.history().tolist()


@pytest.mark.parametrize("kind", ["arrays", "flat", "tensors"])
@pytest.mark.parametrize("epochs", [1, 2, 4])
def test_steps_are_counted_alike_in_few_epochs_and_in_many(epochs, kind):
    """Also a batch that repeats over an epoch's end, whose memory is then filled again."""
    loss, broken_rows, broken_batches, repeated = zip(*in_torch(recorded, epochs, kind), strict=True)
    assert loss == tuple(range(40))
    assert broken_rows == tuple(0.25 * (step == 10) for step in range(40))
    assert broken_batches == tuple(float(step == 10) for step in range(40))
    assert repeated == tuple(float(step in (20, 21)) for step in range(40))


def steps_of_two_batches(is_copied: bool) -> int:
    """Return in how many of 300 steps the loss is not that of the recorded batch.

    A thread writes into the shared buffer for as long as the steps run.
    """
    import threading

    import torch

    from pitfalls.lab.recorder import Recorder
    from pitfalls.lab.torch import models, steps
    from pitfalls.lab.torch.recording import TensorRecorder

    class Sharing(TensorRecorder):
        def copied(self, inputs: Any, labels: Any) -> Any:
            super().copied(inputs, labels)
            return torch.as_tensor(inputs), torch.as_tensor(labels)

    rows = 1 << 16
    recorder = Recorder(rows)
    recording = (TensorRecorder if is_copied else Sharing)(recorder, 300)
    step = steps.make_step(models.mean_lambda(0), "broadcasting", [(0, 0.1)], False, recording)
    inputs, labels = np.zeros((rows, 2), np.float32), np.full((rows, 1), 49.5, np.float32)
    drawn = np.random.default_rng(0).integers(0, 100, (20, rows, 2)).astype(np.float32)
    over = threading.Event()

    def refill() -> None:
        while not over.is_set():
            for values in drawn:
                inputs[...] = values

    writer = threading.Thread(target=refill)
    writer.start()
    wrong = 0
    try:
        for _ in range(300):
            step(inputs, labels)
            recording.end_epoch()
            seen, _ = recorder.last_batch()
            meant = np.mean((seen.mean(axis=1, dtype=float) - 49.5) ** 2)
            wrong += bool(abs(recorder.history()[-1, 0] - meant) > 1e-3 * meant)
    finally:
        over.set()
        writer.join()
    return wrong


@pytest.mark.parametrize(("is_copied", "is_one_batch"), [(True, True), (False, False)])
def test_what_is_recorded_is_what_the_loss_was_computed_on(is_copied, is_one_batch):
    """Without the copy they belong to two batches in some steps, and no closed form knows in how many."""
    assert (in_torch(steps_of_two_batches, is_copied) == 0) == is_one_batch


BROADCASTS = (
    "Using a target size (torch.Size([64])) that is different to the input size (torch.Size([64, 1]))."
)


@pytest.mark.parametrize(
    ("runtime", "generator", "warned"),
    [
        ("torch_loader", "flat_labels", True),
        ("torch_workers", "flat_labels", True),
        ("torch_loader", "fresh_arrays", False),
        ("torch_loop", "flat_labels", False),
        ("keras3_torch", "flat_labels", False),
    ],
)
def test_a_broadcast_s_warning_is_kept_once(runtime, generator, warned):
    """By mse_loss, also in the second run of a process; a loss that is written by hand does not warn."""
    for _ in range(2):
        result = train(runtime, generator, "mean_lambda", "training.epochs=1", "training.steps_per_epoch=10")
        assert [text.startswith(BROADCASTS) for text in result.warnings] == [True] * warned


def test_a_result_has_the_keys_of_every_framework(result_of):
    """The same measures, shapes and versions; what it was yielded, and by whose RMSprop it was trained."""
    result = train("torch_collate", "refilled_sample", "dense", *SHORT)
    other = result_of("keras3", "reused_inputs", "dense")
    assert list(result.as_json()) == list(other.as_json())
    assert list(result.as_json()["shapes"]) == list(other.as_json()["shapes"])
    assert result.framework == "torch" and result.load is None
    assert {"torch", "numpy", "keras"} <= set(result.versions)
    assert (result.mechanism.yields, result.mechanism.dtype) == ("samples", "float32")
    assert result.training.optimizer == "torch_rmsprop"
    assert result.shapes.inputs == (64, 2) and result.shapes.labels == (64, 1)
    assert result.rewritten_batches is None


@pytest.mark.parametrize(
    ("runtime", "dtype", "seen"),
    [("torch_loader", "float32", False), ("torch_loop", "float64", True), ("keras3_torch", "float32", False)],
)
def test_a_runtime_sets_the_type_of_its_batches(runtime, dtype, seen):
    """Only the loop of one's own keeps float64, and sees whether a batch was rewritten in its queue."""
    result = train(runtime, "reused_inputs", "mean_lambda", "training.epochs=1")
    assert result.mechanism.dtype == dtype
    assert (result.rewritten_batches is not None) == seen


@pytest.mark.parametrize(
    ("runtime", "generator"),
    [
        ("torch_loader", "fresh_arrays"),
        ("torch_loader", "fresh_tensors"),
        ("torch_workers", "fresh_arrays"),
        ("torch_collate", "fresh_samples"),
        ("torch_loop", "copied_inputs"),
        ("keras3_torch", "fresh_arrays"),
    ],
)
def test_a_clean_cell_repeats_at_its_seed_and_not_at_another(runtime, generator):
    """Losses of every epoch and the answer, to the last digit."""
    one, again, other = (train(runtime, generator, "dense", *SHORT, f"seed={seed}") for seed in (3, 3, 4))
    assert (one.loss, one.prediction, one.answers) == (again.loss, again.prediction, again.answers)
    assert one.loss != other.loss


def first_batches() -> list[list]:
    """Return the first batch of each of two workers, of a worker with another seed, and of no worker."""
    from pitfalls.lab.sources import make_configured

    told = [configured("torch_workers", "fresh_tensors", "dense", f"seed={seed}") for seed in (0, 1)]
    streams = [(told[0], 0), (told[0], 1), (told[1], 0), (told[0],)]
    return [next(make_configured(*stream))[0].tolist() for stream in streams]


def test_each_worker_draws_from_the_seed_and_its_number():
    """All four differ: no worker repeats another, or what one process alone would draw."""
    firsts = in_torch(first_batches)
    assert all(one != other for at, one in enumerate(firsts) for other in firsts[:at])


def tensors_of_twins() -> list[tuple[bool, bool, list, bool]]:
    """Return of each generator of tensors whether two inputs are one object, and whether a batch is sound."""
    from itertools import islice

    import torch

    from pitfalls.lab.torch import generators

    found = []
    for make in (generators.refilled_tensor, generators.fresh_tensors):
        (first, _), (second, labels) = islice(make(np.random.default_rng(0), 100, 64, "float32"), 2)
        is_sound = bool((second.mean(dim=1, keepdim=True) == labels).all())
        found.append((first is second, second.dtype == torch.float32, list(labels.shape), is_sound))
    return found


def test_twins_of_tensors_differ_in_whether_they_are_one_object():
    """Both sides; labels are the means of the batch that was yielded last."""
    assert in_torch(tensors_of_twins) == [(True, True, [64, 1], True), (False, True, [64, 1], True)]


def saved_and_loaded(folder: str) -> list:
    """Save and load each model; return its answers before and after, and the keys of its file."""
    from pathlib import Path

    from pitfalls.lab.torch import models

    pairs = np.array([[73.0, 57.0], [0.0, 99.0], [44.0, 2.0]])
    found = []
    for make in (models.dense, models.mean_lambda, models.flat_mean_lambda):
        path = Path(folder) / f"{make.__name__}.npz"
        model = models.Kept(make(3))
        model.save(path)
        kept = np.load(path, allow_pickle=False)
        found.append((model(pairs), models.load(str(path))(pairs), sorted(kept.files), str(kept["code"])))
    return found


def test_a_model_is_kept_as_arrays_with_its_code_and_loads_without_pickle(tmp_path):
    """Shapes as the Keras models have them; the fixed ones know the mean."""
    line, with_axis, without_axis = in_torch(saved_and_loaded, str(tmp_path))
    for before, after, _, code in (line, with_axis, without_axis):
        assert np.array_equal(before, after)
        assert code.startswith("class ")
    assert line[2] == ["answer", "bias", "code", "weight"] and line[0].shape == (3, 1)
    assert with_axis[2] == ["answer", "code"] and with_axis[0].tolist() == [[65.0], [49.5], [23.0]]
    assert without_axis[0].tolist() == [65.0, 49.5, 23.0]


def refused_on_loading(path: str) -> str:
    """Return what loading a file raises."""
    from pitfalls.lab.torch import models

    try:
        models.load(path)
    except ValueError as error:
        return str(error)
    return "loaded"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"answer": "system", "code": ""}, "answers with system, and only Line,"),
        ({"answer": "Line", "code": "", "bias": np.array([{}], dtype=object)}, "allow_pickle=False"),
    ],
)
def test_a_file_that_asks_for_other_code_is_not_run(tmp_path, content, said):
    """Neither a name that is not ours, nor a pickled object."""
    np.savez(tmp_path / "model.npz", **content)
    assert said in in_torch(refused_on_loading, str(tmp_path / "model.npz"))


def first_weights() -> list[float]:
    """Return the first weights of several seeds, and of one seed twice."""
    from pitfalls.lab.torch import models

    seeds = [*range(200), 0]
    return [value for seed in seeds for value in models.dense(seed).weight.detach().ravel().tolist()]


def test_a_line_starts_as_keras_s_dense_does():
    """Glorot uniform: within sqrt(6 / 3), with that variance, from the seed alone; the twin starts so too."""
    weights = np.array(in_torch(first_weights))
    limit = np.sqrt(2)
    assert np.abs(weights).max() <= limit
    assert weights.std() == pytest.approx(limit / np.sqrt(3), rel=0.1)
    assert weights[-2:].tolist() == weights[:2].tolist()


def updates() -> tuple[list[float], list[float]]:
    """Return a line's weights after some steps of the lab, and by the twin's formula in NumPy."""
    from pitfalls.claims import twin
    from pitfalls.lab.recorder import Recorder
    from pitfalls.lab.torch import models, steps
    from pitfalls.lab.torch.recording import TensorRecorder

    network, rng = models.dense(0), np.random.default_rng(1)
    ours = np.array([*network.weight.detach().ravel().tolist(), 0.0])
    recording = TensorRecorder(Recorder(8), 30)
    step = steps.make_step(network, "mse_loss", [(0, 0.1), (10, 0.01)], False, recording)
    square = np.zeros(3)
    for number in range(30):
        inputs, labels = rng.normal(size=(8, 2)), rng.normal(size=(8, 1))
        step(inputs, labels)
        columns = np.column_stack([inputs, np.ones(8)])
        gradient = 2 * (columns @ ours - labels[:, 0]) @ columns / 8
        ours -= (0.1 if number < 10 else 0.01) * twin.OPTIMIZERS["torch_rmsprop"].scaled(gradient, square)
    return [*network.weight.detach().ravel().tolist(), network.bias.item()], ours.tolist()


def test_rmsprop_is_the_twin_s_and_its_rate_changes_at_its_steps():
    """PyTorch's own constants and place of the epsilon, which are not Keras's."""
    lab, formula = in_torch(updates)
    assert lab == pytest.approx(formula, rel=1e-3)


def state_of_the_process() -> tuple[list[str], int]:
    """Train by Keras's fit, and return which frameworks stand in the process, and PyTorch's threads."""
    import torch

    train_cell("keras3_torch", "fresh_arrays", "mean_lambda", "training.epochs=1")
    found = [name for name in ("jax", "keras", "tensorflow", "torch") if name in sys.modules]
    return found, torch.get_num_threads()


def test_a_process_that_trains_in_pytorch_has_no_other_framework_and_one_thread():
    """A sweep trains on every core already, and a fork has no pool of threads to inherit."""
    assert in_torch(state_of_the_process) == (["keras", "torch"], 1)


def workers_left() -> tuple[int, int]:
    """Return how many children this process has while a loader's workers load, and when they have ended."""
    import multiprocessing

    from pitfalls.lab.recorder import Recorder
    from pitfalls.lab.torch.feeds import FEEDS

    config = configured("torch_workers", "fresh_arrays", "dense")
    with FEEDS["loader_workers"](iter(()), config, Recorder(64)) as batches:
        next(batches)
        during = len(multiprocessing.active_children())
    return during, len(multiprocessing.active_children())


def test_a_loader_s_workers_end_with_its_training():
    """Two while it loads, none afterwards."""
    assert in_torch(workers_left) == (2, 0)


def refused_to_fork() -> list[str]:
    """Return what is said where other frameworks stand in the process, or none."""
    from unittest import mock

    from pitfalls.errors import ConfigurationError
    from pitfalls.lab.torch import feeds

    found = []
    for name in ("tensorflow", "jax", "json"):
        with mock.patch.dict(sys.modules, {name: sys}):
            try:
                feeds.refuse_to_fork()
                found.append("")
            except ConfigurationError as error:
                found.append(str(error))
    return found


def test_a_loader_with_workers_is_refused_where_another_framework_stands():
    """The whole text; nothing is said where there is none."""
    assert in_torch(refused_to_fork) == [
        *(
            f"this process has imported {name}, and the workers of a DataLoader are forks of it: "
            f"a lock that a thread of {name} holds would stay locked in them for ever.\n"
            "Train in a process of its own: python src/train.py runtime=torch_workers."
            for name in ("tensorflow", "jax")
        ),
        "",
    ]


@pytest.mark.parametrize(
    ("words", "environment", "status", "said"),
    [
        (["runtime=torch_loop"], {"KERAS_BACKEND": "tensorflow"}, 2, "KERAS_BACKEND=tensorflow is set in the environment"),
        (
            ["runtime=torch_loop", "model._target_=pitfalls.lab.tensorflow.models.dense"], {}, 1,
            "makes no model of pitfalls.lab.torch.models, and this runtime trains no other.",
        ),
        (
            ["runtime=keras3_torch"], {"KERAS_TORCH_DEVICE": "meta"}, 1,
            "Keras on PyTorch would train on the meta of this machine, and every claim is about the CPU.",
        ),
        (
            ["runtime=torch_loader", "generator=refilled_sample"], {}, 2,
            "this generator yields samples, and this runtime takes arrays or tensors.",
        ),
    ],
)  # fmt: skip
def test_what_would_be_another_experiment_is_refused_with_a_word(words, environment, status, said):
    """Before anything is trained: by the configuration, or by the run that would open it."""
    told = run_stage("train", "tracking=off", "sweep=test-torch", *words, **environment)
    assert told.returncode == status
    assert said in told.stderr, told.stderr
    assert "Traceback" not in told.stderr


def test_a_device_that_the_environment_names_is_taken_where_it_is_the_cpu():
    """The other side of the refusal."""
    words = ("runtime=keras3_torch", "model=mean_lambda", "training.epochs=1", "retrain=true")
    told = run_stage("train", "tracking=off", "sweep=test-torch", *words, KERAS_TORCH_DEVICE="cpu")
    assert told.returncode == 0, told.stderr


def test_a_run_and_a_sweep_say_what_was_warned_of():
    """A single run in its own lines; a sweep each text once, with the number of its runs."""
    words = (
        "tracking=off",
        "retrain=true",
        "runtime=torch_loader",
        "generator=flat_labels",
        "model=mean_lambda",
    )
    alone = run_stage("train", "sweep=test-torch", *words)
    assert f"warned  {BROADCASTS}" in alone.stdout
    sweep = run_stage("train", "-m", "sweep=test-torch", *words, "seed=0,1")
    assert f"2 runs warned: {BROADCASTS}" in sweep.stdout
