"""Keras on JAX and on PyTorch: a sound fit is left alone, a broadcast is refused, and what is not traced is said."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pitfalls import guard

SCRIPT = Path(__file__).parent / "keras_backends.py"
HIDES_TENSORFLOW = "import sys, runpy; sys.modules['tensorflow'] = None; runpy.run_path(sys.argv[1])"


@pytest.mark.parametrize(
    ("backend", "words"), [("jax", [str(SCRIPT)]), ("torch", ["-c", HIDES_TENSORFLOW, str(SCRIPT)])]
)
def test_the_guard_does_on_each_backend_what_it_does_on_tensorflow(backend, words):
    """On JAX beside TensorFlow, and on PyTorch where TensorFlow is not installed."""
    for needed in ("keras", backend):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    source = str(Path(guard.__file__).parents[2])
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": source, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env=environment, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    nothing = "nothing; ShapeGuard changes nothing ; no_broadcast changes nothing"
    repaired = "repaired; ShapeGuard changes nothing ; no_broadcast refused"
    assert done.stdout.splitlines() == [
        "own loss, flat labels: bites; ShapeGuard refused ; no_broadcast refused",
        f"own loss, labels with an axis: {nothing}",
        f"own loss that aligns: {nothing}",
        f"own loss without labels: {nothing}",
        f"mse, flat labels: {repaired}",
        f"mse and metrics: {nothing}",
        f"crossentropy, accuracy, flat labels: {repaired}",
        f"classes: {nothing}",
        f"classes with an axis: {nothing}",
        "declared: ['declared-shape']",
        f"own compute_loss: compute_loss: backend {backend} is not traced, "
        "and a compute_loss of one's own is not seen.",
        "add_loss: A loss that a layer computes and adds (add_loss).",
    ]
