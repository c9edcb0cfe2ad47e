"""One data set in each form that dlcv reads: size, and images/s in the order of a seed.

Rows of pixels, image files kept as they are in one HDF5 file, files in folders, a zip archive,
Parquet files and tar archives, with the same images at one size. Batches of 32, two threads; forms
take turns in one process, and what counts is the median. Where other work shares the cores,
processor time tells more than images/s.
"""

import argparse
import io
import json
import os
import sys
import tarfile
import tempfile
import time
import zipfile
from contextlib import closing
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.parquet as pq
from processes import run, spread

from dlcv.data.loader import Loader
from dlcv.data.pipeline import Pipeline
from dlcv.data.sources import find_store
from dlcv.interfaces import LabelledImages

ROUNDS, SECONDS, WARM_UP_SECONDS = 3, 4.0, 1.0
BATCH, THREADS = 32, 2
GROUP = 100
"""Rows of a group of a Parquet file."""
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="class folders with images")
    parser.add_argument("--size", type=int, default=224, help="their side in pixels")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    rates: dict[str, list[float]] = {}
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        forms = written(options.folder, Path(name), options.size)
        opened = {title: opened_as(path) for title, path in forms.items()}
        sizes = {title: megabytes(path) for title, path in forms.items()}
        for number in range(options.rounds):
            for title, images in opened.items():
                rate, processor = measured(images)
                rates.setdefault(title, []).append(rate)
                spent.setdefault(title, []).append(1e6 * processor)
            shown = ", ".join(f"{title} {found[-1]:,.0f}" for title, found in rates.items())
            print(f"round {number + 1}: {shown} images/s", flush=True)
    print("megabytes; images/s; microseconds of processor time an image: median (range)")
    for title, size in sizes.items():
        print(f"{title:24}{size:9.1f}  {spread(rates[title])}  {spread(spent[title])}")
    print("load of the machine:", *(f"{load:.1f}" for load in os.getloadavg()))


def written(source: Path, work: Path, size: int) -> dict[str, Path]:
    """Writes the images in every form, all from JPEG files of one size."""
    files = resized(source, work / "files", size)
    for encode in ("raw", "jpeg"):
        command = [sys.executable, "-m", "dlcv", "data", "build", "files", "--out", encode]
        run([*command, "--encode", encode, "--groups", "none"], work)
    with zipfile.ZipFile(work / "images.zip", "w") as archive:
        for path in files:
            archive.write(path, path.relative_to(work / "files"))
    names = sorted({path.parent.name for path in files})
    contents = [path.read_bytes() for path in files]
    labels = [names.index(path.parent.name) for path in files]
    write_parquet(work / "parquet", contents, labels, names)
    write_tar(work / "tar", contents, labels)
    return {
        "packed, rows of pixels": work / "raw",
        "packed, --encode jpeg": work / "jpeg",
        "folders of files": work / "files",
        "zip archive": work / "images.zip",
        f"Parquet, groups of {GROUP}": work / "parquet",
        "tar archive": work / "tar",
    }


def resized(source: Path, folder: Path, size: int) -> list[Path]:
    """Writes the images as JPEG of one size; returns their paths."""
    found = []
    for path in sorted(source.glob("*/*")):
        target = folder / path.parent.name / f"{path.stem}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), cv2.resize(cv2.imread(str(path)), (size, size)))
        found.append(target)
    return found


def write_parquet(folder: Path, contents: list[bytes], labels: list[int], names: list[str]) -> None:
    """Writes a file as the Hugging Face hub lays it out."""
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    schema = pa.schema(
        [("image", IMAGE), ("label", pa.int64())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    rows = [{"bytes": content, "path": None} for content in contents]
    folder.mkdir()
    table = pa.table({"image": rows, "label": labels}, schema=schema)
    pq.write_table(table, folder / "train-00000-of-00001.parquet", row_group_size=GROUP)


def write_tar(folder: Path, contents: list[bytes], labels: list[int]) -> None:
    """Writes an archive of samples as WebDataset does."""
    folder.mkdir()
    with tarfile.open(folder / "train-000000.tar", "w") as archive:
        for number, (content, label) in enumerate(zip(contents, labels, strict=True)):
            for ending, data in (("jpg", content), ("cls", str(label).encode())):
                member = tarfile.TarInfo(f"{number:06d}.{ending}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


def opened_as(path: Path) -> LabelledImages:
    """Opens the training images, or all where they are not divided."""
    store = find_store(str(path))
    return store.open(store.splits()[0])


def megabytes(path: Path) -> float:
    """Returns the size of a file, or of all files of a folder."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def measured(images: LabelledImages) -> tuple[float, float]:
    """Returns images/s, and the seconds of processor time that an image takes."""
    loader = Loader(images, Pipeline.of([]), batch_size=BATCH, threads=THREADS, seed=0)
    with closing(loader.stream(0)) as batches:
        warm = time.perf_counter() + WARM_UP_SECONDS
        while time.perf_counter() < warm:
            next(batches)
        count, start, processor = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - start < SECONDS:
            count += len(next(batches)[0])
        return (
            count / (time.perf_counter() - start),
            (time.process_time() - processor) / count,
        )


if __name__ == "__main__":
    main()
