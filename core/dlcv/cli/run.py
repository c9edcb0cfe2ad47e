"""`dlcv run`: train a network."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlcv import registry
from dlcv.cli.commands import CommandWithExamples
from dlcv.cli.console import printed_alone, with_verbosity
from dlcv.cli.options import added_options, config_options, directory_options
from dlcv.config import RunConfig, SplitConfig, StageConfig
from dlcv.registry.defaults import default_or_none
from dlcv.registry.spec import Spec

if TYPE_CHECKING:
    from dlcv.runs.trained import Trained


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
@config_options(StageConfig, "schedule", "loss", "trainable", "early_stopping")
@config_options(StageConfig, "early_stopping_weights", "class_weights", "batch_statistics")
@config_options(SplitConfig, "test", "validation", "train_validation", "small_classes", "groups")
@config_options(
    RunConfig, "fraction", "evaluators", "precision", "seed", "members", "threads", "bad_images"
)
@click.option(
    "--initial-weights",
    metavar="RUN_OR_FILE",
    help="A run, a checkpoint, or a file (.weights.h5, .keras) whose weights to begin with.",
)
@config_options(
    RunConfig, "checkpoint_every", "keep_checkpoints", "jit_compile", "trainer", "trackers"
)
@added_options("run")
@click.option("--config", help="A configuration file or a recipe; the options above go before it.")
@directory_options
@with_verbosity
def run(config: str | None, name: str | None, runs: Path, force: bool, **options: Any) -> None:
    """Train a network on labelled images, and test it on images that it has not seen."""
    from dlcv.runs.train import run as train

    finish(train(config, name=name, runs=runs, force=force, **options))


def finish(run: "Trained") -> None:
    """Prints what came of a run and what to do next; exits with 130 or 143 if it was stopped."""
    from dlcv.runs.run import Run
    from dlcv.runs.trainers import trainer_of

    path = shown_path(run.path)
    quoted = shlex.quote(path)
    if run.stopped_by:
        has_checkpoint = run.directory.has_checkpoint
        state = "everything is saved" if has_checkpoint else "nothing is trained yet"
        click.echo(f"\nstopped; {state}. Continue with:\n  dlcv resume {quoted}", err=True)
        if has_checkpoint and isinstance(run, Run):
            other = f"dlcv resume {quoted} --learning-rate RATE --epochs COUNT"
            click.echo(f"or with other settings:\n  {other}", err=True)
        sys.exit(128 + run.stopped_by)
    if printed_alone(path):
        return
    found = run.directory.read_json("metrics")
    click.echo(f"\nrun       {path}")
    for line in trainer_of(run.config).summary(run):
        click.echo(line)
    environment = run.directory.read_json("environment")
    summary = registry.registry.hooks().dlcv_summary(results=found, environment=environment)
    figures = ", ".join(f"{name} {value:.4f}" for name, value in found["metrics"].items())
    click.echo(f"figures   {figures}" if summary is None else summary)
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


def shown_path(path: Path) -> str:
    """Returns a path as short as it works from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
