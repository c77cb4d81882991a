"""The pipeline of `mixed/pipeline.toml` as it is written today: pandas, feature-engine, LightGBM.

    python bench/peer_pipeline.py train DATA.csv SPLIT.csv MODEL
    python bench/peer_pipeline.py score DATA.csv MODEL SCORES.csv

`SPLIT.csv` has the columns `row` (from 0) and `part` (`train` or `test`).
Each prints its timings as one line of JSON; reading the split is not timed.
"""
import json
import os
import sys
import time
import warnings

import joblib
import lightgbm
import numpy as np
import pandas as pd
from feature_engine.datetime import DatetimeFeatures, DatetimeSubtraction
from feature_engine.encoding import MeanEncoder, RareLabelEncoder
from feature_engine.imputation import AddMissingIndicator, CategoricalImputer, MeanMedianImputer
from feature_engine.transformation import YeoJohnsonTransformer
from feature_engine.wrappers import SklearnTransformerWrapper
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

NUMBERS = [f"num{i:02d}" for i in range(12)]
CATEGORIES = [f"cat{i}" for i in range(8)]
DATES = ["opened", "closed"]
THREADS = os.cpu_count()


def steps():
    return Pipeline([
        ("missing_indicator", AddMissingIndicator(variables=NUMBERS)),
        ("impute_median", MeanMedianImputer(imputation_method="median", variables=NUMBERS)),
        ("yeo_johnson", YeoJohnsonTransformer(variables=NUMBERS)),
        ("standard_scale", SklearnTransformerWrapper(StandardScaler(), variables=NUMBERS)),
        ("impute_constant", CategoricalImputer(fill_value="Missing", variables=CATEGORIES)),
        ("rare_labels", RareLabelEncoder(tol=0.001, n_categories=1, variables=CATEGORIES)),
        ("target_encode", MeanEncoder(smoothing="auto", unseen="encode", variables=CATEGORIES)),
        ("datetime_difference", DatetimeSubtraction(variables="closed", reference="opened", output_unit="D")),
        ("datetime_parts", DatetimeFeatures(variables=DATES, features_to_extract=["month", "year", "day_of_week"])),
    ])


def read(path):
    return pd.read_csv(path, parse_dates=DATES)


class Clock:
    """Seconds since the last lap, by name."""

    def __init__(self):
        self.laps, self.last = {}, time.perf_counter()

    def lap(self, name):
        now = time.perf_counter()
        self.laps[name] = round(now - self.last, 3)
        self.last = now


def train(data, split, model):
    parts = pd.read_csv(split).sort_values("row").part.to_numpy()
    clock = Clock()
    table = read(data)
    clock.lap("read")
    seen = table[parts == "train"]
    target = seen.pop("target")
    pipeline = steps()
    matrix = pipeline.fit_transform(seen.drop(columns="id"), target)
    clock.lap("steps")
    trees = lightgbm.LGBMClassifier(
        n_estimators=100, num_leaves=31, learning_rate=0.1, n_jobs=THREADS, random_state=1, verbose=-1
    ).fit(matrix, target)
    clock.lap("model")
    joblib.dump((pipeline, trees), model)
    clock.lap("save")
    return {"rows": len(seen), "seconds": clock.laps}


def score(data, model, scores):
    clock = Clock()
    pipeline, trees = joblib.load(model)
    clock.lap("load")
    table = read(data)
    clock.lap("read")
    probability = trees.predict_proba(pipeline.transform(table.drop(columns=["id", "target"])))[:, 1]
    clock.lap("predict")
    pd.DataFrame({
        "id": table.id,
        "prediction": (probability >= 0.5).astype(np.int8),
        "probability_0": 1 - probability,
        "probability_1": probability,
    }).to_csv(scores, index=False)
    clock.lap("write")
    return {"rows": len(table), "seconds": clock.laps}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    verb, *arguments = sys.argv[1:]
    print(json.dumps({"train": train, "score": score}[verb](*arguments)))
