"""What changed since a run began: other images end it, other versions may change its numbers."""

import logging
from typing import Any

from dlcv.api import Experiment, record
from dlcv.errors import DlcvError

logger = logging.getLogger(__name__)
RECORDED_LATER = frozenset({"pillow", "simplejpeg"})
"""Those that runs of earlier versions used and did not record."""


def compare_with_record(recorded: dict[str, Any], experiment: Experiment) -> dict[str, Any]:
    """Refuses to continue with other images, and warns of what changes the numbers.

    Returns:
        The record, with the plugins that have come in with a new stage.
    """
    now = record.environment(experiment)
    before, splits = recorded["data"]["fingerprints"], experiment.data.splits
    if changed := [
        n for n, split in splits.items() if not split.has_fingerprint(before.get(n, ""))
    ]:
        raise DlcvError(
            f"the images of {', '.join(changed)} changed since the run began; "
            "start a new run with `dlcv run --config`"
        )
    known = {(plugin["kind"], plugin["name"]) for plugin in recorded["plugins"]}
    new = [plugin for plugin in now["plugins"] if (plugin["kind"], plugin["name"]) not in known]
    recorded = {**recorded, "plugins": [*recorded["plugins"], *new]}
    for change in changes(recorded, now):
        logger.warning(
            "%s: the run may end with different numbers than without the interruption", change
        )
    return recorded


def changes(recorded: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Returns what may change numbers, in words: `keras 3.15.1, now 3.16.0`."""
    before, after = _decisive(recorded), _decisive(now)
    return [
        f"{name} {before.get(name) or 'was not there'}, now {after.get(name) or 'gone'}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name) and name not in RECORDED_LATER - before.keys()
    ]


def _decisive(made: dict[str, Any]) -> dict[str, str]:
    plugins = {
        f"{p['kind']} {p['name']}": f"{p['distribution']} {p['version']}" for p in made["plugins"]
    }
    names = ("back_end", "image_data_format", "processor")
    return {
        **{name.replace("_", " "): str(made[name]) for name in names},
        **made["libraries"],
        **made["variables"],
        **plugins,
    }
