"""The figures in a run's `metrics.json`."""

import re
from collections.abc import Mapping
from typing import Any

from dlcv.interfaces import Evaluation

OLD_SHARES = re.compile(r"(.*_)?(rank\d+|accuracy)|largest_class")
"""Names of metrics in percent, in files that were written before evaluations had units."""


def from_json(content: Mapping[str, Any]) -> Evaluation:
    """Returns the metrics of `metrics.json` with intervals, units and notes, without tables.

    Files that were written before there were units have them by the metrics' names.
    """
    metrics = content.get("metrics", {})
    old = {name: "%" for name in metrics if OLD_SHARES.fullmatch(name)}
    return Evaluation(
        dict(metrics),
        intervals={k: (low, high) for k, (low, high) in content.get("intervals", {}).items()},
        units=content.get("units", old),
        notes=tuple(content.get("notes", ())),
    )
