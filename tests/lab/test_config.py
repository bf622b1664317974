"""Configuration: every impossible value is refused in words that name a possible one."""

import os
import re
import shutil
from importlib.metadata import PackageNotFoundError

import pytest
from made_trainings import needs_torch

from pitfalls.config import fingerprint as fingerprinting
from pitfalls.config import frameworks, overrides, refusals
from pitfalls.config.schema import Config, checked_name, learning_rate_steps
from pitfalls.config.targets import importable
from pitfalls.errors import ConfigurationError
from pitfalls.project import ROOT
from pitfalls.stages.train import cell_of
from pitfalls.startup import prepare

REFUSALS = {
    "task.high=1": """\
task.high=1 is too small: with one integer there is nothing to learn.
Give task.high=2 or more.""",
    "task.high=8388609": """\
task.high=8388609 is too large: inputs and labels are compared in float32, which is exact up to there.
Give task.high=8388608 or less.""",
    "task.batch_size=0": """\
task.batch_size=0 is too small: a batch holds at least one row.
Give task.batch_size=1 or more.""",
    "runtime=jax_loop feed.hand_over=numpy": """\
feed.hand_over=numpy does not exist.
Choose one of: as_it_is, asarray, array_copy, device_put, device_put_no_alias, numpy_copy.""",
    "runtime=jax_loop feed.waits=epoch": """\
feed.waits=epoch does not exist.
Choose one of: nothing, batch, step.""",
    "feed.waits=step": """\
feed.waits=step does nothing: feed=fit has no settings.
Leave it out.""",
    "not_installed=skip": """\
not_installed=skip does not exist.
Choose one of: refuse, leave_out.""",
    "training.epochs=-1": """\
training.epochs=-1 is too small: a run trains at least one epoch.
Give training.epochs=1 or more.""",
    "training.steps_per_epoch=0": """\
training.steps_per_epoch=0 is too small: an epoch has at least one step.
Give training.steps_per_epoch=1 or more.""",
    "training.steps_per_execution=0": """\
training.steps_per_execution=0 is too small: an execution has at least one step.
Give training.steps_per_execution=1 or more.""",
    "training.window_steps=0": """\
training.window_steps=0 is too small: the loss is measured over at least one step.
Give training.window_steps=1 or more.""",
    "runtime=keras2 feed.depth=0": """\
feed.depth=0 is too small: a queue holds at least one batch.
Give feed.depth=1 or more.""",
    "runtime=keras3_workers feed.workers=0": """\
feed.workers=0 is too small: somebody must pull the generator.
Give feed.workers=1 or more.""",
    "seed=-1": """\
seed=-1 is too small: NumPy's seeds are not negative.
Give seed=0 or more.""",
    "seed=4294967296": """\
seed=4294967296 is too large: NumPy's and Keras's seeds have 32 bits.
Give seed=4294967295 or less.""",
    "framework=mxnet": """\
framework=mxnet does not exist.
Choose one of: tensorflow, jax, torch.""",
    "feed.kind=pipe": """\
feed.kind=pipe does not exist.
Choose one of: full_queue, fit, workers, thread_queue, dispatch, prefetch, loader, loader_workers, collate.""",
    "loss.kind=square": """\
loss.kind=square does not exist.
Choose one of: repairing, broadcasting, mse_loss.""",
    "model.library=sonnet": """\
model.library=sonnet does not exist.
Choose one of: keras, jax, torch.""",
    "runtime=jax_loop feed=fit": """\
feed.kind=fit does not exist for framework=jax with model.library=jax.
Choose one of: dispatch, prefetch.""",
    "framework=tensorflow runtime=keras3 model.library=jax": """\
feed.kind=fit does not exist for framework=tensorflow with model.library=jax.
Name an option of conf/runtime.""",
    "runtime=jax_loop loss=repairing": """\
loss.kind=repairing is Keras's own: a loss that is written by hand repairs no ranks.
Give loss=broadcasting, or runtime=keras3_jax.""",
    "loss=mse_loss": """\
loss.kind=mse_loss is PyTorch's own, for models that are written in PyTorch.
Give loss=broadcasting, or runtime=torch_loader.""",
    "runtime=jax_loop load=0": """\
load=0 is too small: a matrix has at least one row.
Give load=1 or more.""",
    "runtime=jax_loop load=null": """\
load is missing: every step of framework=jax carries one, 1 at least.
Give load=200.""",
    "load=200": """\
load=200 does nothing: steps of framework=tensorflow carry no load.
Leave it out.""",
    "runtime=jax_loop training.steps_per_execution=10": """\
training.steps_per_execution=10 would change what feed=dispatch measures: \
it trains one batch for each call.
Give training.steps_per_execution=1.""",
    "takes=[pages]": """\
a generator cannot yield pages.
Choose one of: arrays, samples, tensors.""",
    "takes=[samples,tensors]": """\
this generator yields arrays, and this runtime takes samples or tensors.
Choose one of: fresh_samples, fresh_tensors, refilled_sample, refilled_tensor.""",
    "+generator.yields=samples": """\
this generator yields samples, and this runtime takes arrays.
Choose one of: copied_inputs, flat_labels, fresh_arrays, reused_inputs, reused_inputs_aligned, reused_pair.""",
    "labels=flat": """\
labels=flat does not exist.
Choose one of: as_they_come, expanded.""",
    "entry_point=bake": """\
entry_point=bake does not exist.
Choose one of: train, probe.""",
    "training.steps_per_execution=40": """\
training.steps_per_execution=40 does not divide training.steps_per_epoch=300: \
Keras would run 320 steps in silence.
Give training.steps_per_execution=30, or training.steps_per_epoch=320.""",
    "runtime=custom_loop training.steps_per_execution=10": """\
training.steps_per_execution=10 would change what feed=thread_queue measures: \
it trains one batch for each queue.get().
Give training.steps_per_execution=1.""",
    "training.learning_rate=-0.1": """\
training.learning_rate=-0.1 is no schedule.
Give a positive number, or first steps and rates from step 0 on: \
training=article 'training.learning_rate={0: 0.1, 1500: 0.01}'.""",
    "sweep=../x": """\
sweep=../x is no name: it becomes a folder below runs/.
Give letters, digits, '.', '_' and '-', beginning with a letter or digit: sweep=mine.""",
    "+generator.depth=3": """\
generator.depth is no argument of pitfalls.lab.generators.fresh_arrays.
It takes: dtype.""",
    "generator=reused_pair +generator.offset=3": """\
generator.offset is no argument of pitfalls.lab.generators.reused_pair.
It takes: inputs_offset_bytes, labels_offset_bytes, dtype.""",
    "feed.depth=9": """\
feed.depth=9 does nothing: feed=fit has no settings.
Leave it out.""",
    "runtime=keras2 feed.workers=3": """\
feed.workers=3 does nothing: feed=full_queue has feed.depth and feed.threaded.
Leave it out.""",
    "runtime=custom_loop feed.threaded=false": """\
feed.threaded=False does nothing: feed=thread_queue has feed.depth.
Leave it out.""",
    "runtime=keras2 feed.depth=null": """\
feed.depth is missing: feed=full_queue uses it.
Take conf/feed/full_queue.yaml as it is.""",
    "runtime=keras3_workers feed.workers=1": """\
feed.workers=1 is no parallel loading: Keras starts its queue from two workers on.
Give feed.workers=2 or more, or runtime=keras3.""",
    "training.compile_with_xla=true": """\
training.compile_with_xla=true does nothing: feed=fit does not use it, feed=full_queue does.
Leave it out, or give runtime=keras2.""",
    "tracking.uri=http://me:secret@127.0.0.1:5000/mlflow": """\
tracking.uri holds a user or a password, and would be written into the files of every run.
Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment, \
and give tracking.uri=http://127.0.0.1:5000/mlflow.""",
    "tracking.uri=HTTPS://token@127.0.0.1": """\
tracking.uri holds a user or a password, and would be written into the files of every run.
Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment, \
and give tracking.uri=HTTPS://127.0.0.1.""",
}


