"""`dlcv inspect`: what a network is made of."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlcv.api import table, with_verbosity
from dlcv.errors import DlcvError, SpecError

if TYPE_CHECKING:
    import keras

    from dlcv.interfaces import Architecture
    from dlcv_plugins.commands.inspect.inspection import NetworkFacts

MEGABYTE = 1_000_000
DEFAULT_CLASSES = 10
DEFAULT_CHANNELS = 3


@click.command(
    epilog="""\b
Examples:
  dlcv inspect resnet56
  dlcv inspect vgg16 --classes 1000
  dlcv inspect vgg16 --body --input-size 64
  dlcv inspect "fc_head(base=vgg16, units=512)" --classes 17 --weights imagenet
  dlcv inspect runs/latest --diagram network.svg
"""
)
@click.argument("network")
@click.option(
    "--classes",
    type=click.IntRange(min=2),
    help=f"Number of classes.  [default: {DEFAULT_CLASSES}]",
)
@click.option(
    "--input-size",
    metavar="NUMBER",
    help="Height and width of the images in pixels.  [default: the network's own]",
)
@click.option(
    "--channels",
    type=click.IntRange(min=1),
    help=f"Channels of the images.  [default: {DEFAULT_CHANNELS}]",
)
@click.option(
    "--weights",
    metavar="imagenet|FILE|RUN",
    help="Load these weights, to see that they are there and fit.",
)
@click.option("--body", is_flag=True, help="Without the classifier.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="Images a step, for the memory that training needs.",
)
@click.option("--diagram", type=Path, metavar="FILE", help="Draw the layers: a .png, .svg or .pdf.")
@click.option("--force", is_flag=True, help="Replace the diagram.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_verbosity
def inspect(
    network: str,
    body: bool,
    batch_size: int,
    diagram: Path | None,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Show a network's layers, parameters, multiply-adds and memory.

    NETWORK is an architecture, with options if you like, or the path of a run.
    """
    from dlcv.api import backend

    if diagram is not None:
        from dlcv_plugins.commands.inspect.diagram import check_diagram_path

        check_diagram_path(diagram, force=force)
    backend.start(backend.available_threads())
    from dlcv_plugins.commands.inspect.inspection import NetworkFacts

    given = {name: value for name, value in options.items() if value is not None}
    of = _of_run if _is_run(network) else _of_architecture
    built, following = of(network, body, given)
    facts = NetworkFacts.of(built)
    if diagram is not None:
        from dlcv_plugins.commands.inspect.diagram import draw_diagram

        draw_diagram(diagram, facts, network)
    if as_json:
        click.echo(json.dumps(_as_dict(facts, batch_size), indent=2))
        return
    click.echo(_as_text(facts, batch_size))
    if "weights" in given:
        click.echo(f"loaded from    {given['weights']}")
    if diagram is not None:
        click.echo(f"diagram        {diagram}")
    click.echo(f"\nnext  {following}")


def _is_run(text: str) -> bool:
    """Returns whether a text is the path of a run; an architecture's name goes before."""
    from dlcv import registry

    return text not in registry.names("architecture") and (Path(text) / "run.toml").is_file()


def _of_run(text: str, body: bool, options: dict[str, Any]) -> "tuple[keras.Model, str]":
    """Returns a run's network, and the next command."""
    from dlcv import registry
    from dlcv.api import layer_shape
    from dlcv_plugins.single_run import load_run

    if options:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in options)
        raise DlcvError(f"{flags}: the run has decided that; leave it out")
    run = load_run(text)
    following = f"dlcv evaluate {shlex.quote(text)}"
    if not body:
        return run.model, following
    architecture = registry.create("architecture", run.config.architecture)
    return architecture.body(layer_shape(*run.input_shape)), following


def _of_architecture(text: str, body: bool, options: dict[str, Any]) -> "tuple[keras.Model, str]":
    """Returns the network that a text names, and the next command."""
    from dlcv_plugins.commands.inspect.inspection import build_for_inspection

    architecture = _architecture(text)
    weights = options.get("weights")
    network = build_for_inspection(
        architecture,
        _size(options["input_size"]) if "input_size" in options else architecture.default_size,
        options.get("channels", DEFAULT_CHANNELS),
        None if body else options.get("classes", DEFAULT_CLASSES),
        weights,
    )
    return network, _next(text, architecture, weights)


def _architecture(text: str) -> "Architecture":
    from dlcv import registry
    from dlcv.registry import Spec

    try:
        return registry.create("architecture", Spec.parse(text))
    except SpecError as error:
        if Path(text).exists():
            raise DlcvError(f"{text} is no run, and no architecture either") from error
        if "/" in text and "(" not in text:
            raise DlcvError(f"no such run: {text}") from error
        raise


def _size(text: str) -> tuple[int, int]:
    """Returns `(height, width)`."""
    from dlcv import images
    from dlcv.interfaces import read_value
    from dlcv.registry import parse_value

    try:
        size = images.pair(read_value(parse_value(text), int | tuple[int, int]))
    except (SpecError, ValueError):
        size = (0, 0)
    if min(size) < 1:
        raise DlcvError(
            f'--input-size: expected a number of pixels, or (height, width), received "{text}"'
        )
    return size


def _next(text: str, architecture: "Architecture", weights: str | None) -> str:
    from dlcv import registry
    from dlcv_plugins.commands.inspect.inspection import with_weights

    begin = ""
    if weights is not None:
        pretrained = with_weights(architecture, weights)
        if pretrained is None:
            begin = f" --initial-weights {shlex.quote(weights)}"
        else:
            text = str(registry.spec_of(pretrained))
    return f"dlcv run --data FOLDER_OF_CLASS_FOLDERS --arch {shlex.quote(text)}{begin}"


def _as_text(facts: "NetworkFacts", batch_size: int) -> str:
    columns = ("index", "name", "class", "output", "parameters", "multiply-adds")
    rows = (
        (x.index, x.name, x.kind, _shape(x.output_shape), x.parameters, x.multiply_adds)
        for x in facts.layers
    )
    untrained = facts.parameters - facts.trainable
    return "\n".join(
        (
            table(columns, rows),
            "",
            f"parameters     {facts.parameters:,}: {facts.trainable:,} are trained"
            + (f", {untrained:,} are not" if untrained else ""),
            f"multiply-adds  {facts.multiply_adds:,} for one image",
            f"weights        {_megabytes(facts.weight_bytes)}",
            f"activations    {_megabytes(facts.activation_bytes)} for one image, "
            "the outputs of all layers",
            f"training       about {_megabytes(facts.training_bytes(batch_size))} with Adam and "
            f"batches of {batch_size}: each trained weight four times, and all activations",
        )
    )


def _as_dict(facts: "NetworkFacts", batch_size: int) -> dict[str, Any]:
    return {
        "layers": [
            {
                "index": x.index,
                "name": x.name,
                "class": x.kind,
                "output_shape": list(x.output_shape),
                "parameters": x.parameters,
                "multiply_adds": x.multiply_adds,
                "inputs": list(x.inputs),
            }
            for x in facts.layers
        ],
        "parameters": facts.parameters,
        "trainable_parameters": facts.trainable,
        "multiply_adds": facts.multiply_adds,
        "weight_bytes": facts.weight_bytes,
        "activation_bytes": facts.activation_bytes,
        "training_bytes": facts.training_bytes(batch_size),
        "batch_size": batch_size,
    }


def _shape(shape: tuple[int | None, ...]) -> str:
    return " x ".join("?" if size is None else str(size) for size in shape)


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:,.1f} MB"
