"""JAX in the lab: what its steps read, what its models keep, and its claims at other sizes. In a process of its own."""

import re
import sys
from itertools import groupby
from typing import Any

import numpy as np
import pytest
from made_results import SHORT, fed_with
from made_trainings import configured, in_jax, train_cell
from running import run_stage

from pitfalls.claims.mechanism import STEPS_IN_FLIGHT
from pitfalls.verdicts.run import judge


def train(runtime, generator, model, *overrides):
    """Train a cell in JAX and return its result."""
    return in_jax(train_cell, runtime, generator, model, *overrides)


@pytest.mark.parametrize(("high", "batch_size"), [(10, 16), (100, 4), (10, 64)])
@pytest.mark.parametrize(
    ("runtime", "generator", "model", "effect", "formula"),
    [
        ("jax_loop", "reused_inputs_aligned", "mean_lambda", "bites", "q S"),
        ("jax_loop", "reused_inputs_aligned", "flat_mean_lambda", "bites", "q S + (1 - q) B"),
        ("jax_loop", "reused_pair", "flat_mean_lambda", "bites", "B = 2 V (1 - 1/b)"),
        ("jax_loop", "flat_labels", "flat_mean_lambda", "masked", "0"),
        ("jax_prefetch", "reused_inputs_aligned", "mean_lambda", "bites", "q S"),
        ("jax_prefetch", "reused_inputs", "mean_lambda", "repaired", "0"),
        ("keras3_jax", "reused_inputs_aligned", "mean_lambda", "bites", "q S"),
        ("keras3_jax", "reused_inputs", "flat_mean_lambda", "repaired", "0"),
    ],
)
def test_a_fixed_model_measures_its_claim_at_other_sizes(
    runtime, generator, model, effect, formula, high, batch_size
):
    """A race by the identity between its share and its loss, with its share bounded from below."""
    verdict = judge(train(runtime, generator, model, f"task.high={high}", f"task.batch_size={batch_size}"))
    assert (verdict.effect, verdict.claim.formula, verdict.reasons) == (effect, formula, [])


@pytest.mark.parametrize(
    ("runtime", "generator", "high", "batch_size", "effect"),
    [
        ("jax_loop", "reused_inputs_aligned", 10, 16, "bites"),
        ("jax_loop", "reused_inputs", 100, 16, "repaired"),
        ("jax_loop", "flat_labels", 10, 16, "bites"),
        ("jax_prefetch", "reused_inputs_aligned", 10, 64, "bites"),
        ("jax_prefetch", "fresh_arrays", 10, 4, "clean"),
        ("keras3_jax", "reused_inputs_aligned", 10, 16, "bites"),
        ("keras3_jax", "flat_labels", 100, 16, "repaired"),
    ],
)
def test_a_trained_model_measures_its_claim_at_other_sizes(runtime, generator, high, batch_size, effect):
    """A short schedule leaves much of RMSprop's excess, and the twin of the same schedule knows how much."""
    result = train(runtime, generator, "dense", f"task.high={high}", f"task.batch_size={batch_size}", *SHORT)
    verdict = judge(result)
    assert (verdict.effect, verdict.reasons) == (effect, [])


@pytest.mark.parametrize("waits", ["nothing", "batch", "step"])
@pytest.mark.parametrize(
    ("hand_over", "is_cured_by"),
    [
        ("as_it_is", {"step"}),
        ("asarray", {"batch", "step"}),
        ("array_copy", {"batch", "step"}),
        ("device_put", {"step"}),
        ("device_put_no_alias", {"step"}),
        ("numpy_copy", {"nothing", "batch", "step"}),
    ],
)
def test_what_is_called_on_a_batch_cures_it_or_only_seems_to(hand_over, is_cured_by, waits):
    """A copy by JAX must be waited for, `device_put` makes none with `may_alias=False` either, and NumPy copies at once."""
    words = [f"feed.hand_over={hand_over}", f"feed.waits={waits}", "load=300", "training=lottery"]
    verdict = judge(train("jax_loop", "reused_inputs_aligned", "mean_lambda", *words))
    effect = "repaired" if waits in is_cured_by else "bites"
    assert (verdict.effect, verdict.reasons) == (effect, [])


CAUSES = {  # (generator, model) under jax_loop: the formula that it leads to
    ("reused_inputs_aligned", "mean_lambda"): "q S",
    ("reused_inputs", "flat_mean_lambda"): "B = 2 V (1 - 1/b)",
    ("reused_inputs", "mean_lambda"): "0",
    ("flat_labels", "dense"): "C = V (1 - 1/b^2)",
    ("fresh_arrays", "dense"): "0",
}