@pytest.mark.parametrize(("told", "message"), REFUSALS.items(), ids=REFUSALS)
def test_what_cannot_be_trained_is_refused_in_these_words(composed, told, message):
    """The whole text: the key, what was seen, why it cannot be, and a value that can."""
    with pytest.raises(ConfigurationError) as refused:
        refusals.check(composed(*told.split(" ")))
    assert str(refused.value) == message


def test_everything_that_can_be_refused_is_tried():
    """A new bound or choice without a test would stand out here."""
    tried = {part.lstrip("+").split("=")[0] for told in REFUSALS for part in told.split(" ")}
    assert {*refusals.LEAST, *refusals.MOST, *refusals.CHOICES} - tried == {"model.weights"}


@pytest.mark.parametrize(
    "told",
    [
        "task.high=2",
        "task.high=8388608",
        "task.batch_size=1",
        "seed=4294967295",
        "sweep=a.B_c-1",
        "training.epochs=1",
        "tracking.uri=http://127.0.0.1:5000/me@work",
    ],
)
def test_what_can_just_be_trained_is_not_refused(composed, told):
    """The other side of each bound."""
    refusals.check(composed(told))


@pytest.mark.parametrize("sweep", ["..", ".", "", "-x", "a/b", "/x", "a b", "a\n", "~x", "$x", "a'b"])
def test_a_sweep_is_a_name_and_no_path(sweep):
    """Whatever would leave runs/, hide a folder or need quotes is refused."""
    with pytest.raises(ConfigurationError):
        checked_name(sweep)


