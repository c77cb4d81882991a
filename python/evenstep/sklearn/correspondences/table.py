"""The table of correspondences: what a class is known by, and what translates it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..flow import Column
from ..site import Site

Translate = Callable[[Site], list[Column]]
TranslateModel = Callable[[Site], dict[str, object]]

_STEPS: dict[str, Translate] = {}
_MODELS: dict[str, TranslateModel] = {}


def step(*classes: str) -> Callable[[Translate], Translate]:
    """An entry for a transformer, known as `package.Class`. It gives back the columns that come out."""

    def enter(translate: Translate) -> Translate:
        _STEPS.update(dict.fromkeys(classes, translate))
        return translate

    return enter


def model(*classes: str) -> Callable[[TranslateModel], TranslateModel]:
    """An entry for a model, known as `package.Class`. It gives back the section `[model]`."""

    def enter(translate: TranslateModel) -> TranslateModel:
        _MODELS.update(dict.fromkeys(classes, translate))
        return translate

    return enter


def known_as(source: Any) -> str:
    """What the table knows an object by. A class that extends a known one is another one."""
    of = type(source)
    return f"{of.__module__.split('.')[0]}.{of.__qualname__}"


def step_for(source: Any) -> Translate | None:
    """The entry for a transformer."""
    return _STEPS.get(known_as(source))


def model_for(source: Any) -> TranslateModel | None:
    """The entry for a model."""
    return _MODELS.get(known_as(source))


def entries() -> list[str]:
    """All classes that the table has."""
    return sorted([*_STEPS, *_MODELS])
