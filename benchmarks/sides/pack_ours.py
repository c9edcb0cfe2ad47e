"""Packs a folder of class folders as `dlcv data build` does; prints what `packing.py` reads."""

import json
import sys
import time
from pathlib import Path

import cv2  # noqa: F401
import sklearn.model_selection  # noqa: F401

from dlcv.config import SplitConfig
from dlcv_plugins.commands.data.pack.pack import pack

SOURCE, TARGET, SIZE = sys.argv[1:]


def main() -> None:
    start = time.perf_counter()
    steps = f"aspect_aware(size={SIZE})"
    packed = pack(SOURCE, Path(TARGET), preprocessors=steps, split=SplitConfig())
    seconds = time.perf_counter() - start
    images, megabytes = map(sum, zip(*packed.splits.values(), strict=True))
    print(json.dumps([seconds, images, megabytes, seconds]))


if __name__ == "__main__":
    main()
