"""The checks of exporters catch exporters that are wrong."""

import numpy as np
import pytest

from dlcv.interfaces import Exporter, Session, plugin
from dlcv.testing import check_plugin, checks_for


class Opened(Session):
    """A network that was kept as Keras keeps it."""

    input_name, output_name = "pixels", "probabilities"

    def __init__(self, path):
        import keras

        self.model = keras.saving.load_model(path, compile=False)
        self.input_shape = self.model.input_shape
        self.classes = self.model.output_shape[-1]

    def predict_on_batch(self, pixels):
        return np.asarray(self.model.predict_on_batch(pixels))


@plugin
class Good(Exporter):
    """The network as Keras's own file."""

    file = "network.keras"

    def write(self, network, path):
        network.save(path)

    def open(self, path, threads):
        return Opened(path)


def wrong(name: str, **changes):
    """Returns an exporter that differs from the good one in some attributes."""
    return plugin(type(name, (Good,), {"__doc__": "A wrong exporter.", **changes}))()


class Rolled(Opened):
    def predict_on_batch(self, pixels):
        return np.roll(super().predict_on_batch(pixels), 1, axis=1)


class FirstOnly(Opened):
    def predict_on_batch(self, pixels):
        return np.repeat(super().predict_on_batch(pixels)[:1], len(pixels), axis=0)


class Doubles(Opened):
    def predict_on_batch(self, pixels):
        return super().predict_on_batch(pixels).astype(np.float64)


class Inverting(Opened):
    def predict_on_batch(self, pixels):
        found = super().predict_on_batch(pixels)
        pixels ^= 255
        return found


class Guessing(Session):
    """Predicts whatever the file holds."""

    input_name, output_name, input_shape, classes = "pixels", "p", (None, 8, 8, 3), 4

    def predict_on_batch(self, pixels):
        return np.full((len(pixels), 4), 0.25, np.float32)


class Remembering(Good):
    """Keeps the network in this process, and leaves a file with nothing in it."""

    networks = {}

    def write(self, network, path):
        path.write_bytes(b"")
        type(self).networks[str(path)] = network

    def open(self, path, threads):
        opened = Opened.__new__(Opened)
        opened.model = type(self).networks[str(path)]
        opened.input_shape, opened.classes = opened.model.input_shape, 4
        return opened


@plugin
class Other(Good):
    """Predicts right only in the process that wrote the model."""

    here = None

    def write(self, network, path):
        type(self).here = True
        network.save(path)

    def open(self, path, threads):
        return Opened(path) if type(self).here else Guessing()


@classmethod
def nothing_missing(cls, *, to_write):
    return []


@classmethod
def all_missing(cls, *, to_write):
    return [*cls.writer_modules, cls.runtime_module]


def forgetting(self, network, path):
    """Writes, and leaves the network with other weights."""
    network.save(path)
    network.set_weights([w * 0 for w in network.get_weights()])


WRONG = {
    "no file": (wrong("NoFile", file=""), "check_names_are_declared"),
    "a path": (wrong("Path", file="../model"), "check_names_are_declared"),
    "a submodule": (wrong("Sub", runtime_module="acme.runtime"), "check_names_are_declared"),
    "lacks nothing": (wrong("Lacks", missing=nothing_missing), "check_missing_packages"),
    "lacks the writer to run": (wrong("All", missing=all_missing), "check_missing_packages"),
    "leaves the network here": (Remembering(), "check_opens_in_another_process"),
    "predicts right here alone": (Other(), "check_opens_in_another_process"),
    "can't be imported": (wrong("Local"), "check_opens_in_another_process"),
    "writes nothing": (wrong("Nothing", write=lambda *_: None), "check_predicts_what"),
    "other classes": (wrong("Roll", open=lambda s, p, t: Rolled(p)), "check_predicts_what"),
    "doubles": (wrong("Doubles", open=lambda s, p, t: Doubles(p)), "check_predicts_what"),
    "changes pixels": (wrong("Invert", open=lambda s, p, t: Inverting(p)), "check_predicts_what"),
    "first image only": (wrong("First", open=lambda s, p, t: FirstOnly(p)), "check_batch_equals"),
    "changes the network": (wrong("Forget", write=forgetting), "check_network_stays"),
    "opens anything": (wrong("Guess", open=lambda s, p, t: Guessing()), "check_damaged_model"),
}


def test_a_good_exporter_passes() -> None:
    check_plugin(Good())


@pytest.mark.parametrize(("exporter", "name"), WRONG.values(), ids=WRONG)
def test_a_wrong_exporter_is_caught(exporter: Exporter, name: str) -> None:
    (check,) = (c for c in checks_for(exporter) if c.__name__.startswith(name))
    with pytest.raises(AssertionError):
        check(exporter)
