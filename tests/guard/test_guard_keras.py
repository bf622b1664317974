"""Models: labels that broadcast against predictions, declared shapes, PyDatasets, fit."""

import itertools
import threading

import numpy as np
import pytest

from pitfalls import guard

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
keras = pytest.importorskip("keras", reason="Keras is not installed")
ops = keras.ops

ROWS = 8
X = np.random.default_rng(0).random((ROWS, 2)).astype("float32")


class Unaligned(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return tf.reduce_mean(tf.square(y_true - y_pred))


class Aligning(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(ops.reshape(y_true, ops.shape(y_pred)) - y_pred))


class SqueezesPredictions(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return tf.reduce_mean(tf.abs(y_true - tf.squeeze(y_pred, -1)))


class ExpandsLabels(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return tf.reduce_mean(tf.abs(tf.expand_dims(y_true, -1) - y_pred))


class Where(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return tf.reduce_mean(tf.where(y_true > 0.5, y_pred, 1 - y_pred))


class Masked(keras.losses.Loss):
    def call(self, y_true, y_pred):
        mask = tf.cast(y_true >= 0, tf.float32)[..., None]
        return tf.reduce_sum(mask * y_pred) / tf.reduce_sum(mask)


class Contrastive(keras.losses.Loss):
    def call(self, y_true, y_pred):
        alike = tf.cast(tf.equal(y_true, tf.transpose(y_true)), tf.float32)
        return tf.reduce_mean(alike * tf.matmul(y_pred, y_pred, transpose_b=True))


class Pairwise(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return tf.reduce_mean(tf.abs(y_true[:, None, :] - y_pred[None, :, :]))


class BatchMean(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return tf.reduce_mean(tf.square(y_pred - tf.reduce_mean(y_true, axis=0)))


class Pinball(keras.losses.Loss):
    def call(self, y_true, y_pred):
        error = y_true - y_pred
        return tf.reduce_mean(tf.maximum(0.5 * error, -0.5 * error))


def plain(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred))


def inner_function(y_true, y_pred):
    return tf.function(plain)(y_true, y_pred)


class OwnComputeLoss(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.abs(y - y_pred))


class OwnComputeLossAligned(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.abs(ops.reshape(y, (-1, 1)) - y_pred))


class OwnStep(keras.Model):
    @tf.function
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss}


class WeightsThatBroadcast(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.square(y - y_pred) * sample_weight)


class Autoencoder(keras.Model):
    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(data[0] - self(data[0], training=True)))
        tape.gradient(loss, self.trainable_variables)
        return {"loss": loss}


class NoCall(keras.Model):
    def __init__(self):
        super().__init__()
        self.net = keras.layers.Dense(1)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self.net(x) - y) ** 2)
        self.optimizer.apply(tape.gradient(loss, self.net.trainable_variables), self.net.trainable_variables)
        return {"loss": loss}


def dense(units=1, kind=keras.Model, **options):
    inputs = keras.Input((2,))
    model = kind(inputs, keras.layers.Dense(units)(inputs))
    model.compile("rmsprop", **options)
    return model


def flat(**options):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda t: ops.mean(t, -1), output_shape=(1,))(inputs))
    model.compile("rmsprop", **options)
    return model


def two_outputs(loss):
    inputs = keras.Input((2,))
    outputs = {name: keras.layers.Dense(1, name=name)(inputs) for name in "ab"}
    model = keras.Model(inputs, outputs)
    model.compile("rmsprop", loss={"a": "mse", "b": loss})
    return model


def labels(*shape):
    return np.random.default_rng(1).random(shape).astype("float32")


def bites(report):
    return [finding for finding in report if finding.rule == "broadcast-loss" and not finding.repaired]


