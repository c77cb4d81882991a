"""Parameters of a step or a model as parameters of its estimator, by the names that specs have."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator


class SpecParameters(BaseEstimator):
    """An estimator that takes, beside its own parameters, any that its step or model has.

    Those that aren't given have the engine's defaults. A name that the engine doesn't know is an
    error of `fit`, which says what was meant.
    """

    _parameters: dict[str, Any]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Its own parameters, and those of the step or model that were given."""
        return {**super().get_params(deep), **self._parameters}

    def set_params(self, **params: Any) -> SpecParameters:
        """Sets its own parameters, and those of the step or model."""
        own = {name: value for name, value in params.items() if name in self._get_param_names()}
        super().set_params(**own)
        others = {name: value for name, value in params.items() if name not in own}
        self._parameters = {**self._parameters, **others}
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        # What scikit-learn and a fit remember begins or ends with `_`.
        if name in self._get_param_names() or name.startswith("_") or name.endswith("_"):
            super().__setattr__(name, value)
        else:
            self._parameters = {**self._parameters, name: value}

    def __getattr__(self, name: str) -> Any:
        given = self.__dict__.get("_parameters", {})
        if name in given:
            return given[name]
        raise AttributeError(f"`{type(self).__name__}` has no attribute `{name}`")