@pytest.mark.parametrize(
    "rates",
    [
        {},
        {5: 0.1},
        {0: 0.1, 10: 0.1, 5: 0.1},
        {0: 0.1, 5: 0},
        {0: "fast"},
        {"x": 0.1},
        [0.1],
        "fast",
        None,
        0,
    ],
)
def test_a_schedule_rises_from_step_0_with_positive_rates(rates):
    """All else is no schedule."""
    with pytest.raises(ConfigurationError, match="is no schedule"):
        refusals.check_schedule(rates)


def test_the_schedule_that_the_message_advises_is_what_is_then_trained(composed):
    """On top of `quick` a mapping would be merged into its steps; the advice says how it is not."""
    with pytest.raises(ConfigurationError) as refused:
        refusals.check_schedule(-1)
    training, schedule = str(refused.value).split("step 0 on: ")[1].rstrip(".").split(" ", 1)
    told = composed(training, schedule.strip("'"))
    refusals.check(told)
    assert learning_rate_steps(told.training.learning_rate) == [(0, 0.1), (1500, 0.01)]


def test_a_cell_is_read_as_people_write_it(composed):
    """Runtime, generator, model, seed."""
    chosen = {"runtime": "keras2", "generator": "reused_inputs", "model": "dense"}
    assert str(cell_of(composed("seed=7"), chosen)) == "keras2 / reused_inputs / dense / 7"


def fingerprint(composed, *overrides: str) -> str:
    """Return the fingerprint of a configuration."""
    return fingerprinting.fingerprint(composed(*overrides))


@pytest.mark.parametrize(
    "override",
    [
        "seed=1",
        "task.high=10",
        "task.batch_size=16",
        "generator=flat_labels",
        "generator=copied_inputs",
        "model=mean_lambda",
        "runtime=keras2",
        "runtime=custom_loop",
        "runtime=jax_loop",
        "runtime=jax_loop load=64",
        "runtime=jax_loop generator.dtype=float64",
        "labels=expanded",
        "runtime=keras2 feed.depth=9",
        "loss.kind=broadcasting",
        "training=article",
        "training.epochs=29",
        "training.window_steps=10",
        "training.learning_rate=0.2",
        "training.steps_per_execution=10",
        "runtime=keras2 training.compile_with_xla=true",
        "listing=1",
    ],
)
def test_whatever_bears_on_a_run_changes_its_fingerprint(composed, override):
    """An old result must not stand for another training."""
    *rest, last = override.split(" ")
    assert fingerprint(composed, *rest, last) != fingerprint(composed, *rest)


