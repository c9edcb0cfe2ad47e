"""What stays the same on another kind of processor: instruction sets are taken away, one by one.

    python tests/campaigns/machines.py

What is decided in whole numbers must be equal, bit for bit: decoded and resized images in a packed
data set, the division, the order of an epoch, augmentation. A finished run must predict the same
classes, with probabilities that are no further off than `CLOSE`. A training on another kind of
processor may give other weights; how far they are off is printed. `test_machines.py` takes all sets
away at once.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from kill_points import SETTINGS

CLOSE = 1e-4
EXACT = ("packed images", "augmented images", "division", "classes")
OLD_OPENCV = "SSE4_1,SSE4_2,POPCNT,AVX,FP16,FMA3,AVX2,AVX_512F,AVX512_SKX,AVX512_ICL"
OLD_NUMPY = "SSE41 POPCNT SSE42 AVX F16C FMA3 AVX2 AVX512F AVX512_SKX"
PLACES = {
    "this processor": {},
    "oneDNN off": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "oneDNN and OpenBLAS with AVX2": {
        "ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell",
    },
    "oneDNN and OpenBLAS with SSE": {
        "ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Nehalem",
    },
    "decoders and NumPy without SIMD": {
        "OPENCV_CPU_DISABLE": OLD_OPENCV, "NPY_DISABLE_CPU_FEATURES": OLD_NUMPY,
        "JSIMD_FORCENONE": "1",
    },
    "one more thread": {"THREADS": "2"},
}  # fmt: skip
BATCHES = """
import hashlib, sys, cv2, numpy as np
from dlcv.registry import registry
steps = registry.create_list("preprocessor", "flip, affine, color, elastic, noise, patch(size=24)")
images = np.stack([cv2.imread(f"photos/a/{n:02d}.jpg") for n in range(8)])
rng = np.random.default_rng(3)
for step in steps:
    images = step(images, rng)
print(hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest())
"""


def found(folder: Path, variables: dict[str, str]) -> dict[str, Any]:
    """Uses commands in real processes with these variables; returns what came of them."""
    threads = variables.get("THREADS", "1")
    environment = {**os.environ, **variables}
    for made in ("packed", "runs/r"):
        shutil.rmtree(folder / made, ignore_errors=True)

    def python(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments], cwd=folder, env=environment, check=True,
            capture_output=True, text=True,
        ).stdout  # fmt: skip

    settings = SETTINGS.replace("--threads 1", f"--threads {threads}").split()
    python("-m", "dlcv", "data", "build", "photos", "--out", "packed", "--size", "24", "--quiet")
    python("-m", "dlcv", "run", "--data", "photos", "--name", "r", *settings, "--quiet")
    predicted = json.loads(python("-m", "dlcv", "predict", "runs/base", "photos", "--json"))
    packed = b"".join(p.read_bytes() for p in sorted((folder / "packed").glob("*.hdf5")))
    with np.load(folder / "runs/r/predictions.npz") as arrays:
        division, probabilities = arrays["sample_ids"].tolist(), arrays["probabilities"]
    return {
        "packed images": hashlib.sha256(packed).hexdigest(),
        "augmented images": python("-c", BATCHES).strip(),
        "division": division,
        "classes": [row["classes"][0]["label"] for row in predicted],
        "predicted": np.array([row["classes"][0]["probability"] for row in predicted]),
        "trained": probabilities,
    }


def prepare(folder: Path) -> None:
    """Makes images, and a run on them by this processor."""
    _make_photos(folder)
    start = ["-m", "dlcv", "run", "--data", "photos", "--name", "base", *SETTINGS.split()]
    subprocess.run([sys.executable, *start, "--quiet"], cwd=folder, check=True)


def main() -> None:
    """Prints a table; exits with 1 if something differs that must not."""
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder)
        first: dict[str, Any] = {}
        print(f"| processor | {' | '.join(EXACT)} | predictions off by | trained anew, off by |")
        print("|---|---|---|---|---|---|---|")
        for name, variables in PLACES.items():
            now = found(folder, variables)
            first = first or now
            same = [now[key] == first[key] for key in EXACT]
            off, trained = (np.abs(now[k] - first[k]).max() for k in ("predicted", "trained"))
            words = " | ".join("equal" if equal else "DIFFER" for equal in same)
            print(f"| {name} | {words} | {off:.1g} | {trained:.1g} |", flush=True)
            bad += not all(same) or off > CLOSE
    sys.exit(bool(bad))


def _make_photos(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for label, name in enumerate("ab"):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(40):
            small = rng.integers(0, 130, (6, 8, 3), np.uint8)
            image = cv2.resize(small, (64, 48), interpolation=cv2.INTER_CUBIC)
            image[..., label] += 60
            cv2.imwrite(str(folder / "photos" / name / f"{number:02d}.jpg"), image)


if __name__ == "__main__":
    main()
