"""`dlcv plugins show`: what a plugin does, and the options that it takes."""

from typing import TYPE_CHECKING, Any

import attrs
import click

from dlcv.api import table, with_verbosity, written
from dlcv.errors import json_text, suggestion

if TYPE_CHECKING:
    from dlcv.registry import Description


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
        if registry.names("command", name):
            raise SpecError(f"{name} is a command; `dlcv {name} --help` shows its options")
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
    return "none" if option.default is None else written(option.default)


def _example(description: "Description") -> str:
    """Returns a use of the plugin with its required options, or else the first that has a value.

    Packages say how plugins of a kind are used; it is empty where none does.
    """
    from dlcv.api import default_or_none

    if (use := default_or_none(f"uses.{description.descriptor.kind}")) is None:
        return ""
    required = [o for o in description.options if o.required]
    shown = [(o.name, '"..."') for o in required] or [
        (o.name, written(o.default))
        for o in description.options
        if o.default not in (None, attrs.NOTHING)
    ][:1]
    inner = ", ".join(f"{name}={value}" for name, value in shown)
    name = description.descriptor.name
    return f"{use} '{name}({inner})'" if inner else f"{use} {name}"