@pytest.mark.parametrize(
    "override",
    ["tracking=off", "tracking.uri=x", "tracking.launch=y", "sweep=mine", "retrain=true", "dry_run=true"],
)
def test_what_does_not_bear_on_a_run_leaves_its_fingerprint(composed, override):
    """A finished run is found again under another sweep's name or store."""
    assert fingerprint(composed, override) == fingerprint(composed)


@pytest.fixture
def copied_lab(tmp_path, monkeypatch):
    """Let fingerprints be taken of a copy of the package."""
    package = tmp_path / "pitfalls"
    shutil.copytree(ROOT / "src" / "pitfalls", package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprinting, "LAB", package / "lab")
    return package


def changes(path) -> bool:
    """Tell whether an edit of a module changes the fingerprint of a run."""
    before = fingerprinting.fingerprint(Config())
    path.write_bytes(path.read_bytes() + b"\n")
    fingerprinting.code_digest.cache_clear()  # as another process takes it
    return fingerprinting.fingerprint(Config()) != before


@pytest.mark.parametrize(
    ("module", "bears"),
    [
        ("lab/generators.py", True),
        ("lab/feeds.py", True),
        ("lab/recorder.py", True),
        ("lab/measurements.py", True),
        ("lab/tensorflow/fit.py", True),
        ("lab/keras/models.py", True),
        ("lab/jax/steps.py", False),
        ("lab/jax/session.py", False),
        ("lab/torch/steps.py", False),
        ("lab/archive.py", True),
        ("claims/closed_forms.py", False),
        ("verdicts/run.py", False),
        ("report/tables.py", False),
        ("tracking/runs.py", False),
        ("stages/train.py", False),
    ],
)
def test_an_edit_of_what_measures_changes_the_fingerprint_and_no_other(copied_lab, module, bears):
    """An edited formula trains nothing, and neither does another framework."""
    assert changes(copied_lab / module) == bears


@pytest.mark.parametrize(
    ("package", "bears"), [("numpy", True), ("tensorflow-cpu", True), ("keras", True), ("mlflow", False)]
)
def test_another_version_of_what_measures_changes_the_fingerprint(monkeypatch, package, bears):
    """A pin of anything else does not."""
    before = fingerprinting.fingerprint(Config())
    versions = frameworks.version
    monkeypatch.setattr(frameworks, "version", lambda name: "0" if name == package else versions(name))
    frameworks.versions_of.cache_clear()
    assert (fingerprinting.fingerprint(Config()) != before) == bears
    frameworks.versions_of.cache_clear()


def test_a_framework_without_its_package_is_refused():
    """Under none of its distributions' names."""
    with pytest.raises(ConfigurationError, match=r"^no-such-package is not installed.\nRun `make setup`.$"):
        frameworks.installed(("no-such-package", "nor-this-one"))


@pytest.fixture
def without_torch(monkeypatch):
    """Let no package of the name torch be installed."""
    versions = frameworks.version

    def version(name):
        if name == "torch":
            raise PackageNotFoundError(name)
        return versions(name)

    monkeypatch.setattr(frameworks, "version", version)
    frameworks.versions_of.cache_clear()
    yield
    frameworks.versions_of.cache_clear()


@pytest.mark.parametrize(
    "words",
    [
        ["runtime=torch_loader"],
        ["runtime=torch_workers", "generator=refilled_tensor"],
        ["runtime=keras3_torch"],
    ],
)
def test_pytorch_is_installed_by_a_command_of_its_own(composed, without_torch, words):
    """The whole text, whatever else would need it; the other frameworks do without."""
    with pytest.raises(ConfigurationError) as refused:
        refusals.check(composed(*words))
    assert str(refused.value) == "torch is not installed.\nRun `make setup-torch`."
    refusals.check(composed("runtime=jax_loop"))


