"""Each entry of the table: what is called equal is equal, value by value."""

import numpy as np
import pandas as pd
import pytest
from cases import DIFFERS, EQUAL, Case, frame
from models import MODELS
from sklearn.base import clone
from trained import features

from evenstep.sklearn import Verdict, from_sklearn
from evenstep.sklearn.correspondences import entries, known_as

# What peers warn of is theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore")
FRAME = frame()
CONTAINERS = {"sklearn.ColumnTransformer", "sklearn.FeatureUnion", "feature_engine.SklearnTransformerWrapper"}


def fitted(case: Case):
    """The case's transformer, dense and with names, fitted on its columns."""
    transformer = clone(case.transformer)
    dense = {"sparse_output": False, "encode": "onehot-dense"}
    known = transformer.get_params()
    transformer.set_params(
        **{name: value for name, value in dense.items() if name in known and known[name] in (True, "onehot")}
    )
    if known_as(transformer).startswith("sklearn."):
        transformer.set_output(transform="pandas")
    return transformer.fit(FRAME[case.columns], FRAME["y"])


def translated(case: Case, transformer):
    rows = FRAME[[*case.columns, "y"]]
    return from_sklearn(transformer, target="y", data=rows, task="binary", test=0), rows


@pytest.mark.parametrize("case", EQUAL + DIFFERS, ids=lambda case: case.name)
def test_what_is_called_equal_has_equal_values(case):
    transformer = fitted(case)
    translation, rows = translated(case, transformer)
    worst = Verdict.EQUAL if translation.is_equal else Verdict.DIFFERS
    assert worst.value == case.verdict, translation
    ours = features(translation.toml, rows)
    if case.close is None:
        return
    theirs = transformer.transform(FRAME[case.columns]).rename(columns=case.renamed).drop(columns="", errors="ignore")
    assert set(ours.columns) == set(theirs.columns)
    for name in theirs.columns:
        same(ours[name], theirs[name], case.close)


def same(ours: pd.Series, theirs: pd.Series, close: float) -> None:
    if ours.dtype.kind in "fiub":
        np.testing.assert_allclose(ours.astype(float), theirs.astype(float), rtol=close, atol=close, err_msg=ours.name)
    else:
        both = pd.DataFrame({"ours": ours.astype(str), "theirs": theirs.astype(str)})
        assert (both["ours"] == both["theirs"]).all(), both[both["ours"] != both["theirs"]].head()


@pytest.mark.parametrize("case", EQUAL + DIFFERS, ids=lambda case: case.name)
def test_an_unfitted_transformer_is_translated_alike_or_says_what_it_lacks(case):
    """What is learned anew needs no fit; what only a fit knows is named, with what to do."""
    from evenstep.sklearn import NoEqualError

    try:
        translation, rows = translated(case, clone(case.transformer))
    except NoEqualError as error:
        assert any(word in str(error) for word in ("fit it", "fitted", "fit, ")), error
        return
    features(translation.toml, rows)


def test_the_table_has_no_entry_without_a_case():
    cases = {known_as(case.transformer) for case in EQUAL + DIFFERS} - CONTAINERS
    models = {known_as(case.model) for case in MODELS}
    assert sorted(cases | models) == entries()
    assert len(EQUAL) >= 60
