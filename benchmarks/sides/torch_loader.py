"""PyTorch's `DataLoader` with two worker processes: image files, Pillow, one affine transform.

It needs torch, NumPy and Pillow only: torchvision's transforms of Pillow images are these calls.
"""

import math
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from clock import BATCH, DATA, PATCH, ROTATION, SHEAR, SHIFT, ZOOM, measure
from PIL import Image
from torch.utils.data import DataLoader, Dataset

WORKERS = 2
SIZE = 256


class Files(Dataset):
    """Images of a folder of class folders, augmented."""

    def __init__(self, folder: Path) -> None:
        self.classes = sorted(path.name for path in folder.iterdir())
        self.paths = sorted(folder.glob("*/*"))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path = self.paths[index]
        image = Image.open(path).convert("RGB")
        if PATCH:
            image = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
            left, top = random.randint(0, SIZE - PATCH), random.randint(0, SIZE - PATCH)
            image = image.crop((left, top, left + PATCH, top + PATCH))
        image = image.transform(
            image.size, Image.Transform.AFFINE, matrix(*image.size), Image.Resampling.BILINEAR
        )
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        return tensor, self.classes.index(path.parent.name)


def matrix(width: int, height: int) -> tuple[float, ...]:
    """Returns Pillow's six numbers, from output to input, about the center."""
    turn = math.radians(random.uniform(-ROTATION, ROTATION))
    slant = math.radians(random.uniform(-SHEAR, SHEAR))
    wide, high = random.uniform(1 - ZOOM, 1 + ZOOM), random.uniform(1 - ZOOM, 1 + ZOOM)
    x = random.uniform(-SHIFT, SHIFT) * width
    y = random.uniform(-SHIFT, SHIFT) * height
    a, b = wide * math.cos(turn), -high * math.sin(turn + slant)
    d, e = wide * math.sin(turn), high * math.cos(turn + slant)
    center_x, center_y = width / 2, height / 2
    c = center_x + x - a * center_x - b * center_y
    f = center_y + y - d * center_x - e * center_y
    return a, b, c, d, e, f


def batches() -> Iterator[int]:
    loader = DataLoader(
        Files(Path(DATA)),
        BATCH,
        shuffle=True,
        num_workers=WORKERS,
        persistent_workers=True,
    )
    while True:
        for images, _ in loader:
            yield len(images)


if __name__ == "__main__":
    measure(batches())