BROADCASTING = {
    "a Loss subclass, labels without the axis": lambda: (dense(loss=Unaligned()), X, labels(ROWS)),
    "a Loss subclass, predictions without it": lambda: (flat(loss=Unaligned()), X, labels(ROWS, 1)),
    "a metric function": lambda: (dense(loss="mse", metrics=[plain]), X, labels(ROWS)),
    "compute_loss": lambda: (dense(kind=OwnComputeLoss), X, labels(ROWS)),
    "a train_step behind tf.function": lambda: (dense(kind=OwnStep), X, labels(ROWS)),
    "a model without call": lambda: (compiled(NoCall()), X, labels(ROWS)),
    "a built-in loss, one row of labels": lambda: (dense(18, loss="mse"), X, labels(1, 18)),
    "a plain function, one label a row": lambda: (dense(3, loss=plain), X, labels(ROWS, 1)),
    "a squeeze inside the loss": lambda: (dense(loss=SqueezesPredictions()), X, labels(ROWS, 1)),
    "an axis too many inside the loss": lambda: (dense(loss=ExpandsLabels()), X, labels(ROWS, 1)),
    "a choice between predictions": lambda: (dense(loss=Where()), X, labels(ROWS)),
    "one of two outputs": lambda: (two_outputs(Unaligned()), X, {"a": labels(ROWS, 1), "b": labels(ROWS)}),
    "a function within a function": lambda: (dense(loss="mse", metrics=[inner_function]), X, labels(ROWS)),
    "a batch of one row": lambda: (dense(loss=Unaligned()), X[:1], labels(1)),
    "weights without the axis": lambda: (dense(kind=WeightsThatBroadcast), X, labels(ROWS, 1), labels(ROWS)),
    "inputs as labels": lambda: (dense(1, kind=Autoencoder), X, None),
}
ALIGNED = {
    "a built-in loss": lambda: (dense(loss="mse", metrics=["mae", plain]), X, labels(ROWS, 1)),
    "a Loss subclass": lambda: (dense(loss=Unaligned()), X, labels(ROWS, 1)),
    "flat labels and flat predictions": lambda: (dense_flat(), X, labels(ROWS)),
    "a loss that reshapes": lambda: (dense(loss=Aligning()), X, labels(ROWS)),
    "a squeeze that fits": lambda: (dense(loss=SqueezesPredictions()), X, labels(ROWS)),
    "an axis that was missing": lambda: (dense(loss=ExpandsLabels()), X, labels(ROWS)),
    "classes as integers": lambda: (dense(5, **sparse()), X, np.arange(ROWS) % 5),
    "classes as a column of integers": lambda: (dense(5, **sparse()), X, (np.arange(ROWS) % 5)[:, None]),
    "one-hot classes": lambda: (
        dense(5, loss="categorical_crossentropy", metrics=["acc"]),
        X,
        np.eye(5)[[0] * ROWS],
    ),
    "a mask with an axis of its own": lambda: (sequence_model(Masked()), sequences(), labels(ROWS, 4)),
    "labels against labels": lambda: (dense(3, loss=Contrastive()), X, labels(ROWS, 1)),
    "pairs on purpose": lambda: (dense(3, loss=Pairwise()), X, labels(ROWS, 3)),
    "the mean of the batch": lambda: (dense(3, loss=BatchMean()), X, labels(ROWS, 3)),
    "compute_loss that reshapes": lambda: (dense(kind=OwnComputeLossAligned), X, labels(ROWS)),
    "a train_step": lambda: (dense(kind=OwnStep), X, labels(ROWS, 1)),
    "two outputs": lambda: (two_outputs(Unaligned()), X, {"a": labels(ROWS, 1), "b": labels(ROWS, 1)}),
    "sample weights that Keras aligns": lambda: (dense(loss="mse"), X, labels(ROWS, 1), labels(ROWS)),
    "inputs as labels": lambda: (dense(2, kind=Autoencoder), X, None),
}


def compiled(model):
    model.compile("rmsprop")
    return model


def dense_flat():
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda t: ops.mean(t, -1), output_shape=())(inputs))
    model.compile("rmsprop", loss=Unaligned())
    return model


def sparse():
    return {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}


def sequences():
    return labels(ROWS, 4, 2)


