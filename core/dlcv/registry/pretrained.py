"""Which networks have pretrained weights, known from packages' metadata alone.

A package names a network, or several as in `acme_*`, under the entry-point group `dlcv.pretrained`.
The value is the module that holds the weights, with `[download]` behind it where that module
fetches them when needed.
"""

import functools
import importlib.util
from fnmatch import fnmatchcase
from typing import Literal

from dlcv.packages import PRETRAINED, entry_points, is_disabled, origin
from dlcv.registry.catalog import registry

DOWNLOAD = "download"

Pretrained = Literal["installed", "download", "extra", ""]
"""Where a network's weights are: in an installed package, on a server, in a package that isn't
installed, or nowhere."""


def pretrained_weights(name: str) -> Pretrained:
    """Returns where a network's pretrained weights are; imports neither it nor Keras."""
    patterns = (w for known, w in _known().items() if "*" in known and fnmatchcase(name, known))
    return _known()[name] if name in _known() else next(patterns, "")


def installed_bases() -> list[str]:
    """Returns the names of networks whose weights are installed, in alphabetical order."""
    return [n for n in registry.names("architecture") if pretrained_weights(n) == "installed"]


@functools.cache
def _known() -> dict[str, Pretrained]:
    return {
        entry_point.name: _where(entry_point.module, entry_point.extras)
        for entry_point in entry_points(PRETRAINED)
        if not is_disabled(origin(entry_point)[0], f"architecture:{entry_point.name}")
    }


def _where(module: str, extras: list[str]) -> Pretrained:
    # Only the package above is looked for, so nothing is imported.
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        return "extra"
    return "download" if DOWNLOAD in extras else "installed"
