"""What a translated spec comes to: trained on a frame, and asked of it."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

import evenstep


def bundle(toml: str, rows: pd.DataFrame) -> evenstep.Bundle:
    """The spec, trained on these rows."""
    return evenstep.Spec.from_toml(toml).train(data=rows).bundle


def features(toml: str, rows: pd.DataFrame) -> pd.DataFrame:
    """What the spec's steps make of the rows that they are trained on."""
    return pa.table(bundle(toml, rows).transform(rows)).to_pandas().drop(columns=["row", "flags"])


def scores(toml: str, rows: pd.DataFrame) -> pd.DataFrame:
    """What the spec's model says of the rows that it is trained on."""
    return pa.table(bundle(toml, rows).score(rows)).to_pandas()
