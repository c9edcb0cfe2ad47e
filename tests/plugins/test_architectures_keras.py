"""The networks of Keras Applications: they are Keras's own, and so are their weights."""

import functools
import hashlib
import math
import urllib.error
from pathlib import Path

import keras
import numpy as np
import pytest

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.training.network import symbolic

NAMES = [
    n for n in registry.names("architecture")
    if hasattr(registry.get("architecture", n), "keras_name")
]  # fmt: skip
FIRST_OF_FAMILY = [
    next(iter(f.models)).lower()
    for f in {id(f): f for f in (registry.get("architecture", n).family for n in NAMES)}.values()
]
"""The smallest network of each paper; all of them take minutes."""
MANY = [pytest.param(n, marks=[] if n in FIRST_OF_FAMILY else [pytest.mark.slow]) for n in NAMES]
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)


def test_every_model_of_keras_is_there() -> None:
    """What Keras exports that makes a network, by the names in its reference."""
    made = {n for n in vars(keras.applications) if n[0].isupper()}

    assert {registry.get("architecture", n).keras_name for n in NAMES} == made
    assert set(NAMES) == {n.lower() for n in made}


@functools.cache
def published(name: str) -> keras.Model:
    """Returns a network as its paper has it, without weights; not to be changed."""
    architecture = registry.create("architecture", name)
    with symbolic():
        return architecture.build((*architecture.default_size, 3), 1000)


@pytest.mark.parametrize("name", MANY)
def test_network_is_that_of_keras(name: str) -> None:
    architecture = registry.create("architecture", name)
    ours = published(name)
    with symbolic():
        theirs = getattr(keras.applications, architecture.keras_name)(
            weights=None, input_shape=(*architecture.default_size, 3)
        )

    assert ours.count_params() == theirs.count_params()
    # The last layer of a MobileNet is a convolution of one position in Keras, so shapes differ.
    sizes = [sorted(math.prod(w.shape) for w in m.trainable_weights) for m in (ours, theirs)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "densenet121", "convnexttiny"])
def test_default_size_is_that_of_keras(name: str) -> None:
    architecture = registry.create("architecture", name)
    with symbolic():
        theirs = getattr(keras.applications, architecture.keras_name)(weights=None)

    assert (*architecture.default_size, 3) == theirs.input.shape[1:]


@pytest.mark.parametrize("name", NAMES)
def test_input_preprocessing_is_that_of_keras(name: str) -> None:
    architecture = registry.create("architecture", name)
    module = getattr(keras.applications, architecture.keras_name).__module__.rpartition(".")[2]
    expected = getattr(keras.applications, module).preprocess_input(IMAGES.copy())

    steps = registry.create_list("preprocessor", architecture.preprocessors)
    found = IMAGES.astype(np.uint8)
    for step in steps:
        found = step(found)

    np.testing.assert_array_equal(np.asarray(found, np.float32), expected)
    for step in steps:
        layer = step.as_layer()
        np.testing.assert_array_equal(np.asarray(layer(IMAGES)), expected)


def test_vgg16_has_the_layers_of_the_source() -> None:
    """PB 5: layers 0 to 22, the head being 19 to 22, and 0 to 18 without it."""
    architecture = registry.create("architecture", "vgg16")
    whole = published("vgg16")
    with symbolic():
        body = architecture.body((224, 224, 3))

    names = [layer.name for layer in whole.layers]
    assert names[15] == "block5_conv1"
    assert names[18:] == ["block5_pool", "flatten", "fc1", "fc2", "predictions"]
    assert [layer.name for layer in body.layers] == ["images", *names[1:19]]
    assert body.output.shape == (None, 7, 7, 512)


@pytest.mark.parametrize("name", FIRST_OF_FAMILY)
def test_layers_have_the_same_names_each_time(name: str) -> None:
    architecture = registry.create("architecture", name)
    with symbolic():
        again = architecture.build((96, 96, 3), 7)

    assert [x.name for x in again.layers] == [x.name for x in published(name).layers]