def test_each_claim_fails_when_it_is_fed_with_another_effect_s_result():
    """What was measured of one cause, under the mechanism of every other whose claim is another."""
    results = {cause: train("jax_loop", *cause) for cause in CAUSES}
    for cause, formula in CAUSES.items():
        verdict = judge(results[cause])
        assert (verdict.claim.formula, verdict.reasons) == (formula, [])
        for other, measured in results.items():
            if CAUSES[other] == formula:
                continue
            assert judge(fed_with(results[cause], measured)).verdict == "fail", (cause, other)


def test_what_jax_converts_it_copies():
    """float64 on a boundary heals; its claim knows the type."""
    result = train("jax_loop", "reused_inputs_aligned", "mean_lambda", "generator.dtype=float64")
    verdict = judge(result)
    assert result.mechanism.dtype == "float64"
    assert (verdict.effect, verdict.claim.formula, verdict.reasons) == ("repaired", "0", [])


def plain_program(batch: tuple) -> str:
    """Return the compiled step of jax_loop."""
    from pitfalls.lab.jax import models, steps

    step = steps.compiled_step.__wrapped__(models.line, ((0, 0.1),), 200, False)
    return step.lower(steps.first_state(models.dense(0).parameters), *batch).compile().as_text()


def keras_session() -> Any:
    """Return a session of keras3_jax."""
    from pitfalls.lab.frameworks import load

    return load("jax")(configured("keras3_jax", "fresh_arrays", "dense"), lambda epoch, loss: None)


def keras_program(batch: tuple) -> str:
    """Return the compiled step of keras3_jax."""
    import jax

    from pitfalls.lab.jax.fit import ObservedModel

    session = keras_session()
    observed = ObservedModel(session.network.inputs, session.network.outputs)
    observed.observe(session.step_recorder, 200, False)
    observed.compile(session.optimizer, session.loss)
    kinds = (
        observed.trainable_variables,
        observed.non_trainable_variables,
        observed.optimizer.variables,
        observed.metrics_variables,
    )
    state = tuple([variable.value for variable in variables] for variables in kinds)
    return jax.jit(observed.train_step).lower(state, batch).compile().as_text()


def reads_of_the_batch(program: str, kind: str) -> list[int]:
    """Return how many instructions of a compiled step read the inputs, and how many the labels.

    Args:
        program: Makes the step: plain_program or keras_program.
        kind: How the step gets its batch.
    """
    import jax
    import jax.numpy as jnp

    keras_session()  # Keras is on JAX before anything else imports it
    from pitfalls.lab.jax import batch, fit, steps

    hide = jax.lax.optimization_barrier
    ways = {
        "as the lab does": batch.copied,
        "as it is": lambda inputs, labels: (inputs, labels),
        "plus nought": lambda inputs, labels: (jnp.copy(inputs + 0), jnp.copy(labels + 0)),
        "behind a barrier": lambda inputs, labels: hide(
            (inputs + hide(jnp.float32(0)), labels + hide(jnp.float32(0)))
        ),
    }
    steps.copied = fit.copied = ways[kind]
    try:
        compiled = globals()[program]((jnp.zeros((64, 2)), jnp.ones((64, 1))))
    finally:
        steps.copied = fit.copied = batch.copied
    return [reads(compiled, shape) for shape in ("f32[64,2]", "f32[64,1]")]


def reads(program: str, shape: str) -> int:
    """Return how many instructions of the entry of a compiled program read a parameter of a shape."""
    entry = program[program.index("\nENTRY") :]
    (name,) = re.findall(rf"(%\S+) = {re.escape(shape)}\S* parameter\(", entry)
    return len(re.findall(rf"{re.escape(name)}[,)]", entry))


@pytest.mark.parametrize("program", ["plain_program", "keras_program"])
@pytest.mark.parametrize(
    ("kind", "is_once"),
    [("as the lab does", True), ("as it is", False), ("plus nought", False), ("behind a barrier", False)],
)
def test_a_step_reads_its_batch_once(program, kind, is_once):
    """From the compiled program: other ways to copy are undone before operations are fused."""
    counts = in_jax(reads_of_the_batch, program, kind)
    assert (counts == [1, 1]) == is_once, counts


def steps_of_two_batches(kind: str) -> int:
    """Return in how many of 1000 steps the loss is not that of the recorded batch.

    A thread writes into the shared buffer for as long as the steps run.
    """
    import threading

    from pitfalls.lab.generators import buffer_at
    from pitfalls.lab.jax import batch, models, steps

    rows, high = 4096, 100
    inputs, labels = buffer_at((rows, 2), 0, np.float32), np.full((rows, 1), 49.5, np.float32)
    drawn = np.random.default_rng(0).integers(0, high, (50, rows, 2)).astype(np.float32)
    inputs[...] = drawn[0]
    over = threading.Event()

    def refill() -> None:
        while not over.is_set():
            for values in drawn:
                inputs[...] = values

    steps.copied = batch.copied if kind == "copied" else lambda inputs, labels: (inputs, labels)
    writer = threading.Thread(target=refill)
    try:
        step = steps.compiled_step.__wrapped__(models.mean_with_axis, ((0, 0.1),), 200, False)
        state = steps.first_state({})
        writer.start()
        told = [np.asarray(step(state, inputs, labels)[1]) for _ in range(1000)]
    finally:
        over.set()
        writer.join()
        steps.copied = batch.copied
    meant = [np.mean((row[: 2 * rows].reshape(-1, 2).mean(axis=1) - 49.5) ** 2, dtype=float) for row in told]
    return sum(abs(row[-1] - loss) > 1e-4 * loss for row, loss in zip(told, meant, strict=True))


