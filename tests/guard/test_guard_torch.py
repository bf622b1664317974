"""PyTorch: loaders, data sets and tensors, in `check` and in `watch`."""

import itertools
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pitfalls import guard
from pitfalls.guard.stream.probes import Probe

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch_datasets as data  # noqa: E402
from torch.utils.data import DataLoader, IterableDataset, Subset  # noqa: E402

HERE = Path(__file__).parent


def rules_of(source, **options):
    return [(finding.rule, finding.array) for finding in guard.check(source(), **options)]


@pytest.mark.parametrize("name", data.REFILLED_SAMPLES)
def test_a_sample_that_is_refilled_before_its_collate_is_found(name):
    """Whatever the data set is, and however many workers it is for: none is started."""
    report = guard.check(data.REFILLED_SAMPLES[name]())
    assert [(finding.rule, finding.array) for finding in report] == [("refilled-sample", "inputs")]


@pytest.mark.parametrize("name", data.ALIASED_BATCHES)
def test_a_whole_batch_that_is_refilled_is_found(name):
    """In a tensor of any dtype and layout, and where a collate fills one."""
    assert rules_of(data.ALIASED_BATCHES[name], batches=8) == [("aliased-batch", "inputs")]


@pytest.mark.parametrize("name", data.SOUND)
def test_nothing_is_said_of_what_is_sound(name):
    """Neither by check nor by watch, and nothing is left unread."""
    report = guard.check(data.SOUND[name](), batches=8)
    assert (report.text, report.not_checked) == ("", ())
    assert list(itertools.islice(guard.watch(data.SOUND[name]()), 20))


@pytest.mark.parametrize("name", [*data.REFILLED_SAMPLES, *data.ALIASED_BATCHES])
def test_watch_raises_in_training(name):
    """From the first batch that proves it; a data set is watched inside the loader that reads it."""
    source = {**data.REFILLED_SAMPLES, **data.ALIASED_BATCHES}[name]()
    if isinstance(source, DataLoader) and source.num_workers:
        pytest.skip("workers are tried in a process of their own")
    watched = guard.watch(source)
    if "by itself" in name:
        watched = DataLoader(watched, batch_size=4)
    with pytest.raises(guard.AliasedBatchError):
        list(itertools.islice(watched, 20))


def test_a_finding_says_what_collate_does_and_how_to_copy_a_tensor():
    """The whole text, but for the address."""
    (finding,) = guard.check(DataLoader(data.RefilledTensor(), batch_size=8))
    first = data.RefilledTensor.__iter__.__code__.co_firstlineno
    lines = finding.message.splitlines()
    assert lines[:2] == [
        "inputs of sample 0 changed before its batch was collated.",
        "  changed     7 of the 8 samples of batch 0",
    ]
    assert lines[2].endswith("of a PyTorch tensor of shape (2,), torch.float32")
    assert lines[3:] == [
        f"  allocated   {data.__file__}:{first + 1}: x = torch.zeros(2)",
        f"  refilled    {data.__file__}:{first + 3}: x.fill_(i)",
        "  bites       DataLoader(batch_size=2 or more), with any number of workers: collate is given",
        "              references to one memory, so every row of a batch is the last one",
    ]
    assert finding.fix == "Return a new tensor for each sample, or a copy of it: x.clone()."


def test_what_bites_is_said_of_a_tensor_and_of_an_array():
    """A worker's tensor stays shared, a worker's array is a race."""
    (tensor,) = guard.check(data.ALIASED_BATCHES["whole batches in one tensor"]())
    assert "DataLoader(num_workers=1 or more): nearly every batch." in tensor.message
    assert tensor.fix == "Make the tensor inside the loop, or yield a copy of it: x.clone()."


@pytest.mark.parametrize(
    ("dtype", "view"),
    [(torch.float32, None), (torch.bfloat16, None), (torch.bool, None), (torch.float32, "T")],
)
def test_a_large_tensor_is_probed_where_it_is(dtype, view):
    """One row of 32 is always seen, in any dtype and order, and the tensor may be resized afterwards."""
    x = torch.zeros((32, 400, 100), dtype=dtype)

    def one_row():
        for i in itertools.count():
            x[i % 32] = 1
            yield (x.transpose(0, 2) if view else x), torch.ones(32)

    with pytest.raises(guard.AliasedBatchError, match="probed values"):
        list(itertools.islice(guard.watch(one_row()), 3))
    x.resize_(64, 400, 100)


def test_a_consumer_may_write_to_its_tensors():
    """Through PyTorch and through NumPy."""
    for x, _ in itertools.islice(guard.watch(data.with_gradient()), 20):
        x.detach().mul_(2)
        x.detach().numpy()[:] = 3


def test_a_watched_loader_is_still_that_loader():
    """Its class, its length, its data set, and what is changed there later."""
    own = data.RowsOfOneTensor()
    loader = DataLoader(own, batch_size=8, shuffle=True, num_workers=0)
    watched = guard.watch(loader)
    assert isinstance(watched, DataLoader) and (len(watched), watched.batch_size) == (25, 8)
    assert isinstance(watched.dataset, data.RowsOfOneTensor) and watched.dataset.rows is own.rows
    own.epoch = 3
    assert watched.dataset.epoch == 3 and watched.sampler is loader.sampler
    rows = torch.cat([x for x, _ in watched])
    assert torch.equal(rows.sort(0).values, own.rows)
    assert loader.dataset is own and type(loader) is DataLoader