@pytest.mark.parametrize("name", FIRST_OF_FAMILY)
def test_graph_builds_with_channels_first_where_keras_can(name: str) -> None:
    architecture = registry.create("architecture", name)
    keras.config.set_image_data_format("channels_first")
    try:
        with symbolic():
            output = architecture.build((3, 96, 96), 7).output
    except ValueError as error:
        assert "does not support the `channels_first`" in str(error)  # noqa: PT017
        assert name in ("densenet121", "nasnetmobile", "convnexttiny")
    else:
        assert output.shape == (None, 7)
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        ("vgg16", (31, 40, 3), r"vgg16 can't take images of 31 x 40 .* 32 x 32"),
        ("xception", (70, 70, 3), r"xception can't take .* 71 x 71"),
        ("inceptionv3", (64, 96, 3), r"inceptionv3 can't take .* 75 x 75"),
        ("vgg16(weights=imagenet)", (32, 32, 1), r"3 channels, and these have 1; read them in co"),
    ],
)
def test_images_that_do_not_fit_are_refused(
    spec: str, shape: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(DlcvError, match=message):
        registry.create("architecture", spec).build(shape, 10)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    """A body of Keras with weights of its own, and a folder with them in every kind of file."""
    body = keras.applications.MobileNetV3Small(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    rng = np.random.default_rng(0)
    for weight in body.weights:
        weight.assign(rng.uniform(0.1, 0.2, weight.shape))
    folder = tmp_path_factory.mktemp("weights")
    body.save_weights(folder / "small.weights.h5")
    body.save(folder / "small.keras")
    write_legacy(body, folder / "small.h5")
    return body, folder


def write_legacy(model: keras.Model, path: Path) -> None:
    """Writes weights as the files that Keras downloads have them."""
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)


@pytest.mark.parametrize(
    ("spec", "file"),
    [
        ("{}", "small.weights.h5"),
        ("{}", "small.keras"),
        ("{}", "small.h5"),
        ("gap_head(base={})", "small.keras"),
    ],
)
def test_weights_of_a_file_reach_the_flat_graph(
    theirs: tuple[keras.Model, Path], spec: str, file: str
) -> None:
    body, folder = theirs
    base = f'mobilenetv3small(weights="{folder / file}")'
    architecture = registry.create("architecture", spec.format(base))
    network = architecture.build((32, 32, 3), 4)
    architecture.load_pretrained(network)

    pool = network.get_layer("head_pool" if "head" in spec else "avg_pool")
    features = keras.Model(network.input, pool.input)
    np.testing.assert_allclose(features(IMAGES), body(IMAGES), rtol=1e-5)


def test_imagenet_weights_are_taken_from_the_cache_of_keras(
    theirs: tuple[keras.Model, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, folder = theirs
    from keras.src.applications import mobilenet_v3

    content = (folder / "small.h5").read_bytes()
    name = "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / name).write_bytes(content)
    checksums = ("", hashlib.md5(content).hexdigest())
    monkeypatch.setitem(mobilenet_v3.WEIGHTS_HASHES, "small_224_1.0_float", checksums)
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    architecture = registry.create("architecture", "mobilenetv3small(weights=imagenet)")
    network = architecture.build((32, 32, 3), 4)
    architecture.load_pretrained(network)

    for layer in (x for x in body.layers if x.weights):
        for found, expected in zip(
            network.get_layer(layer.name).weights, layer.weights, strict=True
        ):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("vgg16", "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        ("nasnetmobile", "nasnet_mobile_no_top.h5"),
        ("efficientnetv2b0", "efficientnetv2-b0_notop.h5"),
        ("mobilenetv2", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"),
    ],
)
def test_without_a_network_the_file_and_its_place_are_named(
    name: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = []

    def refuse(origin: str, target: str, *others: object) -> None:
        wanted.append((origin, target))
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", refuse)
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    architecture = registry.create("architecture", f"{name}(weights=imagenet)")
    with symbolic(), pytest.raises(DlcvError) as caught:
        architecture.load_pretrained(keras.Model())

    (origin, target) = wanted[0]
    assert target == str(tmp_path / "models" / file)
    message = str(caught.value)
    assert origin in message
    assert target in message
    assert "Name or service not known" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("small.weights.h5", r"does not fit vgg16: layer block1_conv1: .*"),
        ("small.h5", r"does not fit vgg16: layer block1_conv1: .*"),
        ("nothing.h5", r"no such file or run with weights: .*nothing\.h5"),
        ("nothing.txt", r"no such file or run with weights: .*nothing\.txt"),
        ("garbage.txt", r"garbage\.txt is no finished run, and files of weights end in \.weights"),
        ("garbage.h5", r"garbage\.h5 can't be read as weights: .*"),
        ("garbage.weights.h5", r"garbage\.weights\.h5 can't be read as weights: .*"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    theirs: tuple[keras.Model, Path], file: str, message: str
) -> None:
    folder = theirs[1]
    for name in ("garbage.h5", "garbage.weights.h5", "garbage.txt"):
        (folder / name).write_bytes(b"no weights at all")
    architecture = registry.create("architecture", f'vgg16(weights="{folder / file}")')
    with symbolic():
        network = architecture.body((32, 32, 3))
    with pytest.raises(DlcvError, match=message) as caught:
        architecture.load_pretrained(network)
    assert "\n" not in str(caught.value)


def test_shapes_that_do_not_fit_are_named(tmp_path: Path) -> None:
    from dlcv.interfaces import load_weights

    def network(classes: int) -> keras.Model:
        return registry.create("architecture", "lenet(width=0.1)").build((8, 8, 3), classes)

    network(5).save_weights(tmp_path / "five.weights.h5")
    write_legacy(network(5), tmp_path / "five.h5")
    expected = r"layer predictions: .* shape \(50, 7\), the file's \(50, 5\)"
    with pytest.raises(DlcvError, match=expected):
        load_weights(network(7), tmp_path / "five.weights.h5")
    with pytest.raises(DlcvError, match=r"predictions.*\(50, 7\).*\(50, 5\)"):
        load_weights(network(7), tmp_path / "five.h5")


@pytest.mark.slow
def test_efficientnet_normalises_as_keras_does_with_its_own_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras's files hold deviations as variances, and a further layer makes up for it."""
    from keras.src.applications import efficientnet

    made = keras.applications.EfficientNetB0(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    normalization = next(x for x in made.layers if type(x).__name__ == "Normalization")
    normalization.set_weights(
        [np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]), np.array(0)]
    )
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "efficientnetb0_notop.h5"
    write_legacy(made, path)
    checksums = ("", hashlib.md5(path.read_bytes()).hexdigest())
    monkeypatch.setitem(efficientnet.WEIGHTS_HASHES, "b0", checksums)
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    expected = keras.applications.EfficientNetB0(include_top=False, input_shape=(32, 32, 3))

    architecture = registry.create("architecture", "efficientnetb0(weights=imagenet)")
    network = architecture.body((32, 32, 3))
    architecture.load_pretrained(network)

    np.testing.assert_allclose(network(IMAGES), expected(IMAGES), rtol=1e-3, atol=1e-5)
    untrained = registry.create("architecture", "efficientnetb0").body((32, 32, 3))
    same = untrained.get_layer("normalization")
    np.testing.assert_array_equal(same.mean, np.zeros((1, 1, 1, 3)))
