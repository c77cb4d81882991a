"""The examples as a careful practitioner writes them with scikit-learn, feature-engine and LightGBM.

    python bench/peer_examples.py NAME SPLIT.csv SCORES.csv [SEED] [plain]
    python bench/peer_examples.py NAME SPLIT.csv search SECONDS

The same features and the same parameters as `examples/NAME/pipeline.toml`, on the same
training rows; `plain` is LightGBM with its defaults on the raw columns instead.
`search` is how the parameters were chosen, for both sides: at random, by
cross-validation on the training rows alone; the held-out rows are never looked at.
"""
import json
import pathlib
import random
import sys
import time
import warnings

import lightgbm
import numpy as np
import pandas as pd
from feature_engine.imputation import AddMissingIndicator, ArbitraryNumberImputer, CategoricalImputer, MeanMedianImputer
from feature_engine.selection import DropFeatures
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"


class AsCategories(BaseEstimator, TransformerMixin):
    """Text as pandas categories with the training rows' values, which LightGBM reads natively."""

    def fit(self, table, target=None):
        text = table.select_dtypes(exclude="number")
        self.levels_ = {column: sorted(text[column].dropna().unique()) for column in text}
        return self

    def transform(self, table):
        known = {c: table[c].where(table[c].isin(levels)) for c, levels in self.levels_.items()}
        return table.assign(**{c: pd.Categorical(known[c], levels) for c, levels in self.levels_.items()})


def ordinal(columns, order):
    encoder = OrdinalEncoder(
        categories=[order] * len(columns), handle_unknown="use_encoded_value", unknown_value=np.nan
    )
    rest = make_column_transformer((encoder, columns), remainder="passthrough", verbose_feature_names_out=False)
    return rest.set_output(transform="pandas")


# houses

NONE = [
    "Alley", "Bsmt.Cond", "Bsmt.Exposure", "Bsmt.Qual", "BsmtFin.Type.1", "BsmtFin.Type.2", "Fence",
    "Fireplace.Qu", "Garage.Cond", "Garage.Finish", "Garage.Qual", "Garage.Type", "Misc.Feature", "Pool.QC",
]
ZERO = [
    "Bsmt.Full.Bath", "Bsmt.Half.Bath", "Bsmt.Unf.SF", "BsmtFin.SF.1", "BsmtFin.SF.2", "Garage.Area",
    "Garage.Cars", "Mas.Vnr.Area", "Total.Bsmt.SF",
]
GRADES = [
    "Bsmt.Cond", "Bsmt.Qual", "Exter.Cond", "Exter.Qual", "Fireplace.Qu", "Garage.Cond", "Garage.Qual",
    "Heating.QC", "Kitchen.Qual", "Pool.QC",
]


def house_sizes(t):
    t = t.assign(
        total_area=t["area"] + t["Total.Bsmt.SF"],
        finished_area=t["area"] + t["BsmtFin.SF.1"] + t["BsmtFin.SF.2"],
        baths=t["Full.Bath"] + t["Bsmt.Full.Bath"] + 0.5 * (t["Half.Bath"] + t["Bsmt.Half.Bath"]),
        porch_area=t["Open.Porch.SF"] + t["Enclosed.Porch"] + t["X3Ssn.Porch"] + t["Screen.Porch"],
        age=t["Yr.Sold"] - t["Year.Built"],
        years_since_remodelling=t["Yr.Sold"] - t["Year.Remod.Add"],
        area_per_room=t["area"] / t["TotRms.AbvGrd"],
    )
    return t.assign(quality_area=t["Overall.Qual"] * t["total_area"])


def house_cells(t):
    year = t["Garage.Yr.Blt"]
    return t.assign(**{"MS.SubClass": t["MS.SubClass"].astype(str), "Garage.Yr.Blt": year.where(year <= 2010)})