@pytest.mark.parametrize(("kind", "is_one_batch"), [("copied", True), ("shared", False)])
def test_what_is_recorded_is_what_the_loss_was_computed_on(kind, is_one_batch):
    """Without the copy they belong to two batches in some steps, and no closed form knows in how many."""
    assert (in_jax(steps_of_two_batches, kind) == 0) == is_one_batch


def readers_of_one_content() -> int:
    """Return how many of a hundred steps, held up by a long one, read one content of a buffer at most, in ten trials."""
    import jax
    import jax.numpy as jnp

    from pitfalls.lab.generators import buffer_at

    buffer = buffer_at((64, 2), 0, np.float32)
    step = jax.jit(lambda state, inputs: (state + 1, inputs + state * 0))
    hold_up = jax.jit(lambda matrix: (matrix @ matrix)[0, 0] * 0)
    matrix = jnp.ones((2000, 2000))
    jax.block_until_ready([hold_up(matrix), step(jnp.float32(0), buffer)])
    longest = []
    for _ in range(10):
        state, seen = hold_up(matrix), []
        for number in range(100):
            buffer[...] = number
            state, row = step(state, buffer)
            seen.append(row)
        contents = [float(np.asarray(row)[0, 0]) for row in seen]
        longest.append(max(len(list(steps)) for _, steps in groupby(contents)))
    return max(longest)


def test_many_steps_read_one_content_of_a_buffer_but_no_more_than_are_in_flight():
    """So few inputs differ that blocks of steps do not tell how a loss scatters."""
    assert 16 < in_jax(readers_of_one_content) <= STEPS_IN_FLIGHT


def test_a_result_has_the_keys_of_every_framework(result_of):
    """The same measures, shapes and versions, and a load that TensorFlow has not."""
    result = train("jax_prefetch", "flat_labels", "dense", *SHORT)
    other = result_of("keras3", "flat_labels", "dense")
    assert list(result.as_json()) == list(other.as_json())
    assert list(result.as_json()["shapes"]) == list(other.as_json()["shapes"])
    assert result.framework == "jax" and result.load == 200
    assert {"jax", "jaxlib", "numpy", "keras"} <= set(result.versions)
    assert result.shapes.labels == (64,) and result.shapes.loss_difference == (64, 64)
    assert result.rewritten_batches is None


def saved_and_loaded(folder: str) -> list:
    """Save and load each model; return its answers before and after, and the keys of its file."""
    from pathlib import Path

    from pitfalls.lab.jax import models

    pairs = np.array([[73.0, 57.0], [0.0, 99.0], [44.0, 2.0]])
    found = []
    for make in (models.dense, models.mean_lambda, models.flat_mean_lambda):
        path = Path(folder) / f"{make.__name__}.npz"
        model = make(3)
        model.save(path)
        kept = np.load(path, allow_pickle=False)
        found.append((model(pairs), models.load(str(path))(pairs), sorted(kept.files), str(kept["code"])))
    return found


def test_a_model_is_kept_as_arrays_with_its_code_and_loads_without_pickle(tmp_path):
    """Shapes as the Keras models have them; the fixed ones know the mean."""
    line, with_axis, without_axis = in_jax(saved_and_loaded, str(tmp_path))
    for before, after, _, code in (line, with_axis, without_axis):
        assert np.array_equal(before, after)
        assert code.startswith("def ")
    assert line[2] == ["answer", "bias", "code", "kernel"] and line[0].shape == (3, 1)
    assert with_axis[2] == ["answer", "code"] and with_axis[0].tolist() == [[65.0], [49.5], [23.0]]
    assert without_axis[0].tolist() == [65.0, 49.5, 23.0]


def refused_on_loading(path: str) -> str:
    """Return what loading a file raises."""
    from pitfalls.lab.jax import models

    try:
        models.load(path)
    except ValueError as error:
        return str(error)
    return "loaded"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"answer": "system", "code": ""}, "answers with system, and only line,"),
        ({"answer": "line", "code": "", "kernel": np.array([{}], dtype=object)}, "allow_pickle=False"),
    ],
)
def test_a_file_that_asks_for_other_code_is_not_run(tmp_path, content, said):
    """Neither a name that is not ours, nor a pickled object."""
    np.savez(tmp_path / "model.npz", **content)
    assert said in in_jax(refused_on_loading, str(tmp_path / "model.npz"))