def sequence_model(loss):
    inputs = keras.Input((4, 2))
    model = keras.Model(inputs, keras.layers.Dense(3)(inputs))
    model.compile("rmsprop", loss=loss)
    return model


@pytest.mark.parametrize("case", BROADCASTING)
def test_a_broadcast_is_found(case):
    """Whatever the style of the loss, and nothing repairs it."""
    model, *batch = BROADCASTING[case]()
    assert len(bites(guard.check_model(model, tuple(batch)))) == 1


@pytest.mark.parametrize("case", ALIGNED)
def test_shapes_that_agree_are_left_alone(case):
    """No finding of any rule."""
    model, *batch = ALIGNED[case]()
    assert list(guard.check_model(model, tuple(batch))) == []


@pytest.mark.parametrize("loss", ["mse", plain, keras.losses.Huber(), "binary_crossentropy"])
def test_a_repair_by_keras_is_said(loss):
    """Built-in losses and plain functions are repaired in front: reported, and marked as harmless here."""
    (finding,) = guard.check_model(dense(loss=loss), (X, labels(ROWS)))
    assert (finding.rule, finding.repaired) == ("broadcast-loss", True)
    assert "repaired    yes on this path" in finding.message


def test_the_message_of_a_broadcast_names_shapes_cost_and_cure():
    """The whole text, line for line."""
    (finding,) = bites(guard.check_model(dense(loss=Unaligned(name="mine")), (X, labels(ROWS))))
    line = Unaligned.call.__code__.co_firstlineno + 1
    assert finding.text == (
        "this loss would subtract every label from every prediction.\n"
        f"  loss        mine, {__file__}:{line}: return tf.reduce_mean(tf.square(y_true - y_pred))\n"
        "  label       (8,)\n"
        "  prediction  (8, 1)\n"
        "  difference  (8, 8): 64 errors averaged where 8 are meant\n"
        "  repaired    no: nothing aligns the shapes on this path\n"
        "Give the labels a last axis, for example y[:, None], before they reach the loss."
    )


def test_a_loss_can_be_tried_without_compiling_it():
    """loss= and metrics= are taken as compile would take them."""
    report = guard.check_model(dense(), (X, labels(ROWS)), loss=plain, metrics=[plain])
    assert [finding.repaired for finding in report] == [False, True]


def test_a_hand_written_step_is_traced():
    """A free function with a tape is checked like a train_step."""
    model = dense()

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - y) ** 2)
        return tape.gradient(loss, model.trainable_variables)

    assert bites(guard.check_model(model, (X, labels(ROWS)), step=step))
    assert not guard.check_model(model, (X, labels(ROWS, 1)), step=step)


def test_a_broadcast_that_is_meant_can_be_allowed():
    """By the loss's name or its class's; another name allows nothing."""
    batch = (X, labels(ROWS, 1))
    assert bites(guard.check_model(dense(3, loss=Pinball()), batch))
    assert not guard.check_model(dense(3, loss=Pinball()), batch, allow=["Pinball"])
    assert not guard.check_model(dense(3, loss=Pinball(name="quantiles")), batch, allow=["quantiles"])
    assert bites(guard.check_model(dense(3, loss=Pinball()), batch, allow=["mse"]))


def test_a_declared_shape_that_the_real_one_contradicts_is_found():
    """The Lambda says (None, 1) and returns (8,); predict has the wrong rank too."""
    report = guard.check_model(flat(loss="mse"), (X, labels(ROWS)))
    assert [finding.text for finding in report] == [
        "the model declares another output shape than it computes.\n"
        "  declared    (None, 1)\n"
        "  computed    (8,)\n"
        "  predict     (8,)\n"
        "  costs       whatever trusts the declared shape, and a loss that broadcasts\n"
        "Correct the layer that declares it (output_shape=, compute_output_shape), or what it returns."
    ]


def test_a_model_that_is_not_compiled_is_refused():
    """There is no loss to look at: an error, not a clean report."""
    model = keras.Sequential([keras.layers.Dense(1)])
    with pytest.raises(guard.GuardError, match="not compiled"):
        guard.check_model(model, (X, labels(ROWS)))


