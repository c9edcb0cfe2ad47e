"""KerasHub's networks, from small presets that KerasHub itself wrote."""

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import dlcv
from dlcv import registry
from dlcv.data.pipeline import Pipeline
from dlcv.errors import DlcvError
from dlcv.testing import check_plugin
from dlcv.training.network import Network, build_parts
from dlcv_plugins.architectures.kerashub import KerasHub
from dlcv_plugins.commands.finetune.configuration import fine_tuning
from dlcv_plugins.weights import presets

keras_hub = pytest.importorskip("keras_hub", reason="KerasHub is not installed: dlcv[hub]")

BLOCKS = {"num_layers": 1, "hidden_dim": 8, "num_heads": 2}
SQUARE = {"image_shape": (32, 32, 3), "patch_size": 8, **BLOCKS}
SMALL: dict[str, dict[str, Any]] = {
    "ViTBackbone": {**SQUARE, "mlp_dim": 16},
    "DINOV2Backbone": {
        **SQUARE,
        "intermediate_dim": 16,
        "position_embedding_shape": (40, 40, 3),
    },
    "VGGBackbone": {"stackwise_num_repeats": [1, 1], "stackwise_num_filters": [4, 8]},
}
"""One that has a class token, one whose input has a name, and one that ends with a map."""
MORE: dict[str, dict[str, Any]] = {
    "SwinTransformerBackbone": {
        "image_shape": (32, 32, 3),
        "embed_dim": 8,
        "depths": (1, 1),
        "num_heads": (1, 2),
        "window_size": 2,
    },
    "DeiTBackbone": {**SQUARE, "intermediate_dim": 16},
    "DINOV3Backbone": {**SQUARE, "intermediate_dim": 16},
    "DenseNetBackbone": {"stackwise_num_repeats": [1, 1], "growth_rate": 4},
    "XceptionBackbone": {
        "stackwise_conv_filters": [[4, 8], [8, 8]],
        "stackwise_pooling": [True, False],
    },
    "ResNetBackbone": {
        "input_conv_filters": [64],
        "input_conv_kernel_sizes": [7],
        "stackwise_num_filters": [64, 64],
        "stackwise_num_blocks": [1, 1],
        "stackwise_num_strides": [1, 2],
        "block_type": "basic_block",
    },
    "CSPNetBackbone": {
        "stem_filters": 8,
        "stem_kernel_size": 3,
        "stem_strides": 2,
        "stackwise_depth": [1, 1],
        "stackwise_strides": [2, 2],
        "stackwise_num_filters": [8, 8],
        "block_type": "dark_block",
        "stage_type": "dark",
    },
    "MiTBackbone": {
        "layerwise_depths": [1, 1],
        "num_layers": 2,
        "layerwise_num_heads": [1, 2],
        "layerwise_sr_ratios": [2, 1],
        "max_drop_path_rate": 0.1,
        "layerwise_patch_sizes": [7, 3],
        "layerwise_strides": [4, 2],
        "hidden_dims": [4, 8],
        "image_shape": (32, 32, 3),
    },
    "HGNetV2Backbone": {
        "depths": [1, 1],
        "embedding_size": 8,
        "hidden_sizes": [8, 16],
        "stem_channels": [3, 4, 8],
        "hidden_act": "relu",
        "use_learnable_affine_block": False,
        "stackwise_stage_filters": [[8, 8, 16, 1, 1, 3], [16, 8, 16, 1, 1, 3]],
        "apply_downsample": [False, True],
        "use_lightweight_conv_block": [False, False],
    },
    "EfficientNetBackbone": {
        "stackwise_width_coefficients": [1.0, 1.0],
        "stackwise_depth_coefficients": [1.0, 1.0],
        "stackwise_kernel_sizes": [3, 3],
        "stackwise_num_repeats": [1, 1],
        "stackwise_input_filters": [8, 8],
        "stackwise_output_filters": [8, 8],
        "stackwise_expansion_ratios": [1, 2],
        "stackwise_squeeze_and_excite_ratios": [0.25, 0.25],
        "stackwise_strides": [1, 2],
        "stackwise_block_types": ["v1", "v1"],
    },
    "MobileNetBackbone": {
        "stackwise_expansion": [[40, 56], [64, 144]],
        "stackwise_num_blocks": [2, 2],
        "stackwise_num_filters": [[16, 16], [24, 24]],
        "stackwise_kernel_size": [[3, 3], [5, 5]],
        "stackwise_num_strides": [[2, 1], [1, 1]],
        "stackwise_se_ratio": [[None, None], [0.25, 0.25]],
        "stackwise_activation": [["relu", "relu"], ["hard_swish", "hard_swish"]],
        "stackwise_padding": [[1, 1], [2, 2]],
        "output_num_filters": 64,
        "depthwise_filters": 8,
        "depthwise_stride": 2,
        "depthwise_residual": False,
        "squeeze_and_excite": 0.5,
        "last_layer_filter": 128,
        "input_num_filters": 16,
    },
}
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def write_preset(folder: Path, kind: str, **options: Any) -> keras.Model:
    """Writes a small network with random weights as a preset; returns its encoder of images."""
    keras.utils.set_random_seed(1)
    if kind == "SigLIPBackbone":
        image = keras_hub.models.SigLIPVisionEncoder(**SQUARE, intermediate_dim=16)
        text = keras_hub.models.SigLIPTextEncoder(
            vocabulary_size=64,
            embedding_dim=8,
            max_sequence_length=8,
            intermediate_dim=16,
            **BLOCKS,
        )
        backbone = keras_hub.models.SigLIPBackbone(image, text)
    else:
        image = backbone = getattr(keras_hub.models, kind)(**{**SMALL, **MORE}[kind])
    backbone.save_to_preset(folder)
    converter = getattr(keras_hub.layers, kind.replace("Backbone", "ImageConverter"))
    settings = {"image_size": (32, 32), "scale": [*1 / 255 / DEVIATION], **options}
    converter(offset=[*-MEAN / DEVIATION], **settings).save_to_preset(folder)
    return image


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("presets") / "vit"
    write_preset(folder, "ViTBackbone")
    return folder


