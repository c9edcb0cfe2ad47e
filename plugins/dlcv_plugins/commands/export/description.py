"""The description of an exported model for people who use it without dlcv."""

from collections.abc import Sequence
from typing import Any

from dlcv import registry
from dlcv.api import Pipeline, fitting, resizes
from dlcv.interfaces import Images, Preprocessor

RESIZING = (
    "Resizing is OpenCV's cv2.resize: interpolation area is INTER_AREA, which averages the pixels "
    "that an output pixel covers, linear is INTER_LINEAR, nearest is INTER_NEAREST. A size is "
    "height, then width; one number means a square."
)


def without_augmentation(steps: Sequence[Preprocessor], images: Images) -> list[Preprocessor]:
    """Returns the pixel steps that do something outside training.

    Those that leave a batch as it is, whatever its sizes, return the same object.

    Args:
        steps: Pixel steps, in order.
        images: Some images as they are stored.
    """
    kept = []
    for step in steps:
        processed = step(images, None)
        if processed is not images or step.output_shape((None, None, 3)) != (None, None, 3):
            kept.append(step)
        images = processed
    return kept


def described(steps: Sequence[Preprocessor]) -> list[dict[str, Any]]:
    """Returns each step's canonical spec, package, what it does, and what its options mean."""
    rows = []
    for step in steps:
        spec = registry.spec_of(step)
        found = registry.describe("preprocessor", spec.name)
        rows.append(
            {
                "spec": str(spec),
                "distribution": found.descriptor.distribution,
                "version": found.descriptor.version,
                "does": " ".join(found.documentation.split()),
                "options": {o.name: o.help for o in found.options},
            }
        )
    return rows


def preprocessing(pipeline: Pipeline, input_shape: tuple[int, int, int]) -> list[str]:
    """Returns what to do to an image, a sentence or two a step."""
    height, width, channels = input_shape
    steps = list(pipeline.pixel_steps)
    lines = [f"{_decoding(channels)}, 8 bits each; turn it upright as its EXIF orientation says."]
    if fits_only := not resizes(pipeline, input_shape):
        steps.insert(0, fitting((height, width)))
    if steps:
        first = f"; the first one not where an image has {height} x {width} pixels already"
        lines.append(
            "Do the following in this order, each as it is done outside training"
            f"{first if fits_only else ''}."
        )
    lines += [f"{row['spec']}: {row['does']}" for row in described(steps)]
    if any("interpolation" in step.options() for step in steps):
        lines.append(RESIZING)
    inside = ", ".join(str(registry.spec_of(step)) for step in pipeline.value_steps)
    lines.append(
        f"Pass the bytes as they are, uint8 from 0 to 255, as (images, {height}, {width}, "
        f"{channels}). Scale nothing and subtract nothing: "
        + (f"the model does so itself ({inside})." if inside else "the model takes plain pixels.")
    )
    return lines


def _decoding(channels: int) -> str:
    if channels == 1:
        return "Decode the image to one channel of grey (0.299 red + 0.587 green + 0.114 blue)"
    return "Decode the image to three channels in the order red, green, blue"
