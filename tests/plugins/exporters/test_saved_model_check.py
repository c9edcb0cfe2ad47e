"""A SavedModel that does more than compute is not loaded."""

import numpy as np
import pytest
import tensorflow as tf

from dlcv.errors import DlcvError
from dlcv_plugins.exporters.saved_model_check import refuse_other_than_computing


def save(path, function):
    module = tf.Module()
    module.weights = tf.Variable(np.ones((3, 2), np.float32))
    module.serve = tf.function(
        lambda pixels: function(module, pixels),
        input_signature=[tf.TensorSpec((None, 3), tf.float32, "pixels")],
    )
    tf.saved_model.save(module, str(path))
    return path


def computes(module, pixels):
    return tf.nn.softmax(pixels @ module.weights)


def writes(module, pixels):
    tf.io.write_file("/tmp/written", "by a model")
    return computes(module, pixels)


def reads(module, pixels):
    return computes(module, pixels) + tf.cast(
        tf.strings.length(tf.io.read_file("/etc/hosts")), "float32"
    )


def calls_python(module, pixels):
    return tf.ensure_shape(tf.py_function(lambda x: x, [pixels], tf.float32), (None, 3))


def hides_it(module, pixels):
    return tf.cond(
        tf.reduce_sum(pixels) > 9, lambda: writes(module, pixels), lambda: computes(module, pixels)
    )


def test_a_model_that_computes_passes(tmp_path):
    refuse_other_than_computing(save(tmp_path / "model", computes))


@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (writes, "WriteFile"),
        (reads, "ReadFile"),
        (calls_python, "EagerPyFunc"),
        (hides_it, "WriteFile"),
    ],
)
def test_what_touches_files_or_python_is_refused(tmp_path, function, operation):
    path = save(tmp_path / "model", function)
    with pytest.raises(DlcvError, match=f"beside computing it has .*{operation}"):
        refuse_other_than_computing(path)


def test_what_would_run_on_loading_is_refused(tmp_path):
    module = tf.Module()
    module.table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(["a"], tf.constant([1], tf.int64)), -1
    )
    tf.saved_model.save(module, str(tmp_path / "model"))
    with pytest.raises(DlcvError, match=r"beside computing it has .*resource"):
        refuse_other_than_computing(tmp_path / "model")
