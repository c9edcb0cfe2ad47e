"""`dlcv plugins`: what is installed, and the options that it takes."""

import os
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import attrs
import click

from dlcv.cli.commands import Commands
from dlcv.cli.console import table, with_verbosity
from dlcv.errors import json_text, suggestion

if TYPE_CHECKING:
    from dlcv.registry import Description
    from dlcv.registry.lookup import Descriptor

OTHER_GROUPS = (
    "api", "defaults", "files", "functions", "image_formats", "interfaces", "kinds", "pretrained",
    "recipes", "testing",
)  # fmt: skip
"""Groups of entry points that hold no plugins."""


WEIGHTS = {
    "installed": "installed",
    "download": "downloaded when used",
    "extra": "not installed",
    "": "",
}
"""Where a network's pretrained weights are, for people."""


@click.group(cls=Commands, within="plugins")
def plugins() -> None:
    """List plugins and show their options."""


@click.command("list")
@click.argument("kind", required=False)
@click.argument("pattern", default="*")
@click.option(
    "--check", is_flag=True, help="Import every plugin, to find broken ones; exits with 1 for any."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_verbosity
def list_plugins(kind: str | None, pattern: str, check: bool, as_json: bool) -> None:
    """List plugins: of one KIND only, and with names that match a PATTERN such as "res*"."""
    from dlcv import registry
    from dlcv.errors import PluginError

    found = registry.descriptors(kind, pattern)
    if check:
        for descriptor in found:
            try:
                registry.registry.load(descriptor)
            except PluginError:
                continue
    rows = [(d.kind, d.name, d.distribution, d.version, *registry.state(d)) for d in found]
    columns = ("kind", "name", "distribution", "version", "state", "reason")
    weights = [_weights(d) for d in found]
    if as_json:
        shown = [dict(zip(columns, row, strict=True)) for row in rows]
        if kind == "architecture":
            shown = [row | {"weights": w} for row, w in zip(shown, weights, strict=True)]
        click.echo(json_text(shown))
    elif rows:
        cells: list[tuple[str, ...]] = [
            (*row[:4], ": ".join(filter(None, row[4:]))) for row in rows
        ]
        head: tuple[str, ...] = columns[:5]
        if kind == "architecture":
            head = (*head, "ImageNet weights")
            cells = [(*row, WEIGHTS[w]) for row, w in zip(cells, weights, strict=True)]
        click.echo(table(head, cells))
    else:
        click.echo("no plugin matches")
    for note in misnamed_groups():
        click.echo(f"note: {note}", err=True)
    if check and any(row[4] == "broken" for row in rows):
        sys.exit(1)


def _weights(descriptor: "Descriptor") -> str:
    """Returns where a network's pretrained weights are, a key of `WEIGHTS`."""
    from dlcv.registry import pretrained_weights

    return pretrained_weights(descriptor.name) if descriptor.kind == "architecture" else ""


def misnamed_groups() -> list[str]:
    """Returns notes on groups of entry points that nothing reads, such as `dlcv.preprocessor`."""
    from dlcv.packages import PRETRAINED, entry_points, groups, origin
    from dlcv.registry import KINDS

    known = [*(f"dlcv.{kind}s" for kind in KINDS), *(f"dlcv.{name}" for name in OTHER_GROUPS)]
    others = [group for group in known if group != PRETRAINED]
    return [
        f"{owner} uses the group {group}, which dlcv does not read{suggestion(group, others)}"
        for group in groups()
        if group not in known
        and (group.startswith("dlcv.") or get_close_matches(group.lower(), others, 1, 0.8))
        for owner in sorted({origin(ep)[0] for ep in entry_points(group)})
    ]


@click.command()
@click.argument("name")
@click.option("--kind", help="The kind, where plugins of several kinds have the name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_verbosity
def show(name: str, kind: str | None, as_json: bool) -> None:
    """Show what a plugin does and the options that it takes."""
    from dlcv import registry
    from dlcv.errors import SpecError
    from dlcv.registry import INTERFACES

    kinds = [kind] if kind else [k for k in INTERFACES if _exists(k, name)]
    if not kinds:
        known = [n for k in INTERFACES for n in registry.names(k)]
        hint = suggestion(name, known) or "; `dlcv plugins list` lists them"
        raise SpecError(f'no plugin "{name}"{hint}')
    described = [registry.describe(k, name) for k in kinds]
    if as_json:
        click.echo(json_text([_as_dict(d) for d in described]))
    else:
        click.echo("\n\n".join(map(_as_text, described)))


def _exists(kind: str, name: str) -> bool:
    from dlcv import registry

    return any(name in (d.name, d.qualified_name) for d in registry.descriptors(kind))


def _as_text(description: "Description") -> str:
    descriptor = description.descriptor
    parts = [f"{descriptor.name} ({descriptor.kind})", "", description.documentation, ""]
    if description.options:
        rows = [(o.name, o.type_text, _default(o), o.help) for o in description.options]
        parts += [table(("option", "type", "default", "what it does"), rows), ""]
    parts += [f"from     {descriptor.origin}, {description.source}"]
    if example := _example(description):
        parts.append(f"example  {example}")
    return "\n".join(parts)


def _as_dict(description: "Description") -> dict[str, Any]:
    d = description.descriptor
    return {
        "kind": d.kind,
        "name": d.name,
        "distribution": d.distribution,
        "version": d.version,
        "summary": description.summary,
        "source": description.source,
        "options": [
            {
                "name": o.name,
                "type": o.type_text,
                "required": o.required,
                "default": None if o.required else _default(o),
                "help": o.help,
            }
            for o in description.options
        ],
        "example": _example(description),
    }


def _default(option: Any) -> str:
    if option.required:
        return "(required)"
    return "none" if option.default is None else _written(option.default)


def _written(value: Any) -> str:
    """Returns an option's value as people write it in a spec."""
    from dlcv.registry.spec import bare_or_text, write

    is_text = isinstance(value, str | os.PathLike)
    return write(bare_or_text(os.fspath(value)) if is_text else value)


def _example(description: "Description") -> str:
    """Returns a use of the plugin with its required options, or else the first that has a value.

    Packages say how plugins of a kind are used; it is empty where none does.
    """
    from dlcv.registry.defaults import default_or_none

    if (use := default_or_none(f"uses.{description.descriptor.kind}")) is None:
        return ""
    required = [o for o in description.options if o.required]
    shown = [(o.name, '"..."') for o in required] or [
        (o.name, _written(o.default))
        for o in description.options
        if o.default not in (None, attrs.NOTHING)
    ][:1]
    inner = ", ".join(f"{name}={value}" for name, value in shown)
    name = description.descriptor.name
    return f"{use} '{name}({inner})'" if inner else f"{use} {name}"
