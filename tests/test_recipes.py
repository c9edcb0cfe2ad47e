"""The recipes: what the sources say of them, and that each of them runs.

They run on made-up images in the layout of the real data, a few of each class, with narrow
networks. What is expected of their settings is copied from the sources' own tables.
"""

import json
import re
import tomllib
from pathlib import Path

import cv2
import forked
import keras
import numpy as np
import pytest
from fake_packages import install, run_python

import dlcv
from dlcv import registry
from dlcv.api import load_config, recipes
from dlcv.data.fitting import fit_to_input
from dlcv.data.pipeline import Pipeline
from dlcv.errors import DlcvError
from dlcv.interfaces import evolve, options_of
from dlcv.registry import registry as everything
from dlcv.registry.spec import Spec
from dlcv.runs.experiment import make_steps
from dlcv.training.network import build_parts, symbolic
from dlcv_plugins.training.freezing import chosen_layers

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples" / "recipes"
NAMES = [recipe.name for recipe in recipes()]

SIZES = {
    # images as the real data has them, and the input that the source names, by the recipe's begin
    "animals": ((None, None, 3), (224, 224)),
    "caltech101": ((None, None, 3), (224, 224)),
    "cifar10": ((32, 32, 3), (32, 32)),
    "cats-and-dogs": ((None, None, 3), (93, 125)),
    "dogs-vs-cats-resnet50": ((None, None, 3), (224, 224)),
    "dogs-vs-cats": ((None, None, 3), (227, 227)),
    "five-animals": ((None, None, 3), (64, 64)),
    "flowers17-minivggnet": ((None, None, 3), (64, 64)),
    "flowers17-vgg16": ((None, None, 3), (224, 224)),
    "tiny-imagenet": ((64, 64, 3), (64, 64)),
    "transfer": ((None, None, 3), (224, 224)),
}
FIVE = {0: 0.1, 49: 0.1, 50: 0.01, 74: 0.01, 75: 0.001, 84: 0.001}
RATES = {
    # images a step, and for each stage its epochs and the rate at the begin of some of them
    "animals-vgg16-features": (32, []),
    "caltech101-vgg16-features": (32, []),
    "cats-and-dogs-cnn-128": (32, [(15, {0: 1e-4, 14: 1e-4})]),
    "cats-and-dogs-cnn-24": (32, [(5, {0: 1e-4, 4: 1e-4})]),
    "cats-and-dogs-cnn-48": (32, [(15, {0: 1e-4, 14: 1e-4})]),
    "cats-and-dogs-cnn-wide": (32, [(15, {0: 1e-4, 14: 1e-4})]),
    "cats-and-dogs-mlp": (32, [(10, {0: 1e-5, 9: 1e-5})]),
    # Up along a cosine from a fifth, and down to nearly nothing.
    "cifar10-30-minutes": (500, [(15, {0: 0.15, 15 * 0.23: 0.75, 15: 0.75 / 250_000})]),
    "cifar10-lecture-cnn": (128, [(10, {0: 1e-3, 9: 1e-3})]),
    "cifar10-lecture-cnn-augmented": (128, [(100, {0: 1e-3, 99: 1e-3})]),
    "cifar10-lecture-cnn-dropout": (128, [(40, {0: 1e-3, 39: 1e-3})]),
    "cifar10-lecture-cnn-normalised": (128, [(60, {0: 1e-3, 59: 1e-3})]),
    "cifar10-minigooglenet-1": (64, [(70, {0: 1e-3, 35: 5e-4, 69: 1e-3 / 70})]),
    "cifar10-minigooglenet-2": (64, [(70, {0: 1e-2, 35: 5e-3, 69: 1e-2 / 70})]),
    "cifar10-minigooglenet-3": (64, [(70, {0: 5e-3, 35.9: 2.5e-3, 69: 5e-3 / 70})]),
    # 782 steps an epoch; after 40 epochs 0.01 / (1 + 0.01 / 40 * 31280)
    "cifar10-minivggnet": (64, [(40, {0: 0.01, 1: 0.01 / 1.1955, 40: 0.01 / 8.82})]),
    "cifar10-resnet56-1": (128, [(85, FIVE)]),
    "cifar10-resnet56-2": (128, [(50, {39: 0.1, 40: 0.01, 44: 0.01, 45: 0.001, 49: 0.001})]),
    "cifar10-resnet56-3": (128, [(100, {79: 0.1, 80: 0.01, 89: 0.01, 90: 0.001, 99: 0.001})]),
    "cifar10-resnet56-4": (128, [(100, {0: 0.1, 50.5: 0.05, 99: 0.001})]),
    "cifar10-vgg16": (128, [(100, {0: 1e-3, 99: 1e-3})]),
    "cifar10-vgg16-augmented": (128, [(100, {0: 1e-3, 99: 1e-3})]),
    "dogs-vs-cats-alexnet": (128, [(75, {0: 1e-3, 74: 1e-3})]),
    "dogs-vs-cats-resnet50-features": (16, []),
    "five-animals": (32, [(30, {0: 5e-4, 29: 5e-4})]),
    "five-animals-narrow": (32, [(30, {0: 5e-4, 29: 5e-4})]),
    "five-animals-narrow-linear": (32, [(30, {0: 5e-4, 19: 1e-6, 29: 1e-6})]),
    "flowers17-minivggnet": (32, [(100, {0: 0.05, 99: 0.05})]),
    "flowers17-minivggnet-augmented": (32, [(100, {0: 0.05, 99: 0.05})]),
    "flowers17-vgg16-features": (32, []),
    "flowers17-vgg16-finetuned": (32, [(25, {0: 1e-3, 24: 1e-3}), (100, {0: 1e-3, 99: 1e-3})]),
    "tiny-imagenet-deepergooglenet-1": (64, [(65, {24: 1e-2, 25: 1e-3, 34: 1e-3, 35: 1e-4})]),
    "tiny-imagenet-deepergooglenet-2": (64, [(40, {19: 1e-3, 20: 1e-4, 29: 1e-4, 30: 1e-5})]),
    "tiny-imagenet-deepergooglenet-3": (64, [(70, {39: 1e-3, 40: 1e-4, 59: 1e-4, 60: 1e-5})]),
    "tiny-imagenet-resnet-1": (64, [(40, {24: 0.1, 25: 0.01, 34: 0.01, 35: 0.001})]),
    "tiny-imagenet-resnet-2": (64, [(75, {0: 0.1, 25.9: 0.2 / 3, 74: 0.1 / 75})]),
    "transfer-resnet50": (32, [(15, {0: 3e-3, 14: 3e-3}), (5, {0: 3e-4, 4: 3e-4})]),
}


