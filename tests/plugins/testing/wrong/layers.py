"""A layer that only this program knows."""


def own_layer():
    """Returns a layer that halves, of a class that Keras does not know."""
    import keras

    class Half(keras.Layer):
        def call(self, x):
            return keras.ops.cast(x, "float32") / 2

    return Half(dtype="float32", name="half")
