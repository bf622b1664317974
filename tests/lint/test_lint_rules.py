"""Rules: each from both sides, a case that is a bug and its twin that is none."""

import textwrap

import pytest

from pitfalls.guard.lint.linting import lint_module
from pitfalls.guard.lint.reading.modules import Tree, module_of

CASES = {
    "refilled-batch: queue": (
        """
        def fill(queue):
            x = np.zeros(4)
            while True:
                x[:] = np.random.rand(4)
                queue.put(x)
        """,
        ("queue.put(x)", "queue.put(x.copy())"),
    ),
    "refilled-batch: appended list": (
        """
        def rows():
            x = np.zeros(4)
            while True:
                batch = []
                for i in range(8):
                    x[:] = np.random.rand(4)
                    batch.append(x)
                yield np.stack(batch)
        """,
        ("batch.append(x)", "batch.append(x.copy())"),
    ),
    "refilled-batch: list filled again": (
        """
        def rows(lines):
            batch = []
            for line in lines:
                batch.append(line)
                if len(batch) == 8:
                    yield batch
                    batch.clear()
        """,
        ("batch.clear()", "batch = []"),
    ),
    "refilled-batch: object": (
        """
        class Batches:
            def __init__(self, n):
                self.x = np.empty((n, 2))

            def __next__(self):
                self._fill()
                return {"x": self.x[:, None], "y": 1}

            def _fill(self):
                self.x[...] = np.random.rand(*self.x.shape)
        """,
        ('"x": self.x[:, None]', '"x": self.x[:, None].copy()'),
    ),
    "refilled-batch: no allocation on one path": (
        """
        def batches(files):
            x = None
            for file in files:
                if x is None:
                    x = np.empty((4, 2))
                x[:] = np.load(file)
                yield x
        """,
        ("yield x", "yield x\n        x = None"),
    ),
    "refilled-batch: ring of three": (
        """
        def batches():
            ring = [np.zeros(4) for _ in range(3)]
            i = 0
            while True:
                ring[i][:] = np.random.rand(4)
                yield ring[i]
                i = (i + 1) % 3
        """,
        ("3", "40"),
    ),
    "refilled-batch: torch": (
        """
        def batches(loader):
            x = torch.empty(4, 2)
            for item in loader:
                x.copy_(item)
                yield x.view(-1)
        """,
        ("x.view(-1)", "x.view(-1).clone()"),
    ),
    "refilled-sample": (
        """
        class Samples(torch.utils.data.Dataset):
            def __init__(self):
                self.image = np.zeros((8, 8))

            def __getitem__(self, index):
                np.copyto(self.image, np.random.rand(8, 8))
                return self.image
        """,
        ("return self.image", "return self.image.copy()"),
    ),
    "refilled-staging": (
        """
        def upload(batches, device):
            staging = torch.empty((64, 8), pin_memory=True)
            for batch in batches:
                staging.copy_(batch)
                train(staging.to(device, non_blocking=True))
        """,
        ("non_blocking=True))", "non_blocking=True))\n        torch.cuda.synchronize()"),
    ),
    "refilled-staging: device_put": (
        """
        def upload(batches):
            staging = np.zeros((64, 8), np.float32)
            for batch in batches:
                staging[:] = batch
                train(jax.device_put(staging))
        """,
        ("train(jax.device_put(staging))", "float(train(jax.device_put(staging)))"),
    ),
    "refilled-staging: a row of a pinned tensor of an object": (
        """
        class Frames:
            def run(self):
                while True:
                    for i, frame in enumerate(self.read()):
                        self.pinned_batch[i].copy_(torch.from_numpy(frame))
                    self.gpu_batch.copy_(self.pinned_batch, non_blocking=True)
        """,
        ("for i, frame", "torch.cuda.synchronize()\nfor i, frame"),
    ),
    "refilled-staging: a pinned argument that the next call gets too": (
        """
        def upload(rows, device, out_pinned):
            out_pinned[:8].copy_(rows)
            return out_pinned[:8].to(device, non_blocking=True)
        """,
        ("return out_pinned[:8].to", "return rows.to"),
    ),
    "refilled-batch: rows of a reshaped array, filled by a helper": (
        """
        def fill(row, items):
            row[: len(items)] = items

        def batches(items):
            store = np.zeros(64)
            while True:
                rows = store[:60].reshape(4, -1)
                for j in range(len(rows)):
                    fill(rows[j], items)
                yield torch.from_numpy(rows[:, :5])
        """,
        ("torch.from_numpy(rows[:, :5])", "torch.tensor(rows[:, :5])"),
    ),
    "refilled-batch: loops in loops in loops": (
        """
        def batches(source, size):
            kept, cpu, gpu = [], torch.empty(64), torch.empty(64)
            while True:
                rows = torch.empty((8, size))
                for row in range(8):
                    at = 0
                    while at < size:
                        best = -1
                        for i, item in enumerate(kept):
                            if len(item) <= size - at and (best == -1 or len(item) > len(kept[best])):
                                best = i
                        if best >= 0:
                            item = kept.pop(best)
                            rows[row, at : at + len(item)] = item
                            at += len(item)
                        else:
                            kept.extend(next(source))
                cpu[:32].copy_(rows[:, 0])
                gpu.copy_(cpu)
                yield gpu[:32].view(4, 8), gpu[32:].view(4, 8)
        """,
        ("yield gpu[:32].view(4, 8), gpu[32:].view(4, 8)", "yield gpu.clone()"),
    ),
    "mutated-source: a transform": (
        """
        def normalized(image, mean, std):
            for i in range(image.shape[0]):
                image[i] = image[i] - mean[i]
                image[i] = image[i] / std[i]
            return image
        """,
        ("for i in range", "image = image.copy()\nfor i in range"),
    ),
    "mutated-source: a transform that is an object": (
        """
        class Scale:
            def __call__(self, sample):
                sample[:] *= 2.0
                return sample
        """,
        ("sample[:] *= 2.0", "sample = sample * 2.0"),
    ),
    "mutated-source: a list of the data set": (
        """
        class Lines(torch.utils.data.Dataset):
            def __init__(self, lines):
                self.data = [encode(line) for line in lines]

            def __getitem__(self, index):
                x = self.data[index]
                x += [0] * (80 - len(x))
                return torch.tensor(x)
        """,
        ("x += [0] * (80 - len(x))", "x = x + [0] * (80 - len(x))"),
    ),
    "mutated-source: a dictionary of the data set": (
        """
        class Clouds(torch.utils.data.Dataset):
            def __init__(self, paths):
                self.data = [read(path) for path in paths]

            def __getitem__(self, index):
                x = self.data[index]
                x["points"] = x["points"] - x["center"]
                return x
        """,
        ("x = self.data[index]", "x = dict(self.data[index])"),
    ),
    "mutated-source: a mark in a slice of the data": (
        """
        def batches(data, size, mark):
            count = data.shape[0]
            for start in range(0, count, size):
                batch = data[start : start + size]
                batch[0] = mark
                yield batch.astype(np.int64)
        """,
        ("data[start : start + size]", "data[start : start + size].copy()"),
    ),
    "mutated-source: shuffled, and a column was handed out": (
        """
        class Samples:
            def __init__(self, data):
                self.data, self.at = data, 0

            def next_batch(self):
                rows = self.data[self.at : self.at + 8]
                self.at += 8
                if self.at > len(self.data):
                    np.random.shuffle(self.data)
                return rows[:, 0].reshape((8, 1))
        """,
        (".reshape((8, 1))", ".reshape((8, 1)).copy()"),
    ),
    "mutated-source": (
        """
        class Images:
            def __init__(self, images):
                self.images = images
                self.count = images.shape[0]

            def __getitem__(self, index):
                image = self.images[index : index + 1]
                image /= 255.0
                return image, self.images.shape
        """,
        ("image /= 255.0", "image = image / 255.0"),
    ),
    "mutated-source: shuffled": (
        """
        def batches(data):
            size = data.shape[0]
            while True:
                np.random.shuffle(data)
                for start in range(0, size, 8):
                    yield data[start : start + 8]
        """,
        ("yield data[start : start + 8]", "yield data[start : start + 8].copy()"),
    ),
    "mutated-source: at the end of an epoch": (
        """
        class Batches(keras.utils.Sequence):
            def __init__(self, x):
                self.x = np.array(x)

            def __getitem__(self, index):
                return self.x[index * 8 : (index + 1) * 8]

            def on_epoch_end(self):
                np.random.shuffle(self.x)
        """,
        ("np.random.shuffle(self.x)", "self.x = np.random.permutation(self.x)"),
    ),
    "late-copy": (
        """
        def steps(batches):
            x = np.zeros((64, 8), np.float32)
            for batch in batches:
                x[:] = batch
                train(jnp.array(x))
        """,
        ("jnp.array(x)", "jax.block_until_ready(jnp.array(x))"),
    ),
}
"""For each case the buggy code, and the edit that makes it sound."""