TORCH_REFUSED = {
    "runtime=torch_loader loss=repairing": """\
loss.kind=repairing is Keras's own: a loss that is written by hand repairs no ranks.
Give loss=broadcasting, or runtime=keras3_torch.""",
    "runtime=torch_loader load=200": """\
load=200 does nothing: steps of framework=torch carry no load.
Leave it out.""",
    "runtime=torch_loader feed=fit": """\
feed.kind=fit does not exist for framework=torch with model.library=torch.
Choose one of: loader, loader_workers, collate, thread_queue.""",
    "runtime=torch_workers feed.depth=0": """\
feed.depth=0 is too small: a queue holds at least one batch.
Give feed.depth=1 or more.""",
    "runtime=torch_loader training.steps_per_execution=10": """\
training.steps_per_execution=10 would change what feed=loader measures: \
it trains one batch for each batch of its loader.
Give training.steps_per_execution=1.""",
    "runtime=keras3_torch training.steps_per_execution=10": """\
training.steps_per_execution=10 is not possible on PyTorch: Keras trains one batch a call there.
Give training.steps_per_execution=1.""",
    "runtime=torch_collate generator=fresh_arrays": """\
this generator yields arrays, and this runtime takes samples.
Choose one of: fresh_samples, refilled_sample.""",
    "runtime=torch_loop generator=fresh_tensors": """\
this generator yields tensors, and this runtime takes arrays.
Choose one of: copied_inputs, flat_labels, fresh_arrays, reused_inputs, reused_inputs_aligned, reused_pair.""",
}


@needs_torch
@pytest.mark.parametrize(("words", "said"), TORCH_REFUSED.items())
def test_what_pytorch_cannot_train_is_refused_in_these_words(composed, words, said):
    """The whole texts, as of the other frameworks."""
    with pytest.raises(ConfigurationError) as refused:
        refusals.check(composed(*words.split(" ")))
    assert str(refused.value) == said


@needs_torch
@pytest.mark.parametrize(
    "words", ["runtime=torch_workers feed.workers=1", "runtime=torch_collate", "runtime=torch_loop"]
)
def test_what_pytorch_trains_is_not_refused(composed, words):
    """One worker is parallel loading there, unlike Keras's; a runtime of samples has some of its own accord."""
    refusals.check(composed(*words.split(" ")))


def test_a_sweep_hands_its_fingerprint_on_to_its_jobs(composed):
    """It is no part of itself: a source edited while a sweep trains cannot mark an old run as new."""
    assert composed("fingerprint='0123456789012e45'").fingerprint == "0123456789012e45"
    assert fingerprint(composed, "fingerprint='0123'") == fingerprint(composed)


@pytest.mark.parametrize(
    ("earlier", "now"),
    [
        ("loss=aligned", "loss=repairing"),
        ("runtime=keras2 loss=unaligned", "runtime=keras2 loss=broadcasting"),
        ("loss.kind=broadcasting", "loss.kind=broadcasting"),
    ],
)
def test_earlier_words_are_accepted_and_mean_the_same(composed, earlier, now):
    """Also for the fingerprint."""
    assert composed(*earlier.split(" ")) == composed(*now.split(" "))


@pytest.mark.parametrize(
    ("group", "target"),
    [
        ("generator", "pitfalls.generators.fresh_arrays"),
        ("generator", "pitfalls.lab.generators.fresh_arrays"),
        ("model", "pitfalls.models.dense"),
        ("model", "pitfalls.lab.tensorflow.models.dense"),
    ],
)
def test_earlier_paths_of_functions_still_lead_to_them(group, target):
    """An option that somebody wrote for an earlier version goes on working."""
    assert importable(group, target).__name__ == target.rpartition(".")[2]


