"""`dlcv data preview`: a picture of what a network gets as input."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlcv.api import RunConfig, SplitConfig, config_options, printed_alone, with_verbosity
from dlcv.errors import DlcvError

if TYPE_CHECKING:
    import numpy as np

    from dlcv_plugins.commands.data.preview.network_input import Preview

MOST = 20
"""Rows, and draws; a picture of 20 x 20 images takes some ten seconds."""


@click.command(
    epilog="""\b
Examples:
  dlcv data preview photos/ --preproc "aspect_aware, patch, flip" --input-size 64
  dlcv data preview photos/ --preproc mixup --images 6 --draws 3 --out mixed.png
  dlcv data preview cat.jpg --preproc "affine(rotation=30)" --save-to demo/
"""
)
@click.argument("data")
@config_options(RunConfig, "preprocessors", "input_size")
@click.option(
    "--images", "count", type=click.IntRange(1, MOST), help="Rows, one an image.  [default: 4]"
)
@click.option(
    "--draws",
    type=click.IntRange(1, MOST),
    help="Draws of the random steps.  [default: 5; 10 of a single image]",
)
@click.option("--split", help="The split whose images are examples.  [default: train]")
@config_options(SplitConfig, "test", "validation", "small_classes", "groups")
@config_options(RunConfig, "seed", "bad_images")
@click.option(
    "--out",
    type=Path,
    help="The picture; its extension decides the format.  [default: preview.png, here]",
)
@click.option("--save-to", type=Path, help="A folder for the single images as JPEG files, too.")
@click.option("--prefix", help="What their names begin with.  [default: image]")
@click.option("--force", is_flag=True, help="Replace files that exist.")
@with_verbosity
def preview(
    data: str,
    count: int | None,
    draws: int | None,
    split: str | None,
    out: Path | None,
    save_to: Path | None,
    prefix: str | None,
    force: bool,
    **options: Any,
) -> None:
    """Draw images and what a network gets of them: without randomness, and in random draws.

    DATA is a data set, a folder of images, or an image. Sizes are those of a run with its default
    network; use --input-size for another.
    """
    from dlcv import files
    from dlcv_plugins.commands.data.preview.network_input import preview_images
    from dlcv_plugins.pictures import check_format, draw_grid, is_within, wrapped

    if out is None:
        if is_within(data):
            raise DlcvError("preview.png would become part of the data; name a place with --out")
        out = Path("preview.png")
    _check_names(save_to, prefix)
    files.refuse_existing(out, force=force)
    check_format(out)
    given = {name: value for name, value in options.items() if value is not None}
    found = preview_images(
        RunConfig().with_options(data=data, **given), split=split, count=count, draws=draws
    )
    saved = _save(found, save_to, prefix or "image", force) if save_to else ""
    out.parent.mkdir(parents=True, exist_ok=True)
    rows, titles = _with_originals(found)
    draw_grid(out, wrapped(rows), titles=wrapped(titles))
    if printed_alone(str(out)):
        return
    click.echo(f"picture   {out}: {_described(found)}")
    if saved:
        click.echo(f"images    {saved}")
    click.echo(_next(found, data, given))


def _check_names(save_to: Path | None, prefix: str | None) -> None:
    """Raises a `DlcvError` if single images can't be written under such names."""
    if prefix is not None and save_to is None:
        raise DlcvError("--prefix names the files that --save-to writes; use both")
    if prefix is not None and (not prefix or Path(prefix).name != prefix):
        raise DlcvError(f'--prefix: "{prefix}" can\'t be part of a file name')
    if save_to is not None and save_to.exists() and not save_to.is_dir():
        raise DlcvError(f"--save-to: {save_to} is not a folder")


def _save(found: "Preview", folder: Path, prefix: str, force: bool) -> str:
    """Writes each draw, or else each view or image, as a file of its own; returns their place.

    Raises:
        DlcvError: a file exists already.
    """
    from PIL import Image

    from dlcv import files

    first = 1 if found.draws else 0
    single = [image for row in found.rows for image in row[first:]]
    paths = [folder / f"{prefix}_{number:03d}.jpg" for number in range(1, len(single) + 1)]
    for path in paths:
        files.refuse_existing(path, force=force)
    for path, image in zip(paths, single, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.atomic_path(path) as temporary:
            pixels = image[..., 0] if image.shape[2] == 1 else image
            Image.fromarray(pixels).save(temporary, quality=95)
    return f"{paths[0]} to {paths[-1].name}" if len(paths) > 1 else str(paths[0])


def _with_originals(found: "Preview") -> "tuple[list[list[np.ndarray]], list[list[str]]]":
    """Returns the pictures and titles with each image as it is stored before what becomes of it."""
    pairs = list(zip(found.originals, found.rows, strict=True))
    if all(image.shape == row[0].shape and (image == row[0]).all() for image, row in pairs):
        return found.rows, found.titles
    height, width, _ = found.rows[0][0].shape
    first = f"input, {height} x {width}" if found.views == 1 else "view 1"
    titles = [[name, first, *others] for name, *others in found.titles]
    return [[image, *row] for image, row in pairs], titles


def _described(found: "Preview") -> str:
    """Returns what the picture shows, in words."""
    height, width, _ = found.rows[0][0].shape
    count = f"{len(found.rows)} image{'s' if len(found.rows) > 1 else ''}"
    if found.views > 1:
        how = f"in {found.views} views"
    elif found.draws:
        how = f"without randomness and in {found.draws} draws"
    else:
        how = "the same in every draw"
    return f"{count} of {height} x {width} pixels, {how}"


def _next(found: "Preview", data: str, given: dict[str, Any]) -> str:
    """Returns the command that uses the steps."""
    steps = shlex.quote(str(given.get("preprocessors", RunConfig().preprocessors)))
    if found.views > 1:
        return f"evaluate  dlcv evaluate RUN --preproc {steps}"
    source = shlex.quote(data) if found.is_dataset else "FOLDER_OF_CLASS_FOLDERS"
    others = "".join(
        f" --{name.replace('_', '-')} {shlex.quote(str(value).replace(' ', ''))}"
        for name, value in given.items()
        if name != "preprocessors"
    )
    return f"train     dlcv run --data {source} --preproc {steps}{others}"
