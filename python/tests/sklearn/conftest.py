"""scikit-learn checks arrays of other libraries only if scipy was told so before it is imported."""

import os

os.environ["SCIPY_ARRAY_API"] = "1"
