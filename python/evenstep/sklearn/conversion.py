"""`from_sklearn`: a pipeline of scikit-learn's manners becomes a spec, and is told what became of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from evenstep._frames import stream_of
from evenstep._labels import is_of

from . import toml
from .classes import reads_otherwise, text_of
from .correspondences import model_for
from .finding import Finding, Verdict
from .flow import Column, Draft
from .known import Known
from .translation import Translation, report
from .walk import Walk, columns_of


class NoEqualError(ValueError):
    """Steps of a pipeline have no equal. `findings` has all of its steps."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        paths = [finding.path for finding in findings if finding.verdict is Verdict.NO_EQUAL]
        count = "one step has" if len(paths) == 1 else f"{len(paths)} steps have"
        super().__init__(f"{count} no equal\n\n{report(findings)}\n\nhelp: to go without, say `leave_out={paths!r}`")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.findings,)


def from_sklearn(
    pipeline: Any,
    *,
    target: str,
    data: Any = None,
    source: str | os.PathLike[str] | None = None,
    name: str = "from-sklearn",
    seed: int | None = None,
    task: str | None = None,
    positive: str | None = None,
    id: str | list[str] | None = None,
    weight: str | None = None,
    test: float = 0.2,
    leave_out: Iterable[str] = (),
) -> Translation:
    """Turns a pipeline of scikit-learn, feature-engine, LightGBM or XGBoost into a spec.

    `pipeline` is fitted or not: a `Pipeline`, a `ColumnTransformer`, a search, or a single step.
    Nothing that it learned is carried over, as training learns it anew; a fitted pipeline knows
    its columns, and what a selection chose. `data` is the path of a file, which becomes the spec's
    `source`, or a data frame: it tells the columns and their types. `target`, `id` and `weight` name
    columns; `test` is the share of rows held out. `seed` is by default the model's `random_state`,
    else 0. `leave_out` names steps that are to be left out, as `set_params` would name them. `task` and
    `positive`, of two classes the second one, are told by the model if it is fitted, or by `data`.

    A step is equal if it gives the same values on all rows that the original takes. The result
    says so step by step.

    Raises `NoEqualError` if a step has no equal and isn't left out; `ValueError` for a name in
    `leave_out` that no step has, for a column that the data don't have, for data that aren't of the columns that the
    pipeline was fitted on, and for a classifier of which nothing tells how many classes there are; `DataError` for data
    that hold no rows.
    """
    if pipeline is None or isinstance(pipeline, str):
        raise ValueError(f"{pipeline!r} is no pipeline: give a transformer, a model, or what holds them")
    path = Path(data) if isinstance(data, (str, os.PathLike)) else None
    frame, index = _with_index(_read(path) if path is not None else _as_pandas(data))
    _refuse_unknown(frame, {"target": [target], "id": [id] if isinstance(id, str) else id or [], "weight": [weight] if weight else []})
    roles = {target, *([id] if isinstance(id, str) else id or []), *([weight] if weight else [])}
    fitted = _fitted_names(pipeline)
    given = None if frame is None else [str(name) for name in frame.columns if str(name) not in roles]
    by_place = fitted is not None and given is not None and _is_by_place(fitted, given)
    names = _names(fitted, given, by_place, {*roles, *index})
    columns = columns_of(names, _kinds(frame))
    texts = None if path is None else _texts(path)
    draft = Draft(sources=columns_of(names if given is None else given, {}))
    draft.drop(Column(name) for name in given or [] if name not in (names or []))
    if given is None and fitted is not None and fitted != _numbered(len(fitted)):
        draft.keep_only_named()
    leave_out = list(leave_out)
    walk = Walk(draft, frame, Known(frame, texts), roles, leave_out)
    out = walk.run(pipeline, columns)
    for first in walk.findings[:1] if by_place else []:
        first.notes.insert(0, f"it was fitted without names, and takes columns in this order: {', '.join(names or [])}")
    _check(walk.findings, leave_out)
    task_found, positive_found = _task(pipeline, frame, target)
    if task_found is None and task is None and _is_classifier(pipeline):
        raise ValueError("how many classes the target has isn't known: give `data` or `task`, or fit the model")
    if any(isinstance(of, str) and reads_otherwise(of) for of in _classes(pipeline, frame, target)):
        draft.contract[target] = {"type": "category"}
    document: dict[str, dict[str, object]] = {
        "pipeline": {"name": name, "seed": _seed(pipeline) if seed is None else seed},
        "data": {
            "source": str(path or source) if path or source else "data.csv",
            "id": id,
            "target": target,
            "task": task or task_found,
            "positive": positive or positive_found,
            "weight": weight,
            "split": {"test": float(test)},
            "missing": _missing(frame, texts),
        },
    }
    return Translation(_written(document, draft, out, walk.model), walk.findings)