CROSSENTROPY = "categorical_crossentropy"
ADAM, MOMENTUM = ("adam", {}), ("sgd", {"momentum": 0.9})
LEARNING = {
    # by the begin of a name: each stage's optimizer, beside its rate, the loss, and the division
    "cats-and-dogs-": ([ADAM], "mean_squared_error", {"test": 0, "validation": 0.2}),
    "cifar10-lecture-cnn": ([ADAM], CROSSENTROPY, {"validation": "test"}),
    "cifar10-lecture-cnn-augmented": ([ADAM], CROSSENTROPY, {"validation": 0.2, "seed": 20}),
    "cifar10-lecture-cnn-dropout": ([ADAM], CROSSENTROPY, {"validation": 0.2}),
    "cifar10-lecture-cnn-normalised": ([ADAM], CROSSENTROPY, {"validation": 0.2}),
    "cifar10-minigooglenet-": ([MOMENTUM], CROSSENTROPY, {"validation": "test"}),
    "cifar10-minivggnet": (
        [("sgd", {"momentum": 0.9, "nesterov": True})], CROSSENTROPY, {"validation": "test"}
    ),
    "cifar10-resnet56-": ([MOMENTUM], CROSSENTROPY, {"validation": "test"}),
    "cifar10-vgg16": ([ADAM], CROSSENTROPY, {"validation": 0.2, "method": "last"}),
    "cifar10-vgg16-augmented": (
        [ADAM], CROSSENTROPY, {"validation": 0.2, "method": "stratified", "seed": 20}
    ),
    "dogs-vs-cats-alexnet": ([ADAM], "binary_crossentropy", {"test": 0.1, "validation": 0.1}),
    "flowers17-minivggnet": ([("sgd", {})], CROSSENTROPY, {"test": 0, "validation": 0.25}),
    "flowers17-vgg16-finetuned": (
        [("rmsprop", {}), ("sgd", {})], CROSSENTROPY, {"test": 0, "validation": 0.25}
    ),
    "tiny-imagenet-deepergooglenet-1": ([MOMENTUM], CROSSENTROPY, {"test": 0.1}),
    "tiny-imagenet-deepergooglenet-2": ([ADAM], CROSSENTROPY, {"test": 0.1}),
    "tiny-imagenet-deepergooglenet-3": ([ADAM], CROSSENTROPY, {"test": 0.1}),
    "tiny-imagenet-resnet-": ([MOMENTUM], CROSSENTROPY, {"test": 0.1}),
    "transfer-resnet50": ([ADAM, ADAM], CROSSENTROPY, {}),
}  # fmt: skip


