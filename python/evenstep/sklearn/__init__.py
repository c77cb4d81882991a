"""scikit-learn's manners: estimators by the engine, and pipelines that become specs.

scikit-learn itself is imported only for the estimators.
"""

from __future__ import annotations

from .finding import Finding, Verdict
from .from_sklearn import NoEqualError, from_sklearn
from .translation import Translation

__all__ = ["Finding", "NoEqualError", "Translation", "Verdict", "from_sklearn"]
