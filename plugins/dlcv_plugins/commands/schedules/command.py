"""`dlcv schedules`: the learning rate over the epochs, before anything is trained."""

import shlex
from pathlib import Path

import click

from dlcv.api import Group, table, with_verbosity
from dlcv.errors import DlcvError


@click.group(cls=Group)
def schedules() -> None:
    """Look at schedules of the learning rate."""


@schedules.command(
    epilog="""\b
Examples:
  dlcv schedules plot
  dlcv schedules plot "poly, poly(power=2), cosine(warmup=5)" --epochs 70 --learning-rate 5e-3
  dlcv schedules plot "step(at=(25, 35))" --epochs 65 --out rates.png
"""
)
@click.argument("specs", required=False)
@click.option("--epochs", type=click.IntRange(min=1), default=70, show_default=True,
              help="Epochs of the stage.")  # fmt: skip
@click.option("--learning-rate", type=click.FloatRange(min=0, min_open=True), default=5e-3,
              show_default=True, help="The optimizer's learning rate.")  # fmt: skip
@click.option("--steps-per-epoch", type=click.IntRange(min=1), default=100, show_default=True,
              help="Training images / batch size.")  # fmt: skip
@click.option("--out", type=Path, default=Path("schedules.png"), show_default=True,
              help="The picture.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the picture.")
@with_verbosity
def plot(
    specs: str | None,
    epochs: int,
    learning_rate: float,
    steps_per_epoch: int,
    out: Path,
    force: bool,
) -> None:
    """Draw the learning rate over the epochs: of the schedules in SPECS, or of all."""
    from dlcv import files, registry
    from dlcv.registry import SpecList
    from dlcv_plugins.commands.schedules.picture import draw_rates

    files.refuse_existing(out, force=force)
    rates = {
        str(spec): registry.create("schedule", spec).rates(epochs, steps_per_epoch, learning_rate)
        for spec in SpecList.parse(specs or ", ".join(_without_required_options()))
    }
    if not rates:
        raise DlcvError("there is no schedule to draw")
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_rates(out, rates, steps_per_epoch)
    points = {"first": 0, "a quarter": 0.25, "half": 0.5, "three quarters": 0.75, "last": 1}
    rows = [
        (name, *(f"{values[round(share * (len(values) - 1))]:.3g}" for share in points.values()))
        for name, values in rates.items()
    ]
    click.echo(table(("schedule", *points), rows))
    click.echo(f"\npicture  {out}")
    first = shlex.quote(next(iter(rates)))
    click.echo(
        f"use      dlcv run --schedule {first} --learning-rate {learning_rate:g} --epochs {epochs}"
    )


def _without_required_options() -> list[str]:
    from dlcv import registry
    from dlcv.interfaces import options_of

    names = registry.names("schedule")
    return [
        name
        for name in names
        if not any(o.required for o in options_of(registry.get("schedule", name)).values())
    ]
