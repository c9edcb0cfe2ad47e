"""The registry: names to plugins, found through entry points and loaded when used."""

from dlcv.registry.registry import (
    INTERFACES,
    Description,
    Registration,
    Registry,
    create,
    create_list,
    describe,
    descriptors,
    get,
    names,
    provenance,
    register,
    registry,
    spec_of,
    state,
)

__all__ = [
    "INTERFACES",
    "Description",
    "Registration",
    "Registry",
    "create",
    "create_list",
    "describe",
    "descriptors",
    "get",
    "names",
    "provenance",
    "register",
    "registry",
    "spec_of",
    "state",
]
