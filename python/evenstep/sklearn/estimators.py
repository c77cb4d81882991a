"""`EvenstepClassifier` and `EvenstepRegressor`: a whole pipeline of the engine as one estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    check_is_fitted,
)

from . import engine
from .classes import texts_of
from .parameters import SpecParameters
from .rows import missing_in, name_of, refuse_other_length, table_of, types_of, with_column


# Models that want a number in each cell.
_WITHOUT_NULLS = {"ridge", "logistic_regression"}


class _Model(SpecParameters):
    """What classifier and regressor share."""

    def __init__(
        self,
        model: str = "boosted_trees",
        *,
        steps: Sequence[Mapping[str, Any]] = (),
        id: str | None = None,
        name: str = "estimator",
        seed: int = 0,
        n_jobs: int | None = None,
        **parameters: Any,
    ) -> None:
        self.model = model
        self.steps = steps
        self.id = id
        self.name = name
        self.seed = seed
        self.n_jobs = n_jobs
        self._parameters = parameters

    def _fit(
        self,
        table: pa.Table,
        y: np.ndarray,
        target: tuple[str, str],
        sample_weight: Any,
        data: dict[str, object],
    ) -> None:
        """Trains on the rows of X, and y as the spec is to have it: by its name, and the type that its contract says."""
        uses = self._uses()
        contract = {name: rule for name, rule in types_of(table, uses).items() if name != self.id}
        table, name = with_column(table, target[0], y)
        contract[name] = {"type": target[1]}
        data = {"target": name, **data, "id": self.id, "split": {"test": 0.0}, "missing": missing_in(table)}
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True)
            table, data["weight"] = with_column(table, "weight", weights)
        model = {"use": self.model, **self._parameters}
        self.spec_ = engine.spec(self.name, self.seed, data, contract, self.steps, model)
        trained = engine.train(self.spec_, table, self._threads())
        self.bundle_ = trained.bundle
        shares = {one["feature"]: one["share"] for one in trained.importance}
        names = list(getattr(self, "feature_names_in_", [f"x{at}" for at in range(self.n_features_in_)]))
        self.__dict__.pop("feature_importances_", None)
        if shares.keys() <= set(names):
            self.feature_importances_ = np.array([shares.get(name, 0.0) for name in names])

    def _uses(self) -> list[str]:
        """What its steps are called. Raises `ValueError` for steps that are no tables."""
        if isinstance(self.steps, (Mapping, str)) or not all(isinstance(step, Mapping) for step in self.steps):
            raise ValueError(f'steps={self.steps!r}: give a list of tables, such as [{{"use": "impute_median", "columns": ["age"]}}]')
        return [str(step.get("use")) for step in self.steps]

    def _threads(self) -> int:
        if not isinstance(self.n_jobs, (int, np.integer, type(None))):
            raise ValueError(f"n_jobs={self.n_jobs!r}: give a whole number, or None for one for each core")
        return max(0, int(self.n_jobs or 0))

    def _answers(self, X: Any) -> dict[str, np.ndarray]:
        """Predictions by the names that the engine has for them. Shape: one each for every row of X.

        Raises `ValueError` for a row that has none.
        """
        check_is_fitted(self)
        answers = engine.score(self.bundle_, table_of(self, X, reset=False))
        if (gone := pd.isna(answers["prediction"])).any():
            raise ValueError(
                f"row {gone.argmax()} (counted from 0) has no prediction: a feature is missing there (NaN), and `{self.model}` "
                "wants a number in each; let a step fill it, such as `impute_median`"
            )
        return answers

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        fills = any(use.startswith("impute_") for use in self._uses())
        tags.input_tags.allow_nan = fills or self.model not in _WITHOUT_NULLS
        return tags


class EvenstepClassifier(ClassifierMixin, _Model):
    """A classifier that is an Evenstep pipeline: steps, then a model, trained and asked by the engine.

    Parameters: `model` names the model, `steps` are tables as a spec has them, such as
    `[{"use": "impute_median", "columns": {"type": "number"}}]`; `id` names a column of a frame that
    tells rows apart, without it they are known by their values; `name` and `seed` are those of the
    spec; `n_jobs` is how many threads work, all by default. Any other parameter is one of the model:
    `EvenstepClassifier(trees=300, learning_rate=0.05)`.

    Attributes: `bundle_`, the artifact, as `evenstep.open` gives it; `spec_`, the spec it was trained by;
    `classes_`, shape (classes,); `n_features_in_`; `feature_names_in_` if X has names; `feature_importances_`, shape (columns,),
    unless steps make features that are no columns of X: the share of each in the gain of all splits, or in the absolute
    standardised weights.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> EvenstepClassifier:
        """Trains on X, shape (rows, columns), and the classes y, shape (rows,).

        Raises `ValueError` for what scikit-learn or the engine refuses, in their words.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        target = name_of(y)
        table = table_of(self, X, reset=True, fewest=2)
        y = column_or_1d(y, warn=True)
        refuse_other_length(y, table)
        if y.dtype == object and pd.isna(y).any():
            raise ValueError("Input y contains NaN.")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}, and a classifier needs at least 2 classes")
        texts = texts_of(self.classes_)
        two = len(texts) == 2
        data: dict[str, object] = {"task": "binary" if two else "multiclass", "positive": texts[1] if two else None}
        self._fit(table, np.array(texts, dtype=object)[codes], (target, "category"), sample_weight, data)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row, shape (rows,): of two the second one from a probability of 0.5 on."""
        answers = self._answers(X)
        codes = {text: at for at, text in enumerate(texts_of(self.classes_))}
        told: np.ndarray = self.classes_[[codes[text] for text in answers["prediction"]]]
        return told

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, shape (rows, classes), in the order of `classes_`."""
        answers = self._answers(X)
        return np.column_stack([answers[f"probability_{text}"] for text in texts_of(self.classes_)])

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithm of each probability, shape (rows, classes): −∞ for one of 0."""
        with np.errstate(divide="ignore"):
            told: np.ndarray = np.log(self.predict_proba(X))
        return told


class EvenstepRegressor(RegressorMixin, _Model):
    """A regressor that is an Evenstep pipeline: steps, then a model, trained and asked by the engine.

    Parameters and attributes are those of `EvenstepClassifier`, but for `classes_`.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> EvenstepRegressor:
        """Trains on X, shape (rows, columns), and the numbers y, shape (rows,).

        Raises `ValueError` for what scikit-learn or the engine refuses, in their words.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        target = name_of(y)
        table = table_of(self, X, reset=True, fewest=2)
        y = _check_y(y, y_numeric=True, estimator=self).astype(np.float64)
        refuse_other_length(y, table)
        self._fit(table, y, (target, "number"), sample_weight, {"task": "regression"})
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The number for each row, shape (rows,), in the target's unit."""
        return self._answers(X)["prediction"]
