"""Models: what they compute, the shapes that they declare, and whether they load again safely."""

import os
import subprocess
import sys

import numpy as np
import pytest

from pitfalls.lab.keras import models
from pitfalls.startup import QUIET_ENVIRONMENT

PAIRS = np.array([[73, 57], [0, 99], [44, 2]], dtype=float)


@pytest.mark.parametrize(
    ("make", "real"), [(models.dense, (3, 1)), (models.mean_lambda, (3, 1)), (models.flat_mean_lambda, (3,))]
)
def test_each_model_declares_a_last_axis_and_one_does_not_keep_its_word(make, real):
    """`output_shape` repeats what was declared, whatever comes out."""
    model = make()
    assert model.output_shape == (None, 1)
    assert np.asarray(model(PAIRS)).shape == real


@pytest.mark.parametrize("make", [models.mean_lambda, models.flat_mean_lambda])
def test_a_lambda_computes_the_mean_and_has_nothing_to_learn(make):
    """65 for [[73, 57]]."""
    model = make()
    assert np.asarray(model(PAIRS)).ravel().tolist() == [65.0, 49.5, 23.0]
    assert model.count_params() == 0


def test_a_dense_has_two_weights_and_a_bias_to_learn():
    """0.5, 0.5 and 0 are the mean."""
    model = models.dense()
    assert [tuple(weight.shape) for weight in model.trainable_weights] == [(2, 1), (1,)]
    model.set_weights([np.full((2, 1), 0.5), np.zeros(1)])
    assert np.asarray(model(PAIRS)).ravel().tolist() == [65.0, 49.5, 23.0]


LOAD = """
import sys
import keras
import numpy as np

try:
    keras.saving.load_model(sys.argv[1], safe_mode=True)
except Exception as error:
    print("mean_without_axis" in str(error))
import pitfalls.lab.keras.models
model = keras.saving.load_model(sys.argv[1], safe_mode=True)
print(model.output_shape, model.predict(np.array([[73.0, 57.0]] * 2), verbose=0))
"""


def test_a_saved_lambda_loads_in_safe_mode_once_the_package_is_imported_and_not_before(tmp_path):
    """It is the registration that does it; and the model still predicts without the axis that it declares."""
    models.flat_mean_lambda().save(tmp_path / "flat.keras")
    run = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path / "flat.keras")],
        env=os.environ | QUIET_ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.stdout.splitlines() == ["True", "(None, 1) [65. 65.]"], run.stderr
