"""What Python adds: training from a frame beside the command line on the same rows, one answer, the import, the wheel.

    just wheel && bench/.work/venv/bin/pip install python/dist/*.whl pandas pyarrow
    bench/.work/venv/bin/python bench/python.py [--rows 1000000] [--rounds 3]

The command line is that of the package: the same build.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
import pandas

SPEC = """\
[pipeline]
name = "mixed"
seed = 1
[data]
source = "rows.parquet"
id = "id"
target = "y"
missing = [""]
[model]
use = "boosted_trees"
trees = 100
"""


def frame(rows: int) -> pandas.DataFrame:
    """Mixed rows: numbers with gaps, whole numbers, categories, dates."""
    draws = numpy.random.default_rng(0)
    columns: dict[str, object] = {"id": numpy.arange(rows)}
    for n in range(8):
        numbers = draws.normal(size=rows)
        numbers[draws.random(rows) < 0.1] = numpy.nan
        columns[f"number {n}"] = numbers
    for n in range(4):
        columns[f"whole {n}"] = draws.integers(0, 10 ** (n + 1), rows)
    for n in range(4):
        columns[f"category {n}"] = pandas.Categorical.from_codes(
            draws.integers(0, 5 * (n + 1), rows), [f"level {m}" for m in range(5 * (n + 1))]
        )
    made = pandas.DataFrame(columns)
    made["y"] = made["number 0"].fillna(0) * 2 + made["whole 0"] + draws.normal(size=rows)
    return made


def seconds(work: object, rounds: int) -> float:
    """The median time of so many rounds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()  # type: ignore[operator]
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=3)
    asked = arguments.parse_args()
    code = "import time; t = time.perf_counter(); import evenstep; print(time.perf_counter() - t)"
    imports = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(10)]
    import evenstep as es

    with tempfile.TemporaryDirectory() as folder:
        rows = frame(asked.rows)
        rows.to_parquet(Path(folder, "rows.parquet"), index=False)
        spec = es.Spec(SPEC, folder=folder)
        spec.write()
        program = [sys.executable, "-m", "evenstep", "train", "--json", "--quiet", f"{folder}/pipeline.toml"]
        told = json.loads(subprocess.check_output(program))
        trained = spec.train(rows, progress=False)
        assert trained.digest == told["digest"], "one digest"
        of_program = seconds(lambda: subprocess.check_output(program), asked.rounds)
        of_frame = seconds(lambda: spec.train(rows, f"{folder}/of-frame.evenstep", progress=False), asked.rounds)
        one = {name: cell for name, cell in rows.iloc[0].drop(["id", "y"]).items() if cell == cell}
        one = {name: cell.item() if hasattr(cell, "item") else cell for name, cell in one.items()}
        for name in rows.columns.drop(["id", "y"]):
            one.setdefault(name, None)
        bundle = trained.bundle
        count = 2000
        answer = seconds(lambda: [bundle.predict_one(one) for _ in range(count)], 5) / count
    print(f"train {asked.rows} rows from Parquet, command line   {of_program:8.2f} s")
    print(f"train {asked.rows} rows from pandas                  {of_frame:8.2f} s, {of_frame / of_program:.2f} times")
    print(f"one answer of {len(one)} cells                        {answer * 1e6:8.1f} µs")
    print(f"import                                            {statistics.median(imports) * 1e3:8.1f} ms")


if __name__ == "__main__":
    main()
