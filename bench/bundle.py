"""How long a bundle of 100 MB takes to open, and how large it is beside files of others: writes BUNDLE.md."""
import argparse
import datetime
import json
import os
import pathlib
import pickle
import subprocess
import zipfile

import joblib
import lightgbm
import numpy
import skl2onnx
import sklearn.ensemble

import measure

FOLDER = measure.WORK / "bundle"
OPEN = pathlib.Path(os.environ.get("EVENSTEP_OPEN", measure.REPOSITORY / "target/release/examples/open"))
ROWS, COLUMNS = 60_000, 10
SPEC = """[pipeline]
name = "forest"
seed = 1
[data]
source = "data.csv"
target = "y"
task = "regression"
split = {{ test = 0.2, seed = 0 }}
[model]
use = "random_forest"
trees = {trees}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trees", type=int, default=74, help="of the large forest")
    parser.add_argument("--few", type=int, default=2, help="trees of the forests whose sizes are compared")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    x, y = data()
    large = bundle("large", options.trees)
    times = json.loads(subprocess.check_output([OPEN, large, str(options.rounds)], text=True))
    sizes = others(x, y, bundle("few", options.few), options.few)
    (measure.HERE / "BUNDLE.md").write_text(page(options, times, nodes(large), sizes))


def data():
    """Numbers that look random, and a target with so much noise that trees grow to the last row."""
    random = numpy.random.default_rng(1)
    x = random.random((ROWS, COLUMNS)).round(6)
    y = (x[:, 0] * 3 + x[:, 1] * x[:, 2] + random.normal(size=ROWS)).round(6)
    header = ",".join([f"x{column}" for column in range(COLUMNS)] + ["y"])
    numpy.savetxt(FOLDER / "data.csv", numpy.column_stack([x, y]), "%.6f", ",", header=header, comments="")
    return x, y


def bundle(name, trees):
    spec = FOLDER / f"{name}.toml"
    spec.write_text(SPEC.format(trees=trees).replace('"forest"', f'"{name}"'))
    subprocess.run([measure.EVENSTEP, "train", spec, "--quiet", "--no-trace"], check=True, stdout=subprocess.DEVNULL)
    return FOLDER / f"{name}.evenstep"


def nodes(path):
    """Splits and leaves of a bundle's trees, from the header of its tensors."""
    with zipfile.ZipFile(path) as archive, archive.open("model.safetensors") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return header["feature"]["shape"][0] + header["value"]["shape"][0]


def others(x, y, ours, trees):
    """Forests of as many trees, each written as its library does it: format, nodes, bytes."""
    learned = round(ROWS * 0.8)
    x, y = x[:learned], y[:learned]
    found = [("Evenstep, all of the bundle", nodes(ours), ours.stat().st_size)]
    forest = sklearn.ensemble.RandomForestRegressor(n_estimators=trees, random_state=1, n_jobs=-1).fit(x, y)
    count = sum(tree.tree_.node_count for tree in forest.estimators_)
    path = FOLDER / "forest"
    joblib.dump(forest, path)
    found.append(("scikit-learn, joblib", count, path.stat().st_size))
    joblib.dump(forest, path, compress=3)
    found.append(("scikit-learn, joblib with `compress=3`", count, path.stat().st_size))
    found.append(("scikit-learn, pickle", count, len(pickle.dumps(forest, protocol=pickle.HIGHEST_PROTOCOL))))
    found.append(("scikit-learn, ONNX by skl2onnx (32-bit floats)", count, onnx(forest)))
    words = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.632, "num_leaves": 32768, "min_data_in_leaf": 1,
             "verbose": -1, "seed": 1}
    booster = lightgbm.train(words, lightgbm.Dataset(x, y), trees)
    count = sum(2 * tree["num_leaves"] - 1 for tree in booster.dump_model()["tree_info"])
    found.append(("LightGBM, its text", count, len(booster.model_to_string().encode())))
    found.append(("LightGBM, pickle", count, len(pickle.dumps(booster, protocol=pickle.HIGHEST_PROTOCOL))))
    return found


def onnx(forest):
    shape = [("x", skl2onnx.common.data_types.FloatTensorType([None, COLUMNS]))]
    return len(skl2onnx.convert_sklearn(forest, initial_types=shape).SerializeToString())


def page(options, times, count, sizes):
    told = times["milliseconds"]
    line = lambda what, name: (
        "| " + " | ".join([what] + [f"{told[name][of]:.1f}" for of in ("least", "median", "worst")]) + " |")
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True, cwd=measure.HERE).strip()
    rows = [f"| {name} | {count:,} | {size / 1e6:.1f} MB | {size / count:.1f} |" for name, count, size in sizes]
    return "\n".join([
        "# A bundle of 100 MB",
        "",
        "Written by `bench/bundle`; what it does stands in [`bundle.py`](bundle.py).",
        "",
        f"{datetime.date.today()}, commit {commit}, {measure.host()}, load {measure.load():.1f}. A random forest of {options.trees} trees with "
        f"{count:,} nodes on made numbers: {times['bytes'] / 1e6:.1f} MB. Times in one process, {times['rounds']} rounds"
        + (", of a debug build, whose dependencies alone are optimised." if times["debug"] else "."),
        "",
        "| step | least ms | median ms | worst ms |",
        "|---|---|---|---|",
        line("header and manifest (`peek`)", "header"),
        line("all bytes read into memory", "read"),
        line("then: every byte checked, CRC-32 and BLAKE3 (`unseal`)", "verified"),
        line("then: parsed, compiled and golden rows replayed, every byte checked before (`open`, `Predictor::load`)", "to_first_prediction"),
        "",
        "## Size",
        "",
        f"Forests of {options.few} trees on the same rows, as each library writes them.",
        "",
        "| file | nodes | size | bytes a node |",
        "|---|---|---|---|",
        *rows,
        "",
        "A node of Evenstep's has what its explanations need: gains of splits and covers of leaves; and the bundle holds "
        "contract, report, profile and lock, too.",
        "",
    ])


if __name__ == "__main__":
    main()
