"""Says what the guard makes of Keras on the backend that the environment names, one line a case."""

import keras
import numpy as np
from keras import ops

from pitfalls import guard

X = np.random.default_rng(0).random((32, 2)).astype("float32")
FLAT = X.mean(1)
COLUMN = FLAT[:, None]
CLASSES = np.arange(32) % 10


class Unaligned(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred))


class Aligning(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(ops.reshape(y_true, ops.shape(y_pred)) - y_pred))


class IgnoresLabels(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_pred))


def distance(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred))


CASES = {
    "own loss, flat labels": (Unaligned, FLAT, []),
    "own loss, labels with an axis": (Unaligned, COLUMN, []),
    "own loss that aligns": (Aligning, FLAT, []),
    "own loss without labels": (IgnoresLabels, FLAT, []),
    "mse, flat labels": (lambda: "mse", FLAT, []),
    "mse and metrics": (lambda: "mse", COLUMN, ["mae", distance]),
    "crossentropy, accuracy, flat labels": (lambda: "binary_crossentropy", FLAT, ["accuracy"]),
    "classes": (lambda: "sparse_categorical_crossentropy", CLASSES, ["accuracy"]),
    "classes with an axis": (lambda: "sparse_categorical_crossentropy", CLASSES[:, None], ["accuracy"]),
}


def trained(loss, labels, metrics, *callbacks):
    """Return the losses of two epochs, or that it was refused."""
    units, activation = (10, "softmax") if labels.dtype.kind == "i" else (1, None)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units, activation)])
    model.compile("sgd", loss, metrics=list(metrics))
    try:
        history = model.fit(X, labels, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
    except guard.BroadcastLossError:
        return "refused", model
    return history.history["loss"], model


for name, (loss, labels, metrics) in CASES.items():
    alone, model = trained(loss(), labels, metrics)
    weights = model.get_weights()
    report = guard.check_model(model, (X, labels))
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    found = sorted({"repaired" if finding.repaired else "bites" for finding in report})
    guarded, _ = trained(loss(), labels, metrics, guard.ShapeGuard())
    refusing, _ = trained(guard.no_broadcast(loss()), labels, metrics)
    print(
        f"{name}: {' '.join(found) or 'nothing'}; ShapeGuard",
        "changes nothing" if guarded == alone else guarded,
        "; no_broadcast",
        "changes nothing" if refusing == alone else refusing,
    )

inputs = keras.Input((2,))
flat = keras.Model(inputs, keras.layers.Lambda(lambda x: ops.mean(x, -1), output_shape=(1,))(inputs))
flat.compile(loss="mse")
print("declared:", [finding.rule for finding in guard.check_model(flat, (X, FLAT))])


class OwnStep(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.square(y - y_pred))


own = OwnStep(inputs, keras.layers.Dense(1)(inputs))
own.compile(loss="mse")
print("own compute_loss:", *guard.check_model(own, (X, COLUMN)).not_checked)


class Adds(keras.layers.Layer):
    def call(self, x):
        self.add_loss(ops.mean(x))
        return x


adding = keras.Sequential([keras.Input((2,)), Adds(), keras.layers.Dense(1)])
adding.compile(loss="mse")
print("add_loss:", *guard.check_model(adding, (X, COLUMN)).not_checked)
