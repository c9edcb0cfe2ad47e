"""`dlcv look`: pictures of what is inside a trained network."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlcv.api import Group, checkpoint_option, printed_alone, with_verbosity
from dlcv.errors import DlcvError, printable

if TYPE_CHECKING:
    from dlcv.api import Run, Subset

MOST, DEFAULT_COUNT = 60, 6
"""Images of a data set that are looked at."""


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
  dlcv look grad-cam runs/latest --data photos/ --count 12
""",
)
@click.argument("run", type=Path)
@click.argument("images", nargs=-1, type=Path)
@click.option("--data", metavar="DATA", help="Labelled images, instead of IMAGES: a data set.")
@click.option("--split", help="The split of --data.  [default: test, else val, else all]")
@click.option(
    "--count",
    type=click.IntRange(1, MOST),
    help=f"Images of --data, spread over the split.  [default: {DEFAULT_COUNT}]",
)
@click.option("--class", "label", help="The class.  [default: what the network predicts]")
@click.option("--layer", help="The layer with the maps.  [default: the last that has some]")
@_picture_options("grad-cam.png")
@with_verbosity
def grad_cam(
    run: Path,
    images: tuple[Path, ...],
    data: str | None,
    split: str | None,
    count: int | None,
    label: str | None,
    layer: str | None,
    checkpoint: str,
    out: Path,
    force: bool,
) -> None:
    """Show what of images speaks for a class, by Grad-CAM.

    Images in a folder that is named like a class, and those of --data, are shown with their true
    class beside the predicted one.
    """
    if bool(images) == (data is not None):
        raise DlcvError("name images, or a data set with --data, and not both")
    if data is None and (split or count):
        raise DlcvError("--split and --count choose among the images of --data; add it")
    loaded = _opened(run, checkpoint, out, force)
    from dlcv_plugins.commands.look.grad_cam import grad_cam as explain
    from dlcv_plugins.commands.look.pictures import draw_explanations

    chosen: Any = list(images)
    if data is not None:
        chosen = _spread(data, split, loaded.channels, count or DEFAULT_COUNT)
    explained = explain(loaded, chosen, label=label, layer=layer)
    draw_explanations(out, explained)
    for one in explained:
        others = {"predicted": one.predicted, "true": one.truth or one.label}
        differing = "".join(f", {k} {v}" for k, v in others.items() if v != one.label)
        click.echo(f"{printable(one.id)}: {one.label} {100 * one.probability:.1f} %{differing}")
    click.echo(f"\npicture  {out}")


def _spread(data: str, split: str | None, channels: int, count: int) -> "Subset":
    """Returns some labelled images, of all parts of a split: data is often sorted by class."""
    import numpy as np

    from dlcv.api import Subset, open_labelled

    opened = open_labelled(data, split, channels)
    places = np.linspace(0, len(opened) - 1, min(len(opened), count)).round().astype(int)
    return Subset(opened, places)


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
    if printed_alone(str(out)):
        return
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
    if printed_alone(str(out)):
        return
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
