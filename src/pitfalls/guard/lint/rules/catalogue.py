"""Catalogue: the rules by name, each in one sentence and with what ``--explain`` says of it."""

from __future__ import annotations

RULES = {
    "refilled-batch": "One array is filled again and handed out again: whoever still holds the last batch loses it.",
    "refilled-sample": "One sample is filled again and a loader collates many: all rows of a batch are its last sample.",
    "refilled-staging": "A staging buffer is filled again while an asynchronous transfer may still read it.",
    "mutated-source": "The data that batches are slices of is changed in place.",
    "late-copy": "JAX copies a NumPy array later than the call returns, and the array is filled again before that.",
}

EXPLANATIONS = {
    "refilled-batch": """\
An array, list or dictionary is made once, then written in place in the loop that hands it out, and handed
out without a copy: by yield, yield from, return from __next__ or __getitem__, queue.put, or by appending it
to a list. A view of it (a slice, reshape, transpose, asarray, from_numpy) is the same memory.

A consumer that holds more than one batch (a queue, prefetching, several workers, list(...)) then holds the
last batch several times. Nothing fails: the labels just belong to other inputs.

Fix it in one of two ways:
  hand out a copy            yield batch.copy(), labels
  allocate inside the loop   batch = np.zeros(...) as the first line of the loop's body

It is no finding if the array is allocated or bound again on every path to the next write, if what is handed
out is a copy (copy, clone, tolist, torch.tensor, arithmetic, an index by a list or an array), if every write
puts the same constant, or if more than ten arrays take turns.""",
    "refilled-sample": """\
A data set whose items a loader collates returns one array that it fills again for each item. The loader
holds all samples of a batch until it stacks them, so every row of the batch is the last sample.

Return a copy of the array, or allocate it for each sample.""",
    "refilled-staging": """\
copy_(..., non_blocking=True), .to(..., non_blocking=True) from pinned memory and jax.device_put return before
the memory was read. Writing to it before the transfer has ended changes what arrives.

Wait before the next write (an event, stream.synchronize(), block_until_ready), or use a second buffer and
wait for its transfer before it is filled again.""",
    "mutated-source": """\
Batches are slices of one array, and that array is changed in place: shuffled while slices of it are held, or
normalised through a slice, so that the next epoch normalises what was normalised before. A transform that
changes the sample it was given, and does not say so, does the same to a data set that is kept in memory.

Shuffle an index instead of the data (order = rng.permutation(len(data)); data[order[i:j]] is a copy), and
write to a copy of the slice: batch = data[i:j].copy().""",
    "late-copy": """\
jnp.array(buffer), also with copy=True, makes its copy when the device gets to it. While the device is busy,
a write right behind the call changes the "copy" (measured: 49 of 50 trials with a busy device, 0 when idle).

Copy with NumPy first, jnp.asarray(buffer.copy()), or wait: jax.block_until_ready(jnp.array(buffer)).""",
}

BITES = {
    "batch": "any consumer that holds two batches: a queue, prefetching, workers, list(...)",
    "sample": "the loader's collate function, which holds a whole batch of samples",
    "queue": "whoever takes it from the queue after the next write",
    "list": "the list: all its rows are this one array",
    "transfer": "the transfer, if it still reads the buffer",
    "late": "JAX's copy, if the device was busy",
    "source": "every later pass over the data",
    "argument": "a caller that keeps the sample: a data set in memory, a cache, a second transform",
}
"""Who is hurt, by who holds the memory."""

FIXES = {
    "refilled-batch": ("Hand out a copy", "Allocate it inside the loop, for each batch anew"),
    "refilled-sample": ("Return a copy", "Allocate it for each sample anew"),
    "refilled-staging": (
        "Wait for the transfer before the next write",
        "Transfer from a new buffer each time",
    ),
    "mutated-source": ("Copy the slice before it is written or handed out", "Shuffle an index, not the data"),
    "late-copy": (
        "Copy with NumPy before JAX gets it",
        "Wait with jax.block_until_ready before the next write",
    ),
}