def test_a_watched_data_set_is_still_one_and_survives_pickling():
    """As a spawned worker needs it."""
    watched = guard.watch(data.RefilledTensor())
    assert isinstance(watched, IterableDataset) and isinstance(watched, data.RefilledTensor)
    with pytest.raises(guard.AliasedBatchError):
        list(pickle.loads(pickle.dumps(watched)))


@pytest.mark.parametrize("name", ["an iterable of one tensor", "an index into one array", "a subset of it"])
def test_copy_heals_a_refilled_sample(name):
    """Each row of a batch is its own sample then."""
    loader = data.REFILLED_SAMPLES[name]()
    healed = [len(x.reshape(len(x), -1).unique(dim=0)) for x, _ in guard.watch(loader, on_alias="copy")]
    broken = [len(x.reshape(len(x), -1).unique(dim=0)) for x, _ in loader]
    assert set(healed) == {8} and set(broken) == {1}


def test_workers_raise_what_they_see():
    """In forked workers, in a process without other frameworks; a sound loader passes whole."""
    code = """
import itertools, torch_datasets as data
from torch.utils.data import DataLoader
from pitfalls import guard
for kind in (data.RefilledTensor, data.RefilledArray, data.RefilledByIndex, data.RowsOfOneTensor):
    for size in (8, None):
        loader = DataLoader(kind(), batch_size=size, num_workers=2, multiprocessing_context="fork")
        try:
            count = sum(1 for _ in guard.watch(loader))
            print(kind.__name__, size, "passed", count)
        except guard.AliasedBatchError as error:
            print(kind.__name__, size, "refilled-sample" if "of sample 0" in str(error) else "aliased-batch")
"""
    paths = os.pathsep.join([str(HERE), str(Path(guard.__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        timeout=120,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "RefilledTensor 8 refilled-sample",
        "RefilledTensor None aliased-batch",
        "RefilledArray 8 refilled-sample",
        "RefilledArray None aliased-batch",
        "RefilledByIndex 8 refilled-sample",
        "RefilledByIndex None aliased-batch",
        "RowsOfOneTensor 8 passed 25",
        "RowsOfOneTensor None passed 200",
    ]


def test_a_batch_of_different_lengths_is_no_unstable_batch_for_a_loader():
    """PyTorch takes each batch as it comes; a generator for Keras may not do that."""
    assert rules_of(data.sequences) == []
    lengths = ((np.ones((4, n)), np.ones(4)) for n in itertools.cycle((3, 3, 4)))
    assert rules_of(lambda: lengths) == [("unstable-batch", "inputs")]


def test_depth_is_how_many_samples_of_a_data_set_are_held():
    """Two buffers in turn harm a collate that holds three samples."""

    class InTurn(data.RefilledByIndex):
        def __init__(self):
            self.buffers = [torch.zeros(2), torch.zeros(2)]

        def __getitem__(self, index):
            return self.buffers[index % 2].fill_(index)

    assert guard.check(InTurn(), depth=3)
    assert not guard.check(InTurn(), depth=2)
    assert list(DataLoader(guard.watch(InTurn(), depth=1), batch_size=2))
    with pytest.raises(guard.AliasedBatchError):
        list(DataLoader(guard.watch(InTurn(), depth=2), batch_size=2))


def test_a_subset_is_read_through_its_own_loop():
    """PyTorch asks a subset for all samples of a batch at once: each is looked at as it comes."""
    watched = guard.watch(DataLoader(Subset(data.RefilledByIndex(), range(16)), batch_size=4))
    with pytest.raises(guard.AliasedBatchError, match="inputs of sample 0 changed before its batch"):
        next(iter(watched))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_a_zero_that_gets_a_sign_is_no_change_of_a_tensor(dtype):
    """-0.0 equals 0.0, and any other number does not."""
    x = torch.zeros(64, dtype=getattr(torch, dtype))
    probe = Probe("inputs", x)
    x.mul_(-1)
    assert not probe.differs()
    x[3] = 2
    assert probe.changed() == (1, 64)


@pytest.mark.parametrize(("blocks", "sees"), [(128, False), (16384, True)])
def test_more_blocks_see_a_smaller_write_to_a_large_tensor(blocks, sees):
    """A tensor of 1 MB has 16384 blocks: all of them are read, or one in 128 of them."""
    x = torch.zeros(512, 512)
    seen = 0
    for row in range(0, 512, 4):
        probe = Probe("inputs", x, blocks)
        x[row, :16] += 1
        seen += probe.differs()
    assert (seen == 128) is sees


def test_the_lines_of_a_tensor_are_those_that_allocate_and_fill_it():
    """A method that ends in an underscore writes; NumPy's view of a tensor stands on its memory."""
    x = torch.zeros(4)

    def batches():
        y = torch.zeros(4)
        for i in range(40):
            y.fill_(i)
            yield x.numpy(), y

    (finding,) = guard.check(batches())
    lines = finding.text
    assert "allocated" in lines and "y = torch.zeros(4)" in lines
    assert "refilled" in lines and "y.fill_(i)" in lines
