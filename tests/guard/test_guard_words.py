"""Words: the lines of a finding that depend on where an array stands and on what it is called."""

import copy
import sys
import types

import numpy as np
import pytest

from pitfalls import guard
from pitfalls.guard.rules import biting


def array_at(offset_bytes):
    """Return 16 float32 values that start so many bytes past a 64-byte boundary."""
    memory = np.zeros(64 + 64 + 64, dtype=np.uint8)
    start = -memory.ctypes.data % 64 + offset_bytes
    return memory[start : start + 64].view(np.float32)


@pytest.mark.parametrize(
    ("leaf", "said"),
    [
        (
            array_at(0),
            "PyDataset(workers=2 or more),\n"
            "              and fit(generator): TensorFlow does not copy a buffer on a 64-byte boundary",
        ),
        (
            array_at(16),
            "PyDataset(workers=2 or more);\n"
            "              fit(generator): safe after the first batch, but only by luck. TensorFlow copies\n"
            "              this buffer because its address is not a multiple of 64.",
        ),
        (
            array_at(0)[::2],
            "PyDataset(workers=2 or more);\n"
            "              fit(generator): safe after the first batch. TensorFlow copies this array\n"
            "              because its values do not lie in one piece, in order.",
        ),
        (
            bytearray(64),
            "PyDataset(workers=2 or more), tensors over shared memory; fit(generator) on its first batch",
        ),
    ],
    ids=["on a boundary", "off it", "with gaps", "no array"],
)
def test_where_an_array_stands_decides_which_paths_bite(leaf, said, monkeypatch):
    """A queue of references always does; TensorFlow's copy depends on the address and on the gaps."""
    monkeypatch.setattr(biting, "framework", lambda: "tensorflow")
    assert biting.paths_that_bite(leaf) == f"a queue of references (prefetch threads), {said}"


@pytest.mark.parametrize(
    ("batch", "later", "said"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), "batch 2: inputs have a different shape or dtype than in"),
        ([[np.zeros(2)]], [[np.zeros(2, int)]], "batch 2: inputs[0] has a different shape or dtype than in"),
    ],
    ids=["the inputs", "one of them"],
)
def test_a_changed_shape_is_told_in_a_sentence(batch, later, said):
    """Several arrays have it, one array has it."""
    (finding,) = guard.check([batch, copy.deepcopy(batch), later], batches=3)
    assert finding.message.startswith(said)


@pytest.mark.parametrize(
    ("loaded", "said"),
    [
        ([], "tensorflow"),
        (["torch"], "torch"),
        (["jax"], "jax"),
        (["tensorflow", "jax"], "tensorflow"),
        (["torch", "jax"], "torch"),
    ],
)
def test_the_words_are_those_of_the_framework_that_the_program_imported(loaded, said, monkeypatch):
    """TensorFlow imports JAX where it can; a program of NumPy alone is most likely written for Keras."""
    for name in ("keras", "tensorflow", "torch", "jax"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in loaded:
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    assert biting.framework() == said


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_keras_says_itself_on_what_it_runs(backend, monkeypatch):
    """Whatever else was imported."""
    keras = types.SimpleNamespace(config=types.SimpleNamespace(backend=lambda: backend))
    monkeypatch.setitem(sys.modules, "keras", keras)
    assert biting.framework() == backend
