"""What the tests of these folders have in common."""

import os

import pytest

# scikit-learn checks arrays of other libraries only if scipy was told so before it is imported.
os.environ["SCIPY_ARRAY_API"] = "1"
# Peers' threads wait for each other in a busy loop, which on a shared machine takes longer than their work.
os.environ["OMP_NUM_THREADS"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What peers warn of is theirs to mend."""
    for item in items:
        if "tests/sklearn" in item.path.as_posix():
            item.add_marker(pytest.mark.filterwarnings("ignore"))