def test_checking_a_model_moves_no_weight():
    """The step is traced, never run."""
    model = dense(loss=Unaligned())
    before = [weight.copy() for weight in model.get_weights()]
    guard.check_model(model, (X, labels(ROWS)))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert int(model.optimizer.iterations.numpy()) == 0


@pytest.mark.parametrize("eager", [False, True])
def test_shape_guard_stops_fit_before_the_first_step(eager):
    """It raises a BroadcastLossError of its own type, and no weight has moved."""
    model = dense(loss=Unaligned(), run_eagerly=eager)
    before = model.get_weights()[0].copy()
    with pytest.raises(guard.BroadcastLossError, match="64 errors averaged where 8 are meant"):
        model.fit(X, labels(ROWS), batch_size=ROWS, verbose=0, callbacks=[guard.ShapeGuard()])
    assert np.array_equal(before, model.get_weights()[0])


@pytest.mark.parametrize("steps", [1, 2])
def test_shape_guard_changes_nothing_in_a_sound_fit(steps):
    """The same losses and weights as without it, the first batch included."""

    def run(callbacks):
        keras.utils.set_random_seed(3)
        model = dense(loss=Unaligned(), steps_per_execution=steps)
        rng = np.random.default_rng(0)
        data = ((rng.random((4, 2)), rng.random((4, 1))) for _ in range(8))
        history = model.fit(data, epochs=2, steps_per_epoch=4, verbose=0, callbacks=callbacks)
        return history.history["loss"], model.get_weights()[0]

    (loss, weights), (guarded_loss, guarded_weights) = run([]), run([guard.ShapeGuard()])
    assert loss == pytest.approx(guarded_loss, rel=1e-6)
    assert np.allclose(weights, guarded_weights, rtol=1e-6)


def test_shape_guard_lets_pass_what_keras_repairs_and_what_is_allowed():
    """Neither is an accident that costs anything."""
    dense(loss="mse").fit(X, labels(ROWS), verbose=0, callbacks=[guard.ShapeGuard()])
    pinball = guard.ShapeGuard(allow=["Pinball"])
    dense(3, loss=Pinball()).fit(X, labels(ROWS, 1), verbose=0, callbacks=[pinball])


@pytest.mark.parametrize("loss", [plain, Unaligned(), "mse", keras.losses.MeanAbsoluteError()])
def test_no_broadcast_makes_any_loss_refuse_a_broadcast(loss):
    """Called by hand and in fit, a function and a Loss, a built-in one and one's own."""
    refusing = guard.no_broadcast(loss)
    with pytest.raises(guard.BroadcastLossError, match="64 errors averaged where 8 are meant"):
        refusing(labels(ROWS), labels(ROWS, 1))
    with pytest.raises(guard.BroadcastLossError):
        dense(loss=refusing).fit(X, labels(ROWS), batch_size=ROWS, verbose=0)


@pytest.mark.parametrize("loss", [plain, Unaligned(), keras.losses.MeanSquaredError()])
def test_no_broadcast_computes_what_the_loss_does(loss):
    """Where shapes agree the value is the same."""
    y, p = labels(ROWS, 1), labels(ROWS, 1) + 1
    assert float(guard.no_broadcast(loss)(y, p)) == pytest.approx(float(loss(y, p)))
    dense(loss=guard.no_broadcast(loss)).fit(X, y, verbose=0)


def test_no_broadcast_takes_classes_as_integers():
    """Labels of another rank that are meant so are no broadcast."""
    loss = guard.no_broadcast("sparse_categorical_crossentropy")
    dense(5, loss=loss).fit(X, np.arange(ROWS) % 5, verbose=0)


def test_no_broadcast_sees_at_run_time_what_the_graph_does_not_know():
    """From a generator all lengths are unknown: one row of labels for eight predictions is refused later."""
    data = ((X, labels(1, 18)) for _ in range(4))
    with pytest.raises(Exception, match="144 errors averaged where 18 are meant"):
        dense(18, loss=guard.no_broadcast("mse")).fit(data, steps_per_epoch=2, verbose=0)


