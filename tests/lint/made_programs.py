"""Programs that make batches, each drawn at random: where the buffer is made, how it is written, what is yielded."""

import random
from dataclasses import dataclass

HEAD = """import numpy as np


def fill(target, rng):
    target[...] = rng.random(target.shape)


def halved(array):
    return array[:2]


def doubled(array):
    return array * 2


"""

MAKES = [
    "np.zeros((4, 3))",
    "np.empty((4, 3))",
    "np.ones((4, 3))",
    "np.full((4, 3), 7.0)",
    "np.zeros_like(BASE)",
]

WRITES = {
    "slice": "{x}[:] = rng.random((4, 3))",
    "ellipsis": "{x}[...] = rng.random((4, 3))",
    "row": "{x}[i % 4] = rng.random(3)",
    "rows in a loop": "for j in range(4):\n    {x}[j] = rng.random(3)",
    "augmented": "{x} += rng.random((4, 3))",
    "copyto": "np.copyto({x}, rng.random((4, 3)))",
    "out": "rng.random(out={x})",
    "multiply out": "np.multiply(rng.random((4, 3)), 2, out={x})",
    "helper": "fill({x}, rng)",
    "view": "view = {x}[:]\nview[:] = rng.random((4, 3))",
    "flat": "{x}.flat[:] = rng.random(12)",
    "number": "{x}.fill(i + 1)",
    "shuffle": "{x}[:] = np.arange(12.0).reshape(4, 3) + i\nrng.shuffle({x})",
}

NO_WRITES = {"nothing": "pass", "same number": "{x}[:] = 7.0", "same fill": "{x}.fill(7.0)"}

HANDS = {
    "itself": "{x}",
    "slice": "{x}[:]",
    "part": "{x}[:2]",
    "reshape": "{x}.reshape(12)",
    "transpose": "{x}.T",
    "asarray": "np.asarray({x})",
    "expand": "np.expand_dims({x}, 0)",
    "newaxis": "{x}[None]",
    "column": "{x}[:, 0]",
    "helper view": "halved({x})",
    "copy": "{x}.copy()",
    "np.copy": "np.copy({x})",
    "np.array": "np.array({x})",
    "sum": "{x} + 0",
    "index list": "{x}[[0, 1]]",
    "index array": "{x}[np.arange(4)]",
    "astype": "{x}.astype(np.float32)",
    "tolist": "{x}.tolist()",
    "helper copy": "doubled({x})",
    "concatenate": "np.concatenate([{x}, {x}])",
}

SHAPES = ["{v}", "({v}, np.ones(4))", "(np.ones(4), {v})", '{{"a": {v}, "b": np.ones(4)}}', "[{v}, i]"]

PLACES = [
    "outside",
    "outside",
    "outside",
    "inside",
    "after the yield",
    "on one path",
    "on each path",
    "ring",
    "rebound",
]
FORMS = ["while", "for", "epochs", "next", "getitem", "yield from", "inner", "early exit"]


@dataclass(frozen=True)
class Program:
    """A program with what was drawn for it; its generator is made by ``make()``."""

    source: str
    kind: str


def indent(text, by):
    return "\n".join(" " * by + line for line in text.split("\n"))


def drawn(rng: random.Random) -> Program:
    """Draw a program."""
    place, form = rng.choice(PLACES), rng.choice(FORMS)
    write = rng.choice([*WRITES] * 2 + [*NO_WRITES])
    hand = rng.choice(list(HANDS)[: len(HANDS) // 2] if rng.random() < 0.4 else list(HANDS))
    make = rng.choice(MAKES)
    ring = rng.choice([2, 3, 5, 12, 24])
    name = "self.x" if form in ("next", "getitem") else "x"
    body = written(place, name, {**WRITES, **NO_WRITES}[write], make, ring)
    value = rng.choice(SHAPES).format(v=HANDS[hand].format(x="now" if place == "ring" else name))
    start = f"{name} = {make}" if place != "ring" else f"{name} = [{make} for _ in range({ring})]"
    after = f"{name} = {make}" if place == "after the yield" else ""
    source = HEAD + "BASE = np.zeros((4, 3))\n\n\n" + formed(form, start, body, value, after)
    return Program(source, f"{place} / {form} / {write} / {hand}")


def written(place, name, write, make, ring):
    """Return the lines that allocate, or not, and write."""
    if place == "ring":
        return f"now = {name}[i % {ring}]\n" + write.format(x="now")
    lines = {
        "inside": f"{name} = {make}\n",
        "on one path": f"if i % 2:\n    {name} = {make}\n",
        "on each path": f"if i % 2:\n    {name} = {make}\nelse:\n    {name} = np.zeros((4, 3))\n",
        "rebound": f"{name} = rng.random((4, 3))\n",
    }
    return lines.get(place, "") + write.format(x=name)


def formed(form, start, body, value, after):
    """Return the generator's text around its parts."""
    rng = "rng = np.random.default_rng(0)"
    tail = f"\n{after}" if after else ""
    if form in ("next", "getitem"):
        return in_class(form, start, body, value, after)
    each = f"{body}\nyield {value}{tail}"
    if form == "while":
        return f"def make():\n    {rng}\n{indent(start, 4)}\n    i = 0\n    while True:\n        i += 1\n{indent(each, 8)}\n"
    if form == "epochs":
        loop = f"    while True:\n        for i in range(5):\n{indent(each, 12)}\n"
        return f"def make():\n    {rng}\n{indent(start, 4)}\n{loop}"
    if form == "early exit":
        tests = "        if i == 50:\n            return\n        if i == 7:\n            continue\n"
        loop = f"    for i in range(60):\n{tests}{indent(each, 8)}\n"
        return f"def make():\n    {rng}\n{indent(start, 4)}\n{loop}"
    loop = f"def NAME:\n    {rng}\n{indent(start, 4)}\n    for i in range(60):\n{indent(each, 8)}\n"
    if form == "yield from":
        return loop.replace("NAME", "batches()") + "\n\ndef make():\n    yield from batches()\n"
    if form == "inner":
        inner = f"def inner():\n    for i in range(60):\n{indent(each, 8)}\n\nreturn inner()"
        keeps = "nonlocal x\n" if "x = " in body or "x += " in body or after else ""
        inner = inner.replace("def inner():\n", f"def inner():\n    {keeps}" if keeps else "def inner():\n")
        return f"def make():\n    {rng}\n{indent(start, 4)}\n{indent(inner, 4)}\n"
    return loop.replace("NAME", "make()")


def in_class(form, start, body, value, after):
    """Return an iterator, or a data set that is indexed."""
    body = body.replace("rng.", "self.rng.").replace(", rng)", ", self.rng)")
    init = (
        f"    def __init__(self):\n        self.rng, self.i = np.random.default_rng(0), 0\n        {start}\n"
    )
    if form == "next":
        given = f"batch = {value}\n{after}\nreturn batch" if after else f"return {value}"
        text = f"self.i += 1\ni = self.i\n{body}\n{given}"
        method = (
            f"    def __iter__(self):\n        return self\n\n    def __next__(self):\n{indent(text, 8)}\n"
        )
    else:
        given = f"batch = {value}\n{after}\nreturn batch" if after else f"return {value}"
        text = f"if i >= 60:\n    raise IndexError(i)\n{body}\n{given}"
        method = (
            f"    def __len__(self):\n        return 60\n\n    def __getitem__(self, i):\n{indent(text, 8)}\n"
        )
    return f"class Batches:\n{init}\n{method}\n\ndef make():\n    return Batches()\n"