HEAD = "import numpy as np, torch, jax, keras\nimport jax.numpy as jnp\n\n"


def rules_in(source: str) -> set[str]:
    """Return the rules that a piece of code breaks."""
    module, tree = module_of("case.py", HEAD + textwrap.dedent(source)), Tree([])
    tree.add(module)
    return {finding.rule for finding in lint_module(module, tree).findings}


@pytest.mark.parametrize("name", CASES)
def test_a_rule_finds_the_bug(name):
    """That rule and no other."""
    assert rules_in(CASES[name][0]) == {name.split(":")[0]}


@pytest.mark.parametrize("name", CASES)
def test_a_rule_is_silent_on_the_twin(name):
    """One edit, as the finding advises it."""
    source, (before, after) = textwrap.dedent(CASES[name][0]), CASES[name][1]
    assert before in source
    line = next(text for text in source.splitlines() if before.split("\n")[0] in text)
    indent = line[: len(line) - len(line.lstrip())]
    edited = source.replace(
        before, "\n".join([after.split("\n")[0], *(indent + x.strip() for x in after.split("\n")[1:])])
    )
    assert rules_in(edited) == set()


SAFE = {
    "a constant that is never written again": "x = np.zeros(4)\nwhile True:\n    yield x",
    "an array that is allocated in the loop": "while True:\n    x = np.zeros(4)\n    x[:] = draw()\n    yield x",
    "an index by an array": "x = np.zeros(4)\nwhile True:\n    x[:] = draw()\n    yield x[np.arange(4)]",
    "torch.tensor": "x = np.zeros(4)\nwhile True:\n    x[:] = draw()\n    yield torch.tensor(x)",
    "tolist": "x = np.zeros(4)\nwhile True:\n    x[:] = draw()\n    yield x.tolist()",
    "the same test twice": (
        "x = np.zeros(4)\nwhile True:\n    if fresh:\n        x = np.zeros(4)\n"
        "    if fresh:\n        x[:] = draw()\n    yield x"
    ),
    "a prefix that only grows": "x, n = np.zeros(400), 0\nfor line in lines:\n    x[n] = line\n    n += 1\n    yield x[:n]",
    "memory of which nothing is known": "x = make()\nwhile True:\n    x[:] = draw()\n    yield x",
}


