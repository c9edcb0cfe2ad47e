"""Many of everything: processes, files, classes, trainings, and paths that are as long as can be.

    python tests/campaigns/load.py                      all of it, in some 15 minutes
    python tests/campaigns/load.py trainings readers    some of it

Each part prints what it measured and what is wrong. Files are made in `--place`, by default in
memory (`/dev/shm`), and are removed.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from kill_points import SETTINGS, make_template
from lives import live

sys.path.insert(0, str(Path(__file__).parents[1]))

import forked

READERS = 20
SETTLED_AFTER = 10
"""Trainings after which memory must stay."""
LARGEST_GROWTH_MB = 4.0
"""Of memory, a training."""


def readers(folder: Path) -> Iterator[str]:
    """20 processes read one run and one packed data set, which others write meanwhile."""
    make_template(folder)
    live(folder, "data build photos --out packed --size 8", must_end=True)
    live(folder, f"run --data photos --name r {SETTINGS}", must_end=True)
    lines = (
        "compare runs/r runs/base",
        "evaluate runs/r --json",
        "predict runs/r photos/a/00.png",
        "data verify packed",
        "data show packed --out {}.png",
    )
    writers = [
        forked.Running(*line.split(), folder=folder)
        for line in (
            "data build photos --out packed --size 8 --force",
            f"run --data photos --name r {SETTINGS} --force",
            "report runs/base",
        )
    ]
    begun = [
        forked.Running(*lines[n % len(lines)].format(n).split(), folder=folder)
        for n in range(READERS)
    ]
    ends = [running.wait(900) for running in (*writers, *begun)]
    bad = [end for end in ends if end.returncode not in (0, 2) or "Traceback" in end.stderr]
    refused = [end.stderr.strip().splitlines()[-1] for end in ends if end.returncode == 2]
    yield f"{len(ends)} processes, {len(refused)} refused, {len(bad)} bad"
    yield from sorted({f"  refused: {line}" for line in refused})
    yield from (f"BAD: {end.args}: {end.stderr[-400:]}" for end in bad)


def trainings(folder: Path, count: int = 50) -> Iterator[str]:
    """50 trainings in one process: memory, threads and open files stay."""
    import dlcv

    seen = []
    for number in range(count):
        run = dlcv.run(
            data="digits(size=8)", architecture="lenet(width=0.1)", input_size=16, epochs=1,
            fraction=0.3, threads=1, name=str(number), runs=folder / "runs",
        )  # fmt: skip
        run.predict(np.zeros((1, 8, 8, 1), np.uint8))
        # Python never forgets a thread that TensorFlow started, so it can't count them.
        seen.append((_megabytes(), *(len(os.listdir(f"/proc/self/{n}")) for n in ("task", "fd"))))
        if number in (0, SETTLED_AFTER, 20, 30, 40, count - 1):
            memory, threads, descriptors = seen[-1]
            measured = f"{memory:.0f} MB, {threads} threads, {descriptors} open files"
            yield f"after {number + 1}: {measured}"
    grown = (seen[-1][0] - seen[SETTLED_AFTER][0]) / (count - 1 - SETTLED_AFTER)
    yield f"{grown:.2f} MB a training after the first {SETTLED_AFTER + 1}"
    if grown > LARGEST_GROWTH_MB:
        yield f"BAD: memory grows by {grown:.1f} MB a training"
    if any(now > then for now, then in zip(seen[-1][1:], seen[SETTLED_AFTER][1:], strict=True)):
        yield f"BAD: threads and open files go from {seen[SETTLED_AFTER][1:]} to {seen[-1][1:]}"


def _megabytes() -> float:
    text = Path("/proc/self/statm").read_text().split()
    return int(text[1]) * resource.getpagesize() / 1e6


def files(folder: Path, count: int = 100_000) -> Iterator[str]:
    """100,000 images in one folder, and 100 in another."""
    write_many(folder / "photos", {"many": count, "few": 100})
    yield from timed(
        folder,
        "data check photos --report check.html",
        "data build photos --out packed --size 8",
        f"run --data photos --name r --fraction 0.02 {SETTINGS} --groups none",
        "predict runs/r photos/few --csv",
    )


def one_class(folder: Path, count: int = 200_000) -> Iterator[str]:
    """A class with 200,000 images, and one with 1,000."""
    write_many(folder / "photos", {"many": count, "few": 1000})
    yield from timed(
        folder,
        "data check photos",
        "data build photos --out packed --size 8",
        f"run --data packed --name r {SETTINGS} --epochs 1 --batch-size 512 "
        "--class-weights balanced",
        "evaluate runs/r",
    )


def classes(folder: Path, count: int = 10_000) -> Iterator[str]:
    """10,000 classes of four images each."""
    write_many(folder / "photos", {f"class {n:05d}": 4 for n in range(count)})
    settings = "--arch mlp(units=8) --epochs 1 --batch-size 64 --threads 2"
    yield from timed(
        folder,
        "data check photos --report check.html",
        f"run --data photos --name r {settings} --groups none --test {count} --validation {count}",
        "evaluate runs/r",
        "predict runs/r photos/class*0100/*.png",
    )


def paths(folder: Path, length: int = 3900) -> Iterator[str]:
    """Folders whose paths are nearly as long as the system allows, and longer."""
    make_template(folder)
    below = folder
    while len(str(below)) < length:
        below = below / ("d" * min(200, max(1, length - len(str(below)))))
    below.mkdir(parents=True)
    os.symlink(folder / "photos", below / "photos")
    yield f"paths of {len(str(below))} bytes"
    yield from timed(
        folder,
        f"run --data {below}/photos --name r {SETTINGS}",
        f"run --data photos --runs {below}/runs --name r {SETTINGS}",
        f"run --data photos --runs {below}{'/e' * 120}/runs --name r {SETTINGS}",
        f"data build {below}/photos --out {below}/packed --size 8",
        f"predict runs/base {below}/photos/a/00.png",
        codes=(0, 2),
    )


def timed(folder: Path, *lines: str, codes: tuple[int, ...] = (0,)) -> Iterator[str]:
    """Runs commands, and yields how long each took and how much memory, or what is wrong."""
    for line in lines:
        start = time.monotonic()
        end = forked.dlcv(*line.split(), folder=folder, timeout=1800)
        seconds = time.monotonic() - start
        shown = line if len(line) < 200 else f"{line[:90]} ... {line[-90:]}"
        last = (end.stderr.strip().splitlines() or [""])[-1]
        told = f": {last[:150]} ... {last[-150:]}" if end.returncode else ""
        yield f"dlcv {shown}: {seconds:.0f} s, exit code {end.returncode}{told}"
        if end.returncode not in codes or "Traceback" in end.stderr:
            yield f"BAD: {end.stderr[-600:]}"


def write_many(root: Path, counts: dict[str, int]) -> None:
    """Writes tiny images, each different."""
    import cv2

    rng = np.random.default_rng(0)
    for label, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        images = rng.integers(0, 200, (count, 6, 6, 3), np.uint8)
        images[..., label % 3] += 55
        for number, image in enumerate(images):
            content = cv2.imencode(".png", image)[1]
            (root / name / f"{number:06d}.png").write_bytes(content.tobytes())


PARTS: dict[str, Callable[[Path], Iterator[str]]] = {
    f.__name__: f for f in (readers, trainings, files, one_class, classes, paths)
}


def main() -> None:
    """Runs the parts; exits with 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if left out")
    parser.add_argument("--place", type=Path, default=Path("/dev/shm"))
    given = parser.parse_args()
    bad = 0
    for name in given.parts or PARTS:
        with tempfile.TemporaryDirectory(dir=given.place, prefix="dlcv-load-") as place:
            print(f"{name}: {PARTS[name].__doc__}")
            for line in PARTS[name](Path(place)):
                print(f"  {line}", flush=True)
                bad += line.startswith("BAD")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
