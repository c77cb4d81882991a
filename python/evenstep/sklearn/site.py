"""One transformer or model and the columns that reach it: what an entry of the table is given."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NoReturn

from .flow import Column, Draft, everything_of
from .known import Known
from .toml import plain

# What changes no result, or only how it is stored or drawn.
_WITHOUT_EFFECT = {
    "copy",
    "copy_X",
    "n_jobs",
    "verbose",
    "random_state",
    "warm_start",
    "sparse_output",
    "sparse",
    "dtype",
    "order",
    "feature_name_combiner",
    "return_object",
    "ignore_format",
    "return_boundaries",
    "precision",
    "importance_type",
    "confirm_variables",
    "oob_score",
    "verbosity",
    "cache_size",
    "variables",
    "feature_names_out",
    "validate",
    "inverse_func",
    "check_inverse",
    "accept_sparse",
    "inv_kw_args",
}


class NoEqual(Exception):
    """What is asked for has no equal; the message says why."""


class Site:
    """Where an entry works: its source, the columns that come in, and the draft that it adds to."""

    def __init__(self, source: Any, columns: list[Column], draft: Draft, data: Known) -> None:
        self.source = source
        self.columns = columns
        self.rows = data.rows
        self.notes: list[str] = []
        self.is_equal = True
        self._draft = draft
        self._data = data
        self._first = len(draft.steps)
        self._read: set[str] = set()
        self._drops = False

    # What the source says.

    def parameter(self, name: str) -> Any:
        """A parameter of the source, in Python's own numbers and lists; None if its version has none of that name."""
        self._read.add(name)
        return plain(self.source.get_params(deep=False).get(name))

    def learned(self, name: str) -> Any:
        """What the source has learned, or None if it isn't fitted."""
        return getattr(self.source, name, None)

    def values(self, column: Column) -> list[Any] | None:
        """The values of a column that comes in, sorted, without null: by the data, or by what the source has learned;
        None if neither tells them."""
        if self._draft.is_untouched(column) and (found := self._data.values(column.name)) is not None:
            return found
        learned = self.learned("categories_")
        if learned is None:
            return None
        return [value for value in plain(learned[self.columns.index(column)]) if not is_nan(value)]

    def holds_text(self, column: Column) -> bool:
        """Whether nothing but texts and flags is known to stand in the column, whatever filled its nulls."""
        values = self.values(column)
        if values is None and self._draft.is_source(column):
            values = self._data.values(column.name)
        return values is not None and all(isinstance(value, (str, bool)) for value in values)

    def spellings(self, column: Column, values: Iterable[float]) -> list[str]:
        """Numbers as the column's cells spell them, at least one text for each."""
        of_file = self._data.spellings(column.name)
        return [text for value in values for text in of_file.get(value, [spelled(value)])]

    def may_be_null(self, column: Column) -> bool:
        """Whether nobody can tell that the column has no null."""
        if column.filled:
            return False
        return not self._draft.is_untouched(column) or self._data.has_null(column.name)

    def zone(self, column: Column) -> str | None:
        """The time zone of a column's times, if they are known to have one."""
        return self._data.zone(column.name) if self._draft.is_source(column) else None

    def has_none(self, column: Column) -> bool:
        """Whether a null of the column is None, not NaN, as far as the data or what the source has learned tell."""
        learned = self.learned("categories_")
        if learned is not None:
            return any(value is None for value in learned[self.columns.index(column)])
        return self._draft.is_untouched(column) and self._data.has_none(column.name)

    def is_known(self, column: Column) -> bool:
        """Whether the data have the column."""
        return self._data.has(column.name)

    def has_nan(self, column: Column) -> bool:
        """Whether a null of the column is NaN, not None, as far as the data tell."""
        return self._draft.is_untouched(column) and self._data.has_nan(column.name)

    def name_what_is_not_carried_over(self) -> None:
        """Every parameter that was set and that no entry read is a difference."""
        signature = inspect.signature(type(self.source).__init__).parameters
        for name, value in self.source.get_params(deep=False).items():
            default = signature[name].default if name in signature else None
            if name not in self._read | _WITHOUT_EFFECT and not _same(value, default):
                self.differs(f"`{name}={plain(value)!r}` isn't carried over")

    # What is to be said.

    def differs(self, how: str) -> None:
        """The result is another one, and how."""
        self.is_equal = False
        self.notes.append(how)

    def note(self, what: str) -> None:
        """Worth knowing, though results are equal."""
        self.notes.append(what)

    @staticmethod
    def refuse(why: str) -> NoReturn:
        """There is no equal."""
        raise NoEqual(why)

    # What is to be done.

    @property
    def steps(self) -> list[str]:
        """The names of the steps that were added here."""
        added = [step.use for step in self._draft.steps[self._first :]]
        # What is dropped before any step has looked at it is dropped at the head of the spec.
        return [*added, "drop_columns"] if self._drops else added

    def step(self, use: str, columns: Iterable[Column] | None = None, **parameters: object) -> None:
        """Adds a step, by default on all columns that come in; parameters that are None are left out."""
        columns = self.columns if columns is None else list(columns)
        for column in columns:
            if column.uncertain:
                self.differs(f"`{column.name}`, which exists if training has a null, is left as it is")
        self._draft.step(use, columns, **parameters)

    def difference(self, start: Column, end: Column, new: str, unit: str) -> Column:
        """Adds the time from one column to another."""
        parameters = {"from": start.name, "to": end.name, "new": new, "unit": unit}
        self._draft.plain("datetime_difference", [start, end], [new], **parameters)
        return Column(new, "number")

    def add(self, new: str, formula: str, reads: Iterable[Column], kind: str = "number") -> Column:
        """Adds a column that is computed by a formula."""
        if self._draft.taken(new):
            self.refuse(f"a column `{new}` exists, which the new one would be called")
        self._draft.plain("expression", reads, [new], new=new, formula=formula)
        return Column(new, kind)

    def number(self, column: Column) -> str:
        """A column as formulas reckon with it: flags are 1 and 0."""
        values = self.values(column) if column.kind == "category" else None
        is_flag = column.kind == "boolean" or values and all(isinstance(value, bool) for value in values)
        return f"if({quoted(column)}, 1, 0)" if is_flag else quoted(column)

    def rewrite(self, column: Column, formula: Callable[[str], str], suffix: str) -> Column:
        """Replaces a column by a formula of it. The new one has another name, as no formula takes its own place."""
        if column.family:
            self.refuse("how many columns come in isn't known before training")
        new = self.add(f"{column.name}_{suffix}", formula(self.number(column)), [column])
        self.drop([column])
        return Column(new.name, new.kind, column.called)

    def drop(self, columns: Iterable[Column]) -> None:
        """Drops columns."""
        columns = list(columns)
        self._drops |= bool(columns)
        self._draft.drop(columns)

    def rule(self, column: Column, **keys: object) -> None:
        """Says something of a column of the data in the contract."""
        if self._draft.is_source(column):
            self._draft.contract.setdefault(column.name, {}).update(keys)

    def as_categories(self, columns: Iterable[Column]) -> list[Column]:
        """Says in the contract that columns of the data are categories, whatever they look like."""
        taken = []
        for column in columns:
            if column.is_everything and not column.kind:
                self.refuse("which columns come in isn't known: fit it, or give `data`")
            if column.kind == "datetime":
                self.refuse(f"`{column.name}` is a datetime, which is no category")
            whole = column.kind in ("integer", "boolean")
            if not whole and self._draft.is_source(column):
                self._draft.contract.setdefault(column.name, {})["type"] = "category"
            elif column.kind == "number":
                self.refuse(f"`{column.name}` is a number by then, which is no category")
            taken.append(column if whole else column.of("category"))
        return taken

    def as_integers(self, column: Column) -> Column:
        """Says in the contract that a column of the data holds whole numbers, however they are stored."""
        self._draft.contract.setdefault(column.name, {})["type"] = "integer"
        self.note(f"`{column.name}` is of whole numbers: a fraction breaks the contract")
        return column.of("integer")

    def is_source(self, column: Column) -> bool:
        """Whether the column is one of the data."""
        return self._draft.is_source(column)

    # Which columns.

    def change(self, chosen: Iterable[Column], kind: str) -> list[Column]:
        """The columns that come in, those chosen as another type."""
        chosen = list(chosen)
        return [column.of(kind) if column in chosen and not column.family else column for column in self.columns]

    def swap(self, swapped: dict[Column, list[Column]]) -> list[Column]:
        """The columns that come in, some of them replaced by others."""
        return [new for column in self.columns for new in swapped.get(column, [column])]

    def named(self, names: Iterable[object]) -> list[Column]:
        """The columns of these names, as the original calls them."""
        return [find(self.columns, str(name)) for name in names]

    def chosen(self, kinds: tuple[str, ...], names: Any = None) -> list[Column]:
        """The columns that a transformer of feature-engine works on: its `variables`, or those of a type."""
        names = self.learned("variables_") or names or self.parameter("variables")
        if names is not None:
            return self.named([names] if isinstance(names, (str, int)) else list(names))
        if any(column.is_everything for column in self.columns):
            return [everything_of(kinds[0] if kinds else "")]
        if any(not column.kind and not column.family for column in self.columns):
            self.refuse("which columns it chooses isn't known: name its `variables`, fit it, or give `data`")
        return [column for column in self.columns if column.kind in kinds and not column.family]

    def one_by_one(self) -> list[Column]:
        """The columns that come in, if each of them is known by name."""
        if any(column.family for column in self.columns):
            self.refuse("which columns come in isn't known before training; give `data`, or name columns")
        return self.columns


