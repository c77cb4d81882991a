"""Walking through a pipeline: what holds others is taken apart, what stands alone is looked up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

from .correspondences import known_as, model_for, step_for
from .finding import Finding, Verdict
from .flow import EVERYTHING, Column, Draft
from .known import Known
from .site import DATETIMES, NoEqual, Site, find, quoted

# Searches over hyperparameters: the best that they found is what is translated.
_SEARCHES = {"sklearn.GridSearchCV", "sklearn.RandomizedSearchCV", "sklearn.HalvingGridSearchCV"}
_SEARCHES |= {"sklearn.HalvingRandomSearchCV"}


class Walk:
    """One translation on its way: the draft grows, and each step that is met leaves a finding."""

    def __init__(
        self, draft: Draft, frame: Any, known: Known, roles: Collection[str], leave_out: Collection[str]
    ) -> None:
        self.draft = draft
        self.findings: list[Finding] = []
        self.model: dict[str, object] | None = None
        self._frame = frame
        self._roles = roles
        self._known = known
        self._leave_out = leave_out

    def run(self, source: Any, columns: list[Column], path: str = "") -> list[Column]:
        """Translates a transformer, a model, or what holds them; gives back the columns that come out."""
        if source is None or isinstance(source, str) and source == "passthrough":
            return columns
        known = known_as(source)
        if known in _SEARCHES:
            return self._search(source, columns, path)
        container = {
            "sklearn.Pipeline": self._pipeline,
            "imblearn.Pipeline": self._pipeline,
            "sklearn.ColumnTransformer": self._column_transformer,
            "sklearn.FeatureUnion": self._feature_union,
            "feature_engine.SklearnTransformerWrapper": self._wrapper,
        }.get(known)
        if container is None:
            return self._leaf(source, columns, path or type(source).__name__.lower())
        try:
            return container(source, columns, path)
        except NoEqual as error:
            return self._no_equal(source, columns, path or type(source).__name__.lower(), str(error))

    def _search(self, search: Any, columns: list[Column], path: str) -> list[Column]:
        best = getattr(search, "best_estimator_", None)
        if best is not None:
            return self.run(best, columns, path)
        kind = type(search).__name__
        notes = ["nothing is searched, and its estimator is taken as it is: fit it first, with `refit`, for the best that it finds"]
        self.findings.append(Finding(path or kind.lower(), kind, Verdict.DIFFERS, [], notes))
        return self.run(search.estimator, columns, path)

    def _pipeline(self, pipeline: Any, columns: list[Column], path: str) -> list[Column]:
        for name, source in pipeline.steps:
            columns = self.run(source, columns, _below(path, name))
        return columns

    def _leaf(self, source: Any, columns: list[Column], path: str) -> list[Column]:
        self.draft.origin = f"{path}: {type(source).__name__}"
        site = Site(source, columns, self.draft, self._known)
        translate, translate_model = step_for(source), model_for(source)
        before = len(self.draft.steps), {name: dict(rule) for name, rule in self.draft.contract.items()}
        try:
            if read := [column.name for column in columns if column.name in self._roles]:
                raise NoEqual(f"it reads `{read[0]}`, which the spec has as target, id or weight")
            if translate is not None:
                columns = translate(site)
                site.name_what_is_not_carried_over()
                self._found(source, path, site, site.steps)
            elif translate_model is not None:
                section = {key: value for key, value in translate_model(site).items() if value is not None}
                site.name_what_is_not_carried_over()
                self.model = section
                self._found(source, path, site, [str(section["use"])])
            else:
                raise NoEqual("no correspondence is known; write its steps into the spec, or leave it out")
        except NoEqual as error:
            del self.draft.steps[before[0] :]
            self.draft.contract = before[1]
            return self._no_equal(source, site.columns, path, str(error))
        return columns

    def _found(self, source: Any, path: str, site: Site, here: list[str]) -> None:
        verdict = Verdict.EQUAL if site.is_equal else Verdict.DIFFERS
        notes = list(dict.fromkeys(site.notes))
        self.findings.append(Finding(path, type(source).__name__, verdict, list(dict.fromkeys(here)), notes))

    def _no_equal(self, source: Any, columns: list[Column], path: str, why: str) -> list[Column]:
        left_out = path in self._leave_out
        verdict = Verdict.LEFT_OUT if left_out else Verdict.NO_EQUAL
        notes = [why]
        if hasattr(source, "predict"):
            notes.append("left out, a model that knows the target alone takes its place, to be exchanged")
        self.findings.append(Finding(path, type(source).__name__, verdict, [], notes))
        return columns

    # What works on some of the columns, side by side.

    def _column_transformer(self, source: Any, columns: list[Column], path: str) -> list[Column]:
        if source.transformer_weights:
            raise NoEqual("results aren't weighted (`transformer_weights`)")
        fitted = getattr(source, "transformers_", None)
        branches = [
            (name, inner, self._select(chosen, columns, is_dropped=_is_word(inner, "drop")))
            for name, inner, chosen in fitted or source.transformers
        ]
        taken = {column.name for _, _, chosen in branches for column in chosen}
        rest = [column.without(taken) for column in columns if column.name not in taken]
        if fitted is None:
            branches.append(("remainder", source.remainder, rest))
        return self._side_by_side(branches, path, prefixed=source.verbose_feature_names_out is True)

    def _feature_union(self, source: Any, columns: list[Column], path: str) -> list[Column]:
        if source.transformer_weights:
            raise NoEqual("results aren't weighted (`transformer_weights`)")
        if any(column.is_everything for column in columns):
            raise NoEqual("which columns come in isn't known: fit it, or give `data`")
        branches = [(name, inner, columns) for name, inner in source.transformer_list]
        return self._side_by_side(branches, path, prefixed=source.verbose_feature_names_out is True)

    def _wrapper(self, source: Any, columns: list[Column], path: str) -> list[Column]:
        names = getattr(source, "variables_", None) or source.variables
        if names is None:
            raise NoEqual("which columns it chooses isn't known: name its `variables`, or fit it")
        chosen = [find(columns, str(name)) for name in ([names] if isinstance(names, str) else names)]
        out = self.run(getattr(source, "transformer_", source.transformer), chosen, path)
        return [column for column in columns if column not in chosen] + out

    def _side_by_side(
        self, branches: list[tuple[str, Any, list[Column]]], path: str, *, prefixed: bool
    ) -> list[Column]:
        """Each branch on columns of its own: what several read is copied before the first changes it.

        The original may call what comes out of a branch by the branch's name, too.
        """
        gone = [(inner, chosen) for _, inner, chosen in branches if _is_word(inner, "drop")]
        kept = [branch for branch in branches if not _is_word(branch[1], "drop")]
        uses = Counter(column.name for _, _, chosen in kept for column in chosen)
        out: list[Column] = []
        taken: set[str] = set()
        work: list[tuple[str, Any, list[Column]]] = []
        for name, inner, chosen in kept:
            own = [self._copied(c, name) if c.name in taken and not c.is_everything else c for c in chosen]
            taken.update(column.name for column in chosen)
            work.append((name, inner, own))
        for _, chosen in gone:
            if any(column.is_everything for column in chosen):
                self.draft.keep_only_named()
            self.draft.drop(c for c in chosen if c.name not in {*uses, *self._roles} and not c.is_everything)
        for name, inner, own in work:
            if own:
                if any(column.is_everything for column in own) and len(work) > 1 and not _passes(inner):
                    raise NoEqual("which columns are left for it isn't known: fit it, or give `data`")
                made = self.run(inner, own, _below(path, name))
                out += [column.under(name) for column in made] if prefixed else made
        return out

    def _copied(self, column: Column, branch: str) -> Column:
        if column.family or column.kind in DATETIMES or column.kind == "text":
            raise NoEqual(f"`{column.called}` goes two ways, and no formula copies it")
        new = f"{column.name}_{branch}"
        if self.draft.taken(new):
            raise NoEqual(f"`{column.called}` goes two ways, and a column `{new}` exists")
        self.draft.plain("expression", [column], [new], new=new, formula=quoted(column))
        kind = "number" if column.kind == "integer" else column.kind
        return Column(new, kind, column.called, filled=column.filled)

    def _select(self, chosen: Any, columns: list[Column], *, is_dropped: bool) -> list[Column]:
        """The columns that a `ColumnTransformer` means: by name, position, mask, slice or function."""
        if callable(chosen):
            if self._frame is None:
                raise NoEqual("columns are chosen by a function of the data: fit it, or give `data`")
            chosen = chosen(self._frame[[column.called for column in columns]])
        if isinstance(chosen, (str, int)) and not isinstance(chosen, bool):
            chosen = [chosen]
        if isinstance(chosen, slice):
            return self._sliced(chosen, columns)
        chosen = list(chosen)
        if all(isinstance(one, str) for one in chosen):
            return [find(columns, one) for one in chosen if not is_dropped or one not in self._roles]
        _none_open(columns)
        if all(isinstance(one, bool) or type(one).__name__ == "bool" for one in chosen):
            return [column for column, taken in zip(columns, chosen, strict=True) if taken]
        return [columns[int(one)] for one in chosen]

    @staticmethod
    def _sliced(chosen: slice, columns: list[Column]) -> list[Column]:
        _none_open(columns)
        names = [column.called for column in columns]
        if isinstance(chosen.start, str) or isinstance(chosen.stop, str):
            start = names.index(chosen.start) if chosen.start is not None else 0
            stop = names.index(chosen.stop) + 1 if chosen.stop is not None else len(names)
            return columns[start : stop : chosen.step]
        return columns[chosen]


def _none_open(columns: Iterable[Column]) -> None:
    if any(column.family for column in columns):
        raise NoEqual("columns are chosen by position, and which there are isn't known: fit it, or give `data`")


def _below(path: str, name: str) -> str:
    return f"{path}__{name}" if path else name


def _is_word(inner: Any, word: str) -> bool:
    return isinstance(inner, str) and inner == word


def _passes(inner: Any) -> bool:
    """Whether it leaves columns as they are; a fitted `ColumnTransformer` has a function without code for that."""
    function: Callable[..., Any] | None = getattr(inner, "func", inner)
    return (
        inner is None
        or _is_word(inner, "passthrough")
        or known_as(inner).endswith("FunctionTransformer")
        and not function
    )


def columns_of(names: Iterable[str] | None, kinds: dict[str, str]) -> list[Column]:
    """The columns of these names; or all there are, if none are known."""
    return [EVERYTHING] if names is None else [Column(name, kinds.get(name, "")) for name in names]
