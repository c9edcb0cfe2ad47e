"""The book's path: float64 rows, each image through Python, Keras's legacy `ImageDataGenerator`.

The rows come from an HDF5 file in stored order, which spares it the cost of shuffling.
"""

from collections.abc import Iterator

import h5py
import numpy as np
from clock import BATCH, DATA, PATCH, ROTATION, SHEAR, SHIFT, ZOOM, measure
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from keras.utils import img_to_array
from sklearn.feature_extraction.image import extract_patches_2d


def batches() -> Iterator[int]:
    generator = ImageDataGenerator(
        rotation_range=ROTATION,
        width_shift_range=SHIFT,
        height_shift_range=SHIFT,
        shear_range=SHEAR,
        zoom_range=ZOOM,
        horizontal_flip=True,
        fill_mode="nearest",
    )
    with h5py.File(DATA) as file:
        while True:
            for start in range(0, len(file["images"]), BATCH):
                rows = file["images"][start : start + BATCH]
                labels = file["labels"][start : start + BATCH]
                images = np.array([img_to_array(prepared(row)) for row in rows])
                images, labels = next(generator.flow(images, labels, batch_size=BATCH))
                yield len(images)


def prepared(row: np.ndarray) -> np.ndarray:
    return extract_patches_2d(row, (PATCH, PATCH), max_patches=1)[0] if PATCH else row


if __name__ == "__main__":
    measure(batches())
