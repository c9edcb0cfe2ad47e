"""KerasHub's presets: their configuration, how they want their images, and their weights.

A preset is a folder, or its name or address, from which KerasHub downloads it. Small files are read
first; the weights only when a run begins.
"""

import functools
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from dlcv.errors import DlcvError, first_line, suggestion

if TYPE_CHECKING:
    import keras

CONFIG, CONVERTER, WEIGHTS = "config.json", "image_converter.json", "model.weights.h5"
"""The files of a preset that are read."""
KAGGLE, HUGGING_FACE = "kaggle://", "hf://"
KAGGLE_PAGES, HF_PAGES = "https://www.kaggle.com/models/", "https://huggingface.co/"
"""Where downloads come from, as KerasHub names them, and the pages for people."""
LISTED = "https://keras.io/keras_hub/presets"
WITHOUT_CLASSIFIER = ("DINOV2Backbone", "DINOV3Backbone")
"""Networks for images that were trained without labels, so that KerasHub has no classifier."""
WITH_TEXT = ("CLIPBackbone", "MetaCLIP2Backbone", "SigLIPBackbone")
"""Networks for images and texts, of which the encoder of images is used."""
NOT_KEPT = ("dtype", "name", "trainable")
"""What is left out of a configuration: these are the run's to decide."""
LAYER = "backbone"
"""What a network of KerasHub is called as a layer."""


@attrs.frozen
class ImageConversion:
    """How a preset wants its images.

    Attributes:
        size: `(height, width)`; None where it says nothing.
        factor: What pixels are multiplied with, one number or one a channel.
        offset: What is added afterwards.
        stretches: Whether images are resized without regard to their aspect ratio.
    """

    size: tuple[int, int] | None
    factor: float | tuple[float, ...]
    offset: float | tuple[float, ...]
    stretches: bool


@functools.cache
def configuration(preset: str) -> str:
    """Returns the configuration of a preset's network for images, as JSON; nothing is built.

    Raises:
        DlcvError: there is no such preset, it is for other things than images, or can't be loaded.
    """
    with _loading(preset, CONFIG):
        about = json.loads(_file(preset, CONFIG).read_text(encoding="utf-8"))
        kind = about["class_name"]
        if kind in WITH_TEXT:
            about = about["config"]["vision_encoder"]
        kept = {k: v for k, v in about["config"].items() if k not in NOT_KEPT}
        name = about["registered_name"]
    if kind not in image_backbones():
        known = ", ".join(each.removesuffix("Backbone") for each in image_backbones())
        raise DlcvError(
            f"kerashub: {preset} is a {kind}, which is not for classifying images; these are: "
            f"{known}"
        )
    return json.dumps({"name": name, "config": kept}, separators=(",", ":"))


@functools.cache
def image_conversion(preset: str) -> ImageConversion | None:
    """Returns how a preset wants its images; None where it holds nothing about that.

    Raises:
        DlcvError: there is no such preset, or it can't be loaded.
    """
    with _loading(preset, CONVERTER):
        path = _file(preset, CONVERTER)
        if not path.is_file():
            return None
        about = json.loads(path.read_text(encoding="utf-8"))
        options = {k: v for k, v in about["config"].items() if k not in NOT_KEPT}
        found = _hub().layers.ImageConverter(**options)
    return ImageConversion(
        size=found.image_size and (int(found.image_size[0]), int(found.image_size[1])),
        factor=_numbers(found.scale, 1.0),
        offset=_numbers(found.offset, 0.0),
        stretches=not (found.crop_to_aspect_ratio or found.pad_to_aspect_ratio),
    )


def build(configured: str, image_shape: tuple[int, ...]) -> "keras.Model":
    """Returns the network of a configuration, with random weights.

    Args:
        configured: What `configuration` returned.
        image_shape: The shape of an image, in the order of axes that Keras is configured for.

    Raises:
        DlcvError: it is no such configuration, or of another KerasHub.
        ValueError: the network can't take images of this shape.
    """
    import keras

    _hub()
    try:
        about = json.loads(configured)
        kind = keras.saving.get_registered_object(about["name"])
        options = keras.saving.deserialize_keras_object(about["config"])
    except Exception as error:
        raise DlcvError(
            f"kerashub: config can't be read as a network's: {first_line(error)}"
        ) from None
    if kind is None or kind not in _image_encoders():
        raise DlcvError(f"kerashub: the installed KerasHub has no {about['name']} for images")
    network: keras.Model = kind(**options | {"image_shape": tuple(image_shape), "name": LAYER})
    return network


