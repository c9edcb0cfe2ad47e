"""What `dlcv run` takes before the first step and after the last epoch, as a person sees it.

Commands run on a terminal of their own. The first step is there when the bar shows a loss; the end
is that of the process, after the report. Beside it: what `import keras` takes, and one `predict` of
the same test images by Keras. Each side is a process of its own, and they take turns. Where other
work shares the cores, processor time tells more than the clock.
"""

import argparse
import itertools
import json
import os
import pty
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from processes import run, spread

ROUNDS = 3
IMAGES = 22_350
BATCH = 64
RUN = [
    *(sys.executable, "-m", "dlcv", "run", "--arch", "minivggnet", "--preproc", "scale"),
    *("--epochs", "1", "--batch-size", str(BATCH)),
]
PREDICT = """
import json, sys, time
import h5py, keras
model = keras.saving.load_model(sys.argv[1])
with h5py.File(sys.argv[2]) as file:
    images = file["images"][()]
start, processor = time.monotonic(), time.process_time()
model.predict(images, batch_size=int(sys.argv[3]), verbose=0)
print(json.dumps([time.monotonic() - start, time.process_time() - processor]))
"""
FIRST_STEP, LAST_EPOCH = re.compile(r"loss \d"), re.compile(r"epoch 1 of 1: loss")
IMPORT, PACKED, FILES, AGAIN, FINISH, ONE = (
    "import keras", "first step, packed", "first step, files", "first step, files again",
    "after the last epoch", "one prediction",
)  # fmt: skip


class Seconds(NamedTuple):
    """What something took, by the clock and of the processors."""

    clock: float
    processor: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="class folders with images, such as CIFAR-10's")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    found: dict[str, list[Seconds]] = {}
    with tempfile.TemporaryDirectory() as work:
        copy(options.folder, Path(work, "files"))
        build = [sys.executable, "-m", "dlcv", "data", "build", "files", "--out", "packed"]
        run([*build, "--size", "32"], Path(work))
        for number in range(options.rounds):
            for title, seconds in measured(Path(work), number).items():
                found.setdefault(title, []).append(seconds)
                print(f"round {number + 1}: {title}: {seconds.clock:.2f} s", flush=True)
    report(found)


def copy(source: Path, folder: Path) -> None:
    """Copies the first images of each class."""
    classes = [path for path in sorted(source.iterdir()) if path.is_dir()]
    for path in classes:
        (folder / path.name).mkdir(parents=True)
        for image in itertools.islice(sorted(path.iterdir()), IMAGES // len(classes)):
            shutil.copyfile(image, folder / path.name / image.name)


def measured(work: Path, number: int) -> dict[str, Seconds]:
    """Measures each side once."""
    variables = {
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "COLUMNS": "160",
        # What is kept between runs; the first of a round finds nothing.
        "DLCV_CACHE": str(work / f"cache-{number}"),
    }
    name = f"packed-{number}"
    command = [sys.executable, "-c", "import keras"]
    (keras,) = on_terminal(command, work, variables, ())
    command = [*RUN, "--data", "packed", "--name", name]
    first, last, end = on_terminal(command, work, variables, (FIRST_STEP, LAST_EPOCH))
    finish = Seconds(end.clock - last.clock, end.processor - last.processor)
    model, images = work / "runs" / name / "model.keras", work / "packed" / "test.hdf5"
    command = [sys.executable, "-c", PREDICT, str(model), str(images), str(BATCH)]
    one = Seconds(*json.loads(run(command, **variables)[2].splitlines()[-1]))
    found = {IMPORT: keras, PACKED: first, FINISH: finish, ONE: one}
    for title in (FILES, AGAIN):
        command = [*RUN, "--data", "files", "--name", "files", "--force"]
        found[title] = on_terminal(command, work, variables, (FIRST_STEP,), kills=True)[0]
    return found


def on_terminal(
    command: list[str],
    folder: Path,
    variables: dict[str, str],
    awaited: Sequence[re.Pattern[str]],
    *,
    kills: bool = False,
) -> list[Seconds]:
    """Runs a command on a terminal of its own.

    Args:
        command: The command.
        folder: Where it runs.
        variables: Environment variables that it gets in addition.
        awaited: What is printed, in this order.
        kills: Whether the command is killed when all of it was.

    Returns:
        When each was printed, and when the command ended.
    """
    ours, theirs = pty.openpty()
    environment = {**os.environ, **variables}
    start = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    found: list[Seconds] = []
    text = ""
    while True:
        try:
            text += os.read(ours, 65_536).decode(errors="replace")
        except OSError:  # The other end was closed.
            break
        if len(found) < len(awaited) and awaited[len(found)].search(text):
            found.append(Seconds(time.monotonic() - start, spent(process.pid)))
            if kills and len(found) == len(awaited):
                process.kill()
    _, status, usage = os.wait4(process.pid, 0)
    os.close(ours)
    found.append(Seconds(time.monotonic() - start, usage.ru_utime + usage.ru_stime))
    if (status and not kills) or len(found) <= len(awaited):
        sys.exit(f"{' '.join(command)} failed:\n{text[-2000:]}")
    return found


def spent(pid: int) -> float:
    """Returns the processor time of a process so far, with its children that have ended."""
    fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def report(found: dict[str, list[Seconds]]) -> None:
    """Prints the tables, and what is to be reached beside what was."""
    for index, kind in enumerate(("by the clock", "of processor time")):
        values = {title: [each[index] for each in seconds] for title, seconds in found.items()}
        median = {title: statistics.median(each) for title, each in values.items()}
        to_reach = {
            PACKED: median[IMPORT] + 1,
            FILES: 5.0,
            AGAIN: median[PACKED] + 1,
            FINISH: median[ONE] + 3,
        }
        print(f"seconds {kind}, median of {len(values[IMPORT])} (range)")
        for title, each in values.items():
            wanted = f"  to reach: {to_reach[title]:.2f}" if title in to_reach else ""
            print(f"{title:25} {spread(each)}{wanted}")
    print("load of the machine:", *(f"{load:.1f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
