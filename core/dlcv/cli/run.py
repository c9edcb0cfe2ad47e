"""`dlcv run`: train a network."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlcv import registry
from dlcv.cli.console import table, with_verbosity
from dlcv.cli.lazy import CommandWithExamples
from dlcv.cli.options import config_options, directory_options, tracker_flag_options
from dlcv.config import RunConfig, SplitConfig, StageConfig
from dlcv.registry.defaults import default_or_none
from dlcv.registry.spec import Spec

if TYPE_CHECKING:
    from dlcv.runs.trained import Trained

SHOWN_CLASSES = 20
"""More classes than these are left to `dlcv evaluate`."""


@click.command(
    cls=CommandWithExamples,
    epilog="""\b
Plugins and their options: dlcv plugins list, dlcv plugins show NAME
Recipes of published experiments: dlcv recipes
""",
)
@config_options(RunConfig, "data", "architecture", "preprocessors", "input_size")
@config_options(StageConfig, "epochs")
@config_options(RunConfig, "batch_size")
@config_options(StageConfig, "optimizer")
@click.option("--learning-rate", type=float, help="The optimizer's learning rate.")
@config_options(StageConfig, "schedule", "loss", "trainable", "early_stopping", "class_weights")
@config_options(StageConfig, "batch_statistics")
@config_options(SplitConfig, "test", "validation", "train_validation")
@config_options(
    RunConfig, "fraction", "evaluators", "precision", "seed", "members", "threads", "bad_images"
)
@click.option(
    "--initial-weights",
    metavar="RUN_OR_FILE",
    help="A run, a checkpoint, or a file (.weights.h5, .keras) whose weights to begin with.",
)
@config_options(RunConfig, "checkpoint_every", "jit_compile", "trainer", "trackers")
@tracker_flag_options
@click.option("--config", help="A configuration file or a recipe; the options above go before it.")
@directory_options
@with_verbosity
def run(config: str | None, name: str | None, runs: Path, force: bool, **options: Any) -> None:
    """Train a network on labelled images, and test it on images that it has not seen."""
    from dlcv.runs.train import run as train

    finish(train(config, name=name, runs=runs, force=force, **options))


def finish(run: "Trained") -> None:
    """Prints what came of a run and what to do next; exits with 130 or 143 if it was stopped."""
    from dlcv.interfaces import is_validation
    from dlcv.runs.run import Run
    from dlcv.runs.trainers import trainer_of

    path = shown_path(run.path)
    quoted = shlex.quote(path)
    if run.stopped_by:
        has_checkpoint = run.directory.has_checkpoint
        state = "everything is saved" if has_checkpoint else "nothing is trained yet"
        click.echo(f"\nstopped; {state}. Continue with:\n  dlcv resume {quoted}")
        if has_checkpoint and isinstance(run, Run):
            other = f"dlcv resume {quoted} --learning-rate RATE --epochs COUNT"
            click.echo(f"or with other settings:\n  {other}")
        sys.exit(128 + run.stopped_by)
    found = run.directory.read_json("metrics")
    click.echo(f"\nrun       {path}")
    for line in trainer_of(run.config).summary(run):
        click.echo(line)
    environment = run.directory.read_json("environment")
    click.echo(f"accuracy  {summary(found, is_validation(environment, found['split']))}")
    for line in certainty(found):
        click.echo(line)
    if ensemble := found["tables"].get("ensemble"):
        click.echo("\n" + table(ensemble["columns"], ensemble["rows"]))
    by_class = found["tables"].get("by_class")
    if by_class and len(by_class["rows"]) <= SHOWN_CLASSES + 1:
        click.echo("\n" + table(by_class["columns"], by_class["rows"]))
    if confused := found["tables"].get("most_confused"):
        click.echo("\nconfused most: " + confusions(confused["rows"]))
    # Without a report, which is only warned of, there are still the curves.
    pages = ("report.html", "curves.png", "members/1/curves.png")
    page = next((name for name in pages if (run.path / name).exists()), "metrics.json")
    click.echo(f"\nlook at   {path}/{page}")
    for tracker in registry.create_list("tracker", run.config.trackers):
        if command := tracker.command(run):
            click.echo(f"          {command}")
    whole = run.directory.whole
    if whole != run.directory and not whole.is_finished:
        click.echo(f"combine   dlcv resume {shlex.quote(shown_path(whole.path))}")
    click.echo(f"evaluate  dlcv evaluate {quoted}\npredict   dlcv predict {quoted} IMAGE_OR_FOLDER")
    if _is_default(run.config.data):
        click.echo("your own  dlcv run --data FOLDER_OF_CLASS_FOLDERS")


def _is_default(data: str) -> bool:
    """Returns whether a run's data is of the store that is used where none is named."""
    chosen = default_or_none("data")
    return chosen is not None and Spec.parse(data).name == Spec.parse(chosen).name


def summary(found: dict[str, Any], is_validation: bool) -> str:
    """Returns the accuracy in words: `98.33 % on the 359 held-out images of test (rank-5: 100 %)`.

    Args:
        found: What `metrics.json` has.
        is_validation: Whether the images were validated with, and so are not held out.
    """
    ranks = {k.removeprefix("rank"): v for k, v in found["metrics"].items() if k.startswith("rank")}
    if "1" not in ranks:
        return ", ".join(f"{name} {value:.4f}" for name, value in found["metrics"].items())
    others = ", ".join(f"rank-{k}: {100 * v:.2f} %" for k, v in ranks.items() if k != "1")
    which = "validation" if is_validation else "held-out"
    images = f"on the {found['images']} {which} images of {found['split']}"
    return f"{100 * ranks['1']:.2f} % {images}" + (f" ({others})" if others else "")


def certainty(found: dict[str, Any]) -> list[str]:
    """Returns how far the accuracy can be trusted, in lines; none where it is not known."""
    from dlcv.evaluation.evaluate import from_json

    evaluation = from_json(found)
    if "rank1" not in evaluation.intervals:
        return []
    _, between = evaluation.text("rank1")
    guess = evaluation.metrics.get("largest_class")
    beside = "" if guess is None else f"; always predicting the largest class: {100 * guess:.2f} %"
    line = f"interval  {between} with 95 % confidence{beside}"
    return [line, *(f"\nnote: {note}" for note in evaluation.notes)]


def confusions(rows: list[tuple[str, str, int]]) -> str:
    """Returns pairs of classes in words: `8 taken for 1 (3 times)`."""
    return ", ".join(f"{true} taken for {predicted} ({n}x)" for true, predicted, n in rows)


def shown_path(path: Path) -> str:
    """Returns a path as short as it works from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
