"""Bins."""

from __future__ import annotations

from ..flow import Column
from ..site import NUMBERS, Site
from .table import step


@step("sklearn.KBinsDiscretizer")
def k_bins_discretizer(site: Site) -> list[Column]:
    strategy, bins, encode = site.parameter("strategy"), site.parameter("n_bins"), site.parameter("encode")
    site.parameter("subsample"), site.parameter("quantile_method")
    if not isinstance(bins, int):
        site.refuse("each column has a number of bins of its own; make a step for each")
    if strategy == "kmeans":
        site.refuse("bins lie between means of clusters")
    columns = [column.of("integer") for column in site.columns]
    if strategy == "uniform":
        site.step("discretize_width", bins=bins, closed="left")
    else:
        site.step("discretize_frequency", bins=bins, closed="left")
        site.differs("edges are values that occur, from all rows; a value on which two edges fall has its own bin")
    if encode == "ordinal":
        return columns
    site.step("one_hot", columns)
    if strategy == "uniform":
        site.note("a bin without a training row has no column")
    return [Column(f"{column.name}=*", "boolean", f"{column.called}_", family=True) for column in columns]


@step("feature_engine.EqualWidthDiscretiser")
def equal_width_discretiser(site: Site) -> list[Column]:
    return _bins(site, "discretize_width", site.parameter("bins"))


@step("feature_engine.EqualFrequencyDiscretiser")
def equal_frequency_discretiser(site: Site) -> list[Column]:
    columns = _bins(site, "discretize_frequency", site.parameter("q"))
    site.differs("edges are values that occur, not interpolated; a value on which two edges fall has its own bin")
    return columns


def _bins(site: Site, use: str, bins: int) -> list[Column]:
    if site.parameter("return_boundaries"):
        site.refuse("bins are numbered; they can't be called by their boundaries with `precision` digits")
    chosen = site.chosen(NUMBERS)
    as_object = site.parameter("return_object")
    site.step(use, chosen, bins=bins, **({"as": "category"} if as_object else {}))
    return site.change(chosen, "category" if as_object else "integer")
