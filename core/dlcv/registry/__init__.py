"""The registry: names to plugins, found through entry points and loaded when used."""

import sys
from types import ModuleType

from dlcv.registry.catalog import (
    Description,
    Registration,
    Registry,
    create,
    create_list,
    describe,
    descriptors,
    get,
    names,
    register,
    registry,
    spec_of,
    state,
)
from dlcv.registry.lookup import INTERFACES, KINDS, group_of
from dlcv.registry.owners import blame, provenance
from dlcv.registry.pretrained import installed_bases, pretrained_weights
from dlcv.registry.spec import Spec, SpecList, parse_value

__all__ = [
    "INTERFACES", "KINDS", "Description", "Registration", "Registry", "Spec", "SpecList", "blame",
    "create", "create_list", "describe", "descriptors", "get", "group_of", "installed_bases",
    "names", "parse_value", "pretrained_weights", "provenance", "register", "registry", "spec_of",
    "state",
]  # fmt: skip


class _Collection(ModuleType):
    """Lets the module be the collection that `registry` is: `len(dlcv.registry)`, `in` and more."""

    __contains__ = staticmethod(registry.__contains__)
    __iter__ = staticmethod(registry.__iter__)
    __len__ = staticmethod(registry.__len__)
    __repr__ = staticmethod(registry.__repr__)
    _repr_html_ = staticmethod(registry._repr_html_)


sys.modules[__name__].__class__ = _Collection
