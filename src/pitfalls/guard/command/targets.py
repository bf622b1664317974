"""Targets: finds what a command line names, in a file or in a package, and calls it."""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
import types
from dataclasses import dataclass, field
from typing import Any

from pitfalls.guard.command.definitions import (
    Definitions,
    Namespace,
    functions_of,
    nested_function,
    training_line,
    used_names,
)
from pitfalls.guard.command.settings import Settings
from pitfalls.guard.command.sources import ENDINGS, parsed, text_of
from pitfalls.guard.findings import GuardError
from pitfalls.guard.stream import streams

CALL_HINT = "--call '{name}(np.random.rand(300, 2), ...)'"


@dataclass
class Module:
    """A file or package that was loaded, and why some of its names are missing."""

    label: str
    namespace: Namespace
    source: str = ""
    reasons: dict[str, str] = field(default_factory=dict)

    def explain(self, error: BaseException | None) -> str | None:
        """Say why a name that an error misses is not there."""
        while error is not None:
            reason = self.reasons.get(getattr(error, "name", None) or "")
            if isinstance(error, NameError) and reason:
                give = f"--call '({error.name} := ..., NAME(...))[-1]'"
                return f"{error.name}: {reason}. Give it in the call: {give}."
            error = error.__cause__ or error.__context__
        return None


def split(text: str) -> tuple[str, str | None]:
    """Split ``FILE.py:NAME`` or ``package.module:NAME``; the name may be left out."""
    if "::" in text:
        place, _, name = text.partition("::")
        raise GuardError(
            f"{text}: pytest writes it so; here it is one colon, {place}:{name.replace('::', '.')}."
        )
    place, colon, name = text.rpartition(":")
    if not colon or not place or "/" in name or name.endswith(ENDINGS):
        return text, None
    return place, name


def load(place: str, wanted: set[str] | None) -> Module:
    """Load a file or a package.

    Args:
        place: ``FILE.py`` or ``package.module``.
        wanted: Take only the definitions that these names lead to; None runs the whole file.

    Raises:
        GuardError: There is no such file, or it cannot be loaded.
    """
    sys.path.insert(0, os.getcwd())
    if not (place.endswith(ENDINGS) or "/" in place):
        return _load_package(place, wanted)
    if not os.path.isfile(place):
        raise GuardError(f"There is no file {place}{_similar_file(place)}.")
    sys.path.insert(0, os.path.dirname(os.path.abspath(place)))
    return _load_file(place, place, os.path.splitext(os.path.basename(place))[0], wanted)


def _similar_file(place: str) -> str:
    folder, name = os.path.split(place)
    names = os.listdir(folder or ".") if os.path.isdir(folder or ".") else []
    close = _closest(name, [item for item in names if item.endswith(ENDINGS)])
    return f"; there is {os.path.join(folder, close[0])}" if close else ""


def _closest(name: str, known: list[str]) -> list[str]:
    """Return the known name that is most like another one, if any is."""
    import difflib

    return difflib.get_close_matches(name, known, 1)


def _load_package(name: str, wanted: set[str] | None) -> Module:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError) as error:
        raise GuardError(f"There is no module {name}: {error}.") from error
    if spec is None or not spec.origin:
        raise GuardError(f"There is no module {name}. A file is named with its ending: {name}.py:NAME.")
    if wanted is not None:
        return _load_file(name, spec.origin, name, wanted)
    try:
        module = importlib.import_module(name)
    except BaseException as error:
        raise _not_loaded(name, text_of(spec.origin), error) from error
    return Module(name, vars(module), text_of(spec.origin))


def _load_file(label: str, file: str, name: str, wanted: set[str] | None) -> Module:
    """Run a file as a module of its own name, or take definitions from it."""
    source = text_of(file)
    module_name = name if name not in sys.modules else f"pitfalls_target_{name}"
    module = types.ModuleType(module_name)
    module.__file__ = file
    sys.modules[module_name], sys.argv = module, [file]
    namespace = vars(module)
    try:
        if wanted is None:
            exec(compile(source, file, "exec"), namespace)
            return Module(label, namespace, source)
        definitions = Definitions(source, file)
        definitions.run(namespace, wanted)
    except BaseException as error:
        raise _not_loaded(label, source, error) from error
    return Module(label, namespace, source, definitions.reasons)


def _not_loaded(label: str, source: str, error: BaseException) -> GuardError:
    """Say why a file did not load, and what to do about it."""
    if isinstance(error, SyntaxError):
        what = f"{label} has a syntax error at line {error.lineno}: {error.msg}."
        return GuardError("\n".join([what, *script_hint(label, source)]))
    if isinstance(error, KeyboardInterrupt):
        return GuardError("Interrupted.")
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(label)
    ]
    at = f" at line {lines[-1]}" if lines else ""
    if isinstance(error, SystemExit):
        what = f"{label} ended the program{at} while it was imported."
    elif isinstance(error, ModuleNotFoundError):
        what = f"{label} imports {error.name}, which is not installed."
    else:
        what = f"{label} raised {type(error).__name__}{at} while it was imported: {error}"
    return GuardError("\n".join([what, *script_hint(label, source)]))


