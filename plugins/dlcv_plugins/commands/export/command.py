"""`dlcv export`: a run's network in a format that runs elsewhere."""

import shlex
from pathlib import Path

import click

from dlcv.api import checkpoint_option, printed_alone, with_verbosity


@click.command(
    epilog="""\b
Examples:
  dlcv export runs/latest --format onnx
  dlcv export runs/latest --format litert --checkpoint best --out phone/
  dlcv export runs/latest --format openvino --force
"""
)
@click.argument("run", type=Path)
@click.option(
    "--format",
    metavar="EXPORTER",
    required=True,
    help="The format to write; `dlcv plugins list exporter` lists them.",
)
@click.option(
    "--out", type=Path, metavar="FOLDER", help="Where to.  [default: exported/RUN-FORMAT]"
)
@checkpoint_option
@click.option("--force", is_flag=True, help="Replace an exported model in that folder.")
@with_verbosity
def export(run: Path, format: str, out: Path | None, checkpoint: str, force: bool) -> None:
    """Export a network: raw pixels in, probabilities out, described for those without dlcv.

    The folder gets the model and model.json, which describes input, output, and what to do to an
    image before. The model is compared with the run on real images, and kept only if both predict
    the same.
    """
    from dlcv_plugins.commands.export.write import export_run

    made = export_run(run, format, out, checkpoint=checkpoint, force=force)
    if printed_alone(str(made.path)):
        return
    found = made.description["parity"]
    size = sum(recorded["bytes"] for recorded in made.description["files"].values())
    click.echo(f"exported    {made.path}")
    click.echo(f"model       {made.description['file']}, {size / 1e6:,.1f} MB with all its files")
    click.echo("described   model.json")
    click.echo(
        f"compared    {found['images']} {found['source']}: probabilities differ by "
        f"{found['largest_difference']:.2g} at most, "
        f"{found['same_top_class']} of {found['images']} have the same top class"
    )
    click.echo(f"\nevaluate    dlcv evaluate {shlex.quote(str(made.path))}")
