"""dlcv: packed rows, pixel steps on whole batches, two threads that read ahead."""

from collections.abc import Iterator

from clock import BATCH, DATA, PATCH, ROTATION, SHEAR, SHIFT, ZOOM, measure

from dlcv import registry
from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.sources import find_store

THREADS = 2
AUGMENTATION = (
    f"affine(rotation={ROTATION}, width_shift={SHIFT}, height_shift={SHIFT}, shear={SHEAR}, "
    f"zoom={ZOOM}), flip"
)


def batches() -> Iterator[int]:
    text = f"patch(size={PATCH}), {AUGMENTATION}" if PATCH else AUGMENTATION
    pipeline = Pipeline.of(registry.create_list("preprocessor", text))
    images = find_store(DATA).open("train")
    loader = Loader(images, pipeline, batch_size=BATCH, threads=THREADS, seed=42)
    for pixels, _ in loader.stream(0):
        yield len(pixels)


if __name__ == "__main__":
    measure(batches())
