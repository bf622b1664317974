"""Entries: generators, iterators and indexed data sets, each followed from the outside as a consumer would."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pitfalls.guard.lint.memory.state import EMPTY, State
from pitfalls.guard.lint.memory.values import Class, Function, Integer, Reference, Site
from pitfalls.guard.lint.paths.calls import defaults_of
from pitfalls.guard.lint.paths.loops import Loops
from pitfalls.guard.lint.paths.machine import MOST_STEPS, MOST_STEPS_OF_ITERATING, Event, TooManyPathsError
from pitfalls.guard.lint.paths.statements import Flow
from pitfalls.guard.lint.reading.modules import Module, definition_in
from pitfalls.guard.lint.reading.scopes import (
    arguments_of,
    decorators_of,
    is_generator,
    names_in,
    scope_of,
)

ITERATING = ("__next__", "next", "__getitem__")
"""Methods whose result is a batch or a sample."""

BATCH_METHOD = re.compile(r"(next|get|new|load|sample|make)_?\w*(batch|sample)s?|(batch|sample)")
"""Methods that are called once for each batch, by their names: only what the object keeps is followed there."""

ONE_YIELD = {"contextmanager", "asynccontextmanager", "fixture", "inlineCallbacks", "coroutine"}
"""Decorators under which a generator makes no batches."""

SAMPLE_BASES = {"Dataset", "IterableDataset", "MapDataset", "VisionDataset", "IterDataPipe", "MapDataPipe"}
"""Bases whose items a loader of torch collates."""

MOST_STARTS = 6


class Entries(Loops):
    """The part that decides what is followed, and from where."""

    def entries(self, module: Module) -> Iterator[tuple[ast.AST, ast.ClassDef | None, str]]:
        """Yield the functions worth following, with the class of a method and the qualified name."""
        waiting: list[tuple[ast.AST, ast.ClassDef | None, str]] = [(module.tree, None, "")]
        while waiting:
            node, owner, prefix = waiting.pop()
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield child, owner, f"{prefix}{child.name}"
                elif isinstance(child, ast.ClassDef):
                    waiting.append((child, child, f"{prefix}{child.name}."))
                elif isinstance(child, ast.If | ast.Try | ast.With):
                    waiting.append((child, owner, prefix))

    def run(self, module: Module, node: ast.AST, owner: ast.ClassDef | None, name: str) -> list[Event]:
        """Follow one function and return what happens in it.

        Raises:
            TooManyPathsError: It has more paths than are worth following.
        """
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        self.events, self.steps, self.inside, self.many = [], 0, [], []
        self.frames, self.parents, self.scopes, self.made, self.changed = {}, {}, {}, {}, {}
        self.looped = {}
        self.limit = MOST_STEPS_OF_ITERATING if is_iterating(node.name) else MOST_STEPS
        self.handing = "sample" if owner is not None and is_sample_source(owner, module) else "batch"
        try:
            if owner is not None and not decorators_of(node) & {"staticmethod", "classmethod"}:
                self._run_method(module, node, owner, name)
            else:
                ends = self._run_function(module, Function(node, module.file, 0), name, [EMPTY])
                if any(map(_is_staging, arguments_of(node))) and not _shows_its_end(node):
                    self._run_function(module, Function(node, module.file, 0), name, ends)
        except RecursionError as error:
            raise TooManyPathsError from error
        return self.events

    def _run_function(
        self, module: Module, function: Function, name: str, states: list[State]
    ) -> list[State]:
        """Follow a function from each state, and the generators that it defines inside."""
        frame = self.frames.setdefault((0, function.node, name), len(self.frames) + 1)
        activation = self.activation(function, frame, name)
        found: list[State] = []
        for state in states:
            self.inside = [activation]
            start = self._with_arguments(function, frame, state)
            flow = self.block(function.node.body, [start])  # type: ignore[arg-type]
            found += self._ends(flow, function)
            self._run_inner(module, function, frame, name, flow)
        return self.distinct(state.leave(frame).collected() for state in found)

    def _ends(self, flow: Flow, function: Function) -> list[State]:
        """Return the states at a function's end; what an iterator returns is handed out."""
        handing = function.owner is not None and is_iterating(getattr(function.node, "name", ""))
        ends = list(flow.normal)
        for after, value, node in flow.returned:
            mine = value == function.owner
            self.returned_sample(value, node, after)
            ends.append(self.hand_out(after, value, node, self.handing) if handing and not mine else after)
        return ends

    def _run_inner(self, module: Module, function: Function, frame: int, name: str, flow: Flow) -> None:
        """Follow generators that are defined inside, with what the function around them has made."""
        inner = [item for item in ast.walk(function.node) if isinstance(item, ast.FunctionDef)]
        states = self.distinct([*flow.normal, *(after for after, _, _ in flow.returned)])[:MOST_STARTS]
        for node in inner:
            if node is not function.node and is_generator(node) and not decorators_of(node) & ONE_YIELD:
                closed = Function(node, module.file, frame)
                self._run_function(module, closed, f"{name}.{node.name}", states)

    def _with_arguments(self, function: Function, frame: int, state: State) -> State:
        """Bind parameters to memory of unknown origin; used as only an array can be, it is one."""
        arguments = arguments_of(function.node)
        arrays = scope_of(function.node).arrays
        for position, argument in enumerate(arguments):
            if position == 0 and function.owner is not None:
                state = state.bind(frame, argument.arg, function.owner)
                continue
            state = self._with_argument(function, argument, arrays, frame, state)
        return state

    def _with_argument(
        self, function: Function, argument: ast.arg, arrays: dict[str, int], frame: int, state: State
    ) -> State:
        if _is_index(function, argument):
            return state.bind(frame, argument.arg, Integer())
        default = defaults_of(function.node.args).get(argument.arg)
        if isinstance(default, ast.Name) and default.id in self.here.module.definitions:
            return state.bind(frame, argument.arg, definition_in(self.here.module, default.id))
        known = argument.arg in arrays or "ndarray" in ast.dump(argument.annotation or ast.Constant(0))
        pinned = _is_staging(argument)
        kept = state.names.get((0, argument.arg))
        if kept is not None:
            return state.bind(frame, argument.arg, kept)
        kind = "array" if known or pinned else "unsure"
        more = {
            "name": argument.arg,
            "source": "given",
            "dimensions": arrays.get(argument.arg) or None,
            "pinned": pinned,
        }
        state, value = self.new(argument, state, kind, **more)
        state = state.bind(0, argument.arg, value) if pinned else state
        return state.bind(frame, argument.arg, value)

    def _run_method(self, module: Module, node: ast.AST, owner: ast.ClassDef, name: str) -> None:
        """Follow a method of an object that was made, again and again as a consumer calls it."""
        site: Site = (owner, 0)
        self_value = Reference(site)
        states = self._made(module, owner, self_value, name)
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        function = Function(node, module.file, 0, self_value, owner)
        seen: set[State] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state not in seen:
                seen.add(state)
                after = self._run_function(module, function, name, [state])
                waiting += self._epochs(module, self_value, after) if node.name == "__getitem__" else after
            self.distinct(seen)

    def _epochs(self, module: Module, value: Reference, states: list[State]) -> list[State]:
        """Return the states after items were asked for, with and without the end of an epoch behind them."""
        end = self.method_of(value, "on_epoch_end", states[0]) if states else None
        if end is None:
            return states
        return [*states, *self._run_function(self.tree.module(end.module), end, "on_epoch_end", states)]

    def _made(self, module: Module, owner: ast.ClassDef, value: Reference, name: str) -> list[State]:
        """Return the states after an object was made and asked for an iterator."""
        class_ = Class(owner, module.file)
        tree = Function(
            ast.Lambda(ast.arguments([], [], None, [], [], None, []), ast.Constant(None)), module.file, 0
        )
        self.inside = [self.activation(tree, self._module_frame(module.file), "<module>")]
        state, made = self.new(owner, EMPTY, "instance", items=frozenset({("__class__", class_)}))
        assert isinstance(made, Reference)
        state = State({}, {value.site: state.heap[made.site]}, frozenset())
        state = state.bind(self._module_frame(module.file), "<self>", value)
        states = [state]
        for method in ("__init__", "__iter__"):
            function = self.method_of(value, method, state)
            if function and not is_generator(function.node) and function.node is not None:
                title = f"{owner.name}.{method}"
                states = self._run_function(self.tree.module(function.module), function, title, states)
        return states[:MOST_STARTS]