def _refuse_unknown(frame: Any, roles: dict[str, list[str]]) -> None:
    """Raises `ValueError` for a role that is given to a column which the data don't have."""
    known = [] if frame is None else [str(name) for name in frame.columns]
    for role, names in roles.items():
        for name in names:
            if frame is not None and name not in known:
                raise ValueError(f"`{role}` names `{name}`, and the data have no such column; they have {', '.join(known)}")


def _check(findings: list[Finding], leave_out: list[str]) -> None:
    if any(finding.verdict is Verdict.NO_EQUAL for finding in findings):
        raise NoEqualError(findings)
    for path in leave_out:
        if all(finding.path != path or finding.verdict is not Verdict.LEFT_OUT for finding in findings):
            known = ", ".join(finding.path for finding in findings)
            raise ValueError(f"`leave_out` names `{path}`, which is no step without an equal; steps are {known}")


def _written(
    document: dict[str, dict[str, object]], draft: Draft, out: list[Column], model: dict[str, object] | None
) -> str:
    parts = [toml.table(f"[{section}]", toml.plain(entries)) for section, entries in document.items()]
    if draft.contract:
        parts.append(toml.table("[contract]", toml.plain(draft.contract)))
    for step in draft.all_steps(out):
        entries = toml.plain({"use": step.use, **step.parameters})
        parts.append(f"# {toml.comment(step.origin)}\n" + toml.table("[[step]]", entries))
    if model is None:
        parts.append("# The pipeline ends without a model: put one here.\n" + toml.table("[model]", {"use": "dummy"}))
    else:
        parts.append(toml.table("[model]", toml.plain(model)))
    return "\n".join(parts)


# What is known of the data.


def _read(path: Path) -> Any:
    import pandas

    name = path.name.removesuffix(".gz").removesuffix(".zst")
    suffix = Path(name).suffix
    if suffix in (".csv", ".tsv"):
        return pandas.read_csv(path, sep="\t" if suffix == ".tsv" else ",")
    if suffix in (".jsonl", ".ndjson"):
        return pandas.read_json(path, lines=True)
    if suffix == ".parquet":
        frame = pandas.read_parquet(path)
        if not isinstance(frame.index, pandas.RangeIndex):
            # As the file calls what has no name, and training, too.
            frame.index.names = [name or f"__index_level_{at}__" for at, name in enumerate(frame.index.names)]
        return frame
    if suffix in (".arrow", ".feather"):
        return pandas.read_feather(path)
    raise ValueError(f"`{path}` is of no known format: .csv, .tsv, .jsonl, .ndjson, .parquet, .arrow, .feather")


def _texts(path: Path) -> Any:
    """The cells of a file of text as they are written; None for another file."""
    if ".csv" not in path.name and ".tsv" not in path.name:
        return None
    import pandas

    return pandas.read_csv(path, sep="\t" if ".tsv" in path.name else ",", dtype=str, keep_default_na=False)


def _missing(frame: Any, texts: Any) -> list[str] | None:
    """What stands for a missing value, if that isn't the empty text alone: in a file of text what pandas takes for one, as
    far as the file has it; elsewhere no text, if an empty one is a value.
    """
    if texts is None:
        cells = [] if frame is None else [cell for _, column in frame.items() if column.dtype.kind == "O" for cell in column]
        return [] if any(isinstance(cell, str) and not cell for cell in cells) else None
    found = {word for name in texts.columns for word in texts[name].unique()} & _PANDAS_MISSING
    return ["", *sorted(found - {""})] if found - {""} else None


# https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html, `na_values`
_PANDAS_MISSING = {
    "",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "-1.#IND",
    "-1.#QNAN",
    "-NaN",
    "-nan",
    "1.#IND",
    "1.#QNAN",
    "<NA>",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "None",
    "n/a",
    "nan",
    "null",
}


def _as_pandas(data: Any) -> Any:
    if data is None or is_of("pandas", stream_of(data)):
        return data
    if hasattr(data, "to_pandas"):
        return data.to_pandas()
    import pyarrow

    return pyarrow.table(data).to_pandas()


