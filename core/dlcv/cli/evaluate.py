"""`dlcv evaluate`: figures of a run on labelled images."""

import json
from pathlib import Path

import click

from dlcv.cli.console import table, with_verbosity
from dlcv.cli.options import checkpoint_option, config_options, pixel_steps_option
from dlcv.config import RunConfig


@click.command(
    epilog="""\b
Examples:
  dlcv evaluate runs/latest
  dlcv evaluate runs/latest --eval "rank(k=3)" --json
  dlcv evaluate runs/latest --data new_photos/
  dlcv evaluate runs/latest --preproc crop
  dlcv evaluate runs/latest --checkpoint best
  dlcv evaluate runs/one runs/other --data new_photos/
"""
)
@click.argument("runs", nargs=-1, required=True, type=Path, metavar="RUN...")
@click.option("--data", help="Labelled images; by default those that the run held out.")
@click.option("--split", help="The split to use.  [default: test, else val, else all]")
@click.option(
    "--eval",
    "--evaluators",
    "evaluators",
    metavar="SPECS",
    help="Instead of the run's evaluators.",
)
@pixel_steps_option
@checkpoint_option
@config_options(RunConfig, "bad_images")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_verbosity
def evaluate(
    runs: tuple[Path, ...],
    data: str | None,
    split: str | None,
    evaluators: str | None,
    preprocessors: str | None,
    checkpoint: str,
    bad_images: str | None,
    as_json: bool,
) -> None:
    """Tell how good a run is on labelled images: rank-1, rank-5, precision, recall, F1 by class.

    Several runs are combined into an ensemble, which is set beside its members.
    """
    from dlcv import registry
    from dlcv.evaluation.evaluate import as_json as plain
    from dlcv.evaluation.evaluate import evaluate as apply
    from dlcv.runs.loading import load

    loaded = load(*runs, checkpoint=checkpoint)
    made = registry.create_list("evaluator", evaluators or loaded.evaluators)
    tested = loaded.test(data, split, bad_images=bad_images or "error", preprocessors=preprocessors)
    found = apply(tested.predictions, made)
    count = len(tested.predictions.labels)
    if as_json:
        content = {"images": count, "skipped": tested.skipped, **plain(found)}
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    left_out = f", {len(tested.skipped)} left out" if tested.skipped else ""
    click.echo(f"{count} images{left_out}\n")
    click.echo(table(("metric", "value"), found.metrics.items()))
    for shown in found.tables.values():
        click.echo(f"\n{shown.title}\n{table(shown.columns, shown.rows)}")
