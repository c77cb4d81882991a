"""The peer of `peer_pipeline.py` behind FastAPI, as it is served today.

    MODEL=FILE.joblib uvicorn peer_server:app
"""
import os

import joblib
import pandas as pd
from fastapi import FastAPI

from peer_pipeline import DATES

app = FastAPI()
pipeline, trees = joblib.load(os.environ["MODEL"])
# In its favour: threads cost more than a row.
trees.set_params(n_jobs=1)


@app.post("/predict")
def predict(rows: dict | list[dict]):
    table = pd.DataFrame([rows] if isinstance(rows, dict) else rows).drop(columns="id")
    for name in DATES:
        table[name] = pd.to_datetime(table[name])
    numbers = table.columns[table.columns.str.startswith("num")]
    table[numbers] = table[numbers].astype(float)
    probability = trees.predict_proba(pipeline.transform(table))
    return {"predictions": [{"probability": {"0": p, "1": q}} for p, q in probability.tolist()]}