def houses():
    finish = ["None", "Unf", "LwQ", "Rec", "BLQ", "ALQ", "GLQ"]
    return make_pipeline(
        FunctionTransformer(house_cells),
        DropFeatures(["Order", "PID"]),
        CategoricalImputer(fill_value="None", variables=NONE),
        ArbitraryNumberImputer(0, variables=ZERO),
        ordinal(GRADES, ["None", "Po", "Fa", "TA", "Gd", "Ex"]),
        ordinal(["Bsmt.Exposure"], ["None", "No", "Mn", "Av", "Gd"]),
        ordinal(["BsmtFin.Type.1", "BsmtFin.Type.2"], finish),
        ordinal(["Garage.Finish"], ["None", "Unf", "RFn", "Fin"]),
        ordinal(["Functional"], ["Sal", "Sev", "Maj2", "Maj1", "Mod", "Min2", "Min1", "Typ"]),
        FunctionTransformer(house_sizes),
        AsCategories(),
    )


# titanic

def titanic_terms(t):
    below = np.maximum(14 - t["Age"], 0)
    male = t["Sex_male"]
    return t.assign(
        years_below_14=below,
        years_below_14_male=below * male,
        age_male=t["Age"] * male,
        second_class_male=t["PClass_2nd"] * male,
        third_class_male=t["PClass_3rd"] * male,
    )