def pretrained(preset: str, image_shape: tuple[int, ...]) -> "keras.Model":
    """Returns the network of a preset with its weights.

    Args:
        preset: The preset.
        image_shape: The shape of an image; some networks have positions, which are interpolated.

    Raises:
        DlcvError: they can't be loaded, or are for another shape.
    """
    with _loading(preset, WEIGHTS):
        about = json.loads(_file(preset, CONFIG).read_text(encoding="utf-8"))
        is_of_two = about["class_name"] in WITH_TEXT
        backbone = _hub().models.Backbone.from_preset(
            str(_folder(preset) or preset), **({} if is_of_two else {"image_shape": image_shape})
        )
        network: keras.Model = backbone.vision_encoder if is_of_two else backbone
        return network


def absolute(preset: str) -> str:
    """Returns a preset as it is named from anywhere: a folder's whole path, others as they are."""
    folder = _folder(preset)
    return preset if folder is None else str(folder.absolute())


@functools.cache
def image_backbones() -> dict[str, Any]:
    """Returns the classes of all networks for images that KerasHub has, by name."""
    models = _hub().models
    classifiers = [
        each
        for each in vars(models).values()
        if isinstance(each, type) and issubclass(each, models.ImageClassifier)
    ]
    found: set[Any] = {getattr(each, "backbone_cls", None) for each in classifiers} - {None}
    others = (*WITHOUT_CLASSIFIER, *WITH_TEXT)
    found |= {getattr(models, name) for name in others if hasattr(models, name)}
    return {each.__name__: each for each in sorted(found, key=lambda each: each.__name__)}


def _image_encoders() -> set[Any]:
    """Returns the classes that `build` makes: of two encoders that of images."""
    models = _hub().models
    named = {name.replace("Backbone", "VisionEncoder") for name in WITH_TEXT}
    encoders = {getattr(models, name) for name in named if hasattr(models, name)}
    return encoders | {each for name, each in image_backbones().items() if name not in WITH_TEXT}


def _hub() -> Any:
    """Returns KerasHub; importing it takes a second or more, and prints what Keras's does."""
    if importlib.util.find_spec("keras_hub") is None:
        raise DlcvError("kerashub: KerasHub is not installed: pip install 'dlcv[hub]'")
    if "keras_hub" in sys.modules:
        return sys.modules["keras_hub"]
    from dlcv.api import backend

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with backend.captured_stderr():
            return importlib.import_module("keras_hub")
    except Exception as error:
        # Libraries that do not fit each other raise many things.
        raise DlcvError(
            f"kerashub: KerasHub can't be imported: {first_line(error)}; "
            "install it again: pip install --force-reinstall 'dlcv[hub]'"
        ) from error


def _folder(preset: str) -> Path | None:
    path = Path(preset).expanduser()
    return path if path.is_dir() else None


def _file(preset: str, name: str) -> Path:
    """Returns a file of a preset, which is downloaded where it is not in a folder or cache."""
    if (folder := _folder(preset)) is not None:
        if not (folder / CONFIG).is_file():
            raise DlcvError(
                f"kerashub: {folder} holds no {CONFIG}, so it is no preset; "
                "save_to_preset of KerasHub's backbones writes one"
            )
        return folder / name
    address = _address(preset)
    if address.startswith(KAGGLE):
        import kagglehub

        return Path(kagglehub.model_download(address.removeprefix(KAGGLE), name))
    if address.startswith(HUGGING_FACE):
        import huggingface_hub

        return Path(huggingface_hub.hf_hub_download(address.removeprefix(HUGGING_FACE), name))
    known = {name for each in image_backbones().values() for name in each.presets}
    raise DlcvError(
        f'kerashub: no preset or folder "{preset}"'
        f"{suggestion(preset, known) or f'; {LISTED} lists presets'}"
    )


def _address(preset: str) -> str:
    """Returns where KerasHub downloads a preset from: `kaggle://...` for one that has a name."""
    return str(_hub().models.Backbone.presets.get(preset, {}).get("kaggle_handle", preset))


@contextmanager
def _loading(preset: str, file: str) -> Iterator[None]:
    """Turns what fails while KerasHub loads a file into one line with what to do.

    KerasHub passes on what its three downloaders, h5py and Keras raise, and prints on the standard
    output, where results are.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except DlcvError:
        raise
    except Exception as error:
        reason = first_line(error)
        if (folder := _folder(preset)) is not None:
            raise DlcvError(f"kerashub: {folder / file} can't be loaded: {reason}") from error
        page = _address(preset).replace(KAGGLE, KAGGLE_PAGES).replace(HUGGING_FACE, HF_PAGES)
        raise DlcvError(
            f"kerashub: {file} of the preset {preset} can't be downloaded ({reason}); get the "
            f"files of {page} elsewhere and name their folder: preset='FOLDER'"
        ) from error


def _numbers(value: Any, default: float) -> float | tuple[float, ...]:
    if value is None:
        return default
    return float(value) if isinstance(value, int | float) else tuple(map(float, value))