@pytest.mark.parametrize(
    ("backend", "is_refused"), [("tensorflow", False), ("", False), ("jax", True), ("torch", True)]
)
def test_a_keras_backend_of_the_environment_is_respected_or_refused(monkeypatch, backend, is_refused):
    """It is never overwritten: somebody set it for a reason."""
    monkeypatch.setenv("KERAS_BACKEND", backend)
    if is_refused:
        with pytest.raises(ConfigurationError, match=f"KERAS_BACKEND={backend} is set"):
            frameworks.refuse_another_backend("tensorflow")
        with pytest.raises(ConfigurationError), frameworks.keras_on("tensorflow"):
            pass
    else:
        frameworks.refuse_another_backend("tensorflow")
        with frameworks.keras_on("tensorflow"):
            assert os.environ["KERAS_BACKEND"] == "tensorflow"
    prepare()
    assert os.environ["KERAS_BACKEND"] == backend


def test_keras_is_imported_on_a_framework_and_the_next_process_may_take_another(monkeypatch):
    """What was not set is not set afterwards."""
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    with frameworks.keras_on("jax"):
        assert os.environ["KERAS_BACKEND"] == "jax"
    assert "KERAS_BACKEND" not in os.environ


@pytest.mark.parametrize(
    ("library", "runtime"),
    [
        ("keras", "keras3"),
        ("keras", "keras3_jax"),
        ("jax", "jax_loop"),
        ("torch", "torch_loop"),
        ("keras", "keras3_torch"),
    ],
)
def test_a_model_is_that_of_the_runtime_s_library(composed, library, runtime):
    """One option, written once for each library."""
    told = composed(f"runtime={runtime}", "model=flat_mean_lambda")
    assert told.model._target_ == f"pitfalls.lab.{library}.models.flat_mean_lambda"


@pytest.mark.parametrize("size", ["task.batch_size=1000000000000", "training.steps_per_epoch=1000000000000"])
def test_what_does_not_fit_into_memory_is_refused_before_anything_tries(composed, size):
    """What was asked for, what there is, and sizes that fit."""
    with pytest.raises(ConfigurationError) as refused:
        refusals.check(composed(size))
    first, last = str(refused.value).split("\n")
    assert re.fullmatch(r".*\d GB of memory, and this machine has [\d,]+ GB\.", first) and size in first
    assert last == "Give smaller ones: the article has task.batch_size=64 and training.steps_per_epoch=1000."


RUNTIMES = (
    "custom_loop, jax_loop, jax_prefetch, keras2, keras3, keras3_jax, keras3_torch, keras3_workers, "
    "torch_collate, torch_loader, torch_loop, torch_workers"
)

NOT_HYDRA_S = (
    "{} is not accepted: the folder of a run follows from its cell, below runs/, and nothing finds it elsewhere.\n"
    "Give the runs a name of their own instead: sweep=mine. They go to runs/mine/. "
    "Of Hydra's keys these are accepted: hydra/launcher, hydra.launcher, hydra.verbose, hydra.searchpath."
)
NO_NAME = (
    "generator=../../../x is no name: it becomes a folder below runs/.\n"
    "Put the file into a folder generator/ of your own and name it without a path: "
    "--config-dir=... generator=mine."
)

