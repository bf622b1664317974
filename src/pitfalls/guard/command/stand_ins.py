"""Stand-ins: take the place of what cannot be imported, and raise only when they are used.

A generator rarely needs all that its file imports: a plotting library, a missing settings module. A
stand-in has every attribute, can be a base class and a decorator, and raises when it is called for a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn


class StandInError(ImportError):
    """What could not be imported was needed."""


class Base:
    """Stands for a class that could not be imported, where another one is made of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take whatever the real class would."""


class StandIn:
    """Stands for a module, or for something in it."""

    _may_be_called = False

    def __init__(self, path: str, reason: str) -> None:
        """Know what is missing, and why."""
        self._path, self._reason = path, reason

    def __getattr__(self, name: str) -> StandIn:
        """Return a stand-in for an attribute."""
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(f"{self._path}.{name}", self._reason)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        """Be an empty base class, once."""
        first = next(base for base in bases if isinstance(base, StandIn))
        return (Base,) if first is self else ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the function that is decorated, or refuse."""
        if len(args) == 1 and not kwargs and callable(args[0]) and not isinstance(args[0], StandIn):
            return args[0]
        if StandIn._may_be_called:
            return StandIn(f"{self._path}(...)", self._reason)
        return self._refuse("called")

    def __instancecheck__(self, instance: object) -> bool:
        """Nothing is an instance of what is not there."""
        return False

    def __iter__(self) -> Iterator[Any]:
        """Refuse."""
        return self._refuse("iterated over")

    def __getitem__(self, key: object) -> Any:
        """Refuse."""
        return self._refuse("indexed")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse."""
        return self._refuse("used as an array")

    def __bool__(self) -> bool:
        """Refuse."""
        return self._refuse("used as a condition")

    def __enter__(self) -> Any:
        """Refuse."""
        return self._refuse("entered")

    def __exit__(self, *error: object) -> None:
        """Nothing was entered."""

    def _refuse(self, how: str) -> NoReturn:
        raise StandInError(f"{self._path} was {how}, but {self._reason}", name=self._path.split(".")[0])


@contextmanager
def calls_of_stand_ins() -> Iterator[None]:
    """Let a call return one more stand-in while definitions are made: a class may keep what nothing needs."""
    before, StandIn._may_be_called = StandIn._may_be_called, True
    try:
        yield
    finally:
        StandIn._may_be_called = before