NUMBERS = ("number", "integer")
CATEGORIES = ("category", "text")
DATETIMES = ("datetime", "date", "time")


def find(columns: Iterable[Column], name: str) -> Column:
    """The column that the original calls so.

    Raises `NoEqual` if there is none.
    """
    columns = list(columns)
    for column in columns:
        if not column.family and column.called == name:
            return column
    for column in columns:
        if column.is_everything:
            return Column(name)
        if column.family and column.theirs and name.startswith(column.theirs):
            return Column(
                column.name.removesuffix("*") + name.removeprefix(column.theirs), column.kind, name, is_member=True
            )
    raise NoEqual(f"there is no column `{name}` at this step; there are {', '.join(c.called for c in columns)}")


def quoted(column: Column) -> str:
    """A column as formulas name it."""
    if "`" in column.name:
        raise NoEqual(f"no formula can name the column `{column.name}`")
    return f"`{column.name}`"


def spelled(number: float) -> str:
    """A number as the engine spells it: as JavaScript does."""
    if number == 0:
        return "0"
    shortest = repr(float(number))
    if 1e-6 <= abs(number) < 1e21:
        return format(Decimal(shortest), "f").removesuffix(".0")
    mantissa, exponent = shortest.split("e")
    return f"{mantissa}e{int(exponent):+d}"


def is_nan(value: object) -> bool:
    """Whether it is a missing value: NaN or None."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _same(value: object, default: object) -> bool:
    if is_nan(value) and is_nan(default):
        return True
    try:
        return bool(value == default)
    except (TypeError, ValueError):
        return value is default