def script_hint(label: str, source: str) -> list[str]:
    """Say how to check a script without running it."""
    line = training_line(source)
    starts = [f"It starts to train when it is imported, at line {line}."] if line else []
    return [*starts, f"Take only its functions: pitfalls check {label} --definitions --call 'NAME(...)'."]


def resolve(module: Module, name: str) -> Any:
    """Return what a dotted name stands for in a module.

    Raises:
        GuardError: There is no such name; the message lists those there are.
    """
    first, *rest = name.split(".")
    if first not in module.namespace:
        reason = module.reasons.get(first) or _nested_reason(module, first)
        known = functions_of(module.source) or [key for key in module.namespace if not key.startswith("_")]
        close = _closest(first, known)
        hint = f" Is it {close[0]}?" if close else f" It defines: {', '.join(known[:8]) or 'nothing'}."
        raise GuardError(
            f"{module.label} has no {first}: {reason}." if reason else f"{module.label} has no {first}.{hint}"
        )
    target = module.namespace[first]
    for attribute in rest:
        if not hasattr(target, attribute):
            raise GuardError(f"{first} in {module.label} has no attribute {attribute}.")
        owner, target = target, getattr(target, attribute)
        if isinstance(owner, type) and inspect.isfunction(inspect.getattr_static(owner, attribute)):
            target = Method(owner, attribute)
    return target


def _nested_reason(module: Module, name: str) -> str | None:
    """Say how a function is reached that is defined inside another one."""
    found = nested_function(parsed(module.source, module.label)[0], name)
    if found is None:
        return None
    outer, inner = found
    return (
        f"it is defined inside {outer.name}, at line {inner.lineno}. To take it out of there: "
        f"pitfalls check {module.label}:{name} --definitions"
    )


def evaluate(module: Module, expression: str) -> Any:
    """Return the value of an expression in a module's namespace, where ``np`` is always known.

    Raises:
        GuardError: The expression is no Python, or raises.
    """
    import numpy as np

    for name in ("np", "numpy"):
        module.namespace.setdefault(name, np)
    try:
        return eval(compile(expression, "--call", "eval"), module.namespace)
    except SyntaxError as error:
        raise GuardError(f"--call {expression!r} is no Python expression: {error.msg}.") from error
    except Exception as error:
        why = module.explain(error) or _unknown_name(module, error)
        raised = f"--call {expression!r} raised {type(error).__name__}: {error}"
        raise GuardError(f"{raised}\n{why}" if why else raised) from error


def _unknown_name(module: Module, error: Exception) -> str | None:
    """Say which name an expression may have meant."""
    if not isinstance(error, NameError) or error.name is None:
        return None
    known = [key for key in module.namespace if not key.startswith("_")]
    close = _closest(error.name, known + dir(builtins))
    return f"Is it {close[0]}?" if close else None


def names_in(expression: str) -> set[str]:
    """Return the names an expression reads, so that their definitions can be taken."""
    try:
        return used_names(ast.parse(expression, mode="eval"))
    except SyntaxError as error:
        raise GuardError(f"--call {expression!r} is no Python expression: {error.msg}.") from error


@dataclass
class Method:
    """A method that was named by its class: an instance must be made first."""

    owner: type
    name: str

    def bound(self, settings: Settings) -> tuple[Any, Settings]:
        """Return the method of a new instance, and the settings that its class did not take."""
        known = inspect.signature(self.owner).parameters
        own = {key: value for key, value in settings.items() if key in known}
        instance = called(self.owner, self.owner.__name__, own)
        return getattr(instance, self.name), {key: settings[key] for key in settings if key not in own}


def called(target: Any, name: str, settings: Settings) -> Any:
    """Call a function or class with settings until it is a source of batches or a model.

    Raises:
        GuardError: It needs other arguments, or raises.
    """
    if isinstance(target, Method):
        target, settings = target.bound(settings)
    if not _must_be_called(target):
        if settings:
            raise GuardError(f"{name} is a {type(target).__name__} already and takes no --set.")
        return target
    _check_arguments(target, name, settings)
    try:
        result = target(**settings)
    except Exception as error:
        raise GuardError(f"{name} raised {type(error).__name__} when it was called: {error}") from error
    return called(result, f"What {name}() returns", {}) if inspect.isgeneratorfunction(result) else result


def _must_be_called(target: Any) -> bool:
    if isinstance(target, type) or inspect.isroutine(target):
        return True
    made = hasattr(target, "__iter__") or hasattr(target, "__getitem__") or streams.is_model(target)
    return callable(target) and not made


def _check_arguments(target: Any, name: str, settings: Settings) -> None:
    """Refuse settings that a function does not take, and missing ones it needs."""
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return
    parameters = list(signature.parameters.values())
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        for key in settings:
            if key not in signature.parameters:
                known = ", ".join(signature.parameters) or "nothing"
                raise GuardError(f"{name} has no argument {key}; it takes {known}.")
    missing = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) and p.name not in settings
    ]
    if missing:
        raise GuardError(
            f"{name}{signature} needs {', '.join(missing)}.\n"
            f"Give plain values with --set {missing[0]}=..., arrays with {CALL_HINT.format(name=name)}.\n"
            "The same command with --example proposes such a call."
        )