def titanic():
    one_hot = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["PClass", "Sex"]),
        remainder="passthrough", verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    scale = make_column_transformer(
        (StandardScaler(), ["Age", "age_male", "years_below_14", "years_below_14_male"]),
        remainder="passthrough", verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    return make_pipeline(
        DropFeatures(["Name", "SexCode"]),
        AddMissingIndicator(variables=["Age"]),
        MeanMedianImputer(imputation_method="median", variables=["Age"]),
        CategoricalImputer(imputation_method="frequent", variables=["PClass"]),
        one_hot,
        FunctionTransformer(titanic_terms),
        scale,
    )


# credit

def credit_ratios(t):
    t = t.assign(
        financed=t["Amount"] / t["Price"], instalment=t["Amount"] / t["Time"], income_left=t["Income"] - t["Expenses"]
    )
    return t.assign(instalments_covered=t["income_left"] / t["instalment"])


def credit():
    return make_pipeline(FunctionTransformer(credit_ratios), AsCategories())


# on so few rows a second thread only waits
TREES = dict(subsample_freq=1, n_jobs=1, verbose=-1)
# file, target, positive class, words for missing, steps, model, its parameters, what `search` tries
TASKS = {
    "houses": dict(
        file="ames.csv", target="price", positive=None, missing=["", "NA"], steps=houses,
        model=lightgbm.LGBMRegressor,
        parameters=dict(
            TREES, n_estimators=1000, learning_rate=0.03, num_leaves=16, min_child_samples=3,
            reg_lambda=1, subsample=0.8, colsample_bytree=0.25,
        ),
        choices=dict(
            n_estimators=[500, 1000], num_leaves=[6, 8, 12, 16], min_child_samples=[3, 5, 8, 20],
            colsample_bytree=[0.15, 0.25, 0.4], subsample=[0.6, 0.8, 1.0], reg_lambda=[0, 1, 5],
        ),
    ),
    "titanic": dict(
        file="titanic.csv", target="Survived", positive="1", missing=["", "NA", "*"], steps=titanic,
        model=LogisticRegression,
        parameters=dict(C=1.0, max_iter=1000),
        choices=dict(C=[0.03, 0.1, 0.3, 1.0, 3.0, 10.0]),
    ),
    "credit": dict(
        file="credit.csv", target="Status", positive="bad", missing=["", "NA"], steps=credit,
        model=lightgbm.LGBMClassifier,
        parameters=dict(
            TREES, n_estimators=400, learning_rate=0.03, num_leaves=4, min_child_samples=40,
            reg_lambda=1, subsample=1.0, colsample_bytree=0.5,
        ),
        choices=dict(
            n_estimators=[200, 400, 600], num_leaves=[4, 6, 8, 12], min_child_samples=[5, 10, 20, 40],
            colsample_bytree=[0.3, 0.5, 0.8], subsample=[0.5, 0.8, 1.0], reg_lambda=[0, 1, 5, 20],
        ),
    ),
}


def load(task, name):
    table = pd.read_csv(EXAMPLES / name / task["file"], keep_default_na=False, na_values=task["missing"])
    target = table.pop(task["target"])
    if task["positive"] is not None:
        target = (target.astype(str) == task["positive"]).astype(int)
    return table, target


def plain(task, table):
    """LightGBM as it comes, on the raw columns without the identities."""
    model = lightgbm.LGBMRegressor if task["positive"] is None else lightgbm.LGBMClassifier
    identities = [column for column in ("Order", "PID", "Name") if column in table]
    drop = DropFeatures(identities) if identities else "passthrough"
    return make_pipeline(drop, AsCategories()), model(n_jobs=1, verbose=-1)


def seeded(model, seed):
    return model.set_params(random_state=seed)


def predict(steps, model, table):
    matrix = steps.transform(table)
    return model.predict_proba(matrix)[:, 1] if hasattr(model, "predict_proba") else model.predict(matrix)


def score(name, split, file, seed="1", kind="tuned"):
    task = TASKS[name]
    table, target = load(task, name)
    seen = (pd.read_csv(split).sort_values("row").part == "train").to_numpy()
    steps, model = plain(task, table) if kind == "plain" else (task["steps"](), task["model"](**task["parameters"]))
    begun = time.perf_counter()
    seeded(model, int(seed)).fit(steps.fit_transform(table[seen], target[seen]), target[seen])
    seconds = time.perf_counter() - begun
    predicted = predict(steps, model, table)
    if task["positive"] is None:
        scores = pd.DataFrame({"prediction": predicted})
    else:
        labels = sorted(pd.read_csv(EXAMPLES / name / task["file"], usecols=[task["target"]], dtype=str)[task["target"]].unique())
        other = next(label for label in labels if label != task["positive"])
        probability = {task["positive"]: predicted, other: 1 - predicted}
        scores = pd.DataFrame({f"probability_{label}": probability[label] for label in labels})
        scores.insert(0, "prediction", np.where(predicted >= 0.5, task["positive"], other))
    scores.to_csv(file, index=False)
    print(json.dumps({"rows": int(seen.sum()), "fit_seconds": round(seconds, 3)}))


def search(name, split, seconds, repeats=2):
    task = TASKS[name]
    table, target = load(task, name)
    seen = (pd.read_csv(split).sort_values("row").part == "train").to_numpy()
    table, target = table[seen], target[seen].to_numpy()
    folds = [fold for r in range(repeats) for fold in KFold(5, shuffle=True, random_state=r).split(table)]
    prepared = []
    for train, test in folds:
        steps = task["steps"]()
        prepared.append((steps.fit_transform(table.iloc[train], target[train]), steps.transform(table.iloc[test])))

    def loss(parameters):
        losses = []
        for (train, test), (matrix, unseen) in zip(folds, prepared):
            model = seeded(task["model"](**parameters), 1).fit(matrix, target[train])
            if task["positive"] is None:
                losses.append(mean_squared_error(target[test], model.predict(unseen)))
            else:
                losses.append(log_loss(target[test], model.predict_proba(unseen)[:, 1]))
        mean = float(np.mean(losses))
        return mean ** 0.5 if task["positive"] is None else mean

    chosen = task["parameters"]
    print("as committed", round(loss(chosen), 5), flush=True)
    dice, tried, until = random.Random(0), {}, time.monotonic() + float(seconds)
    while time.monotonic() < until:
        drawn = {key: dice.choice(values) for key, values in task["choices"].items()}
        key = json.dumps(drawn, sort_keys=True)
        if key in tried:
            if len(tried) >= np.prod([len(v) for v in task["choices"].values()]):
                break
            continue
        tried[key] = loss({**chosen, **drawn})
    for key in sorted(tried, key=tried.get)[:8]:
        print(round(tried[key], 5), key)
    print(len(tried), "tried")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    name, split, *rest = sys.argv[1:]
    search(name, split, rest[1]) if rest[0] == "search" else score(name, split, *rest)
