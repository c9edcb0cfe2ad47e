"""Packing 3,600 PNG of 224 x 224 in 8 shards: here, and on a Ray cluster of this machine.

The images are regions of photos. Each side is a process of its own, and they take turns; imports
do not count, and what Ray's start takes is given apart. The files must be equal.
"""

import argparse
import hashlib
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from processes import run, spread

ROUNDS = 3
IMAGES, SIZE = 3_600, 224
SIDES = {
    # by name: threads, processors of a cluster (0 for none), when a worker is killed (0 for never)
    "here, 1 thread": (1, 0, 0),
    "here, 2 threads": (2, 0, 0),
    "Ray, 1 worker": (1, 1, 0),
    "Ray, 2 workers": (1, 2, 0),
    "Ray, 2, one killed": (1, 2, 1.5),
}
SCRIPT = Path(__file__).parent / "sides" / "pack_on.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="class folders with photos")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in SIDES}
    starts: list[float] = []
    with tempfile.TemporaryDirectory() as work:
        write(options.folder, Path(work, "images"))
        contents = set()
        for number in range(options.rounds):
            for name, side in SIDES.items():
                out = Path(work, "-".join(map(str, (number, *side))))
                command = [sys.executable, str(SCRIPT), f"{work}/images", str(out)]
                output = run([*command, *map(str, side)])[2].splitlines()[-1]
                packed, start = json.loads(output)
                seconds[name].append(packed)
                starts += [start] if side[1] else []
                contents.add(digest(out))
                print(f"round {number + 1}: {name}: {packed:.1f} s", flush=True)
    print(f"packing {IMAGES:,} images: seconds, median (range), and the ratio to one thread here")
    one = statistics.median(seconds["here, 1 thread"])
    for name, found in seconds.items():
        print(f"{name:18} {spread(found)}  {statistics.median(found) / one:.2f}")
    print(f"starting Ray       {spread(starts)}")
    print("the files are", "equal" if len(contents) == 1 else "NOT equal")
    print("load of the machine:", *(f"{load:.1f}" for load in os.getloadavg()))


def write(source: Path, folder: Path) -> None:
    """Writes regions of photos at random places, without loss."""
    photos = sorted(source.glob("*/*"))
    rng = np.random.default_rng(0)
    for number in range(IMAGES):
        path = photos[number % len(photos)]
        photo = cv2.imread(str(path))
        scale = max(1.0, (SIZE + 32) / min(photo.shape[:2]))
        photo = cv2.resize(photo, None, fx=scale, fy=scale)
        top, left = (rng.integers(0, side - SIZE + 1) for side in photo.shape[:2])
        target = folder / path.parent.name / f"{number:04d}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), photo[top : top + SIZE, left : left + SIZE])


def digest(folder: Path) -> str:
    """Returns a checksum of all packed files."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.hdf5")):
        found.update(path.read_bytes())
    return found.hexdigest()


if __name__ == "__main__":
    main()