def test_aligned_is_the_old_name_of_no_broadcast():
    """It goes on working, and names the new one, at the line that calls it."""
    with pytest.warns(DeprecationWarning, match=r"now called guard\.no_broadcast") as caught:
        loss = guard.aligned("mse")
    assert caught[0].filename == __file__
    with pytest.raises(guard.BroadcastLossError, match="64 errors averaged where 8 are meant"):
        loss(labels(ROWS), labels(ROWS, 1))


def test_a_model_that_was_saved_with_no_broadcast_is_loaded_and_still_refuses(tmp_path):
    """Without any custom_objects: the loss is registered."""
    dense(loss=guard.no_broadcast("mse")).save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    with pytest.raises(guard.BroadcastLossError):
        loaded.evaluate(X, labels(ROWS), verbose=0)


def test_a_loss_that_was_saved_under_its_old_class_is_loaded_by_that_name():
    """AlignedLoss was never registered, so it always had to be named among the custom objects."""
    saved = keras.saving.serialize_keras_object(guard.no_broadcast("mse"))
    old = {
        **saved,
        "module": "pitfalls.guard.refusing",
        "class_name": "AlignedLoss",
        "registered_name": "AlignedLoss",
    }
    known = {"AlignedLoss": type(guard.no_broadcast("mse"))}
    loss = keras.saving.deserialize_keras_object(old, custom_objects=known)
    with pytest.raises(guard.BroadcastLossError):
        loss(labels(ROWS), labels(ROWS, 1))


class Filled(keras.utils.PyDataset):
    """Fills one buffer, or returns fresh arrays."""

    def __init__(self, reuse, **options):
        super().__init__(**options)
        self.reuse, self.buffer = reuse, np.zeros((4, 2))
        self.epochs = []

    def __len__(self):
        return 6

    def __getitem__(self, index):
        if not self.reuse:
            return np.full((4, 2), float(index)), np.ones((4, 1))
        self.buffer[:] = index
        return self.buffer, np.ones((4, 1))

    def on_epoch_begin(self):
        self.epochs.append("begin")

    def on_epoch_end(self):
        self.epochs.append("end")


class ShufflesItsData(keras.utils.PyDataset):
    def __init__(self, count):
        super().__init__()
        self.data = np.arange(float(4 * count)).reshape(-1, 1)

    def __len__(self):
        return len(self.data) // 4

    def __getitem__(self, index):
        return self.data[4 * index : 4 * index + 4], np.ones((4, 1))

    def on_epoch_end(self):
        np.random.shuffle(self.data)


class PullsAGenerator(keras.utils.PyDataset):
    def __init__(self, locked, **options):
        super().__init__(**options)
        self.source = ((np.full((4, 2), float(i)), np.ones((4, 1))) for i in itertools.count())
        self.lock = threading.Lock() if locked else None

    def __len__(self):
        return 6

    def __getitem__(self, index):
        if self.lock is None:
            return next(self.source)
        with self.lock:
            return next(self.source)


def test_a_pydataset_that_fills_one_buffer_is_caught():
    """By check, and the fresh twin is not."""
    assert [finding.array for finding in guard.check(Filled(True))] == ["inputs"]
    assert not guard.check(Filled(False))


class Rotates(keras.utils.PyDataset):
    """Fills some buffers in turn."""

    def __init__(self, count, **options):
        super().__init__(**options)
        self.buffers = [np.zeros((4, 2)) for _ in range(count)]

    def __len__(self):
        return 12

    def __getitem__(self, index):
        buffer = self.buffers[index % len(self.buffers)]
        buffer[:] = index
        return buffer, np.ones((4, 1))


@pytest.mark.parametrize(("count", "found"), [(5, True), (6, False)])
def test_a_pydataset_is_checked_at_the_depth_of_its_own_queue_and_workers(count, found):
    """Three in the queue and two with the workers: the sixth buffer is safe."""
    rotates = Rotates(count, workers=2, max_queue_size=3)
    assert bool(guard.check(rotates)) == found
    assert guard.watch(rotates).depth == 5
    assert guard.check(Rotates(count, workers=2, max_queue_size=3), depth=6)


