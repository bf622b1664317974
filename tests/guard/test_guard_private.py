"""Private names of Keras and TensorFlow: where they are, what happens without them, and what is patched."""

import ast
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest

import pitfalls.guard
from pitfalls import guard

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
keras = pytest.importorskip("keras", reason="Keras is not installed")

from pitfalls.guard.shapes import private  # noqa: E402

GUARD = Path(pitfalls.guard.__file__).parent
HOME = GUARD / "shapes" / "private.py"
PRIVATE_NAMES = {
    *("squeeze_or_expand_to_same_rank", "LossFunctionWrapper", "func_graph_from_py_func", "tensor_util"),
    *("constant_value", "CompileLoss", "CompileMetrics", "compile_utils", "train_function", "compile_loss"),
    *("distribute_strategy", "gradient_tape", "_workers", "_use_multiprocessing", "_max_queue_size"),
}
PRIVATE_PLACES = ("keras.src", "keras/src", "tensorflow.python", "tensorflow/python")
ROWS = 8
X = np.random.default_rng(0).random((ROWS, 2)).astype("float32")
FLAT, COLUMN = np.ones(ROWS, "float32"), np.ones((ROWS, 1), "float32")


def words_of(node):
    """Return the names and texts that a node of a syntax tree holds, docstrings included."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(alias.name for alias in node.names)]
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.id] if isinstance(node, ast.Name) else []


def private_words(source):
    """Return what a file holds of what Keras and TensorFlow do not promise, and what it patches in them."""
    for node in ast.walk(ast.parse(source)):
        for word in words_of(node):
            if word in PRIVATE_NAMES or any(place in word for place in PRIVATE_PLACES):
                yield word
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            target = ast.unparse(node)
            if target.split(".")[0] in ("keras", "tf", "tensorflow", "model"):
                yield target


def test_private_names_are_in_one_file():
    """So that a new release of Keras is one file's matter."""
    found = {path: list(private_words(path.read_text())) for path in GUARD.rglob("*.py")}
    assert {path.name for path, words in found.items() if words} == {HOME.name}
    assert {"squeeze_or_expand_to_same_rank", "CompileLoss", "train_function"} <= set(found[HOME])


@pytest.mark.parametrize(
    "source",
    [
        "from keras.src.losses.losses import LossFunctionWrapper",
        "import tensorflow.python.framework.func_graph",
        "REPAIR = 'squeeze_or_expand_to_same_rank'",
        "is_metric = 'keras/src/metrics' in file",
        "step = model.train_function",
        "keras.layers.Layer.__call__ = called",
    ],
)
def test_a_private_name_elsewhere_is_noticed(source):
    """The test above can fail."""
    assert list(private_words(source))


