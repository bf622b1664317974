"""Training: what a run does besides its steps, and what its result says of it."""

import os
import subprocess
import threading
import weakref

import numpy as np
import pytest

from pitfalls.config.frameworks import versions_of
from pitfalls.errors import ConfigurationError, DivergedError
from pitfalls.lab import frameworks
from pitfalls.lab.keras import setup
from pitfalls.lab.measurements import commit, refuse_diverged
from pitfalls.lab.tensorflow.fit import ObservedModel
from pitfalls.lab.training import train
from pitfalls.project import PAIR, ROOT, SeededCell

BRIEF = ("training.epochs=2", "training.steps_per_epoch=20", "training.window_steps=10")


@pytest.mark.parametrize(
    ("runtime", "generator", "model", "shapes"),
    [
        ("keras2", "fresh_arrays", "dense", {"labels": (64, 1), "prediction": (64, 1), "loss_difference": (64, 1)}),
        ("keras2", "flat_labels", "dense", {"labels": (64,), "prediction": (64, 1), "loss_difference": (64, 1)}),
        ("keras3", "fresh_arrays", "flat_mean_lambda", {"prediction": (64,), "loss_difference": (64, 1)}),
        ("keras3_workers", "fresh_arrays", "dense", {"labels": (64, 1), "loss_difference": (64, 1)}),
        ("custom_loop", "flat_labels", "mean_lambda", {"labels": (64,), "loss_difference": (64, 64)}),
    ],
)  # fmt: skip
def test_a_result_says_what_the_model_was_given(composed, runtime, generator, model, shapes):
    """In every way to train: shapes, lengths, where it was trained and with what."""
    config = composed(
        f"runtime={runtime}",
        f"generator={generator}",
        f"model={model}",
        *BRIEF,
        "training.steps_per_execution=1",
    )
    config.fingerprint = "handed on"
    epochs: list[tuple[int, float]] = []
    run = SeededCell(runtime, generator, model, 0)
    result = train(config, run, lambda epoch, loss: epochs.append((epoch, loss))).result
    assert {name: getattr(result.shapes, name) for name in shapes} == shapes
    assert result.cell == run and result.framework == "tensorflow" and result.fingerprint == "handed on"
    assert (len(result.loss), result.window_steps) == (2, 10)
    assert epochs == [(0, pytest.approx(result.loss[0])), (1, pytest.approx(result.loss[1]))]
    assert result.prediction.inputs == PAIR
    assert len(result.answers.values) == len(result.answers.inputs) == 36
    assert result.versions.items() >= versions_of("tensorflow").items()
    assert result.origin.cores == os.cpu_count() and result.origin.commit == commit(ROOT)
    assert result.broken_rows == 0.0
    assert result.seconds.per_step * 40 == pytest.approx(result.seconds.training)
    assert 0 < result.seconds.training < result.seconds.total


def test_the_user_s_generator_is_built_once_to_look_at_it_and_once_to_train(composed, monkeypatch):
    """Two yields are held for offsets and probe alike: a data set may take minutes to open."""
    from pitfalls.lab import generators

    built = []
    make = generators.fresh_arrays
    monkeypatch.setattr(generators, "fresh_arrays", lambda *told: built.append(told) or make(*told))
    train(composed("runtime=keras2", *BRIEF, "training.steps_per_execution=20"), SeededCell("a", "b", "c", 0))
    assert len(built) == 2


def test_a_loss_that_is_no_number_is_refused_with_its_step_and_rate():
    """There is nothing to judge; the whole text."""
    with pytest.raises(DivergedError) as refused:
        refuse_diverged(np.array([1.0, 2.0, np.inf, np.nan]), 1e38)
    assert str(refused.value) == (
        "the loss is inf from step 2 on, at training.learning_rate=1e+38.\n"
        "Nothing was written. Give a smaller rate: 0.1 and below train well here."
    )


