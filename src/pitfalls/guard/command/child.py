"""What ``pitfalls check`` does in its child process: load, call, check."""

from __future__ import annotations

import argparse
import time
from typing import Any

from pitfalls.guard.command.settings import parse_settings
from pitfalls.guard.command.targets import (
    Module,
    called,
    evaluate,
    load,
    names_in,
    resolve,
    script_hint,
    split,
)
from pitfalls.guard.findings import GuardError, Report
from pitfalls.guard.rules.checking import Reading, check
from pitfalls.guard.stream import streams

SOFT_SHARE = 0.9


def run(options: argparse.Namespace, say: Any, started: float) -> Report:
    """Check what the options name.

    Raises:
        GuardError: It could not be checked.
    """
    settings = parse_settings(options.set)
    module, target, title = _target_of(options, settings, say)
    try:
        if streams.is_model(target):
            return _check_model(options, module, target, title, say)
        if options.batch or options.loss:
            raise GuardError(f"{title} is no Keras model, and --batch and --loss are for models.")
        return _check_batches(options, target, title, say, started)
    except GuardError as error:
        why = module.explain(error)
        raise GuardError(f"{error}\n{why}" if why else str(error)) from error


def _target_of(options: argparse.Namespace, settings: dict[str, Any], say: Any) -> tuple[Module, Any, str]:
    """Load the file and return what is named in it, called if it must be."""
    place, name = split(options.target)
    if options.call and (name or settings):
        raise GuardError(
            "--call takes the place of a name and of --set: give the file alone, pitfalls check FILE.py."
        )
    wanted = names_in(options.call) if options.call else {(name or "").split(".")[0]}
    wanted |= _names_for_the_model(options)
    say("stage", f"{place} was imported")
    say("hint", "Give it more with --seconds.")
    if place.endswith(".py") and not options.definitions:
        say("hint", _hint_for(place))
    module = load(place, wanted if options.definitions else None)
    say("hint", "Give it more with --seconds, or ask for fewer batches with --batches.")
    if options.call:
        say("stage", f"--call {options.call!r} was evaluated")
        title = f"{place} --call {options.call}"
        return module, called(evaluate(module, options.call), options.call, {}), title
    if not name:
        raise GuardError(_which(place, module))
    say("stage", f"{name} was called")
    return module, _explained(module, name, settings), options.target


def _explained(module: Module, name: str, settings: dict[str, Any]) -> Any:
    try:
        return called(resolve(module, name), name, settings)
    except GuardError as error:
        why = module.explain(error)
        raise GuardError(f"{error}\n{why}" if why else str(error)) from error


def _names_for_the_model(options: argparse.Namespace) -> set[str]:
    """Return the names that --batch and --loss need from the file."""
    names: set[str] = set()
    for text in (options.batch, options.loss):
        if text:
            names |= names_in(text) if "(" in text else {(split(text)[1] or text).split(".")[0]}
    return names


def _hint_for(place: str) -> str:
    try:
        with open(place, encoding="utf-8", errors="replace") as file:
            return "\n".join(script_hint(place, file.read()))
    except OSError:
        return ""


def _which(place: str, module: Module) -> str:
    from pitfalls.guard.command.definitions import functions_of

    names = functions_of(module.source)
    listed = f" It defines: {', '.join(names[:8])}." if names else ""
    return f"{place} alone names no generator: pitfalls check {place}:NAME, or --call 'NAME(...)'.{listed}"


def _check_batches(options: argparse.Namespace, target: Any, title: str, say: Any, started: float) -> Report:
    """Check a source of batches, reporting each batch and each finding as it comes."""
    known = 0

    def observe(reading: Reading) -> None:
        nonlocal known
        say("stage", f"batch {reading.seen} was made")
        if len(reading.aliasing.changes) > known:
            known = len(reading.aliasing.changes)
            partial = Report(title, tuple(reading.findings()), tuple(reading.not_checked)).without(
                options.ignore
            )
            say("result", (partial.to_dict(), [(finding.file, finding.line) for finding in partial]))

    left = SOFT_SHARE * options.seconds - (time.monotonic() - started)
    return check(
        target,
        batches=options.batches,
        depth=options.depth,
        seconds=max(left, 0.01),
        strict=options.strict,
        ignore=options.ignore,
        name=title,
        observe=observe,
    )


def _check_model(options: argparse.Namespace, module: Module, model: Any, title: str, say: Any) -> Report:
    """Check a model with the first batch of another target."""
    from pitfalls.guard.shapes.models import check_model

    if not options.batch:
        raise GuardError(f"{title} is a model: name a source of batches for it with --batch FILE.py:NAME.")
    say("stage", f"the first batch of {options.batch} was made")
    batch = _first_batch(module, options.batch)
    loss = options.loss and module.namespace.get(options.loss, options.loss)
    say("stage", "the model was traced")
    return check_model(model, batch, loss=loss, allow=options.allow, name=title).without(options.ignore)


def _first_batch(module: Module, text: str) -> Any:
    """Return the first batch of a target, which may be an expression in the model's file."""
    if "(" in text:
        source = evaluate(module, text)
    else:
        place, name = split(text)
        same = name is None or place == module.label
        source = resolve(module if same else load(place, None), name or place)
        source = called(source, text, {})
    if isinstance(source, tuple) and len(source) in (2, 3):
        return source
    try:
        return next(iter(streams.stream_of(source, 2)))
    except StopIteration:
        raise GuardError(f"{text} ended before its first batch.") from None
