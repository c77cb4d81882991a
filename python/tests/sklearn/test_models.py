"""Models: what is called equal predicts the same, and what differs predicts alike."""

import numpy as np
import pytest
from cases import NUMBERS, frame
from models import MODELS
from sklearn.base import clone
from trained import scores

from evenstep.sklearn import from_sklearn

# What peers warn of is theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore")
FRAME = frame()


def rows_for(case):
    """Numbers, and a target: `y`, or a number that depends on them."""
    rows = FRAME[NUMBERS].copy()
    noise = np.random.default_rng(3).normal(0, 0.5, len(rows))
    rows["y"] = (
        FRAME["y"] if case.is_classifier else rows["number"] * 1.5 - rows["skewed"] + 0.1 * rows["whole"] + noise
    )
    return rows


@pytest.mark.parametrize("case", MODELS, ids=lambda case: case.name)
def test_a_model_predicts_what_the_original_does(case):
    rows = rows_for(case)
    original = clone(case.model).fit(rows[NUMBERS], rows["y"])
    translation = from_sklearn(original, target="y", data=rows, positive="1" if case.is_classifier else None, test=0)
    assert ("equal" if translation.is_equal else "differs") == case.verdict, translation
    told = scores(translation.toml, rows)
    if case.is_classifier:
        ours, theirs = told["probability_1"], original.predict_proba(rows[NUMBERS])[:, 1]
    else:
        ours, theirs = told["prediction"], original.predict(rows[NUMBERS])
    if case.close is not None:
        np.testing.assert_allclose(ours, theirs, rtol=case.close, atol=case.close)
    if case.correlated is not None:
        assert np.corrcoef(ours, theirs)[0, 1] > case.correlated
