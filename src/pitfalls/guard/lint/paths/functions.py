"""Functions: what is known of the functions of NumPy, torch, JAX and Python itself."""

from __future__ import annotations

import ast

from pitfalls.guard.lint.memory import libraries
from pitfalls.guard.lint.memory.state import Held, State, references_in
from pitfalls.guard.lint.memory.values import (
    UNKNOWN,
    Constant,
    Group,
    Integer,
    Library,
    Method,
    Reference,
    Value,
)
from pitfalls.guard.lint.paths.expressions import Expressions, moving
from pitfalls.guard.lint.paths.machine import Pair, unknown
from pitfalls.guard.lint.reading.scopes import text_of

COMPUTED_DTYPES = ("longdouble", "float128", "complex256", "clongdouble")
"""Dtypes with bytes that hold no value: whether a write changes a value cannot be told."""


class Functions(Expressions):
    """The part that follows functions of libraries."""

    def _library(
        self, path: str, node: ast.Call, state: State, values: list[Value], named: dict[str, Value]
    ) -> list[Pair]:
        """Follow what is known of a library's function."""
        module, _, name = path.rpartition(".")
        state = self._library_writes(path, node, state, values)
        if (
            path in libraries.WAITING_FUNCTIONS
            or path.replace("builtins.", "") in libraries.WAITING_FUNCTIONS
        ):
            state = self._waited_for(path, state, values)
        if path in libraries.QUEUES:
            return [self.new(node, state, "queue")]
        if path in libraries.LATE_COPIES:
            return unknown(self._late(path, node, state, values))
        if module in libraries.ARRAY_MODULES:
            return self._array_function(name, node, state, values, named)
        return self._plain_function(path, node, state, values)

    def _waited_for(self, path: str, state: State, values: list[Value]) -> State:
        """Note a wait; NumPy's conversions wait only for what is no array of NumPy's own."""
        if path.startswith("numpy.") and any(references_in(value, state) for value in values):
            return state
        return self.waited(state)

    def _library_writes(self, path: str, node: ast.Call, state: State, values: list[Value]) -> State:
        index = 0 if path in libraries.WRITES_FIRST_ARGUMENT else libraries.WRITES_LATER_ARGUMENT.get(path)
        if path.startswith("numpy.") and path.rpartition(".")[2] in libraries.WRITES_ARGUMENT_METHODS:
            index = libraries.WRITES_ARGUMENT_METHODS[path.rpartition(".")[2]]
        if index is not None and index < len(values):
            value = values[index]
            if isinstance(value, Reference):
                how = "shuffle" if path.endswith("shuffle") else "call"
                state = self.write(state, value, node, how, self.mark_of(node, path))
        return state

    def mark_of(self, node: ast.Call, path: str) -> str:
        """Return the constant that a call writes everywhere."""
        copies = path.endswith(("copyto", "fill")) and node.args and isinstance(node.args[-1], ast.Constant)
        return self.constant_text(node.args[-1]) if copies else ""

    def constant_text(self, node: ast.expr) -> str:
        """Return a constant as text, nothing for what is none."""
        raise NotImplementedError

    def _late(self, path: str, node: ast.Call, state: State, values: list[Value]) -> State:
        """Note that a device reads an argument later than the call returns."""
        by = "transfer" if path.endswith("device_put") else "late"
        for value in values[:1]:
            state = self.lend(state, value, node, by)
        return state

    def lend(self, state: State, value: Value, node: ast.AST, by: str) -> State:
        """Note that a transfer reads an array behind the caller's back."""
        for reference in references_in(value, state):
            memory = state.heap[reference.site]
            if memory.kind == "array":
                held = Held(by, reference.region, self.place(node))
                state = state.edit(reference.site, held=memory.held | {held})
        return state

    def _array_function(
        self, name: str, node: ast.Call, state: State, values: list[Value], named: dict[str, Value]
    ) -> list[Pair]:
        """Follow a function of NumPy, torch or CuPy."""
        first = values[0] if values else UNKNOWN
        if "out" in named:
            return [(state, named["out"])]
        if name in libraries.VIEWS or (name == "array" and _keeps(named)):
            return self._view_function(name, node, state, first)
        if name == "frombuffer":
            return [(state, first if "dtype" not in named or _is_library(named["dtype"]) else UNKNOWN)]
        if name in ("stack", "array", "concatenate", "vstack", "cat"):
            state = self._gathered(first, node, state)
        if name == "default_rng" or name in ("Generator", "RandomState"):
            return [(state, Library("numpy.random"))]
        if name in libraries.SCALARS_WITHOUT_SIZE and not self._is_sized(name, node, state, values, named):
            return unknown(state)
        if name in libraries.SHAPED | libraries.LIKE | libraries.MAKERS:
            return [self._allocated(name, node, state, values, named)]
        return unknown(state)

    def _is_sized(
        self, name: str, node: ast.Call, state: State, values: list[Value], named: dict[str, Value]
    ) -> bool:
        """Tell whether a function that may return a number certainly returns an array."""
        if any(self.is_array(value, state) for value in values) and "axis" in named | {"axis": 0}:
            return name not in ("mean", "sum", "dot") or "axis" in named
        least = {"rand": 1, "randn": 1, "random": 1, "random_sample": 1, "randint": 3, "integers": 3}.get(
            name, 3
        )
        return "size" in named or len(node.args) >= least

    def _gathered(self, value: Value, node: ast.Call, state: State) -> State:
        """Note that a list of one array, again and again, is copied as it is: the rows are equal."""
        memory = state.heap.get(value.site) if isinstance(value, Reference) else None
        return self.hand_out(state, value, node, "list") if memory and memory.listed else state

    def _view_function(self, name: str, node: ast.Call, state: State, value: Value) -> list[Pair]:
        memory = state.heap.get(value.site) if isinstance(value, Reference) else None
        if (
            memory is None
            or memory.kind != "array"
            or (len(node.args) > 1 and name in ("asarray", "as_tensor"))
        ):
            is_list = memory is not None and memory.kind == "list"
            return [self.new(node, state, "array")] if is_list and name == "asarray" else unknown(state)
        return [(state, moving(value) if "split" in name and isinstance(value, Reference) else value)]

    def _allocated(
        self, name: str, node: ast.Call, state: State, values: list[Value], named: dict[str, Value]
    ) -> Pair:
        """Allocate an array."""
        dtype = next((text_of(item.value) for item in node.keywords if item.arg == "dtype"), "")
        if any(word in dtype for word in COMPUTED_DTYPES):
            return state, UNKNOWN
        shape = _shape(name, node)
        known = {"zeros": "0", "ones": "1", "zeros_like": "0", "ones_like": "1"}.get(name)
        if name in ("full", "full_like") and len(node.args) > 1:
            known = self.constant_text(node.args[1])
        loaded = name in ("load", "loadtxt", "genfromtxt", "fromfile") or (name == "memmap" and _reads(node))
        return self.new(
            node,
            state,
            "array",
            dimensions=_dimensions(shape, values, named, state),
            known=frozenset({("", known)}) if known else frozenset(),
            source="given" if loaded else "" if name in libraries.BLANK else "made",
            pinned=_is_true(named.get("pin_memory", UNKNOWN)),
            dtype=dtype,
        )

    def _plain_function(self, path: str, node: ast.Call, state: State, values: list[Value]) -> list[Pair]:
        """Follow Python's own functions."""
        first = values[0] if values else UNKNOWN
        name = path.removeprefix("builtins.")
        if name in ("len", "int", "hash", "ord", "round"):
            return [(state, Integer())]
        if name in ("bytearray", "array.array"):
            return [self.new(node, state, "array", dimensions=1)]
        if name == "memoryview" or name == "iter":
            return [(state, first)]
        if name == "collections.namedtuple":
            return [(state, Library("record"))]
        if name == "record":
            return [(state, Group(tuple(values)))]
        if name == "next":
            return self._next(first, node, state)
        if name in (
            "list",
            "dict",
            "collections.OrderedDict",
            "collections.defaultdict",
            "collections.deque",
        ):
            return [self._container(name, node, state, first)]
        if name == "tuple" and isinstance(first, Reference):
            return [
                (state, Group(tuple(value for _, value in sorted(self.contents(first, state), key=_by_key))))
            ]
        if name == "super":
            return [(state, Method(self._self(state), "super", node))]
        if name == "copy.copy":
            return (
                [self._container("list", node, state, first)]
                if self.contents(first, state)
                else unknown(state)
            )
        return unknown(state)

    def _next(self, value: Value, node: ast.Call, state: State) -> list[Pair]:
        """Follow ``next(...)`` on an object of the tree."""
        memory = state.heap.get(value.site) if isinstance(value, Reference) else None
        if memory and memory.kind == "instance" and isinstance(value, Reference):
            function = self.method_of(value, "__next__", state)
            return self.apply(function, node, state, [], {}) if function else unknown(state)
        return unknown(state)

    def _self(self, state: State) -> Value:
        """Return the object whose method is being followed."""
        arguments = getattr(self.here.node, "args", None)
        if not isinstance(arguments, ast.arguments) or not arguments.args:
            return UNKNOWN
        return state.names.get((self.here.frame, arguments.args[0].arg), UNKNOWN)

    def _container(self, name: str, node: ast.Call, state: State, value: Value) -> Pair:
        """Make a list or a dictionary, with what another one holds."""
        kind = "list" if name in ("list", "collections.deque") else "dict"
        items = self.contents(value, state)
        named = {(item.arg, UNKNOWN) for item in node.keywords if item.arg and kind == "dict"}
        return self.new(node, state, kind, items=items | named)


