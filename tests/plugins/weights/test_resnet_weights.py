"""PyTorch's ResNets: the same numbers from the same weights."""

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from torch_files import FakeTorch, contiguous

from dlcv import registry
from dlcv.data.pipeline import Pipeline
from dlcv.errors import DlcvError
from dlcv.training.network import Network, build_parts, symbolic
from dlcv_plugins.weights.initial_weights import load_into, open_source

# Trained parameters with 1,000 classes, from torchvision's documentation of its weights.
PARAMETERS = {
    "resnet18(variant=pytorch)": 11_689_512,
    "resnet34(variant=pytorch)": 21_797_672,
    "resnet50v15": 25_557_032,
}


def build(spec: str, size: int, classes: int) -> tuple[Any, Network]:
    architecture = registry.create("architecture", spec)
    pipeline = Pipeline.of(registry.create_list("preprocessor", architecture.preprocessors))
    return architecture, build_parts(architecture, pipeline, (size, size, 3), classes, "float32")


@pytest.mark.parametrize("spec", PARAMETERS)
def test_parameters_are_those_of_torchvision(spec: str) -> None:
    with symbolic():
        model = registry.create("architecture", spec).build((224, 224, 3), 1000)

    assert sum(math.prod(v.shape) for v in model.trainable_variables) == PARAMETERS[spec]


def test_strided_convolutions_are_padded_on_both_sides() -> None:
    """A kernel of ones over an image of ones counts the pixels: 4 x 4 in the corner, not 5 x 5."""
    for variant, corner in (("pytorch", 16), ("keras", 25)):
        network = registry.create("architecture", f"resnet18(variant={variant}, width=0.1)")
        body = network.body((32, 32, 1))
        stem = keras.Model(body.input, body.get_layer("stem_conv").output)
        body.get_layer("stem_conv").set_weights([np.ones((7, 7, 1, 6))])

        counted = np.asarray(stem(np.ones((1, 32, 32, 1), np.float32)))

        assert counted.shape == (1, 16, 16, 6)
        assert counted[0, 0, 0, 0] == corner


def test_every_array_of_a_file_has_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    architecture, network = build("resnet18(variant=pytorch, width=0.1)", 32, 5)
    state: dict[str, Any] = {}
    for layer, (entry,) in architecture._names().items():
        weights = [np.asarray(w) for w in network.model.get_layer(layer).weights]
        parts = ("weight", "bias", "running_mean", "running_var")
        for part, weight in zip(parts, weights, strict=False):
            made = rng.random(weight.shape, np.float32)
            axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[made.ndim]
            state[f"{entry.name}.{part}"] = np.ascontiguousarray(made.transpose(axes))
    content = {name: contiguous(array) for name, array in state.items()}
    path = FakeTorch(monkeypatch).write_zip(tmp_path / "w.pth", content)

    with open_source(path, architecture) as source:
        load_into(network, source)

    given = network.model.get_layer("stage2_block1_shortcut").get_weights()[0]
    np.testing.assert_array_equal(
        given, state["layer2.0.downsample.0.weight"].transpose(2, 3, 1, 0)
    )
    kernel, bias = network.model.get_layer("predictions").get_weights()
    np.testing.assert_array_equal(kernel, state["fc.weight"].T)
    np.testing.assert_array_equal(bias, state["fc.bias"])


def test_variant_that_pads_otherwise_takes_no_weights_of_pytorch(tmp_path: Path) -> None:
    (tmp_path / "w.pth").touch()
    with (
        pytest.raises(DlcvError, match=r"need resnet34\(variant=pytorch\)"),
        open_source(tmp_path / "w.pth", registry.create("architecture", "resnet34")),
    ):
        pass


@pytest.mark.parametrize("spec", PARAMETERS)
def test_logits_are_those_of_pytorch(spec: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    architecture, network = build(spec, 64, 10)
    theirs = torch_resnet(torch, architecture.stages, architecture.module == "bottleneck")
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    with open_source(tmp_path / "w.pth", architecture) as source:
        load_into(network, source)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    last = network.model.layers[-1]
    last.activation = keras.activations.linear

    ours = np.asarray(network.model(pixels, training=False))

    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    values = ((pixels / 255 - mean) / deviation).astype(np.float32).transpose(0, 3, 1, 2)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(values)).numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-4 * max(1, np.abs(expected).max()))


def torch_resnet(torch: Any, counts: tuple[int, ...], bottleneck: bool) -> Any:
    """Builds torchvision's ResNet with random statistics, after He et al. (2015), section 3."""
    nn = torch.nn
    torch.manual_seed(0)

    class Block(nn.Module):
        def __init__(self, given: int, inner: int, stride: int) -> None:
            super().__init__()
            out = inner * 4 if bottleneck else inner
            sizes = (1, 3, 1) if bottleneck else (3, 3)
            strides = (1, stride, 1) if bottleneck else (stride, 1)
            widths = (given, inner, inner, out) if bottleneck else (given, inner, out)
            for i, (size, step) in enumerate(zip(sizes, strides, strict=True), start=1):
                conv = nn.Conv2d(widths[i - 1], widths[i], size, step, size // 2, bias=False)
                setattr(self, f"conv{i}", conv)
                setattr(self, f"bn{i}", nn.BatchNorm2d(widths[i]))
            self.count = len(sizes)
            self.downsample = None
            if stride != 1 or given != out:
                conv = nn.Conv2d(given, out, 1, stride, bias=False)
                self.downsample = nn.Sequential(conv, nn.BatchNorm2d(out))

        def forward(self, x: Any) -> Any:
            y = x
            for i in range(1, self.count + 1):
                y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
                y = y.relu() if i < self.count else y
            return (y + (x if self.downsample is None else self.downsample(x))).relu()

    class ResNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            self.maxpool = nn.MaxPool2d(3, 2, 1)
            given = 64
            for stage, count in enumerate(counts, start=1):
                inner, blocks = 64 * 2 ** (stage - 1), []
                for block in range(count):
                    blocks.append(Block(given, inner, 2 if block == 0 and stage > 1 else 1))
                    given = inner * 4 if bottleneck else inner
                setattr(self, f"layer{stage}", nn.Sequential(*blocks))
            self.fc = nn.Linear(given, 10)

        def forward(self, x: Any) -> Any:
            x = self.maxpool(self.bn1(self.conv1(x)).relu())
            for stage in range(1, 5):
                x = getattr(self, f"layer{stage}")(x)
            return self.fc(x.mean((2, 3)))

    network = ResNet()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    return network.eval()
