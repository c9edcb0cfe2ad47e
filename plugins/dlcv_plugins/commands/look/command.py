"""`dlcv look`: pictures of what is inside a trained network."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlcv.api import Group, checkpoint_option, with_verbosity
from dlcv.errors import printable

if TYPE_CHECKING:
    from dlcv.api import Run


@click.group(cls=Group)
def look() -> None:
    """Look inside a trained network: where it looks, its filters, its maps."""


def _picture_options(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command `--out` and `--force`, and the run's `--checkpoint`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        command = click.option("--force", is_flag=True, help="Replace the picture.")(command)
        out = click.option(
            "--out", type=Path, default=Path(default), show_default=True, help="The picture."
        )
        return checkpoint_option(out(command))

    return decorate


@look.command(
    "grad-cam",
    epilog="""\b
Examples:
  dlcv look grad-cam runs/latest photo.jpg
  dlcv look grad-cam runs/latest photos/ --class rose --out rose.png
  dlcv look grad-cam runs/latest photo.jpg --layer stage3_block2_add
""",
)
@click.argument("run", type=Path)
@click.argument("images", nargs=-1, required=True, type=Path)
@click.option("--class", "label", help="The class.  [default: what the network predicts]")
@click.option("--layer", help="The layer with the maps.  [default: the last that has some]")
@_picture_options("grad-cam.png")
@with_verbosity
def grad_cam(
    run: Path,
    images: tuple[Path, ...],
    label: str | None,
    layer: str | None,
    checkpoint: str,
    out: Path,
    force: bool,
) -> None:
    """Show what of images speaks for a class, by Grad-CAM."""
    loaded = _opened(run, checkpoint, out, force)
    from dlcv_plugins.commands.look.grad_cam import grad_cam as explain
    from dlcv_plugins.commands.look.pictures import draw_explanations

    explained = explain(loaded, list(images), label=label, layer=layer)
    draw_explanations(out, explained)
    for one in explained:
        click.echo(f"{printable(one.id)}: {one.label} {100 * one.probability:.1f} %")
    click.echo(f"\npicture  {out}")


@look.command(
    epilog="""\b
Examples:
  dlcv look filters runs/latest
  dlcv look filters runs/latest --checkpoint 1 --out after_one_epoch.png
"""
)
@click.argument("run", type=Path)
@_picture_options("filters.png")
@with_verbosity
def filters(run: Path, checkpoint: str, out: Path, force: bool) -> None:
    """Show the filters of the first convolution."""
    loaded = _opened(run, checkpoint, out, force)
    from dlcv_plugins.commands.look.maps import first_filters
    from dlcv_plugins.commands.look.pictures import draw_filters

    name, kernels = first_filters(loaded)
    draw_filters(out, name, kernels)
    count, height, width, _ = kernels.shape
    click.echo(f"{count} filters of {height} x {width} pixels in {name}\n\npicture  {out}")


@look.command(
    epilog="""\b
Examples:
  dlcv look feature-maps runs/latest photo.jpg
  dlcv look feature-maps runs/latest photo.jpg --layer conv2_1
"""
)
@click.argument("run", type=Path)
@click.argument("image", type=Path)
@click.option("--layer", help="The layer.  [default: the first convolution]")
@_picture_options("feature-maps.png")
@with_verbosity
def feature_maps(
    run: Path, image: Path, layer: str | None, checkpoint: str, out: Path, force: bool
) -> None:
    """Show what a layer makes of an image."""
    loaded = _opened(run, checkpoint, out, force)
    from dlcv_plugins.commands.look.maps import feature_maps as maps_of
    from dlcv_plugins.commands.look.pictures import draw_maps

    name, pixels, maps = maps_of(loaded, image, layer=layer)
    draw_maps(out, name, pixels, maps)
    height, width, count = maps.shape
    click.echo(f"{count} maps of {height} x {width} places in {name}\n\npicture  {out}")


def _opened(run: Path, checkpoint: str, out: Path, force: bool) -> "Run":
    """Returns the run, with its network started, if the picture may be written."""
    from dlcv import files
    from dlcv.api import backend
    from dlcv_plugins.pictures import check_format
    from dlcv_plugins.single_run import load_run

    files.refuse_existing(out, force=force)
    check_format(out)
    loaded = load_run(run, checkpoint=checkpoint)
    backend.start(loaded.threads)
    out.parent.mkdir(parents=True, exist_ok=True)
    return loaded