def build(network: KerasHub, size: int = 32) -> Network:
    steps = registry.create_list("preprocessor", network.preprocessors)
    return build_parts(network, Pipeline.of(steps), (size, size, 3), 3, "float32")


def summarised(tokens: Any, kind: str) -> np.ndarray:
    """Returns what KerasHub's own classifiers look at: the first token, or the mean of all."""
    values = np.asarray([*tokens.values()][-1] if isinstance(tokens, dict) else tokens)
    if values.ndim == 2:
        return values
    is_first = kind in {"ViTBackbone", "DeiTBackbone", "DINOV2Backbone", "DINOV3Backbone"}
    return values[:, 0] if is_first else values.mean(axis=tuple(range(1, values.ndim - 1)))


@pytest.mark.parametrize(
    "kind",
    [*SMALL, "SigLIPBackbone", *(pytest.param(each, marks=pytest.mark.slow) for each in MORE)],
)
def test_body_gives_raw_pixels_the_features_that_kerashub_gives(kind: str, tmp_path: Path) -> None:
    theirs = write_preset(tmp_path, kind)
    ours = KerasHub(preset=str(tmp_path)).prepare()
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    values = ((pixels / 255 - MEAN) / DEVIATION).astype(np.float32)
    named = theirs.input
    expected = theirs({next(iter(named)): values} if isinstance(named, dict) else values)

    network = build(ours)
    ours.load_pretrained(network.model)

    found = np.asarray(network.body(pixels))
    assert ours.default_size == (32, 32)
    np.testing.assert_allclose(found, summarised(expected, kind), rtol=1e-4, atol=1e-5)


def test_it_passes_the_checks_of_plugins(tmp_path: Path) -> None:
    write_preset(tmp_path, "VGGBackbone")
    check_plugin(KerasHub(preset=str(tmp_path), weights="random"))


def test_every_classifier_of_kerashub_is_known() -> None:
    found = presets.image_backbones()

    assert {*SMALL, *MORE, "CLIPBackbone", "SigLIPBackbone", "MetaCLIP2Backbone"} <= {*found}
    assert "BertBackbone" not in found


@pytest.mark.slow
def test_input_of_another_size_is_taken_where_the_network_can(vit: Path, tmp_path: Path) -> None:
    write_preset(tmp_path, "DINOV2Backbone", crop_to_aspect_ratio=False)
    larger = KerasHub(preset=str(tmp_path))
    network = build(larger, 48)
    larger.load_pretrained(network.model)

    assert larger.preprocessors.startswith("simple, scale(factor=(")
    fixed = KerasHub(preset=str(vit))
    with pytest.raises(DlcvError, match=r"for images of 32 x 32 pixels, use that as"):
        fixed.load_pretrained(build(fixed, 48).model)


