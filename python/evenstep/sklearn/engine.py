"""The engine as estimators need it: a spec of parts, a training, columns of answers, and bundles as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa

import evenstep

from . import toml


def spec(
    name: str,
    seed: int,
    data: Mapping[str, object],
    contract: Mapping[str, object],
    steps: Iterable[Mapping[str, object]],
    model: Mapping[str, object],
) -> str:
    """A spec's text. Errors: `ValueError` for a value that no spec can hold."""
    try:
        parts = [toml.table("[pipeline]", {"name": name, "seed": plain(seed)}), toml.table("[data]", data)]
        parts += [toml.table("[contract]", contract)] if contract else []
        parts += [toml.table("[[step]]", _plain_values(step)) for step in steps]
        return "\n".join([*parts, toml.table("[model]", _plain_values(model))])
    except TypeError as error:
        raise ValueError(f"{error}: parameters are numbers, texts, lists and tables") from error


def train(text: str, rows: pa.Table, threads: int | None) -> evenstep.Bundle:
    """The bundle of a training. Errors: `ValueError` with the engine's words."""
    with _as_value_error():
        return evenstep.Spec.from_toml(text).train(data=rows, threads=_threads(threads)).bundle


def score(bundle: evenstep.Bundle, rows: pa.Table) -> dict[str, np.ndarray]:
    """Predictions by name, one for each row. Errors: `ValueError` with the engine's words."""
    with _as_value_error():
        answers = pa.table(bundle.score(rows))
    return {name: answers[name].to_numpy() for name in answers.column_names}


def transform(bundle: evenstep.Bundle, rows: pa.Table) -> pa.Table:
    """What the steps make of rows. Errors: `ValueError` with the engine's words."""
    with _as_value_error():
        return pa.table(bundle.transform(rows))


def packed(state: dict[str, Any]) -> dict[str, Any]:
    """An estimator's state with its bundle as bytes, which any process opens, on any host."""
    bundle = state.get("bundle_")
    return state if bundle is None else {**state, "bundle_": bytes(bundle.to_bytes())}


def unpacked(state: dict[str, Any]) -> dict[str, Any]:
    """The state that was packed. Errors: `evenstep.BundleError` if a byte of the bundle was changed."""
    stored = state.get("bundle_")
    return state if stored is None else {**state, "bundle_": evenstep.Bundle(stored)}


def plain(value: Any) -> Any:
    """A number of numpy as Python's own; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def _plain_values(section: Mapping[str, object]) -> dict[str, object]:
    return {key: value.tolist() if isinstance(value, np.ndarray) else plain(value) for key, value in section.items()}


def _threads(jobs: int | None) -> int | None:
    """`n_jobs` as the engine counts threads: none or -1 are all there are."""
    return None if jobs is None or jobs < 1 else jobs


@contextmanager
def _as_value_error() -> Iterator[None]:
    """scikit-learn's callers expect `ValueError` of what can't be used."""
    try:
        yield
    except evenstep.Error as error:
        raise ValueError(str(error)) from error
