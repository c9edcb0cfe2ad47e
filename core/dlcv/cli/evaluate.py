"""`dlcv evaluate`: figures of a run on labelled images."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlcv.cli.commands import CommandWithExamples
from dlcv.cli.console import is_quiet, table, with_verbosity
from dlcv.cli.options import added_options, checkpoints_option, config_options, pixel_steps_option
from dlcv.config import RunConfig
from dlcv.errors import DlcvError, json_text
from dlcv.interfaces import Combination, options_of
from dlcv.registry.defaults import default_or_none

if TYPE_CHECKING:
    from dlcv.interfaces import Evaluation, Evaluator
    from dlcv.runs.predictor import Predictor


@click.command(cls=CommandWithExamples)
@click.argument("runs", nargs=-1, required=True, type=Path, metavar="RUN...")
@click.option("--data", help="Labelled images; by default those that the run held out.")
@click.option("--split", help="The split to use.  [default: test, else val, else all]")
@click.option(
    "--eval", "--evaluators", "evaluators", metavar="SPECS", help="Instead of the run's evaluators."
)
@pixel_steps_option
@checkpoints_option
@config_options(RunConfig, "bad_images")
@click.option(
    "--save-to", type=Path,
    help="The folder of the pictures that evaluators draw.  [default: RUN/evaluation]",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace pictures in the folder of --save-to.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@added_options("evaluate")
@with_verbosity
def evaluate(
    runs: tuple[Path, ...],
    data: str | None,
    split: str | None,
    evaluators: str | None,
    preprocessors: str | None,
    checkpoint: str,
    bad_images: str | None,
    save_to: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Measure a run on labelled images: rank-1, rank-5, precision, recall, F1 by class.

    Accuracies come with 95 % confidence intervals. Several runs are combined into an ensemble,
    which is set beside its members. Predictions are kept, so that further evaluators take no time.
    """
    from dlcv import registry
    from dlcv.evaluation.evaluate import as_json as plain
    from dlcv.evaluation.evaluate import evaluate as apply
    from dlcv.runs.load import load
    from dlcv.runs.plugin_versions import naming_packages, recorded

    if save_to is not None and save_to.exists() and not save_to.is_dir():
        raise DlcvError(f"--save-to: {save_to} is no folder")
    named = registry.create_list("evaluator", evaluators) if evaluators else []
    loaded = load(*runs, checkpoint=checkpoint, method=_method(named))
    with naming_packages(recorded(runs)):
        made = named or registry.create_list("evaluator", loaded.evaluators)
    tested = loaded.test(data, split, bad_images=bad_images or "error", preprocessors=preprocessors)
    found = apply(tested.predictions, made)
    count = len(tested.predictions.labels)
    pictures = _save_drawings(found, loaded, save_to, is_one=len(runs) == 1, force=force)
    if as_json:
        content = {"images": count, "skipped": tested.skipped, **plain(found), "pictures": pictures}
        click.echo(json_text(content))
        return
    left_out = f", {len(tested.skipped)} left out" if tested.skipped else ""
    click.echo(f"{count} images{left_out}")
    _print_figures(found)
    on = {"--data": data, "--split": split, "--preproc": preprocessors, "--checkpoint": checkpoint}
    named = [word for pair in on.items() if pair[1] not in (None, "last") for word in pair]
    _print_pictures(found, pictures, shlex.join(map(str, [*runs, *named])))


def _method(evaluators: "Iterable[Evaluator]") -> Combination | None:
    """Returns how evaluators want several runs combined; None if none has an option for it."""
    options = (
        getattr(evaluator, option.name)
        for evaluator in evaluators
        for option in options_of(type(evaluator)).values()
        if option.type == Combination
    )
    return next(options, None)


def _save_drawings(
    found: "Evaluation", loaded: "Predictor", save_to: Path | None, *, is_one: bool, force: bool
) -> dict[str, str]:
    """Draws what there is to draw, and returns the pictures' paths by name.

    What several runs have together belongs into the folder of none of them, and a run's folder may
    be read-only; then nothing is drawn unless a place is named.
    """
    if not found.drawings or (save_to is None and not is_one):
        return {}
    from dlcv import registry
    from dlcv.cli.run import shown_path

    own = loaded.path / "evaluation"
    place, replaces = (own, True) if save_to is None else (save_to, force)
    draw = registry.registry.hooks().dlcv_draw
    try:
        saved = draw(drawings=found.drawings, folder=place, force=replaces)
    except OSError as error:
        if save_to is not None:
            raise
        reason = error.strerror or error
        click.echo(f"no pictures: {own}: {reason}; name a folder with --save-to", err=True)
        return {}
    if saved is None and save_to is not None:
        raise DlcvError("--save-to: nothing that is installed draws pictures")
    return {name: shown_path(path) for name, path in (saved or {}).items()}


def _print_figures(found: "Evaluation") -> None:
    """Prints metrics with their intervals, notes on them, and tables."""
    if found.metrics:
        click.echo("\n" + table(("metric", "value", "95 % interval"), found.rows()))
    for note in found.notes:
        click.echo(f"\nnote: {note}")
    for shown in found.tables.values():
        click.echo(f"\n{shown.title}\n{table(shown.columns, shown.rows)}")


def _print_pictures(found: "Evaluation", pictures: dict[str, str], on: str) -> None:
    """Prints where the pictures are, or how to have some `on` the same runs and images."""
    if pictures:
        click.echo("\nlook at  " + "\n         ".join(pictures.values()))
    elif is_quiet():
        return
    elif found.drawings:
        click.echo(f"\npictures of {', '.join(found.drawings)} are drawn with --save-to FOLDER")
    elif more := default_or_none("more_evaluators"):
        click.echo(f'\nmore  dlcv evaluate {on} --eval "{more}"')
