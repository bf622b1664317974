"""Data sets and generators of PyTorch: those that write to what they handed out, and those that do not."""

import itertools

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset

ROWS = 200


class RefilledTensor(IterableDataset):
    def __iter__(self):
        x = torch.zeros(2)
        for i in range(ROWS):
            x.fill_(i)
            yield x, torch.tensor([float(i)])


class FreshTensor(IterableDataset):
    def __iter__(self):
        for i in range(ROWS):
            yield torch.full((2,), float(i)), torch.tensor([float(i)])


class RefilledArray(IterableDataset):
    def __iter__(self):
        x = np.zeros(2, np.float32)
        for i in range(ROWS):
            x[:] = i
            yield x, np.full(1, i, np.float32)


class RefilledByIndex(Dataset):
    def __init__(self):
        self.x = np.zeros((3, 4))

    def __len__(self):
        return ROWS

    def __getitem__(self, index):
        self.x[:] = index
        return torch.from_numpy(self.x), index


class RowsOfOneTensor(Dataset):
    def __init__(self):
        self.rows = torch.arange(ROWS * 3.0).reshape(ROWS, 3)

    def __len__(self):
        return ROWS

    def __getitem__(self, index):
        return self.rows[index], index


class CopiedByIndex(RefilledByIndex):
    def __getitem__(self, index):
        self.x[:] = index
        return torch.from_numpy(self.x).clone(), index


class OfMixedLengths(Dataset):
    def __len__(self):
        return ROWS

    def __getitem__(self, index):
        return torch.ones(1 + index % 7) * index


class ConstantMask(RowsOfOneTensor):
    def __init__(self):
        super().__init__()
        self.mask = torch.ones(3)

    def __getitem__(self, index):
        self.mask.fill_(1)
        return self.rows[index], self.mask


class RefillingCollate:
    def __init__(self):
        self.out = torch.zeros(8, 3)

    def __call__(self, samples):
        torch.stack([sample[0] for sample in samples], out=self.out)
        return self.out


def padded(samples):
    return torch.nn.utils.rnn.pad_sequence(samples, batch_first=True)


def with_gradient():
    for i in itertools.count():
        yield torch.full((2, 2), float(i), requires_grad=True), torch.ones(2)


def half_precision():
    x = torch.zeros(3, 5, dtype=torch.bfloat16)
    for i in itertools.count():
        x.copy_(torch.full((3, 5), i % 200))
        yield x


def transposed():
    x = torch.zeros(40, 50)
    for i in itertools.count():
        x.fill_(i)
        yield x.T[:, ::2]


def sparse():
    for i in itertools.count():
        yield torch.eye(4).to_sparse() * (i + 1), torch.ones(4)


def from_one_array():
    x = np.zeros((4, 2), np.float32)
    for i in itertools.count():
        x[:] = i
        yield torch.from_numpy(x), torch.ones(4)


def sequences():
    return DataLoader(OfMixedLengths(), batch_size=8, collate_fn=padded)


REFILLED_SAMPLES = {
    "an iterable of one tensor": lambda: DataLoader(RefilledTensor(), batch_size=8),
    "an iterable of one array": lambda: DataLoader(RefilledArray(), batch_size=8),
    "an index into one array": lambda: DataLoader(RefilledByIndex(), batch_size=8, shuffle=True),
    "a subset of it": lambda: DataLoader(Subset(RefilledByIndex(), range(40)), batch_size=8),
    "for two workers": lambda: DataLoader(RefilledTensor(), batch_size=8, num_workers=2),
    "the data set by itself": RefilledByIndex,
    "the iterable data set by itself": RefilledTensor,
}
ALIASED_BATCHES = {
    "whole batches in one tensor": lambda: DataLoader(RefilledTensor(), batch_size=None),
    "whole batches in one array": lambda: DataLoader(RefilledArray(), batch_size=None),
    "a collate that fills one tensor": lambda: DataLoader(
        RowsOfOneTensor(), batch_size=8, collate_fn=RefillingCollate()
    ),
    "a generator of bfloat16": half_precision,
    "a generator of views": transposed,
    "a generator over one array": from_one_array,
}
SOUND = {
    "fresh tensors": lambda: DataLoader(FreshTensor(), batch_size=8),
    "fresh tensors, whole": lambda: DataLoader(FreshTensor(), batch_size=None),
    "rows": lambda: DataLoader(RowsOfOneTensor(), batch_size=8, shuffle=True, drop_last=True),
    "rows of a subset": lambda: DataLoader(Subset(RowsOfOneTensor(), range(50)), batch_size=8),
    "clones": lambda: DataLoader(CopiedByIndex(), batch_size=8),
    "a constant mask, written again": lambda: DataLoader(ConstantMask(), batch_size=8),
    "padded sequences": sequences,
    "a list": lambda: DataLoader([torch.ones(3) * i for i in range(40)], batch_size=8),
    "the data set by itself": RowsOfOneTensor,
    "the iterable data set by itself": FreshTensor,
    "tensors that need a gradient": with_gradient,
    "sparse tensors": sparse,
}
