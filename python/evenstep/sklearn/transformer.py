"""`EvenstepTransformer`: any step of the engine as a transformer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.base import TransformerMixin
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted

from . import engine
from .parameters import SpecParameters
from .rows import missing_in, refuse_other_length, table_of, types_of, with_column

# Steps that name their columns in other keys than `columns`.
_WITHOUT_COLUMNS = {"expression", "datetime_difference"}
# Steps whose training output is another than their application's.
_OUT_OF_FOLD = {"target_encode"}


class EvenstepTransformer(TransformerMixin, SpecParameters):
    """One step of the engine as a transformer of scikit-learn.

    Parameters: `step` names the step; `seed` is that of its draws. Any other parameter is one of the
    step: `EvenstepTransformer("one_hot", columns=["city"], top=10)`. Without `columns` the step works
    on all of them. Columns that the step doesn't look at pass through.

    Attributes: `bundle_`, the step as an artifact; `spec_`; `n_features_in_`; `feature_names_in_` if X has
    names; `feature_names_out_`.
    """

    def __init__(self, step: str = "standard_scale", *, seed: int = 0, **parameters: Any) -> None:
        self.step = step
        self.seed = seed
        self._parameters = parameters

    def fit(self, X: Any, y: Any = None) -> EvenstepTransformer:
        """Learns from X, shape (rows, columns). Steps that look at a target are given y, shape (rows,).

        Raises `ValueError` for what scikit-learn or the engine refuses, in their words.
        """
        if self.step in _OUT_OF_FOLD:
            raise ValueError(
                f"`{self.step}` makes other values of training rows than of new ones, which no transformer can: "
                "give it to `EvenstepClassifier` or `EvenstepRegressor` as one of their `steps`"
            )
        table = table_of(self, X, reset=True, fewest=2)
        names = table.column_names
        contract = types_of(table, [self.step])
        looks_at_target = any(isinstance(of, str) and of == "target" for of in self._parameters.values())
        table, target = with_column(table, "target", _numbers_of(y, table) if looks_at_target else _stand_in(table))
        step: dict[str, Any] = {"use": self.step}
        if self.step not in _WITHOUT_COLUMNS:
            step["columns"] = names
        data = {"target": target, "task": "regression", "split": {"test": 0.0}, "missing": missing_in(table)}
        self.spec_ = engine.spec("transformer", self.seed, data, contract, [step | self._parameters], {"use": "dummy"})
        self.bundle_ = engine.train(self.spec_, table).bundle
        out = engine.transform(self.bundle_, table.slice(0, 1)).column_names
        kept = [name for name in names if name in out]
        self.feature_names_out_ = np.array(kept + [name for name in out if name not in kept], dtype=object)
        return self

    def transform(self, X: Any) -> Any:
        """What the step makes of X: an array of numbers, shape (rows, columns out), or, if some columns
        are no numbers, a frame of pandas. NaN stands for what is missing.
        """
        check_is_fitted(self)
        made = engine.transform(self.bundle_, table_of(self, X, reset=False)).select(list(self.feature_names_out_))
        if all(_is_number(column.type) for column in made.schema):
            columns = [column.cast(pa.float64()).to_numpy() for column in _numbers(made)]
            return np.column_stack(columns) if columns else np.empty((made.num_rows, 0))
        frame = made.to_pandas()
        if isinstance(X, type(frame)):
            # As scikit-learn does with what is all numbers.
            frame.index = X.index
        return frame

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """The names of the columns out: those that came in first, in their order, then new ones by name."""
        check_is_fitted(self)
        if input_features is not None and list(input_features) != self._names_in():
            raise ValueError("input_features is not equal to feature_names_in_")
        return self.feature_names_out_

    def _names_in(self) -> list[str]:
        given = getattr(self, "feature_names_in_", None)
        return [f"x{at}" for at in range(self.n_features_in_)] if given is None else list(given)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _numbers_of(y: Any, table: pa.Table) -> np.ndarray:
    """The target as numbers; classes by their order."""
    if y is None:
        raise ValueError("the step looks at a target: y is required")
    y = column_or_1d(y, warn=True)
    refuse_other_length(y, table)
    return y.astype(np.float64) if y.dtype.kind in "biuf" else np.unique(y, return_inverse=True)[1].astype(np.float64)


def _stand_in(table: pa.Table) -> np.ndarray:
    """A target for a training whose step looks at none: 1 for the row that sorts first, so that the order of rows
    doesn't matter, and 0 for the others.
    """
    plain = {name: _sortable(column) for name, column in zip(table.column_names, table.columns, strict=True)}
    first = pc.sort_indices(pa.table(plain), [(name, "ascending") for name in plain])[0].as_py()
    values = np.zeros(table.num_rows)
    values[first] = 1
    return values


def _sortable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as a type that pyarrow sorts: categories, and texts that are only views, as texts."""
    as_is = _is_number(column.type) or pa.types.is_temporal(column.type)
    return column if as_is else column.cast(pa.string())


def _is_number(of: pa.DataType) -> bool:
    return bool(pa.types.is_floating(of) or pa.types.is_integer(of) or pa.types.is_boolean(of))


def _numbers(table: pa.Table) -> list[pa.ChunkedArray]:
    """Columns of which flags are numbers, too: 1 for true."""
    return [column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column for column in table.columns]
