"""LiteRT models that were changed."""

import struct

import keras
import pytest

from dlcv import registry
from dlcv.errors import DlcvError
from dlcv_plugins.exporters.exported import open_session

pytest.importorskip("ai_edge_litert")


def test_a_model_that_claims_more_memory_than_it_can_need_is_refused(tmp_path):
    exporter, path = registry.create("exporter", "litert"), tmp_path / "model.tflite"
    network = keras.Sequential(
        [keras.Input((4, 4, 1), dtype="uint8"), keras.layers.Rescaling(1 / 255),
         keras.layers.Flatten(), keras.layers.Dense(7), keras.layers.Dense(3)]
    )  # fmt: skip
    exporter.write(network, path)
    content = path.read_bytes()
    assert open_session(exporter, path, 1).classes == 3

    shape = struct.pack("<3I", 2, 1, 7)
    assert shape in content
    path.write_bytes(content.replace(shape, struct.pack("<3I", 2, 1, 2**27)))
    with pytest.raises(DlcvError, match="it claims 537 MB for one of its layers; export"):
        open_session(exporter, path, 1)
