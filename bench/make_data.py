"""The benchmark's data: 12 numbers, 8 categories, 2 dates, an id, a binary target.

    python bench/make_data.py FILE.csv [ROWS]

5% of the numbers and 2% of the categories are missing; categories have 5 to 10,000
long-tailed values. The same arguments and NumPy version give the same bytes.
"""
import sys

import numpy as np
import pandas as pd

CARDINALITIES = [5, 8, 20, 50, 200, 1_000, 3_000, 10_000]


def mixed(rows, seed=7):
    random = np.random.Generator(np.random.PCG64(seed))
    table = {"id": np.arange(rows)}
    for i in range(12):
        if i % 2:
            values = random.lognormal(0, 1 + i / 12, rows)
        else:
            values = random.normal(i, 1 + i, rows)
        values[random.random(rows) < 0.05] = np.nan
        table[f"num{i:02d}"] = np.round(values, 4)

    effect = np.zeros(rows)
    for i, cardinality in enumerate(CARDINALITIES):
        code = np.minimum((random.pareto(1.2, rows) * cardinality / 20).astype(np.int64), cardinality - 1)
        effect += random.normal(0, 0.6, cardinality)[code]
        label = np.array([f"c{k}" for k in range(cardinality)], dtype=object)[code]
        label[random.random(rows) < 0.02] = None
        table[f"cat{i}"] = label

    opened = np.datetime64("2019-01-01") + random.integers(0, 2000, rows).astype("timedelta64[D]")
    table["opened"] = opened
    table["closed"] = opened + random.integers(0, 900, rows).astype("timedelta64[D]")

    month = opened.astype("datetime64[M]").astype(np.int64) % 12 + 1
    logit = (
        effect
        + 0.2 * np.nan_to_num(table["num00"])
        + 0.3 * np.log1p(np.nan_to_num(table["num01"]))
        + 0.5 * (month > 6)
        - 1
    )
    table["target"] = (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    return pd.DataFrame(table)


if __name__ == "__main__":
    path, rows = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    table = mixed(rows)
    table.to_csv(path, index=False, date_format="%Y-%m-%d")
    print(f"{path}: {rows} rows, {table.target.mean():.4f} positive")