def _with_index(frame: Any) -> tuple[Any, set[str]]:
    """The frame with what of its index has a name as columns, as training reads it, and these names."""
    if frame is None:
        return None, set()
    names = [name for name in frame.index.names if name is not None and name not in frame.columns]
    return frame.reset_index(names) if names else frame, set(map(str, names))


def _kinds(frame: Any) -> dict[str, str]:
    """The types of a frame's columns, in the words of the contract."""
    if frame is None:
        return {}
    words = {"b": "boolean", "i": "integer", "u": "integer", "f": "number", "M": "datetime"}
    return {str(name): words.get(dtype.kind, "category") for name, dtype in frame.dtypes.items()}


def _fitted_names(pipeline: Any) -> list[str] | None:
    """The names of the columns that it was fitted on, of those of an array `x0`, `x1`, …; None if it isn't fitted."""
    fitted = getattr(pipeline, "feature_names_in_", None)
    if fitted is None and (search := getattr(pipeline, "best_estimator_", None)) is not None:
        fitted = getattr(search, "feature_names_in_", None)
    if fitted is not None:
        return [str(name) for name in fitted]
    count = getattr(pipeline, "n_features_in_", None)
    return None if count is None else _numbered(count)


def _numbered(count: int) -> list[str]:
    return [f"x{at}" for at in range(count)]


def _is_by_place(fitted: list[str], given: list[str]) -> bool:
    """Whether it was fitted on an array, so that nothing but their order tells which columns of the data are which."""
    return fitted == _numbered(len(fitted)) and not set(fitted) <= set(given)


def _names(
    fitted: list[str] | None, given: list[str] | None, by_place: bool, others: Collection[str]
) -> list[str] | None:
    """The columns that the pipeline reads: those that it was fitted on, else those of the data but for the others.

    Raises `ValueError` for data that aren't what it was fitted on.
    """
    if given is None:
        return fitted
    free = [name for name in given if name not in others]
    if fitted is None:
        return free
    if by_place and len(fitted) != len(free):
        told = f"the pipeline was fitted on an array of {len(fitted)} columns, and the data have {len(free)} beside the target"
        raise ValueError(f"{told}: {', '.join(free)}; give data of those columns alone, in that order")
    if by_place:
        return free
    # LightGBM writes `_` for a blank.
    written = {name.replace(" ", "_"): name for name in given}
    names = [name if name in given else written.get(name, name) for name in fitted]
    if unknown := [name for name in names if name not in given and name not in others]:
        told = f"the pipeline was fitted on `{unknown[0]}`, and the data have no such column"
        raise ValueError(f"{told}; they have {', '.join(given)}")
    return names


def _last(pipeline: Any) -> Any:
    """The model at the end."""
    best = getattr(pipeline, "best_estimator_", None)
    inner = getattr(pipeline, "estimator", None) if best is None else best
    # A forest has an `estimator`, too: what its trees are made of.
    if inner is not None and not hasattr(pipeline, "steps") and model_for(pipeline) is None:
        return _last(inner)
    return _last(pipeline.steps[-1][1]) if hasattr(pipeline, "steps") else pipeline


def _seed(pipeline: Any) -> int:
    state = toml.plain(getattr(_last(pipeline), "random_state", None))
    return state if isinstance(state, int) and state >= 0 else 0


def _is_classifier(pipeline: Any) -> bool:
    kind = type(_last(pipeline)).__name__
    return kind.endswith("Classifier") or kind == "LogisticRegression"


def _task(pipeline: Any, frame: Any, target: str) -> tuple[str | None, str | None]:
    """The task and the positive class, if the model's kind, the model or the data tell them."""
    kind = type(_last(pipeline)).__name__
    if kind.endswith("Regressor") or kind in ("Ridge", "LinearRegression"):
        return "regression", None
    if not _is_classifier(pipeline):
        return None, None
    classes = _classes(pipeline, frame, target)
    if not classes:
        return None, None
    return ("binary", text_of(classes[1])) if len(classes) == 2 else ("multiclass", None)


def _classes(pipeline: Any, frame: Any, target: str) -> list[Any]:
    """The classes in scikit-learn's order; none if neither the model nor the data tell them."""
    if not _is_classifier(pipeline):
        return []
    classes = getattr(_last(pipeline), "classes_", None)
    if classes is None and frame is not None and target in frame.columns:
        classes = sorted(frame[target].dropna().unique())
    return [] if classes is None else list(classes)
