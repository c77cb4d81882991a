"""The columns that flow through a pipeline, and the spec that is drafted along the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

# What kinds of columns a step chooses where no names are known: feature-engine takes no flags for numbers.
_NUMBERS: dict[str, object] = {"type": ["number", "boolean"]}
_NUMBERS_ALONE: dict[str, object] = {"type": "number"}
_CATEGORIES: dict[str, object] = {"type": ["category", "text"]}
_ALL: dict[str, object] = {"pattern": "*"}
_CHOOSES = {
    "impute_mean": _NUMBERS,
    "impute_median": _NUMBERS,
    "impute_end_of_tail": _NUMBERS,
    "cap_outliers": _NUMBERS,
    "standard_scale": _NUMBERS,
    "min_max_scale": _NUMBERS,
    "robust_scale": _NUMBERS,
    "log": _NUMBERS,
    "log_plus_constant": _NUMBERS,
    "power": _NUMBERS,
    "box_cox": _NUMBERS,
    "yeo_johnson": _NUMBERS,
    "discretize_width": _NUMBERS,
    "discretize_frequency": _NUMBERS,
    "cyclical": _NUMBERS,
    "drop_correlated": _NUMBERS,
    "one_hot": _CATEGORIES,
    "ordinal": _CATEGORIES,
    "count_encode": _CATEGORIES,
    "target_encode": _CATEGORIES,
    "rare_labels": _CATEGORIES,
}


@dataclass(frozen=True)
class Column:
    """One column, or a family of columns whose names are learned.

    `name` is what the spec calls it, of a family the pattern; `theirs` is what the original calls
    it, of a family the beginning. `kind` is a type of the contract, or empty if it isn't known.
    A filled column has no null; an uncertain one exists only if training has a null for it. A
    family has members, of which `but` go a way of their own; `members` are the names of all others, in the original's order,
    if a fit tells them.
    """

    name: str
    kind: str = ""
    theirs: str = ""
    family: bool = False
    filled: bool = False
    uncertain: bool = False
    but: tuple[str, ...] = ()
    is_member: bool = False
    members: tuple[str, ...] = ()

    def of(self, kind: str) -> Column:
        """The column with another type. All columns there are never come to be of one."""
        return self if self.is_everything else replace(self, kind=kind)

    def under(self, branch: str) -> Column:
        """The column as the original calls it after a branch."""
        return self if self.is_everything else replace(self, theirs=f"{branch}__{self.called}")

    def without_null(self) -> Column:
        """The column after its nulls were filled."""
        return replace(self, filled=True)

    def without(self, names: Iterable[str]) -> Column:
        """The family without those of its members that have these names."""
        if not self.family or self.is_everything:
            return self
        start = self.name.removesuffix("*")
        gone = [name for name in names if name.startswith(start)]
        members = tuple(member for member in self.members if member not in gone)
        return replace(self, but=(*self.but, *gone), members=members)

    def only(self, kept: Iterable[str]) -> Column:
        """The family with those of its members alone."""
        return replace(self, members=tuple(kept))

    @property
    def called(self) -> str:
        """What the original calls it."""
        return self.theirs or self.name

    @property
    def is_everything(self) -> bool:
        """Whether it stands for all columns there are, none of which is known by name."""
        return self.family and self.name == "*"


EVERYTHING = Column("*", family=True)


def everything_of(kind: str) -> Column:
    """All columns there are of a type, whatever they are called."""
    return replace(EVERYTHING, kind=kind)


@dataclass(frozen=True)
class Step:
    """A step of the spec, and what it came from, for the comment above it."""

    use: str
    parameters: dict[str, object]
    origin: str


@dataclass
class Draft:
    """A spec on its way: steps in order, and what the contract has to say for them."""

    steps: list[Step] = field(default_factory=list)
    contract: dict[str, dict[str, object]] = field(default_factory=dict)
    sources: list[Column] = field(default_factory=list)
    origin: str = ""
    _touched: set[str] = field(default_factory=set)
    _unused: set[str] = field(default_factory=set)
    _made: set[str] = field(default_factory=set)
    _only_named: bool = False

    def step(self, use: str, columns: Iterable[Column], **parameters: object) -> None:
        """Adds a step on these columns: one for those known by name, one for each family."""
        columns = [column for column in columns if not column.uncertain]
        parameters = {name: value for name, value in parameters.items() if value is not None}
        if any(column.is_everything for column in columns):
            chosen = _CHOOSES.get(use, _ALL)
            if any(column.kind == "number" for column in columns if column.is_everything):
                chosen = _NUMBERS_ALONE
            self._add(use, {"columns": chosen, **parameters})
            return
        names = [column.name for column in columns if not column.family]
        if names:
            self._touch(columns)
            self._add(use, {"columns": names, **parameters})
        for column in columns:
            if column.family:
                others = {"except": list(column.but)} if column.but else {}
                self._add(use, {"columns": {"pattern": column.name, **others}, **parameters})

    def plain(self, use: str, reads: Iterable[Column], makes: Iterable[str], **parameters: object) -> None:
        """Adds a step that names its columns in other keys than `columns`."""
        self._touch(reads)
        self._made.update(makes)
        self._add(use, parameters)

    def _touch(self, columns: Iterable[Column]) -> None:
        self._touched.update(column.name for column in columns if self.is_source(column))

    def _add(self, use: str, parameters: dict[str, object]) -> None:
        self.steps.append(Step(use, parameters, self.origin))

    def drop(self, columns: Iterable[Column]) -> None:
        """Drops columns; those that no step has looked at are no inputs at all."""
        gone = []
        for column in columns:
            if self.is_source(column) and column.name not in self._touched:
                self._unused.add(column.name)
            else:
                gone.append(column)
        if gone:
            self.step("drop_columns", gone)

    def keep_only_named(self) -> None:
        """Columns of the data that no step names, and that don't come out, are no inputs."""
        self._only_named = True

    def is_source(self, column: Column) -> bool:
        """Whether the column is one of the data, not one that a step makes."""
        return not column.family and not column.is_member and column.name not in self._made

    def is_untouched(self, column: Column) -> bool:
        """Whether the column is one of the data, and no step has changed it yet."""
        return self.is_source(column) and column.name not in self._touched

    def taken(self, name: str) -> bool:
        """Whether a column of the data or of a step has that name."""
        return name in self._made or name in self._touched or any(column.name == name for column in self.sources)

    def all_steps(self, out: Iterable[Column]) -> list[Step]:
        """The steps, behind one that chooses the inputs, if some columns are none."""
        known = [column.name for column in self.sources if not column.family]
        if self._only_named:
            loose = [column.name for column in out if self.is_source(column)]
            used = sorted((self._touched - self._made) | set(loose))
        else:
            used = [name for name in known if name not in self._unused]
        if not self._unused and not (self._only_named and used):
            return self.steps
        few = len(self._unused) < len(used) and not self._only_named
        head = ("drop_columns", sorted(self._unused)) if few or not used else ("select_columns", used)
        return [Step(head[0], {"columns": head[1]}, "what the pipeline reads"), *self.steps]
