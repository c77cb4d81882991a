"""Models that `from_sklearn` is asked to translate, and how near their predictions are to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor


@dataclass(frozen=True)
class ModelCase:
    """A model. `close` bounds the difference of each prediction, or probability; `correlated` is the least
    correlation with the original's, for models that are of one kind but not the same."""

    model: Any
    verdict: str = "differs"
    close: float | None = None
    correlated: float | None = None

    @property
    def name(self) -> str:
        return type(self.model).__name__

    @property
    def is_classifier(self) -> bool:
        return self.name.endswith("Classifier") or self.name == "LogisticRegression"


MODELS = [
    ModelCase(Ridge(), "equal", 1e-9),
    ModelCase(Ridge(alpha=25.0), "equal", 1e-9),
    ModelCase(LinearRegression(), "equal", 1e-9),
    ModelCase(DummyRegressor(), "equal", 1e-12),
    ModelCase(DummyClassifier(), "equal", 1e-12),
    ModelCase(DummyClassifier(strategy="most_frequent")),
    ModelCase(LogisticRegression(), close=2e-3),
    ModelCase(LogisticRegression(C=0.05, tol=1e-8, max_iter=500), close=2e-3),
    ModelCase(LogisticRegression(class_weight="balanced"), close=2e-3),
    ModelCase(LogisticRegression(class_weight={0: 1.0, 1: 3.0}), close=2e-3),
    ModelCase(RandomForestClassifier(random_state=0), correlated=0.97),
    ModelCase(RandomForestClassifier(class_weight="balanced", random_state=0), correlated=0.97),
    ModelCase(RandomForestClassifier(max_features=2, min_samples_leaf=0.02, random_state=0), correlated=0.97),
    ModelCase(RandomForestRegressor(max_features="sqrt", min_samples_leaf=3, random_state=0), correlated=0.97),
    ModelCase(ExtraTreesClassifier(min_samples_leaf=3, random_state=0), correlated=0.95),
    ModelCase(ExtraTreesRegressor(min_samples_leaf=3, random_state=0), correlated=0.95),
    ModelCase(DecisionTreeClassifier(max_depth=3), correlated=0.9),
    ModelCase(DecisionTreeRegressor(max_depth=3), correlated=0.9),
    ModelCase(HistGradientBoostingClassifier(max_iter=50), correlated=0.97),
    ModelCase(HistGradientBoostingClassifier(max_iter=50, class_weight="balanced"), correlated=0.97),
    ModelCase(HistGradientBoostingRegressor(max_iter=50, monotonic_cst=[1, 0, 0]), correlated=0.97),
    ModelCase(GradientBoostingClassifier(), correlated=0.95),
    ModelCase(GradientBoostingRegressor(), correlated=0.95),
    ModelCase(LGBMClassifier(n_estimators=50, verbose=-1), correlated=0.97),
    ModelCase(LGBMRegressor(n_estimators=50, num_leaves=8, reg_lambda=1.0, verbose=-1), correlated=0.97),
    ModelCase(XGBClassifier(n_estimators=30, max_depth=3), correlated=0.97),
    ModelCase(XGBRegressor(n_estimators=30, max_depth=3), correlated=0.97),
]