def test_each_recipe_of_the_table_is_there():
    assert sorted(RATES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_says_what_it_repeats_and_how(name):
    text = comment(name)
    assert all(line.startswith("#") for line in text.splitlines())
    assert f"#   dlcv run --config {name}" in text
    about = tomllib.loads((FOLDER / f"{name}.toml").read_text())["recipe"]
    is_fetched = load_config(name).data.startswith("keras(")
    assert set(about) == {"source", "reported", "measured"} | (set() if is_fetched else {"data"})
    assert all(about.values())


def comment(name):
    return (FOLDER / f"{name}.toml").read_text().partition("\n\n")[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_has_the_settings_of_its_source(name):
    config = load_config(name)
    batch_size, stages = RATES[name]
    assert config.batch_size == batch_size
    assert [stage.epochs for stage in config.stages] == [epochs for epochs, _ in stages]
    for stage, (epochs, expected) in zip(config.stages, stages, strict=True):
        schedule = registry.create("schedule", stage.schedule)
        if hasattr(schedule, "with_steps_per_epoch"):
            schedule = schedule.with_steps_per_epoch(782)
        initial = stage.optimizer.options["learning_rate"]
        rates = {epoch: schedule.rate(epoch, epochs, initial) for epoch in expected}
        assert rates == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("begin", LEARNING)
def test_a_recipe_learns_as_its_source_does(begin):
    optimizers, loss, split = LEARNING[begin]
    for name in [begin] if begin in NAMES else [n for n in NAMES if n.startswith(begin)]:
        config = load_config(name)
        found = [stage.optimizer for stage in config.stages]
        assert [o.name for o in found] == [name for name, _ in optimizers]
        for optimizer, (_, options) in zip(found, optimizers, strict=True):
            assert {k: v for k, v in optimizer.options.items() if k != "learning_rate"} == options
        assert {str(stage.loss) for stage in config.stages} == {loss}
        assert {option: getattr(config.split, option) for option in split} == split


def test_the_last_epoch_of_the_lecture_s_vgg16_is_evaluated():
    for name in ("cifar10-vgg16", "cifar10-vgg16-augmented"):
        (stage,) = load_config(name).stages
        assert (stage.early_stopping, stage.early_stopping_weights) == (10, "last")


def test_the_fine_tuned_network_gets_blue_first_and_values_up_to_1():
    config = load_config("flowers17-vgg16-finetuned")
    steps = make_steps(config.preprocessors, registry.create("architecture", config.architecture))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), np.uint8)
    values = pixels
    for step in Pipeline.of(steps).value_steps:
        values = step(values)
    np.testing.assert_allclose(values, pixels[..., ::-1] / 255, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_makes_the_input_of_its_source(name):
    config = load_config(name)
    image_shape, expected = next(v for k, v in SIZES.items() if name.startswith(k))
    architecture = registry.create("architecture", config.architecture)
    pipeline, size = fit_to_input(
        make_steps(config.preprocessors, architecture),
        image_shape,
        input_size=(config.input_size,) * 2 if config.input_size else None,
        default_size=architecture.default_size,
    )
    assert size == expected
    assert pipeline.with_sizes(size).output_shape(image_shape) == (*expected, 3)
    registry.create_list("evaluator", config.evaluators)


PRINTED = {
    # the network, and the figure beside which ours stands, as the sources print them
    "animals-vgg16-features": ("linear_head(base=vgg16(weights=imagenet))", "C 0.1: val 98 %"),
    "caltech101-vgg16-features": (
        "linear_head(base=vgg16(weights=imagenet))",
        "C 1000: val rank-1 95.58 %, rank-5 99.45 %",
    ),
    "cats-and-dogs-cnn-128": (
        "sigmoid_output(base=cnn(filters=(128, 128)))",
        "67 %, correlation 0.30",
    ),
    "cats-and-dogs-cnn-24": (
        "sigmoid_output(base=cnn(filters=(24,)))",
        "correlation 0.152, squared error 0.36",
    ),
    "cats-and-dogs-cnn-48": (
        "sigmoid_output(base=cnn(filters=(48, 48)))",
        "61 %, correlation 0.21, squared error 0.33",
    ),
    "cats-and-dogs-cnn-wide": (
        "sigmoid_output(base=cnn(filters=(64, 128), units=(512, 512)))",
        "75 %, correlation 0.42, validation loss 0.75",
    ),
    "cats-and-dogs-mlp": ("sigmoid_output(base=mlp)", "no better than guessing"),
    "cifar10-30-minutes": ("airbench", "94 %"),
    "cifar10-lecture-cnn-augmented": ("lecture_cnn(variant=batch_normalised)", "81.55 %"),
    "cifar10-lecture-cnn-dropout": ("lecture_cnn(variant=dropout)", "75.16 %"),
    "cifar10-lecture-cnn-normalised": ("lecture_cnn(variant=batch_normalised)", "76.58 %"),
    "cifar10-lecture-cnn": ("lecture_cnn", "73.00 %"),
    "cifar10-minigooglenet-1": ("minigooglenet", "val 87.95 %"),
    "cifar10-minigooglenet-2": ("minigooglenet", "val 91.79 % (saturated)"),
    "cifar10-minigooglenet-3": ("minigooglenet", "val 90.81 % (kept)"),
    "cifar10-minivggnet": ("minivggnet", "val 82 to 83 % each, 84 % as an ensemble"),
    "cifar10-resnet56-1": ("resnet56(filters=(16, 16, 32, 64), l2=0.0001)", "val 89.06 %"),
    "cifar10-resnet56-2": ("resnet56(filters=(16, 64, 128, 256), l2=0.0001)", "val 90.10 %"),
    "cifar10-resnet56-3": ("resnet56(l2=0.0005, module_l2=0.0001)", "val 91.83 %"),
    "cifar10-resnet56-4": ("resnet56(l2=0.0005, module_l2=0.0001)", "val 93.58 %"),
    "cifar10-vgg16-augmented": ("gap_head(base=vgg16)", "85.75 %"),
    "cifar10-vgg16": ("gap_head(base=vgg16(weights=imagenet))", "78.65 %"),
    "dogs-vs-cats-alexnet": (
        "alexnet(l2=0.0002)",
        "val 92.97 %, test 92.60 %, on 10 crops 94.00 %",
    ),
    "dogs-vs-cats-resnet50-features": (
        "linear_head(base=resnet50(weights=imagenet), layer=avg_pool)",
        "C 0.001: val 98.69 %",
    ),
    "five-animals-narrow-linear": (
        "cnn(filters=(32, 64, 128), units=(100,), width=0.5)",
        "49.5 % (epoch 10)",
    ),
    "five-animals-narrow": (
        "cnn(filters=(32, 64, 128), units=(100,), width=0.5)",
        "45.2 % (epoch 25)",
    ),
    "five-animals": ("cnn(filters=(32, 64, 128), units=(100,))", "44.0 % (epoch 28)"),
    "flowers17-minivggnet-augmented": ("minivggnet", "val 67.94 %"),
    "flowers17-minivggnet": ("minivggnet", "val 62.06 %"),
    "flowers17-vgg16-features": (
        "linear_head(base=vgg16(weights=imagenet))",
        "C 0.1: val rank-1 92.06 %, rank-5 99.41 %",
    ),
    "flowers17-vgg16-finetuned": (
        "fc_head(base=vgg16(weights=imagenet), units=256)",
        "val 89.71 % warmed up, 94.12 % fine-tuned",
    ),
    "tiny-imagenet-deepergooglenet-1": ("deepergooglenet(stage4=False, l2=0.0002)", "val 52.25 %"),
    "tiny-imagenet-deepergooglenet-2": ("deepergooglenet(stage4=False, l2=0.0002)", "val 54.20 %"),
    "tiny-imagenet-deepergooglenet-3": (
        "deepergooglenet(l2=0.0002)",
        "val 55.77 %, test 54.38 %, rank-5 78.96 %",
    ),
    "tiny-imagenet-resnet-1": (
        "resnet_tiny_imagenet(l2=0.0005, module_l2=0.0001)",
        "val 53.14 %, test 53.10 %, rank-5 75.43 %",
    ),
    "tiny-imagenet-resnet-2": (
        "resnet_tiny_imagenet(l2=0.0005, module_l2=0.0001)",
        "val 58.32 %, test 58.03 %, rank-5 80.46 %",
    ),
    "transfer-resnet50": (
        "gap_head(base=resnet50(weights=imagenet), units=(256,), dropout=0.5)",
        "no figures",
    ),
}
RESIZED = {
    # by the begin of a name: Keras's load_img takes the nearest pixel, the book resizes twice
    "animals-vgg16-features": "simple(size=224, interpolation=nearest)",
    "caltech101-vgg16-features": "simple(size=224, interpolation=nearest)",
    "cats-and-dogs-": "simple(size=(93, 125))",
    "dogs-vs-cats-alexnet": "aspect_aware(size=256, final_resize=True)",
    "dogs-vs-cats-resnet50-features": "simple(size=224, interpolation=nearest)",
    "five-animals": "simple(size=64)",
    "flowers17-minivggnet": "aspect_aware(size=64, final_resize=True)",
    "flowers17-vgg16-features": "simple(size=224, interpolation=nearest)",
    "flowers17-vgg16-finetuned": "aspect_aware(size=224, final_resize=True)",
    "transfer-resnet50": "aspect_aware(size=224)",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_has_the_network_of_its_source_beside_the_source_s_figure(name):
    architecture, reported = PRINTED[name]
    about = tomllib.loads((FOLDER / f"{name}.toml").read_text())["recipe"]
    assert (str(load_config(name).architecture), about["reported"]) == (architecture, reported)


@pytest.mark.parametrize("begin", RESIZED)
def test_a_recipe_resizes_as_its_source_does(begin):
    names = [name for name in NAMES if name.startswith(begin)]
    assert names
    for name in names:
        assert str(next(iter(load_config(name).preprocessors))) == RESIZED[begin]


def test_recipes_of_few_steps_keep_the_moving_averages_of_their_sources():
    kept = {n for n in NAMES if any(s.batch_statistics == "moving" for s in load_config(n).stages)}
    assert kept == {
        "dogs-vs-cats-alexnet", "flowers17-minivggnet", "flowers17-minivggnet-augmented"
    }  # fmt: skip


SHIFTS = {"width_shift": 0.1, "height_shift": 0.1}
LARGE = {"width_shift": 0.2, "height_shift": 0.2, "zoom": 0.15, "shear": 0.15}
AUGMENTATION = {
    # by the begin of a name: the last step, and the options of affine; shear in radians, as there
    "cifar10-lecture-cnn-augmented": ("scale", SHIFTS),
    "cifar10-minigooglenet-": ("mean(per=pixel)", SHIFTS),
    "cifar10-minivggnet": ("scale", {"rotation": 10, **SHIFTS}),
    "cifar10-resnet56-": ("mean(per=pixel)", SHIFTS),
    "cifar10-vgg16-augmented": ("scale", SHIFTS),
    "dogs-vs-cats-alexnet": ("mean", {"rotation": 20, **LARGE}),
    "flowers17-minivggnet-augmented": (
        "scale", {"rotation": 30, **SHIFTS, "shear": 0.2, "zoom": 0.2}
    ),
    "flowers17-vgg16-finetuned": (
        "scale", {"rotation": 30, **SHIFTS, "shear": 0.2, "zoom": 0.2}
    ),
    "tiny-imagenet-deepergooglenet-": ("mean", {"rotation": 18, **LARGE}),
    "tiny-imagenet-resnet-": ("mean", {"rotation": 18, **LARGE}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("begin", "name"), [(b, n) for b in AUGMENTATION for n in NAMES if n.startswith(b)]
)
def test_a_recipe_augments_as_its_source_does(begin, name):
    last, augmentation = AUGMENTATION[begin]
    specs = load_config(name).preprocessors
    # The mean image is subtracted before the images move: chapters 11 and 12.
    is_around = last == "mean(per=pixel)"
    around = [Spec.parse(str(s.options["step"])) for s in specs if s.name == "around_mean"]
    assert [s.name for s in around] == (["affine", "flip"] if is_around else [])
    steps = {spec.name: spec.options for spec in [*specs, *around]}
    expected = dict(augmentation)
    if "shear" in expected:
        expected["shear"] = np.degrees(expected["shear"])
    assert steps["affine"] == pytest.approx(expected, abs=0.01)
    assert steps["flip"] == {}
    assert str(list(specs)[-1]).split("(offset")[0] == last


def test_every_recipe_that_augments_is_compared_with_its_source():
    augmented = {n for n in NAMES if "affine" in str(load_config(n).preprocessors)}
    compared = {n for b in AUGMENTATION for n in NAMES if n.startswith(b)}
    assert augmented - compared == {"transfer-resnet50"}  # Its source names no amounts.


def test_the_ensemble_has_as_many_members_as_that_of_its_source():
    members = {name: load_config(name).members for name in NAMES}
    assert {name: n for name, n in members.items() if n > 1} == {"cifar10-minivggnet": 5}


def test_networks_of_recipes_have_as_many_parameters_as_the_sources_say():
    with symbolic():
        counts = {
            name: registry.create("architecture", load_config(name).architecture)
            .build(shape, classes)
            .count_params()
            for name, shape, classes in (
                ("cifar10-lecture-cnn", (32, 32, 3), 10),
                ("cifar10-lecture-cnn-dropout", (32, 32, 3), 10),
                ("cifar10-lecture-cnn-normalised", (32, 32, 3), 10),
                ("five-animals", (64, 64, 3), 5),
                ("five-animals-narrow", (64, 64, 3), 5),
            )
        }
    assert list(counts.values())[:3] == [558_186, 1_336_682, 1_338_090]
    assert counts["five-animals-narrow"] == pytest.approx(230_000, rel=0.02)
    assert counts["five-animals-narrow"] == pytest.approx(counts["five-animals"] / 4, rel=0.02)


@pytest.mark.parametrize(
    ("name", "frozen", "first"),
    [
        ("flowers17-vgg16-finetuned", "block4_pool", "block5_conv1"),
        ("transfer-resnet50", "conv4_block6_out", "conv5_block1_1_conv"),
    ],
)
def test_fine_tuning_trains_the_head_first_and_then_the_last_convolutions(name, frozen, first):
    config = load_config(name)
    architecture = registry.create("architecture", narrow(config.architecture))
    with symbolic():
        network = build_parts(architecture, Pipeline.of([]), (32, 32, 3), 5, "float32")
    head, last = ([x.name for x in chosen_layers(network, s.trainable)] for s in config.stages)
    every = [layer.name for layer in network.own_layers]
    assert head == [n for n in every if n.startswith("head_") or n == "predictions"]
    assert last == every[every.index(frozen) + 1 :]
    assert last[0] == first


@pytest.mark.parametrize(
    ("name", "features", "grid"),
    [
        ("flowers17-vgg16-features", 25_088, (0.1, 1, 10, 100, 1000, 10_000)),
        ("caltech101-vgg16-features", 25_088, (0.1, 1, 10, 100, 1000, 10_000)),
        ("animals-vgg16-features", 25_088, (0.1, 1, 10, 100, 1000, 10_000)),
        ("dogs-vs-cats-resnet50-features", 2048, (0.0001, 0.001, 0.01, 0.1, 1)),
    ],
)
def test_a_recipe_fits_to_as_many_features_and_searches_where_its_source_does(name, features, grid):
    config = load_config(name)
    classifier = registry.create("classifier", config.classifier)
    assert (classifier.C, classifier.folds) == (grid, 3)
    with symbolic():
        network = registry.create("architecture", config.architecture).build((224, 224, 3), 17)
    assert network.layers[-1].input.shape == (None, features)


@pytest.fixture(scope="module")
def layouts(tmp_path_factory):
    """Made-up images in the layouts of the real data, by the name of the recipes' data."""
    root = tmp_path_factory.mktemp("data")
    for split in ("train", "test"):
        write(root / "cifar10" / split, [f"{c}/{n}.png" for c in range(10) for n in range(6)], 32)
    flowers = [f"{c}/image_{n}.jpg" for c in ("iris", "daisy", "pansy") for n in range(12)]
    write(root / "flowers17", flowers)
    write(root / "photos", flowers)
    write(root / "animals", flowers)
    write(root / "caltech101", flowers)
    write(root / "five-animals", [f"{c}/{n}.jpg" for c in range(5) for n in range(20)])
    pets = [f"{c}.{n}.jpg" for c in ("cat", "dog") for n in range(20)]
    write(root / "dogs-vs-cats" / "train", pets)
    write_tiny_imagenet(root / "tiny-imagenet-200")
    return root


def write(folder, names, size=None):
    rng = np.random.default_rng(0)
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        height, width = (size, size) if size else rng.integers(40, 60, 2)
        assert cv2.imwrite(str(path), rng.integers(0, 256, (height, width, 3), np.uint8))


def write_tiny_imagenet(folder):
    wnids = ["n01443537", "n01629819", "n01641577"]
    write(folder / "train", [f"{w}/images/{w}_{n}.JPEG" for w in wnids for n in range(10)], 64)
    write(folder / "val" / "images", [f"val_{n}.JPEG" for n in range(6)], 64)
    rows = [f"val_{n}.JPEG\t{wnids[n % 3]}\t0\t0\t63\t63\n" for n in range(6)]
    (folder / "val" / "val_annotations.txt").write_text("".join(rows))
    (folder / "wnids.txt").write_text("\n".join(wnids) + "\n")
    (folder / "words.txt").write_text("".join(f"{w}\tname of {w}\n" for w in wnids))


def small(config):
    """Returns changes that make a recipe's network narrow and small, and random at first."""
    changes = {"architecture": narrow(config.architecture)}
    steps = [
        Spec(s.name, {**s.options, "size": 32}) if s.options.get("size") == 224 else s
        for s in config.preprocessors
    ]
    changes["preprocessors"] = ", ".join(map(str, steps))
    return {name: str(value) for name, value in changes.items()}


def narrow(spec):
    options = dict(spec.options)
    known = options_of(registry.get("architecture", spec.name))
    if "width" in known:
        options["width"] = 0.25
    if "stages" in known:
        options["stages"] = (1,) * len(known["stages"].default)
    if "base" in options:
        options["base"] = narrow(Spec.parse(str(options["base"])))
    if str(options.get("weights")) == "imagenet":
        del options["weights"]
    return Spec(spec.name, options)


TRAINED = {
    # The others differ by numbers, by networks, and by ways of training, which have tests of their
    # own; VGG16 takes long to build.
    "cats-and-dogs-cnn-24",
}
BEGUN = {
    # one recipe of each other network
    "cifar10-lecture-cnn-normalised",
    "cifar10-minigooglenet-1",
    "cifar10-minivggnet",
    "cifar10-resnet56-4",
    "dogs-vs-cats-alexnet",
    "five-animals-narrow-linear",
    "tiny-imagenet-deepergooglenet-1",
    "tiny-imagenet-resnet-2",
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in TRAINED else [pytest.mark.slow]) for n in NAMES]
)
def test_a_recipe_runs(name, layouts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # One that goes on from another's weights says in its comment how that is run.
    earlier = re.findall(r"dlcv run --config (\S+) --name (\S+)$", comment(name), re.MULTILINE)
    for base, run_name in earlier:
        train(base, layouts, run_name)
    run = train(name, layouts)
    assert run.finished
    assert run.config.fraction == (0.05 if run.config.stages else 0.5)
    for member in getattr(run, "members", [run]):
        assert len(member.history) == len(run.config.stages)


class Stopping:
    """Ends each training before its first step."""

    @dlcv.hook
    def dlcv_callbacks(self, run):
        def stop(logs=None):
            raise DlcvError(f"{run.config.architecture.name} is about to be trained")

        return [keras.callbacks.LambdaCallback(on_train_begin=stop)]


@pytest.mark.parametrize("name", sorted(BEGUN))
def test_a_recipe_comes_to_its_first_step(name, layouts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stopping = Stopping()
    everything.hooks()
    everything._manager.register(stopping)
    try:
        network = load_config(name).architecture.name
        with pytest.raises(DlcvError, match=f"^{network} is about to be trained"):
            train(name, layouts)
    finally:
        everything._manager.unregister(stopping)


def train(recipe, layouts, name=None):
    config = load_config(recipe)
    data = "cifar10" if config.data.startswith("keras") else config.data
    if config.classifier is not None:
        # Each class needs an image in each fold.
        quick = {"fraction": 0.5, "threads": 1}
        return dlcv.run(recipe, data=str(layouts / data), **quick, **small(config))
    quick = {"fraction": 0.05, "epochs": 1, "threads": 1, "members": min(2, config.members)}
    return dlcv.run(recipe, name=name, data=str(layouts / data), **quick, **small(config))


class TestFinding:
    def test_a_recipes_name_wins_over_a_file_and_a_path_over_a_name(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("cifar10-lecture-cnn").write_text("batch_size = 3\n")
        assert load_config("cifar10-lecture-cnn").batch_size == 128
        assert load_config("./cifar10-lecture-cnn").batch_size == 3
        assert load_config(Path("cifar10-lecture-cnn")).batch_size == 3

    def test_a_file_without_ending_is_found(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("mine").write_text("batch_size = 3\n")
        assert load_config("mine").batch_size == 3

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                "cifar10-lecture-ccn",
                'no such file or recipe: .*; did you mean "cifar10-lecture-cnn"',
            ),
            ("xyz", "no such file or recipe: xyz; `dlcv recipes` lists the recipes"),
            ("xyz.toml", "can't read xyz.toml: No such file or directory"),
        ],
    )
    def test_what_is_neither_is_refused(self, text, message, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(DlcvError, match=message):
            load_config(text)


class TestMissingData:
    @pytest.mark.parametrize("config", ["flowers17-minivggnet", "mine.toml"])
    def test_the_layout_that_is_wanted_is_said(self, config, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path("mine.toml").write_text((FOLDER / "flowers17-minivggnet.toml").read_text())
        with pytest.raises(DlcvError, match=f"^{config} needs Flowers-17, .*, and flowers17 "):
            dlcv.run(config)
        with pytest.raises(DlcvError, match=r"^no such file or folder: elsewhere"):
            dlcv.run(config, data="elsewhere")

    def test_nothing_is_said_where_the_data_is_there(self, layouts, monkeypatch):
        monkeypatch.chdir(layouts)
        for name in NAMES:
            load_config(name, needs_data=True)


class TestCommandLine:
    def dlcv(self, *arguments, folder):
        return forked.dlcv(*arguments, folder=folder, has_pictures=False)

    def test_recipes_are_listed_with_source_and_figure(self, tmp_path):
        text = self.dlcv("recipes", folder=tmp_path).stdout
        rows = [line.split() for line in text.splitlines()]
        assert [row[0] for row in rows[1:] if row and row[0] in NAMES] == NAMES
        assert [
            "cifar10-resnet56-4",
            *["val", "93.58", "%", "val", "73.21", "%", "Rosebrock", "2017,", "chapter", "12"],
        ] in rows
        listed = json.loads(self.dlcv("recipes", "--json", folder=tmp_path).stdout)
        assert [row["recipe"] for row in listed] == NAMES
        assert set(listed[0]) == {"recipe", "reported", "measured", "source"}
        # The figure stands beside the reported one; on what and how long is in JSON and the file.
        row = next(row for row in rows if row[:1] == ["cifar10-minivggnet"])
        assert {"82", "83", "74.61"} <= {*row}
        assert "JPEG" not in row
        assert "; on a JPEG copy" in str(listed)

    def test_a_recipe_is_shown_as_it_is_and_can_be_changed(self, tmp_path):
        shown = self.dlcv("recipes", "show", "cifar10-resnet56-4", folder=tmp_path).stdout
        assert shown == (FOLDER / "cifar10-resnet56-4.toml").read_text()
        path = tmp_path / "mine.toml"
        path.write_text(shown.replace("batch_size = 128", "batch_size = 64"))
        assert load_config(path) == evolve(load_config("cifar10-resnet56-4"), batch_size=64)

    def test_an_unknown_recipe_gets_the_nearest(self, tmp_path):
        done = self.dlcv("recipes", "show", "five-animal", folder=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith('dlcv: no recipe "five-animal"; did you mean "five-animals"')

    def test_a_recipe_is_tried_on_a_share(self, layouts, tmp_path):
        done = self.dlcv(
            "run", "--config", "five-animals", "--data", str(layouts / "five-animals"),
            "--fraction", "0.2", "--epochs", "1", "--arch", "mlp(units=4)", folder=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "recipe five-animals: a Lasagne tutorial, part 2 reports 44.0 %" in done.stderr
        assert "; 20 train, 5 val images" in done.stderr  # 20 of each class, a tenth validates
        assert (tmp_path / "runs" / "latest" / "metrics.json").exists()


def test_another_package_may_add_recipes(tmp_path):
    install(tmp_path, "acme-recipes", {"recipes": {"acme": "acme_recipes"}})
    (tmp_path / "acme_recipes").mkdir()
    (tmp_path / "acme_recipes" / "__init__.py").touch()
    (tmp_path / "acme_recipes" / "acme-digits.toml").write_text('architecture = "lenet"\n')

    listed = run_python(tmp_path, "-m", "dlcv", "recipes", "show", "acme-digits")
    assert (listed.returncode, listed.stdout) == (0, 'architecture = "lenet"\n'), listed.stderr
    disabled = run_python(
        tmp_path, "-m", "dlcv", "recipes", "show", "acme-digits", DLCV_DISABLE="acme-recipes"
    )
    assert 'no recipe "acme-digits"' in disabled.stderr


def test_two_recipes_of_one_name_are_named(tmp_path):
    install(tmp_path, "acme-recipes", {"recipes": {"acme": "acme_recipes"}})
    (tmp_path / "acme_recipes").mkdir()
    (tmp_path / "acme_recipes" / "__init__.py").touch()
    (tmp_path / "acme_recipes" / f"{NAMES[0]}.toml").write_text('architecture = "lenet"\n')

    done = run_python(tmp_path, "-m", "dlcv", "recipes", "show", NAMES[0])
    assert done.returncode == 2
    assert f'there are two recipes "{NAMES[0]}"' in done.stderr
    for name in ([], ["show", NAMES[1]]):
        assert run_python(tmp_path, "-m", "dlcv", "recipes", *name).returncode == 0