@pytest.mark.slow
def test_run_needs_the_preset_no_more(vit: Path, flowers: Path, tmp_path: Path) -> None:
    moved = tmp_path / "preset"
    shutil.copytree(vit, moved)
    options: dict[str, Any] = {"data": str(flowers), "seed": 1, "runs": tmp_path / "runs"}
    dlcv.transfer(f"kerashub(preset={str(moved)!r})", name="first", **options)
    shutil.rmtree(moved)

    run = dlcv.load(tmp_path / "runs" / "first")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    alone = keras.models.load_model(tmp_path / "runs" / "first" / "model.keras")
    found = run.predict_proba(pixels)
    np.testing.assert_allclose(found, alone.predict(pixels, verbose=0), atol=1e-6)

    config = fine_tuning(tmp_path / "runs" / "first", head_epochs=1, epochs=1)
    dlcv.run(config, name="tuned", **options)
    tuned = dlcv.load(tmp_path / "runs" / "tuned")
    assert len(tuned.history) == 2
    assert tuned.predict_proba(pixels).shape == (2, 4)


def test_what_is_missing_is_named_in_one_line(vit: Path, tmp_path: Path) -> None:
    with pytest.raises(DlcvError, match=r'no preset or folder "dinov2_smal"; did you mean "dinov2'):
        KerasHub(preset="dinov2_smal").prepare()
    with pytest.raises(DlcvError, match=r"holds no config.json, so it is no preset"):
        KerasHub(preset=str(tmp_path)).prepare()
    shutil.copytree(vit, tmp_path / "vit")
    (tmp_path / "vit" / "model.weights.h5").unlink()
    network = KerasHub(preset=str(tmp_path / "vit"))
    with pytest.raises(DlcvError, match=r"vit/model.weights.h5 can't be loaded"):
        network.load_pretrained(build(network).model)
    text = json.loads((vit / "config.json").read_text()) | {"class_name": "BertBackbone"}
    (tmp_path / "config.json").write_text(json.dumps(text))
    with pytest.raises(DlcvError, match=r"is a BertBackbone, which is not for classifying images"):
        KerasHub(preset=str(tmp_path)).prepare()


def test_without_a_connection_the_file_and_its_page_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import kagglehub

    def refuse(handle: str, file: str) -> str:
        raise OSError("Failed to resolve 'api.kaggle.com'")

    monkeypatch.setattr(kagglehub, "model_download", refuse)
    with pytest.raises(DlcvError) as caught:
        KerasHub(preset="dinov2_small").prepare()
    message = str(caught.value)
    assert message.startswith(
        "kerashub: config.json of the preset dinov2_small can't be downloaded"
    )
    assert "https://www.kaggle.com/models/keras/dinov2/keras/dinov2_small" in message
    assert message.endswith("elsewhere and name their folder: preset='FOLDER'")


def test_grey_images_are_refused(vit: Path) -> None:
    network = KerasHub(preset=str(vit))
    with pytest.raises(DlcvError, match=r"need images of 3 channels, and these have 1"):
        network.features(keras.Input((32, 32, 1)))


def test_without_the_extra_one_line_names_it(monkeypatch: pytest.MonkeyPatch, vit: Path) -> None:
    monkeypatch.setattr(presets.importlib.util, "find_spec", lambda name: None)
    presets.configuration.cache_clear()
    presets.image_backbones.cache_clear()
    with pytest.raises(DlcvError, match=r"not installed: pip install 'dlcv\[hub\]'$"):
        KerasHub(preset=str(vit)).prepare()


def test_each_network_of_kerashub_is_a_plugin_of_its_family() -> None:
    rows = registry.descriptors("architecture", "kerashub_*")
    known = {each.removesuffix("Backbone"): cls for each, cls in presets.image_backbones().items()}

    assert {d.target.partition(":")[2] for d in rows} == {*known}
    for each in rows:
        network = registry.create("architecture", each.name)
        assert network.preset in known[each.target.partition(":")[2]].presets
        assert registry.describe("architecture", each.name).summary == each.summary
    assert registry.pretrained_weights("kerashub_vit") == "download"


def test_network_of_the_family_takes_its_own_presets_alone(vit: Path, tmp_path: Path) -> None:
    spec = f"kerashub_vit(preset={str(vit)!r}, weights=random)"
    made = registry.create("architecture", spec)
    check_plugin(made)
    again = registry.create("architecture", registry.registry.spec_of(made.prepare()))
    assert again.config is not None
    assert (
        build(again).model.count_params() == build(KerasHub(preset=str(vit))).model.count_params()
    )
    other = registry.create("architecture", f"kerashub_resnet(preset={str(vit)!r})")
    with pytest.raises(
        DlcvError, match=r"kerashub_resnet: .*/vit is a ViTBackbone; use kerashub\("
    ):
        other.prepare()
