"""Repaired: what Keras undoes on its own is a note, and no reason to fail."""

import json
import textwrap

import numpy as np
import pytest

from pitfalls import guard
from pitfalls.guard.command.results import as_text, result_of
from pitfalls.guard.findings import Finding, Report

COMMONEST = """
    import keras
    import numpy as np

    def train_iterator():
        while True:
            yield np.random.rand(8, 2), np.random.randint(0, 2, 8)

    def create_model():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
        model.compile("sgd", loss="binary_crossentropy", metrics=["accuracy"])
        return model
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pytest.importorskip("keras", reason="Keras is not installed")
    (tmp_path / "train.py").write_text(textwrap.dedent(COMMONEST))
    return ["check", "train.py:create_model", "--batch", "train.py:train_iterator"]


def test_the_commonest_script_there_is_ends_in_status_0_with_a_note(script, run):
    """Dense(1), flat labels, binary_crossentropy and accuracy: Keras repairs both, and both have their names."""
    done = run(*script)
    assert done.returncode == 0
    assert done.stdout.endswith("train.py:create_model: nothing found, 2 notes\n")
    notes = [line for line in done.stdout.splitlines() if line.startswith(("  loss ", "  metric "))]
    assert notes[0].split() == ["loss", "binary_crossentropy"]
    assert notes[-1].split() == ["metric", "accuracy"]
    assert done.stdout.startswith("note (broadcast-loss, repaired): labels and predictions differ in rank")


def test_fail_on_repaired_makes_it_status_1(script, run):
    """For who wants the labels mended all the same; the JSON says of each finding whether it is repaired."""
    assert json.loads(run(*script, "--json").stdout)["status"] == "clean"
    done = run(*script, "--json", "--fail-on", "repaired")
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"]) == (1, "findings")
    assert [finding["repaired"] for finding in report["findings"]] == [True, True]


def test_findings_and_notes_are_counted_apart():
    """One that bites sets the status, whatever is repaired beside it."""
    bites = Finding("broadcast-loss", "labels", 0, "seen", "fix")
    repaired = Finding("broadcast-loss", "labels", 0, "seen", "fix", repaired=True)
    both, note = Report("m", (bites, repaired)), Report("m", (repaired,))
    assert (result_of(both).exit_status, result_of(note).exit_status) == (1, 0)
    assert as_text(both.to_dict()).endswith("m: 1 finding, 1 note")
    assert as_text(note.to_dict()).endswith("m: nothing found, 1 note")


@pytest.mark.parametrize("name", ["accuracy", "mae", "auc", "precision", "mine"])
def test_a_repaired_metric_has_its_name(name):
    """As compile was told, and as the metric's own is."""
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    keras.utils.clear_session()
    metrics = {"auc": keras.metrics.AUC(), "precision": keras.metrics.Precision()}
    metrics["mine"] = keras.metrics.MeanSquaredError(name="mine")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", loss="mse", metrics=[metrics.get(name, name)])
    _, metric = guard.check_model(model, (np.random.rand(8, 2), np.arange(8) % 2))
    assert metric.message.splitlines()[1].split() == ["metric", name]
