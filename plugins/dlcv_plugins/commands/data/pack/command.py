"""`dlcv data build`: packs a data set."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlcv.api import RunConfig, SplitConfig, config_options, table, with_verbosity
from dlcv.errors import DlcvError, count, printable, some
from dlcv_plugins.executors.option import on_option

if TYPE_CHECKING:
    from dlcv_plugins.commands.data.pack.pack import PackedDataset

MOST_SHARDS = 500
"""Each stays open while a run reads from it."""


@click.command(
    epilog="""\b
Examples:
  dlcv data build photos/ --out packed/ --size 64
  dlcv data build photos-of-one-size/ --out packed/
  dlcv data build photos/ --out packed/ --size 256 --bad-images skip --mean-image
  dlcv data build photos/ --out packed/ --size 64 --drop-duplicates
  dlcv data build photos/ --out packed/ --size 224 --shards 16
  dlcv data build photos/ --out packed/ --size 224 --shards 64 --on ray
  dlcv data build photos/ --out packed/ --encode jpeg
"""
)
@click.argument("source")
@click.option("--out", type=Path, required=True, help="The folder to write.")
@click.option(
    "--size",
    type=click.IntRange(min=1),
    metavar="PIXELS",
    help="Height and width; the shorter side fits, the middle of the longer is kept. Not needed "
    "where all images have one size.",
)
@click.option(
    "--preproc", "--preprocessors", "preprocessors", metavar="SPECS", help="Instead of --size."
)
@config_options(SplitConfig, "test", "validation", "train_validation", "groups", "seed")
@config_options(SplitConfig, "small_classes", defaults=False)
@config_options(RunConfig, "bad_images", "threads")
@click.option("--mean-image", is_flag=True, help="Write the mean of the training images as well.")
@click.option(
    "--drop-duplicates",
    is_flag=True,
    help="Pack one image of each group of copies, a test image before a training image.",
)
@click.option(
    "--encode",
    type=click.Choice(("raw", "jpeg")),
    default="raw",
    show_default=True,
    help="raw packs pixels; jpeg keeps the image files as they are, which a run decodes.",
)
@click.option(
    "--shards",
    type=click.IntRange(1, MOST_SHARDS),
    metavar="NUMBER",
    help="Files for the training images, written several at once; what was stopped goes on.",
)
@click.option("--force", is_flag=True, help="Replace a data set that exists.")
@on_option
@with_verbosity
def build(
    source: str,
    out: Path,
    size: int | None,
    preprocessors: str | None,
    bad_images: str | None,
    threads: int | None,
    mean_image: bool,
    drop_duplicates: bool,
    encode: str,
    shards: int | None,
    force: bool,
    **split: Any,
) -> None:
    """Pack images into HDF5 files that train fast: divided, resized, decoded once."""
    from dlcv.api import printed_alone, shown_path
    from dlcv_plugins.commands.data.pack.pack import pack

    if size is not None and preprocessors is not None:
        raise DlcvError("use --size, or --preproc with a step that resizes, not both")
    if size is not None:
        preprocessors = f"aspect_aware(size={size})"
    # What is packed serves many runs; each may still leave such classes out.
    given = {"small_classes": "train"} | {k: v for k, v in split.items() if v is not None}
    packed = pack(
        source,
        out,
        preprocessors=preprocessors or "",
        split=SplitConfig(**given).with_groups(),
        bad_images=bad_images or "error",
        mean_image=mean_image,
        drop_duplicates=drop_duplicates,
        encode=encode,
        shards=shards,
        threads=threads,
        force=force,
    )
    if printed_alone(shown_path(out.absolute())):
        return
    rows = [(name, *values) for name, values in packed.splits.items()]
    click.echo(table(("split", "images", "megabytes"), rows))
    if drop_duplicates:
        click.echo(_dropped(packed))
    click.echo(f"\ntrain  dlcv run --data {shown_path(out.absolute())}")


def _dropped(packed: "PackedDataset") -> str:
    """Returns how many copies were left out, the first of them, and where all are listed."""
    if not packed.dropped:
        return "\ndropped  no copies: there are none"
    from dlcv.api import shown_path
    from dlcv.interfaces import DESCRIPTION

    first = some((f"{each.image} (of {each.copy_of})" for each in packed.dropped), most=3)
    return (
        f"\ndropped  {count(len(packed.dropped), 'copy', 'copies')}: {printable(first)}\n"
        f"listed   {shown_path(packed.path.absolute())}/{DESCRIPTION}"
    )