def _is_staging(argument: ast.arg) -> bool:
    """Tell whether a parameter is pinned memory, which the caller holds on to from one call to the next."""
    return "pinned" in argument.arg


def _shows_its_end(node: ast.AST) -> bool:
    """Tell whether a function gives its caller something to wait for: an event or a stream."""
    return any("event" in name.lower() or "stream" in name.lower() for name in names_in(node))


def _is_index(function: Function, argument: ast.arg) -> bool:
    """Tell whether a parameter is the index of a data set, or says that it is a number."""
    annotated = isinstance(argument.annotation, ast.Name) and argument.annotation.id == "int"
    return annotated or getattr(function.node, "name", "") == "__getitem__"


def is_iterating(name: str) -> bool:
    """Tell whether a method's result is a batch or a sample."""
    return name in ITERATING or bool(BATCH_METHOD.fullmatch(name))


def is_sample_source(owner: ast.ClassDef, module: Module) -> bool:
    """Tell whether a loader collates what a class gives out."""
    if not owner.bases and any(path.startswith("torch.utils.data") for path in module.imports.values()):
        return any(isinstance(item, ast.FunctionDef) and item.name == "__len__" for item in owner.body)
    names = {
        base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in owner.bases
    }
    return bool(names & SAMPLE_BASES)
