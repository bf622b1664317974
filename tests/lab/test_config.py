"""Configuration: every impossible value is refused in words that name a possible one."""

from pathlib import Path

import pytest

from pitfalls.config import schema as config
from pitfalls.errors import ConfigurationError

REFUSALS = {
    "task.high=1": """\
task.high=1 cannot be: with fewer than two integers there is nothing to learn.
Give task.high=2 or more.""",
    "task.high=8388609": """\
task.high=8388609 cannot be: inputs and labels are compared in float32, which is exact up to there.
Give task.high=8388608 or less.""",
    "task.batch_size=0": """\
task.batch_size=0 cannot be: a batch holds at least one row.
Give task.batch_size=1 or more.""",
    "training.epochs=-1": """\
training.epochs=-1 cannot be: a run trains at least one epoch.
Give training.epochs=1 or more.""",
    "training.steps_per_epoch=0": """\
training.steps_per_epoch=0 cannot be: an epoch has at least one step.
Give training.steps_per_epoch=1 or more.""",
    "training.steps_per_execution=0": """\
training.steps_per_execution=0 cannot be: an execution has at least one step.
Give training.steps_per_execution=1 or more.""",
    "training.window_steps=0": """\
training.window_steps=0 cannot be: the loss is measured over at least one step.
Give training.window_steps=1 or more.""",
    "feed.depth=0": """\
feed.depth=0 cannot be: a queue holds at least one batch.
Give feed.depth=1 or more.""",
    "feed.workers=0": """\
feed.workers=0 cannot be: somebody must pull the generator.
Give feed.workers=1 or more.""",
    "seed=-1": """\
seed=-1 cannot be: NumPy's seeds are not negative.
Give seed=0 or more.""",
    "seed=4294967296": """\
seed=4294967296 cannot be: NumPy's and Keras's seeds have 32 bits.
Give seed=4294967295 or less.""",
    "feed.kind=pipe": """\
feed.kind=pipe is no choice.
Choose one of: full_queue, fit, workers, thread_queue.""",
    "loss.kind=square": """\
loss.kind=square is no choice.
Choose one of: aligned, unaligned.""",
    "labels=flat": """\
labels=flat is no choice.
Choose one of: as_they_come, expanded.""",
    "training.optimizer=adam": """\
training.optimizer=adam is no choice.
Choose one of: rmsprop.""",
    "entry_point=bake": """\
entry_point=bake is no choice.
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
It takes: none.""",
    "generator=reused_pair +generator.offset=3": """\
generator.offset is no argument of pitfalls.lab.generators.reused_pair.
It takes: inputs_offset_bytes, labels_offset_bytes.""",
}


@pytest.mark.parametrize(("told", "message"), REFUSALS.items(), ids=REFUSALS)
def test_what_cannot_be_trained_is_refused_in_these_words(composed, told, message):
    """The whole text: the key, what was seen, why it cannot be, and a value that can."""
    with pytest.raises(ConfigurationError) as refused:
        config.check(composed(*told.split(" ")))
    assert str(refused.value) == message


def test_everything_that_can_be_refused_is_tried():
    """A new bound or choice without a test would stand out here."""
    tried = {part.lstrip("+").split("=")[0] for told in REFUSALS for part in told.split(" ")}
    assert {*config.LEAST, *config.MOST, *config.CHOICES} - tried == {"model.weights"}


@pytest.mark.parametrize(
    "told",
    [
        "task.high=2",
        "task.high=8388608",
        "task.batch_size=1",
        "seed=4294967295",
        "sweep=a.B_c-1",
        "training.epochs=1",
    ],
)
def test_what_can_just_be_trained_is_not_refused(composed, told):
    """The other side of each bound."""
    config.check(composed(told))


@pytest.mark.parametrize("sweep", ["..", ".", "", "-x", "a/b", "/x", "a b", "a\n", "~x", "$x", "a'b"])
def test_a_sweep_is_a_name_and_no_path(sweep):
    """Whatever would leave runs/, hide a folder or need quotes is refused."""
    with pytest.raises(ConfigurationError):
        config.checked_name(sweep)


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
        config.check_schedule(rates)


def test_the_schedule_that_the_message_advises_is_what_is_then_trained(composed):
    """On top of `quick` a mapping would be merged into its steps; the advice says how it is not."""
    with pytest.raises(ConfigurationError) as refused:
        config.check_schedule(-1)
    training, schedule = str(refused.value).split("step 0 on: ")[1].rstrip(".").split(" ", 1)
    told = composed(training, schedule.strip("'"))
    config.check(told)
    assert config.learning_rate_steps(told.training.learning_rate) == [(0, 0.1), (1500, 0.01)]


def test_a_cell_is_read_as_people_write_it(composed):
    """Runtime, generator, model, seed."""
    chosen = {"runtime": "keras2", "generator": "reused_inputs", "model": "dense"}
    assert str(config.cell_of(composed("seed=7"), chosen)) == "keras2 / reused_inputs / dense / 7"


def fingerprint(composed, *overrides: str) -> str:
    """Return the fingerprint of a configuration."""
    return config.fingerprint(config.plain(composed(*overrides)))


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
        "labels=expanded",
        "feed.depth=9",
        "loss.kind=unaligned",
        "training=article",
        "training.epochs=29",
        "training.window_steps=10",
        "training.learning_rate=0.2",
        "training.steps_per_execution=10",
        "training.compile_with_xla=true",
        "listing=1",
    ],
)
def test_whatever_bears_on_a_run_changes_its_fingerprint(composed, override):
    """An old result must not stand for another training."""
    assert fingerprint(composed, override) != fingerprint(composed)


@pytest.mark.parametrize(
    "override",
    ["tracking=off", "tracking.uri=x", "tracking.launch=y", "sweep=mine", "retrain=true", "dry_run=true"],
)
def test_what_does_not_bear_on_a_run_leaves_its_fingerprint(composed, override):
    """A finished run is found again under another sweep's name or store."""
    assert fingerprint(composed, override) == fingerprint(composed)


@pytest.fixture
def copied_source(tmp_path, monkeypatch):
    """Let fingerprints be taken of a copy of the package and the lock file."""
    package = tmp_path / "src" / "pitfalls"
    package.mkdir(parents=True)
    real = Path(config.__file__).parent
    for source in real.rglob("*.py"):
        copy = package / source.relative_to(real)
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(source.read_bytes())
    (tmp_path / "requirements.lock").write_bytes((config.ROOT / "requirements.lock").read_bytes())
    monkeypatch.setattr(config, "__file__", str(package / "config.py"))
    monkeypatch.setattr(config, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("module", [*config.TRAINING_MODULES, "lock"])
def test_an_edit_of_what_trains_changes_the_fingerprint(copied_source, module):
    """Each module that bears on training, and the locked packages."""
    edited = copied_source / ("requirements.lock" if module == "lock" else f"src/pitfalls/{module}.py")
    before = config.fingerprint({})
    edited.write_bytes(edited.read_bytes() + b"\n")
    assert config.fingerprint({}) != before


@pytest.mark.parametrize(
    "module", ["expectations", "verification", "twin", "judging", "tables", "report", "tracking/runs"]
)
def test_an_edit_of_what_judges_leaves_the_fingerprint(copied_source, module):
    """An edited formula trains nothing."""
    edited = copied_source / "src" / "pitfalls" / f"{module}.py"
    before = config.fingerprint({})
    edited.write_bytes(edited.read_bytes() + b"\n")
    assert config.fingerprint({}) == before
