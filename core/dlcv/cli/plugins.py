"""`dlcv plugins`: what is installed."""

import sys
from difflib import get_close_matches

import click

from dlcv.cli.commands import Commands
from dlcv.cli.console import table, with_verbosity
from dlcv.errors import json_text, suggestion

OTHER_GROUPS = (
    "api", "defaults", "files", "functions", "image_formats", "interfaces", "kinds", "options",
    "pretrained", "recipes", "testing",
)  # fmt: skip
"""Groups of entry points that hold no plugins."""


WEIGHTS = {
    "installed": "installed", "download": "downloaded when used", "extra": "not installed", "": "",
}  # fmt: skip
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
    from dlcv.registry import pretrained_weights

    found = registry.descriptors(kind, pattern)
    if check:
        for descriptor in found:
            try:
                registry.registry.load(descriptor)
            except PluginError:
                continue
    rows = [
        (d.kind, d.name, d.distribution, d.version, *registry.state(d), d.summary) for d in found
    ]
    columns = ("kind", "name", "distribution", "version", "state", "reason")
    weights = [pretrained_weights(d.name) for d in found] if kind == "architecture" else []
    if as_json:
        shown = [dict(zip((*columns, "summary"), row, strict=True)) for row in rows]
        if kind == "architecture":
            shown = [row | {"weights": w} for row, w in zip(shown, weights, strict=True)]
        click.echo(json_text(shown))
    elif rows:
        cells: list[tuple[str, ...]] = [
            (*row[:4], ": ".join(filter(None, row[4:6]))) for row in rows
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


def misnamed_groups() -> list[str]:
    """Returns notes on groups of entry points that nothing reads, such as `dlcv.preprocessor`."""
    from dlcv.packages import PRETRAINED, entry_points, groups, origin
    from dlcv.registry import KINDS, group_of

    known = [*map(group_of, KINDS), *(f"dlcv.{name}" for name in OTHER_GROUPS)]
    others = [group for group in known if group != PRETRAINED]
    return [
        f"{owner} uses the group {group}, which dlcv does not read{suggestion(group, others)}"
        for group in groups()
        if group not in known
        and (group.startswith("dlcv.") or get_close_matches(group.lower(), others, 1, 0.8))
        for owner in sorted({origin(ep)[0] for ep in entry_points(group)})
    ]