def test_one_process_trains_one_framework(monkeypatch):
    """The second is refused before it is imported."""
    monkeypatch.setattr(frameworks, "_loaded", ["tensorflow"])
    with pytest.raises(
        ConfigurationError, match=r"^this process has trained with tensorflow, and one process"
    ):
        frameworks.load("jax")


def git(folder, *arguments):
    """Run git in a folder, as nobody in particular."""
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", *who, "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("edited", "is_changed"),
    [
        ("src/code.py", True),
        ("conf/a.yaml", True),
        ("reports/matrix.md", False),
        ("dvc.lock", False),
        ("untracked.txt", False),
        ("src/untracked.py", True),
    ],
)
def test_a_commit_has_changes_if_something_else_than_outputs_differs(tmp_path, edited, is_changed):
    """A pipeline that has written its reports has still trained with the code of this commit."""
    for name in ("src/code.py", "conf/a.yaml", "reports/matrix.md", "dvc.lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("as committed\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    assert commit(tmp_path).isalnum()
    (tmp_path / edited).write_text("edited\n")
    assert commit(tmp_path).endswith(", with changes") == is_changed


def test_a_folder_that_is_no_repository_has_no_commit(tmp_path):
    """As in an archive of the project."""
    assert commit(tmp_path) == "not in a git repository"


@pytest.mark.parametrize("lets_go", [True, False])
def test_the_iterator_of_a_finished_fit_is_let_go_outside_the_main_thread(composed, monkeypatch, lets_go):
    """Letting it go may take as long as the training did; without our doing it ends in the main thread."""
    ended: list[threading.Thread] = []
    over = threading.Event()
    let_go = ObservedModel.let_iterator_go

    def watched(model):
        weakref.finalize(model._iterator[0], lambda: (ended.append(threading.current_thread()), over.set()))
        let_go(model) if lets_go else model._iterator.clear()

    monkeypatch.setattr(ObservedModel, "let_iterator_go", watched)
    config = composed(
        "runtime=keras3", "model=mean_lambda", "training.epochs=1", "training.steps_per_epoch=5"
    )
    train(config, SeededCell("keras3", "fresh_arrays", "mean_lambda", 0))
    assert over.wait(timeout=30)
    assert (ended[0] is threading.main_thread()) != lets_go


@pytest.mark.parametrize(("builds", "traces"), [(True, 1), (False, 2)])
def test_a_step_of_fit_is_traced_once_as_its_variables_are_there(composed, monkeypatch, builds, traces):
    """Variables that the optimizer makes inside the first trace cost a second one."""
    traced = []
    step = ObservedModel.train_step
    monkeypatch.setattr(ObservedModel, "train_step", lambda *told: traced.append(told) or step(*told))
    if not builds:
        make = setup.make_optimizer
        monkeypatch.setattr(setup, "make_optimizer", lambda rate: unbuilt(make(rate)))
    config = composed("runtime=keras3", "training.epochs=2", "training.steps_per_epoch=5")
    train(config, SeededCell("keras3", "fresh_arrays", "dense", 0))
    assert len(traced) == traces


def unbuilt(optimizer):
    """Return an optimizer whose first request to make its variables is not heard."""
    build = optimizer.build
    heard = iter([lambda variables: None])
    optimizer.build = lambda variables: next(heard, build)(variables)
    return optimizer


@pytest.mark.parametrize(("epochs", "steps"), [(2, 60), (3, 40), (1, 120)])
def test_a_share_is_told_for_thirty_parts_whatever_an_epoch_is(composed, epochs, steps):
    """A race may settle late: its twin follows it more closely than by epochs."""
    config = composed(
        "runtime=keras2",
        "generator=reused_inputs",
        "model=mean_lambda",
        f"training.epochs={epochs}",
        f"training.steps_per_epoch={steps}",
        "training.steps_per_execution=20",
    )
    result = train(config, SeededCell("keras2", "reused_inputs", "mean_lambda", 0)).result
    assert len(result.broken_rows_over_time) == 30
    assert len(result.loss) == epochs
    assert np.mean(result.broken_rows_over_time) == pytest.approx(0.9933, abs=0.01)
