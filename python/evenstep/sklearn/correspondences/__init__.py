"""What each transformer and model is here. A new correspondence is one entry in one of these files."""

from . import boosted, categories, columns, derived, discretise, linear, missing, numbers, trees
from .table import entries, known_as, model_for, step_for

__all__ = ["entries", "known_as", "model_for", "step_for"]

_FILES = (missing, categories, numbers, discretise, derived, columns, linear, trees, boosted)
