"""What trees on ten times the rows cost, whole programs from Parquet to a model: writes LARGE.md."""
import argparse
import datetime
import os
import subprocess
import sys

import measure

FOLDER = measure.WORK / "large"
COLUMNS = 28
ROWS_AT_ONCE = 250_000
SPEC = """[pipeline]
name = "large"
seed = 1
[data]
source = "{rows}.parquet"
id = "id"
target = "y"
task = "binary"
split = {{ test = 0.1, seed = 0 }}
[model]
use = "boosted_trees"
trees = 100
leaves = 31
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--make", type=int, metavar="ROWS", help=argparse.SUPPRESS)
    parser.add_argument("--peer", type=int, metavar="ROWS", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        return make(options.make)
    if options.peer:
        return peer(options.peer)
    FOLDER.mkdir(parents=True, exist_ok=True)
    begun, found = measure.load(), {}
    for rows in options.rows:
        # In programs of their own: whoever measures must stay small.
        if not path(rows).exists():
            measure.run(sys.executable, __file__, "--make", rows)
        (FOLDER / f"{rows}.toml").write_text(SPEC.format(rows=rows))
        found[rows] = {
            "Evenstep": measure.run(measure.EVENSTEP, "train", f"{rows}.toml", "--no-trace", "--output", "large.evenstep", cwd=FOLDER),
            "LightGBM": measure.run(sys.executable, __file__, "--peer", rows),
        }
        print(rows, {who: {key: round(one[key], 1) for key in ("wall", "cpu", "peak_mb")} for who, one in found[rows].items()}, flush=True)
    (measure.HERE / "LARGE.md").write_text("\n".join(page(found, begun)) + "\n")


def path(rows):
    return FOLDER / f"{rows}.parquet"


def make(rows):
    """Numbers, some of which say something, a part of the rows at a time."""
    import numpy
    import pyarrow
    import pyarrow.parquet

    random = numpy.random.default_rng(28)
    weights = random.normal(0, 0.3, COLUMNS) * (numpy.arange(COLUMNS) < 14)
    names = [f"n{column:02}" for column in range(COLUMNS)]
    schema = pyarrow.schema([("id", pyarrow.int64())] + [(name, pyarrow.float64()) for name in names] + [("y", pyarrow.bool_())])
    with pyarrow.parquet.ParquetWriter(path(rows).with_suffix(".part"), schema) as file:
        for first in range(0, rows, ROWS_AT_ONCE):
            count = min(ROWS_AT_ONCE, rows - first)
            x = random.normal(size=(count, COLUMNS))
            logit = x @ weights + 0.5 * x[:, 0] * x[:, 1] + numpy.sin(2 * x[:, 2])
            y = random.random(count) < 1 / (1 + numpy.exp(-logit))
            columns = [pyarrow.array(numpy.arange(first, first + count)), *(pyarrow.array(x[:, i]) for i in range(COLUMNS)), pyarrow.array(y)]
            file.write_table(pyarrow.table(columns, schema=schema))
    path(rows).with_suffix(".part").rename(path(rows))


def peer(rows):
    """LightGBM on the same file and as many rows, by its defaults for as many trees and leaves."""
    import lightgbm
    import numpy
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path(rows))
    names = [name for name in table.column_names if name not in ("id", "y")]
    learned = rows - rows // 10
    x = numpy.column_stack([table[name].to_numpy()[:learned] for name in names])
    y = table["y"].to_numpy()[:learned]
    del table
    lightgbm.train({"objective": "binary", "num_leaves": 31, "num_threads": os.cpu_count(), "verbose": -1}, lightgbm.Dataset(x, y), 100)


def page(found, begun):
    yield "# Ten times the rows"
    yield ""
    yield "Written by `bench/large`; what it does stands in [`large.py`](large.py)."
    yield ""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=measure.HERE, capture_output=True, text=True).stdout.strip()
    yield f"{datetime.date.today().isoformat()}, commit {commit}, {measure.host()}, load before {begun:.1f}."
    yield ""
    yield (
        f"A Parquet file of {COLUMNS} numbers, a name for each row and a class; 100 trees of 31 leaves on nine tenths of the rows. Whole programs, from the file to a "
        "model: Evenstep also fingerprints the data, scores the rows that it held out, and writes lock, bundle and report."
    )
    yield ""
    yield "| rows | Parquet, MB | program | s | CPU s | peak memory, MB | LightGBM ÷ this: time | memory |"
    yield "|---:|---:|---|---:|---:|---:|---:|---:|"
    for rows, of in found.items():
        theirs = of["LightGBM"]
        for who, one in of.items():
            ratios = f"{theirs['wall'] / one['wall']:.2f} | {theirs['peak_mb'] / one['peak_mb']:.2f}" if who == "Evenstep" else " | "
            size = path(rows).stat().st_size / 1e6
            yield f"| {rows:,} | {size:,.0f} | {who} | {one['wall']:.1f} | {one['cpu']:.1f} | {one['peak_mb']:,.0f} | {ratios} |"
    (few, least), *_, (many, most) = found.items()
    yield ""
    yield f"With {many / few:.0f} times the rows, Evenstep takes {most['Evenstep']['wall'] / least['Evenstep']['wall']:.1f} times as long."


if __name__ == "__main__":
    main()
