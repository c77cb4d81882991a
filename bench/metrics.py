"""The metrics of a file of scores on the held-out rows, computed the same way for everyone.

    python bench/metrics.py DATA.csv TARGET SPLIT.csv SCORES.csv [SCORES.csv …]

Scores are in the data's order, with the columns `prediction` and, for classes,
`probability_<class>`. Prints a JSON list, one object a file.
"""
import json
import sys

import numpy as np
import pandas as pd
from sklearn import metrics


def regression(truth, scores):
    predicted = scores.prediction.to_numpy()
    return {
        "rmse": metrics.root_mean_squared_error(truth, predicted),
        "mae": metrics.mean_absolute_error(truth, predicted),
        "r2": metrics.r2_score(truth, predicted),
    }


def classes(truth, scores):
    prefix = "probability_"
    labels = sorted(column[len(prefix):] for column in scores if column.startswith(prefix))
    probability = scores[[prefix + label for label in labels]].to_numpy()
    truth = truth.astype(str)
    predicted = np.array(labels)[probability.argmax(axis=1)]
    result = {
        "log_loss": metrics.log_loss(truth, probability, labels=labels),
        "accuracy": metrics.accuracy_score(truth, predicted),
    }
    if len(labels) == 2:
        result["roc_auc"] = metrics.roc_auc_score(truth == labels[1], probability[:, 1])
        result["brier"] = float(np.mean((probability[:, 1] - (truth == labels[1])) ** 2))
    return result


def of_file(truth, held_out, path):
    scores = pd.read_csv(path)
    assert len(scores) == len(held_out), f"{path}: {len(scores)} rows for {len(held_out)}"
    scores = scores[held_out]
    kind = classes if any(column.startswith("probability_") for column in scores) else regression
    return kind(truth[held_out].to_numpy(), scores)


def main(data, target, split, *files):
    # a label such as 1 stays "1": labels are compared as text
    truth = pd.read_csv(data, usecols=[target], dtype=str, keep_default_na=False)[target]
    held_out = (pd.read_csv(split).sort_values("row").part == "test").to_numpy()
    if not any(column.startswith("probability_") for column in pd.read_csv(files[0], nrows=0)):
        truth = truth.astype(float)
    print(json.dumps([of_file(truth, held_out, file) for file in files]))


if __name__ == "__main__":
    main(*sys.argv[1:])