def _keeps(named: dict[str, Value]) -> bool:
    """Tell whether ``copy=False`` was said."""
    copy = named.get("copy")
    return isinstance(copy, Constant) and copy.value is False


def _is_true(value: Value) -> bool:
    return isinstance(value, Constant) and value.value is True


def _is_library(value: Value) -> bool:
    return isinstance(value, Library | Constant)


def _by_key(item: tuple[str, Value]) -> tuple[int, str]:
    return (len(item[0]), item[0])


def _reads(node: ast.Call) -> bool:
    """Tell whether a memory map is opened to be read."""
    mode = next((item.value for item in node.keywords if item.arg == "mode"), None)
    return not (isinstance(mode, ast.Constant) and mode.value in ("w+", "write"))


def _shape(name: str, node: ast.Call) -> ast.expr | None:
    """Return the argument of an allocator that is its shape."""
    if name in libraries.SHAPED and node.args:
        return node.args[0]
    named = {item.arg: item.value for item in node.keywords}
    if name in ("normal", "uniform", "randint", "integers", "choice") and len(node.args) > 2:
        return node.args[2]
    if name in ("random", "standard_normal", "random_sample", "rand", "randn") and node.args:
        return node.args[0]
    return named.get("shape") or named.get("size")


def _dimensions(
    shape: ast.expr | None, values: list[Value], named: dict[str, Value], state: State
) -> int | None:
    """Return how many axes a new array has, if that is written."""
    if isinstance(shape, ast.Tuple | ast.List):
        return None if any(isinstance(item, ast.Starred) for item in shape.elts) else len(shape.elts)
    if isinstance(shape, ast.Constant):
        return max(1, sum(isinstance(value, Constant) for value in values)) if len(values) > 1 else 1
    first = values[0] if values else UNKNOWN
    memory = state.heap.get(first.site) if isinstance(first, Reference) else None
    return memory.dimensions if memory and memory.kind == "array" and shape is None else None