REFUSED_WORDS = {
    "+runtme=keras2": "runtme does not exist in the configuration.\nDid you mean runtime?",
    "runtme=keras2": "runtme does not exist in the configuration.\nDid you mean runtime?",
    "++sed=1": "sed does not exist in the configuration.\nDid you mean seed?",
    "task.hihg=3": "task.hihg does not exist in the configuration.\nDid you mean task.high?",
    "+training.optimizer=adam": (
        "training.optimizer does not exist in the configuration.\nChoose one of: training.compile_with_xla, "
        "training.epochs, training.epochs_for, training.learning_rate, training.steps_per_epoch, "
        "training.steps_per_execution, training.window_steps, training.window_steps_for."
    ),
    "training=null": "training=null leaves nothing to train with.\nChoose one of: article, brief, lottery, quick.",
    "runtime=null": (f"runtime=null leaves nothing to train with.\nChoose one of: {RUNTIMES}."),
    "seed=null": "seed=null leaves nothing to train with.\nLeave it out, or give a value.",
    "model=dens": (
        "model=dens does not exist.\nDid you mean model=dense? Choose one of: dense, flat_mean_lambda, mean_lambda."
    ),
    "runtime=keras2,kers3": (
        f"runtime=kers3 does not exist.\nDid you mean runtime=keras3? Choose one of: {RUNTIMES}."
    ),
    "hydra.run.dir=/elsewhere": NOT_HYDRA_S.format("hydra.run.dir=/elsewhere"),
    "++hydra.run.dir=/elsewhere": NOT_HYDRA_S.format("++hydra.run.dir=/elsewhere"),
    "hydra.run={dir: /elsewhere}": NOT_HYDRA_S.format("hydra.run={dir: /elsewhere}"),
    "hydra.sweep.subdir=../x": NOT_HYDRA_S.format("hydra.sweep.subdir=../x"),
    "hydra.output_subdir=../../x": NOT_HYDRA_S.format("hydra.output_subdir=../../x"),
    "hydra.job.chdir=true": NOT_HYDRA_S.format("hydra.job.chdir=true"),
    "hydra/job_logging=default": NOT_HYDRA_S.format("hydra/job_logging=default"),
    "hydra/sweeper=basic": NOT_HYDRA_S.format("hydra/sweeper=basic"),
    "~hydra.callbacks": NOT_HYDRA_S.format("~hydra.callbacks"),
    "+hydra={callbacks: null}": NOT_HYDRA_S.format("+hydra={callbacks: null}"),
    "generator=../../../x": NO_NAME,
    "generator=fresh_arrays,../../../x": NO_NAME,
}


@pytest.mark.parametrize(("word", "message"), REFUSED_WORDS.items(), ids=REFUSED_WORDS)
def test_a_word_that_would_train_something_else_is_refused_in_these_words(word, message):
    """The whole text: also behind a +, where Hydra takes any key."""
    with pytest.raises(ConfigurationError) as refused:
        overrides.refuse_unknown(["-m", "generator=reused_inputs", word])
    assert str(refused.value) == message


@pytest.mark.parametrize("word", [word for word, said in REFUSED_WORDS.items() if "below runs/" in said])
def test_an_own_folder_of_configurations_opens_no_way_out(word):
    """Keys may come from there that are not known here, but no run leaves its place."""
    with pytest.raises(ConfigurationError, match="below runs/"):
        overrides.refuse_unknown(["--config-dir=/mine", "+key_of_mine=1", word])
    overrides.refuse_unknown(
        ["--config-dir=/mine", "+key_of_mine=1", "generator=mine", "-m", "generator=glob(*)"]
    )


@pytest.mark.parametrize(
    "word",
    [
        "runtime=keras2",
        "generator=glob(*)",
        "model=dense,mean_lambda",
        "seed=range(0,3)",
        "training.learning_rate={0: 0.1, 1500: 0.01}",
        "+generator.inputs_offset_bytes=0",
        "experiment=null",
        "tracking.uri=sqlite:///x=y.db",
        "hydra/launcher=basic",
        "hydra.launcher.n_jobs=1",
        "+hydra.launcher.ray.init.object_store_memory=null",
        "--cfg",
        "job",
        "training.epochs_for.trainable=3",
    ],
)
def test_a_word_that_is_meant_is_let_through(word):
    """Hydra's own words too, and what it refuses itself in a message."""
    overrides.refuse_unknown([word])


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("foo", "foo does not exist in the configuration."),
        ("training.foo", "training.foo does not exist in the configuration."),
    ],
)
def test_an_unknown_key_is_refused_where_it_is_composed_too(composed, key, message):
    """A file in conf/ may hold one."""
    with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}"):
        composed(f"+{key}=1")