@pytest.mark.parametrize("name", SAFE)
def test_what_is_safe_is_left_alone(name):
    """Where it cannot tell it says nothing."""
    body = textwrap.indent(SAFE[name], "    ")
    assert rules_in(f"def batches(lines, draw, make, fresh):\n{body}\n") == set()


@pytest.mark.parametrize("says", ["Scale the image in place.", "Overwrites what it is given."])
def test_a_transform_that_says_what_it_does_is_left_alone(says):
    """Its callers know; without the docstring it is a finding."""
    body = "    image[:] = image[:] * 2\n    return image\n"
    assert rules_in(f'def scaled(image):\n    """{says}"""\n{body}') == set()
    assert rules_in(f"def scaled(image):\n{body}") == {"mutated-source"}


def test_a_helper_of_an_imported_file_is_followed(tmp_path):
    """The write is in another file of the same tree, and the finding says so."""
    from pitfalls.guard.lint.command import lint

    (tmp_path / "filling.py").write_text("def fill(target, data):\n    target[:] = data\n")
    (tmp_path / "train.py").write_text(
        "import numpy as np\nfrom filling import fill\n\n\ndef batches(data):\n    x = np.zeros(4)\n"
        "    for item in data:\n        fill(x, item)\n        x[0] += 0.5\n        yield x\n"
    )
    (finding,) = [item for result in lint([str(tmp_path)]) for item in result.findings]
    assert finding.written.file == str(tmp_path / "filling.py")
    assert finding.handed_over.file == str(tmp_path / "train.py")
