"""JAX: arrays that share a refilled buffer, copies that are made too late, and what watch leaves alone."""

import itertools

import numpy as np
import pytest

from pitfalls import guard
from pitfalls.guard.rules import biting

jax = pytest.importorskip("jax", reason="JAX is not installed")
jnp = jax.numpy


def array_at(offset_bytes, dtype=np.float32):
    """Return 128 values that start so many bytes past a 64-byte boundary."""
    memory = np.zeros(64 + 64 + 128 * np.dtype(dtype).itemsize, dtype=np.uint8)
    start = -memory.ctypes.data % 64 + offset_bytes
    return memory[start : start + 128 * np.dtype(dtype).itemsize].view(dtype)


def handed_over(hand_over, offset_bytes):
    """Yield one buffer again and again, refilled, as some call hands it to JAX."""
    x = array_at(offset_bytes)
    for i in itertools.count():
        x[:] = i
        yield hand_over(x), np.ones(3)


@pytest.mark.parametrize("hand_over", [jax.device_put, lambda x: jax.device_put(x, may_alias=False)])
def test_device_put_shares_a_buffer_on_a_boundary(hand_over):
    """Check finds it, watch raises, and both say how to copy."""
    (finding,) = guard.check(handed_over(hand_over, 0), batches=8)
    assert (finding.rule, finding.array) == ("aliased-batch", "inputs")
    assert "this JAX array shares the memory of a NumPy array" in finding.message
    assert finding.fix.startswith(
        "Copy with NumPy before JAX is given the array: jax.device_put(np.copy(x))."
    )
    with pytest.raises(guard.AliasedBatchError):
        list(itertools.islice(guard.watch(handed_over(hand_over, 0)), 3))


@pytest.mark.parametrize("hand_over", [jnp.asarray, lambda x: jnp.array(x, copy=True)])
def test_a_copy_that_is_made_too_late_is_found_behind_a_busy_device(hand_over):
    """On an idle device nothing is wrong with it."""
    (finding,) = guard.check(handed_over(hand_over, 0), batches=12)
    assert (finding.rule, finding.array) == ("aliased-batch", "inputs")
    assert finding.message.splitlines()[0] == (
        "inputs became those of the next batch, as they were copied too late."
    )


@pytest.mark.parametrize(
    ("hand_over", "offset_bytes"),
    [
        (lambda x: jnp.asarray(np.copy(x)), 0),
        (lambda x: jax.block_until_ready(jnp.array(x)), 0),
        (jax.device_put, 16),
        (jnp.asarray, 16),
    ],
    ids=["np.copy", "waited for", "device_put off the boundary", "asarray off the boundary"],
)
def test_what_is_copied_in_time_is_clean_and_the_address_is_a_matter_of_luck(hand_over, offset_bytes):
    """The report says that another address may be another story."""
    report = guard.check(handed_over(hand_over, offset_bytes), batches=12)
    assert not report
    assert any(note.startswith("Other addresses: JAX copies at once") for note in report.not_checked)


def test_a_constant_array_is_no_late_copy():
    """Two batches that are equal anyhow prove nothing."""
    x = jnp.ones(128)
    assert not guard.check(((x, np.full(3, i)) for i in itertools.count()), batches=12)


def test_all_batches_are_read_once_and_in_order():
    """Those made behind a busy device included; a short source ends where it ends."""
    seen = []

    def counted():
        for i in range(7):
            seen.append(i)
            yield jnp.full(4, float(i))

    report = guard.check(counted())
    assert (report.batches, seen, report.text) == (7, list(range(7)), "")


def test_watch_passes_an_array_that_a_step_takes_over():
    """A donated array is gone, which is no change of the batch."""
    step = jax.jit(lambda x: x + 1, donate_argnums=0)
    batches = ((jnp.full((64, 4), float(i)), jnp.ones(3)) for i in itertools.count())
    for x, _ in itertools.islice(guard.watch(batches), 20):
        step(x)
        assert x.is_deleted()


def test_watch_does_not_wait_for_the_device():
    """An array that is still being computed is passed on as it is."""
    matrix = jnp.ones((1200, 1200))
    jax.block_until_ready(matrix @ matrix)

    def computed():
        while True:
            yield matrix @ matrix @ matrix @ matrix

    (x,) = itertools.islice(guard.watch(computed()), 1)
    assert not x.is_ready()


def test_copy_heals_what_device_put_shares():
    """The copy is made by NumPy, at once."""
    watched = guard.watch(handed_over(jax.device_put, 0), on_alias="copy")
    assert [float(x[0]) for x, _ in list(itertools.islice(watched, 3))] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (array_at(0), biting.JAX_SHARED),
        (array_at(0, np.int32), biting.JAX_SHARED),
        (array_at(16), biting.JAX_COPIED_BY_LUCK),
        (array_at(0, np.float64), biting.JAX_CONVERTED),
    ],
    ids=["float32", "int32", "off the boundary", "float64"],
)
def test_where_a_numpy_array_begins_decides_what_jax_does(array, words, monkeypatch):
    """In a program that has imported JAX and neither Keras nor TensorFlow."""
    monkeypatch.setattr(biting, "framework", lambda: "jax")
    assert biting.paths_that_bite(array) == words