def first_weights() -> list[float]:
    """Return the first weights of several seeds."""
    from pitfalls.lab.jax import models

    return [float(value) for seed in range(200) for value in models.dense(seed).parameters["kernel"].ravel()]


def test_a_line_starts_as_keras_s_dense_does():
    """Glorot uniform: within sqrt(6 / 3), with that variance; the twin starts so too."""
    weights = np.array(in_jax(first_weights))
    limit = np.sqrt(2)
    assert np.abs(weights).max() <= limit
    assert weights.std() == pytest.approx(limit / np.sqrt(3), rel=0.1)


def updates() -> tuple[list[float], list[float]]:
    """Return a parameter after some updates by the lab's RMSprop, and by its formula in NumPy."""
    import jax.numpy as jnp

    from pitfalls.claims import twin
    from pitfalls.lab.jax import steps

    rates = ((0, 0.1), (10, 0.01))
    state = steps.first_state({"kernel": jnp.array([1.0, -2.0, 0.5])})
    ours, square = np.array([1.0, -2.0, 0.5]), np.zeros(3)
    rng = np.random.default_rng(1)
    for number in range(30):
        gradient = rng.normal(size=3)
        rate = steps.rate_at(jnp.int32(number), rates)
        parameters, squares = steps.rmsprop(state, {"kernel": jnp.array(gradient)}, rate)
        state = steps.State(parameters, squares, state.step + 1, state.load)
        ours -= (0.1 if number < 10 else 0.01) * twin.OPTIMIZERS["rmsprop"].scaled(gradient, square)
    return [float(value) for value in state.parameters["kernel"]], ours.tolist()


def test_rmsprop_is_the_twin_s_and_its_rate_changes_at_its_steps():
    """Constants and place of the root, which another test holds against Keras's own."""
    lab, formula = in_jax(updates)
    assert lab == pytest.approx(formula, rel=1e-5)


def handed_on() -> bool:
    """Tell whether the feed of jax_loop is the generator itself."""
    from pitfalls.lab.jax.feeds import FEEDS

    batches = iter([])
    return FEEDS["dispatch"](batches, configured("jax_loop", "fresh_arrays", "dense").feed) is batches


def test_nothing_of_ours_stands_between_the_generator_and_the_step():
    """The step is called with the arrays that the generator yields."""
    assert in_jax(handed_on)


def loaded_modules() -> list[str]:
    """Train by Keras's fit, and return which frameworks stand in the process."""
    train_cell("keras3_jax", "fresh_arrays", "mean_lambda", "training.epochs=1")
    return [name for name in ("jax", "keras", "tensorflow", "torch") if name in sys.modules]


def test_a_process_that_trains_in_jax_has_no_other_framework():
    """Keras beside it, and no TensorFlow: they would share threads and allocators."""
    assert in_jax(loaded_modules) == ["jax", "keras"]


@pytest.mark.parametrize(
    ("words", "environment", "status", "said"),
    [
        ([], {"KERAS_BACKEND": "tensorflow"}, 2, "KERAS_BACKEND=tensorflow is set in the environment"),
        (["model._target_=pitfalls.lab.tensorflow.models.dense"], {}, 1, "makes no model of pitfalls.lab.jax.models"),
    ],
)  # fmt: skip
def test_what_would_be_another_experiment_is_refused_with_a_word(words, environment, status, said):
    """Before anything is trained: by the configuration, or by the run that would open it."""
    told = run_stage("train", "tracking=off", "sweep=test-jax", "runtime=jax_loop", *words, **environment)
    assert told.returncode == status
    assert said in told.stderr, told.stderr
    assert "Traceback" not in told.stderr


def refused_devices() -> list[str]:
    """Return what is said of each device that JAX may find."""
    from unittest import mock

    from pitfalls.errors import ConfigurationError
    from pitfalls.lab.jax import session

    found = []
    for device in ("cpu", "gpu", "tpu"):
        with mock.patch.object(session.jax, "default_backend", return_value=device):
            try:
                session.refuse_another_device()
                found.append("")
            except ConfigurationError as error:
                found.append(str(error))
    return found


def test_another_device_is_refused_and_the_cpu_is_not():
    """The whole text: there is no such device here, so JAX is told of one."""
    assert in_jax(refused_devices) == [
        "",
        *(
            f"JAX would train on the {device} of this machine, and every claim is about the CPU.\n"
            "Put `env JAX_PLATFORMS=cpu` in front of this command."
            for device in ("gpu", "tpu")
        ),
    ]
