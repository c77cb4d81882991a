"""scikit-learn's manners: estimators by the engine, and pipelines that become specs.

scikit-learn and pyarrow are imported only for the estimators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .finding import Finding, Verdict
from .conversion import NoEqualError, from_sklearn
from .translation import Translation

if TYPE_CHECKING:
    from .estimators import EvenstepClassifier, EvenstepRegressor
    from .transformer import EvenstepTransformer

__all__ = [
    "EvenstepClassifier",
    "EvenstepRegressor",
    "EvenstepTransformer",
    "Finding",
    "NoEqualError",
    "Translation",
    "Verdict",
    "from_sklearn",
]

_LATER = {"EvenstepClassifier": "estimators", "EvenstepRegressor": "estimators", "EvenstepTransformer": "transformer"}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    from importlib import import_module

    return getattr(import_module(f".{_LATER[name]}", __name__), name)
