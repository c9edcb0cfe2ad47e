"""Keras of today: `image_dataset_from_directory`, and augmentation layers mapped in `tf.data`.

The layers work on batches, on all processors and with read-ahead.
"""

from collections.abc import Iterator

import keras
import tensorflow as tf
from clock import BATCH, DATA, PATCH, ROTATION, SHEAR, SHIFT, ZOOM, measure

SIZE = {None: 32, 227: 256}[PATCH]


def batches() -> Iterator[int]:
    dataset = keras.utils.image_dataset_from_directory(
        DATA, image_size=(SIZE, SIZE), batch_size=BATCH, label_mode="categorical", verbose=False
    )
    crop = [keras.layers.RandomCrop(PATCH, PATCH)] if PATCH else []
    layers = [
        *crop,
        keras.layers.RandomRotation(ROTATION / 360, fill_mode="nearest"),
        keras.layers.RandomTranslation(SHIFT, SHIFT, fill_mode="nearest"),
        keras.layers.RandomShear(SHEAR / 90, 0.0, fill_mode="nearest"),
        keras.layers.RandomZoom((-ZOOM, ZOOM), (-ZOOM, ZOOM), fill_mode="nearest"),
        keras.layers.RandomFlip("horizontal"),
    ]

    def augment(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        for layer in layers:
            images = layer(images, training=True)
        return images, labels

    dataset = dataset.map(augment, num_parallel_calls=tf.data.AUTOTUNE)
    for images, _ in dataset.repeat().prefetch(tf.data.AUTOTUNE):
        yield int(images.shape[0])


if __name__ == "__main__":
    measure(batches())
