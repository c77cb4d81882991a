"""What rounding gradients does to the answer: the same fits with other `gradient_bits`. For developers.

    EVENSTEP=target/release/evenstep bench/.work/venv/bin/python bench/precision.py

Where second derivatives differ from row to row, splits are sought on gradients of `gradient_bits` bits; leaves are exact
whatever it is. With 15 bits rounding no longer chooses any split but ties', so the others are compared with that.
Writes PRECISION.md.
"""
import json
import shutil
import statistics

import numpy as np
import pandas as pd

import measure
import unseen

BITS = [8, 9, 10, 11, 12, 13, 14]
REFERENCE = 15
SEEDS = range(6)
ROWS = 40_000


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


def weighted(table):
    return table.assign(weight=np.random.default_rng(4).choice([0.5, 1.0, 2.0, 7.5], len(table)))


# name: table and target, objective, metric, whether the largest targets are far from the rest
MADE = {
    "counts": (counts, "poisson", "poisson_deviance", True),
    "claims": (claims, "tweedie", "poisson_deviance", True),
    "sizes": (sizes, "gamma", "gamma_deviance", True),
    "sizes, weighted": (lambda: weighted(sizes()), "squared", "rmse", True),
    "claims, weighted": (lambda: weighted(claims()), "squared", "rmse", True),
}
REAL = {
    "churn": ("logistic", "log_loss"), "attrition": ("logistic", "log_loss"), "lending_club": ("logistic", "log_loss"),
    "mortgage": ("logistic", "log_loss"), "stackoverflow": ("logistic", "log_loss"), "caravan": ("logistic", "log_loss"),
    "diamond_cut": ("softmax", "log_loss"), "jobs": ("softmax", "log_loss"),
    "diamonds": ("gamma", "gamma_deviance"), "wage_1988": ("gamma", "gamma_deviance"),
}


def prepare(name):
    folder = measure.WORK / "precision" / name.replace(", ", "_")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if name in MADE:
        make, objective, metric, heavy = MADE[name]
        make().to_csv(folder / "data.csv", index=False)
        target = "target"
    else:
        (objective, metric), heavy = REAL[name], False
        _, target = unseen.export(name, folder)
    more = "" if objective == "softmax" else f'objective = "{objective}"\n'
    weight = 'weight = "weight"\n' if "weighted" in name else ""
    (folder / "pipeline.toml").write_text(
        f'[pipeline]\nname = "precision"\nseed = 1\n[data]\nsource = "data.csv"\ntarget = "{target}"\n{weight}'
        f'missing = ["", "NA"]\nsplit = {{ test = 0.3, seed = 0 }}\n[model]\nuse = "boosted_trees"\n{more}[report]\nmetrics = ["{metric}"]\n'
    )
    return folder, objective, metric, heavy


def value(folder, bits, seed):
    said = measure.run_json(
        measure.EVENSTEP, "train", "pipeline.toml", "--json", "--quiet", "--set", f"model.gradient_bits={bits}",
        "--set", f"data.split.seed={seed}", cwd=folder,
    )
    found = said["json"] if "json" in said else said
    return found["evaluation"]["metrics"][0]["value"]


def compare(name):
    folder, objective, metric, heavy = prepare(name)
    reference = [value(folder, REFERENCE, seed) for seed in SEEDS]
    row = {"name": name, "objective": objective, "metric": metric, "heavy": heavy, "reference": statistics.mean(reference), "spread": statistics.stdev(reference) / statistics.mean(reference)}
    for bits in BITS:
        # In parts of the reference, above 0 where it is worse.
        worse = [value(folder, bits, seed) / best - 1 for seed, best in zip(SEEDS, reference)]
        row[bits] = (statistics.mean(worse), statistics.stdev(worse) / len(worse) ** 0.5)
    return row


def page(rows):
    lines = [
        "# What rounding gradients does to the answer", "",
        "Written by `bench/precision.py`; not edited by hand. `boosted_trees` with its defaults but for `objective`, on rows held out; "
        f"by how many percent the metric is worse than with {REFERENCE} bits, mean over {len(SEEDS)} splits ± its standard error. Targets "
        "named heavy have a tail whose largest value is thousands of times the median. Where all second derivatives are 1 (`squared`, "
        "`absolute`, `quantile`, `huber` without weights), gradients have 30 bits whatever is set.", "",
        f"| data set | objective | metric | {REFERENCE} bits | " + " | ".join(str(bits) for bits in BITS) + " |",
        "|---|---|---|---:|" + "---:|" * len(BITS),
    ]
    for row in rows:
        cells = [f"{100 * row[bits][0]:+.2f} ± {100 * row[bits][1]:.2f}" for bits in BITS]
        name = row["name"] + ", heavy" * row["heavy"]
        lines.append(f"| {name} | {row['objective']} | {row['metric']} | {row['reference']:.5g} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    rows = []
    for name in [*REAL, *MADE]:
        rows.append(compare(name))
        print(json.dumps(rows[-1]), flush=True)
        (measure.HERE / "PRECISION.md").write_text(page(rows))


if __name__ == "__main__":
    main()