class Unaligned(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return tf.reduce_mean(tf.square(y_true - y_pred))


def dense(loss=None):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    if loss is not None:
        model.compile("sgd", loss=loss)
    return model


def test_a_repair_that_has_another_name_is_said_to_be_not_traced(monkeypatch):
    """A built-in loss then looks sound, and nobody may take that for a result."""
    heard = guard.check_model(dense("mse"), (X, FLAT))
    assert ([finding.repaired for finding in heard], heard.not_checked) == ([True], ())
    monkeypatch.setattr(private, "RANK_REPAIR", "a_name_that_keras_does_not_have")
    report = guard.check_model(dense("mse"), (X, FLAT))
    assert list(report) == []
    assert report.not_checked == (
        f"Ranks that Keras repairs: not traced with this Keras. pitfalls knows {private.KNOWN}; "
        f"this is Keras {keras.__version__} on TensorFlow {tf.__version__}.",
    )


def test_without_the_repairs_name_what_nothing_repairs_is_still_found(monkeypatch):
    """Only the repairs are out of sight."""
    monkeypatch.setattr(private, "RANK_REPAIR", "a_name_that_keras_does_not_have")
    report = guard.check_model(dense(Unaligned()), (X, FLAT))
    assert [finding.repaired for finding in report] == [False]
    assert len(report.not_checked) == 1


def test_no_broadcast_raises_where_it_cannot_see_the_repair(monkeypatch):
    """It promises to refuse, so it must not let everything pass."""
    monkeypatch.setattr(private, "RANK_REPAIR", "a_name_that_keras_does_not_have")
    with pytest.raises(guard.GuardError, match=r"pitfalls knows Keras 3\.15") as caught:
        guard.no_broadcast("mse")(FLAT, COLUMN)
    assert str(caught.value).endswith(": a_name_that_keras_does_not_have is not there.")


@pytest.mark.parametrize("labels", [FLAT, COLUMN], ids=["flat labels", "columns"])
@pytest.mark.parametrize("loss", ["mse", Unaligned()], ids=["built-in", "own"])
def test_without_tensorflows_tracer_the_public_one_finds_the_same(monkeypatch, loss, labels):
    """tf.function takes the place of func_graph_from_py_func."""
    known = guard.check_model(dense(loss), (X, labels))
    monkeypatch.setitem(sys.modules, "tensorflow.python.framework.func_graph", None)
    other = guard.check_model(dense(loss), (X, labels))
    assert [finding.text for finding in other] == [finding.text for finding in known]


@pytest.mark.parametrize(
    ("missing", "options"),
    [("CompileLoss", {"loss": "mse"}), ("CompileMetrics", {"metrics": ["mae"]})],
)
def test_a_class_that_is_gone_is_an_error_which_names_it(monkeypatch, missing, options):
    """Neither a clean report nor the loss's fault."""
    utils = types.ModuleType("keras.src.trainers.compile_utils")
    monkeypatch.setitem(sys.modules, utils.__name__, utils)
    with pytest.raises(guard.GuardError) as caught:
        guard.check_model(dense(), (X, FLAT), **options)
    assert str(caught.value) == (
        f"pitfalls knows {private.KNOWN}; this is Keras {keras.__version__} "
        f"on TensorFlow {tf.__version__}: {missing} is not there."
    )


def test_a_first_step_that_cannot_be_stood_in_front_of_is_an_error():
    """ShapeGuard would otherwise watch nothing."""
    callback = guard.ShapeGuard()
    callback.set_model(types.SimpleNamespace())
    with pytest.raises(guard.GuardError, match=r"Model\.train_function is not there"):
        callback.on_train_begin()


def test_the_versions_it_knows_are_those_it_is_tested_with():
    """A newer Keras in the lock file asks for a look at private.py."""
    keras_version, tensorflow_version = (
        ".".join(v.split(".")[:2]) for v in (keras.__version__, tf.__version__)
    )
    assert f"Keras {keras_version} on TensorFlow {tensorflow_version}" == private.KNOWN


def patched():
    """Return what the guard replaces while it looks, as it is now."""
    modules = [m for name, m in sorted(sys.modules.items()) if name.startswith("keras.")]
    repairs = [vars(m)[private.RANK_REPAIR] for m in modules if private.RANK_REPAIR in vars(m)]
    return [keras.layers.Layer.__call__, *repairs]


def in_a_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


def listening(layers):
    return private.listening(lambda call: layers.append(1) or call(), lambda *_: None)


def test_an_exception_while_it_looks_leaves_keras_as_it_was():
    """In a step of the user's, and in the guard itself."""
    before = patched()
    assert len(before) > 2

    def step(x, y):
        assert keras.layers.Layer.__call__ is not before[0]
        raise ZeroDivisionError

    with pytest.raises(guard.GuardError, match="ZeroDivisionError"):
        guard.check_model(dense(), (X, FLAT), step=step)
    with pytest.raises(KeyError), listening([]):
        assert all(now is not then for now, then in zip(patched(), before, strict=True))
        raise KeyError
    assert all(now is then for now, then in zip(patched(), before, strict=True))


def test_two_threads_look_one_after_the_other_and_leave_keras_as_it_was():
    """Each finds what is in its own model."""
    before, found = patched(), {"own": [], "mse": []}

    def look(key, model):
        for _ in range(5):
            found[key] += [finding.repaired for finding in guard.check_model(model, (X, FLAT))]

    pairs = (("own", dense(Unaligned())), ("mse", dense("mse")))
    threads = [threading.Thread(target=look, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {"own": [False] * 5, "mse": [True] * 5}
    assert all(now is then for now, then in zip(patched(), before, strict=True))


def test_layers_that_another_thread_calls_meanwhile_are_not_heard():
    """They are somebody's training, and no part of the traced step."""
    heard, model = [], dense()
    with listening(heard):
        in_a_thread(lambda: model(X))
        assert heard == []
        model(X)
    assert heard


def is_free(lock):
    """Tell whether another thread could take a lock now."""
    answers = []

    def ask():
        answers.append(lock.acquire(blocking=False))
        if answers[0]:
            lock.release()

    in_a_thread(ask)
    return answers[0]


def test_while_one_thread_looks_another_one_waits():
    """Two that patch at once could put each other's patch back."""
    with listening([]):
        assert not is_free(private.PATCHING)
    assert is_free(private.PATCHING)
