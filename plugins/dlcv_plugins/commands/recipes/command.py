"""`dlcv recipes`: the experiments of the literature that one command repeats."""

import json

import click

from dlcv.api import table, with_verbosity


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  dlcv recipes
  dlcv recipes show cifar10-resnet56-4
  dlcv recipes show cifar10-resnet56-4 > mine.toml
  dlcv run --config cifar10-resnet56-4
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def recipes(context: click.Context, as_json: bool) -> None:
    """List the recipes: published experiments, with the figures reported and measured."""
    if context.invoked_subcommand is not None:
        return
    from dlcv_plugins.commands.recipes.find import recipes as all_recipes

    columns = ("recipe", "reported", "measured", "source")
    found = all_recipes()
    if as_json:
        rows = [(r.name, r.about.reported, r.about.measured, r.about.source) for r in found]
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=2))
        return
    shown = [(r.name, r.about.reported, r.figure, r.about.source) for r in found]
    click.echo(table(columns, shown))
    click.echo(
        "\nmeasured here on other data, or in fewer epochs: `dlcv recipes show NAME` has on what\n"
        "\nshow  dlcv recipes show NAME\n"
        "try   dlcv run --config NAME --data DATA --fraction 0.05 --epochs 1\n"
        "run   dlcv run --config NAME --data DATA"
    )


@recipes.command()
@click.argument("name")
@with_verbosity
def show(name: str) -> None:
    """Print a recipe: its configuration, with a comment."""
    from dlcv_plugins.commands.recipes.find import find_recipe

    click.echo(find_recipe(name).path.read_text(encoding="utf-8"), nl=False)
