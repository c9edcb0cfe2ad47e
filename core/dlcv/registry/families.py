"""Families: plugins that a package offers from a table, without importing them."""

from collections.abc import Iterable
from importlib.metadata import EntryPoint

import attrs

from dlcv.errors import PluginError
from dlcv.registry.lookup import INTERFACES, Descriptor, checked_kind, group_of


def members(family: Descriptor, table: Iterable[object]) -> list[Descriptor]:
    """Returns the descriptors of what a family offers; nothing of it is imported.

    Args:
        family: The family.
        table: What its `dlcv_plugins` returned: rows of kind, name, `module:attribute`, summary.

    Raises:
        DlcvError: a row is none, its kind does not exist, or a name is listed twice.
    """
    found: dict[str, Descriptor] = {}
    for row in table:
        match row:
            case str(kind), str(name), str(place), str(summary):
                pass
            case _:
                raise PluginError(
                    "dlcv_plugins must return rows of kind, name, module:attribute and summary; "
                    f"one is {row!r}"
                )
        point = EntryPoint(name, place, group_of(checked_kind(kind, INTERFACES)))
        member = attrs.evolve(
            family, kind=kind, name=name, target=place, entry_point=point, cls=None,
            family=family.key, summary=summary,
        )  # fmt: skip
        if member.key in found:
            raise PluginError(f'the {kind} "{name}" is listed twice')
        found[member.key] = member
    return list(found.values())