@pytest.mark.parametrize("count", [5, 500])
def test_a_pydataset_that_shuffles_its_data_between_epochs_is_caught(count):
    """The last batches of an epoch are slices of what on_epoch_end shuffles, however long the epoch."""
    assert [finding.rule for finding in guard.check(ShufflesItsData(count))] == ["aliased-batch"]


def test_an_unlocked_generator_behind_two_workers_is_found():
    """Only with more than one worker, and only without a lock."""
    (finding,) = guard.check(PullsAGenerator(False, workers=2))
    assert finding.text == (
        "PullsAGenerator lets 2 workers pull one generator without a lock.\n"
        "  generator   self.source\n"
        "  costs       'generator already executing' when two meet, "
        "and batches in no order when they do not\n"
        "Pull it behind a lock (with self.lock: next(self.generator)), "
        "or let __getitem__ make its batch from the index."
    )
    assert not guard.check(PullsAGenerator(True, workers=2))
    assert not guard.check(PullsAGenerator(False, workers=1))


@pytest.mark.parametrize("workers", [1, 2])
def test_watching_a_pydataset_stops_fit(workers):
    """The watched data set is a PyDataset with the same workers and queue, and raises in fit."""
    watched = guard.watch(Filled(True, workers=workers, max_queue_size=7))
    assert isinstance(watched, keras.utils.PyDataset)
    assert (watched.workers, watched.max_queue_size, len(watched), watched.num_batches) == (workers, 7, 6, 6)
    with pytest.raises(guard.AliasedBatchError):
        dense(loss="mse").fit(watched, verbose=0)


def test_watching_a_sound_pydataset_passes_everything_on():
    """Batches, the calls between epochs, and attributes of one's own."""
    alone, data = Filled(False, workers=2), Filled(False, workers=2)
    watched = guard.watch(data)
    dense(loss="mse").fit(alone, epochs=2, verbose=0)
    dense(loss="mse").fit(watched, epochs=2, verbose=0)
    assert data.epochs == alone.epochs
    assert watched.reuse is False


def test_fit_takes_a_watched_generator_and_stops_with_the_guards_own_error():
    """fit knows generators by their type; Keras pulls two batches first, so the error keeps its type."""
    buffer = np.zeros((4, 2))

    def reused():
        for i in itertools.count():
            buffer[:] = i
            yield buffer, np.ones((4, 1))

    with pytest.raises(guard.AliasedBatchError, match="inputs of batch 0 changed"):
        dense(loss="mse").fit(guard.watch(reused()), steps_per_epoch=5, verbose=0)
    healed = guard.watch(reused(), on_alias="copy")
    dense(loss="mse").fit(healed, steps_per_epoch=5, verbose=0)


def test_a_tf_dataset_is_checked():
    """Its tensors are its own; element shapes that it declares unknown are no finding."""
    fixed = tf.data.Dataset.from_tensor_slices((np.arange(40.0), np.arange(40.0))).batch(4)
    lengths = tf.data.Dataset.range(1, 40).map(lambda n: (tf.ones((2, n)), n))
    assert not guard.check(fixed)
    assert not guard.check(lengths)


def test_tensors_over_a_shared_buffer_are_caught():
    """TensorFlow wraps what its generator yields on a 64-byte boundary, and copies it elsewhere."""

    def dataset(offset_bytes):
        memory = np.zeros(128 + 1024, dtype=np.uint8)
        start = -memory.ctypes.data % 64 + offset_bytes
        buffer = memory[start : start + 1024].view(np.float64)

        def reused():
            for i in itertools.count():
                buffer[:] = i
                yield buffer

        return tf.data.Dataset.from_generator(reused, output_signature=tf.TensorSpec((128,), tf.float64))

    assert [finding.array for finding in guard.check(dataset(0))] == ["inputs"]
    assert not guard.check(dataset(16))
