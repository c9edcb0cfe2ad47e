"""Kills at random moments of every kind of training, until it ends; and what came of it.

    python tests/campaigns/random_kills.py                          every variant, SIGKILL
    python tests/campaigns/random_kills.py --signal TERM mixup      one variant, SIGTERM
    python tests/campaigns/random_kills.py --signal INT-INT         ctrl+c twice
    python tests/campaigns/random_kills.py --without-pictures       more of them in the same time
    KERAS_BACKEND=jax python tests/campaigns/random_kills.py plain  on another back end

A process trains and is ended at a moment by chance, `dlcv resume` goes on and is ended, and so on,
up to eight times. What comes of it must be equal, bit for bit, to what comes of a training that
nothing ended: history, weights, the optimizer's variables, predictions, figures. A signal that is
no SIGKILL must end the process with its exit code, or come too late, without a traceback. Commands
that train nothing are ended likewise, and repeated.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
from kill_points import (
    COMMANDS,
    SETTINGS,
    Command,
    last_line,
    leftovers,
    make_template,
    resume,
    run_result,
    unless,
)
from lives import live

MOST = 8
"""Kills of one training, after which it may end."""
SIGNALS = {
    "KILL": (signal.SIGKILL,),
    "TERM": (signal.SIGTERM,),
    "HUP": (signal.SIGHUP,),
    "INT": (signal.SIGINT,),
    "INT-INT": (signal.SIGINT, signal.SIGINT),
}
MORE = SETTINGS.replace("--epochs 2", "--epochs 5")
STAGES = """
data = "photos"
architecture = "lenet(width=0.1)"
batch_size = 16
threads = 1
checkpoint_every = 1
[[stages]]
epochs = 2
trainable = "head"
optimizer = "sgd(learning_rate=0.05, momentum=0.9)"
[[stages]]
epochs = 3
optimizer = "adam(learning_rate=0.002)"
schedule = "constant"
"""


def training(line: str) -> Command:
    """Returns a command that trains, and is resumed."""
    return Command(f"{line} --data photos --name r", "runs/r", _trained, resume)


def _trained(run: Path) -> Any:
    figures = json.loads((run / "metrics.json").read_text())
    names = sorted(path.name for path in run.iterdir())
    return run_result(run, has_report=False), figures.get("metrics"), names


def _content(path: Path) -> bytes:
    """Returns a file's content without the seconds that something took."""
    return re.sub(rb"[\d.]+ s\b", b"", path.read_bytes())


TRANSFER = "transfer --base runs/base --data photos --name r"
RATE = f"lr-search --data photos --out rate.png {SETTINGS.replace(' --checkpoint-every 1', '')}"
VARIANTS = {
    "plain": training(f"run {MORE}"),
    "dropout and augmentation": training(
        f"run {MORE.replace('lenet', 'minivggnet')} --preproc flip,noise"
    ),
    "mixed_bfloat16": training(f"run {MORE} --precision mixed_bfloat16"),
    "mixup": training(f"run {MORE} --preproc mixup(alpha=0.4)"),
    "averages": training(f"run {MORE} --optimizer adam(use_ema=True,ema_momentum=0.9)"),
    "accumulated gradients": training(f"run {MORE} --optimizer sgd(gradient_accumulation_steps=3)"),
    "early stopping": training(f"run {MORE} --early-stopping 1 --learning-rate 0.03"),
    "several stages": Command("run --config stages.toml --name r", "runs/r", _trained, resume),
    "class weights": training(f"run {MORE} --class-weights balanced"),
    "members": training(f"run {SETTINGS} --members 2"),
    "kept features": training(f"run {MORE} --trainable head --initial-weights runs/base"),
    "transfer": Command(TRANSFER, "runs/r", _trained, unless("runs/r", f"{TRANSFER} --force")),
    "lr-search": Command(RATE, "rate.png", Path.read_bytes, unless("rate.png", f"{RATE} --force")),
    "report": Command("report runs/base", "runs/base/report.html", _content),
    **{name: COMMANDS[name] for name in ("data build", "extract", "export")},
}


@attrs.define
class Tally:
    """What came of a variant.

    Attributes:
        trainings: How many were ended again and again.
        seconds: How long the quickest took that nothing ended.
        kills: How many signals came before the end.
        ends: How a process ended after a signal, with how often.
        bad: What was wrong.
    """

    seconds: float
    trainings: int = 0
    kills: int = 0
    ends: Counter[int] = attrs.field(factory=Counter)
    bad: list[str] = attrs.field(factory=list)


def ending(after: float, between: float, numbers: tuple[int, ...], _: Any) -> Callable[[], None]:
    """Sends this process signals, the first after some seconds, from a thread of its own.

    Those that can be handled come after the command began to handle them: `early_signals.py` sends
    them before, to processes that begin anew.
    """

    def send() -> None:
        while numbers[0] != signal.SIGKILL and signal.getsignal(numbers[0]) in unhandled:
            time.sleep(0.01)
        time.sleep(after)
        for number in numbers:
            os.kill(os.getpid(), number)
            time.sleep(between)

    unhandled = (signal.SIG_DFL, signal.default_int_handler)
    threading.Thread(target=send, daemon=True).start()
    return lambda: None


def tortured(
    command: Command, template: Path, expected: Any, chance: random.Random,
    numbers: tuple[int, ...], tally: Tally, *, has_pictures: bool,
) -> str:  # fmt: skip
    """Ends a command at moments by chance until it is whole; returns what is wrong, or nothing."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(template, Path(place, "w"), symlinks=True))
        tally.trainings += 1
        for _ in range(MOST):
            moment = chance.uniform(0, tally.seconds), chance.uniform(0, 0.3)
            following, start = command.next(folder) or command.line, time.monotonic()
            armed = (ending, (*moment, numbers))
            code, _, told = live(folder, following, armed=armed, has_pictures=has_pictures)
            if wrong := _wrong_end(code, told, numbers):
                return f"`dlcv {following}`, signal after {moment[0]:.3f} s: {wrong}"
            if code == 0:
                tally.seconds = min(tally.seconds, time.monotonic() - start)
                break
            tally.kills += 1
            tally.ends[code] += 1
        following = command.next(folder) or command.line
        code, _, told = live(folder, following, has_pictures=has_pictures)
        if code:
            return f"`dlcv {following}` then ended with {code}: {last_line(told)}"
        try:
            is_equal = command.result(folder / command.made) == expected
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return leftovers(folder) if is_equal else "what came of it differs"


def _wrong_end(code: int, told: str, numbers: tuple[int, ...]) -> str:
    # The second of two signals may end the process at once.
    ends_at_once = numbers[0] == signal.SIGKILL or len(numbers) > 1
    handled = 0 if numbers[0] == signal.SIGKILL else 128 + numbers[0]
    if code not in {0, handled, -numbers[0] if ends_at_once else 0}:
        return f"it ended with {code}: {last_line(told)}"
    return f"it printed a traceback: {told[-600:]}" if "Traceback" in told else ""


def campaign(
    names: list[str], *, numbers: tuple[int, ...], seed: int, minutes: float, kills: int,
    has_pictures: bool,
) -> Iterator[tuple[str, Tally]]:  # fmt: skip
    """Tries each variant until so many signals came, or its share of the time is over."""
    end = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as place:
        template = make_template(Path(place, "template"))
        for picture in sorted((template / "photos/b").iterdir())[20:]:
            picture.unlink()  # Classes of unequal size, for their weights.
        (template / "stages.toml").write_text(STAGES)
        for position, name in enumerate(names):
            until = time.monotonic() + (end - time.monotonic()) / (len(names) - position)
            command = VARIANTS[name]
            whole = Path(shutil.copytree(template, Path(place, str(position)), symlinks=True))
            start = time.monotonic()
            live(whole, command.line, must_end=True, has_pictures=has_pictures)
            tally, number = Tally(time.monotonic() - start), 0
            expected = command.result(whole / command.made)
            while time.monotonic() < until and tally.kills < kills:
                chance = random.Random(f"{name} {seed} {number}")
                if wrong := tortured(
                    command, template, expected, chance, numbers, tally, has_pictures=has_pictures
                ):
                    tally.bad.append(f"{name}, training {number}: {wrong}")
                    print(f"  {tally.bad[-1]}", file=sys.stderr, flush=True)
                number += 1
            yield name, tally


def main() -> None:
    """Runs the campaign and prints a table; exits with 1 if a training had a bad end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("variants", nargs="*", help=f"of {', '.join(VARIANTS)}; all if left out")
    parser.add_argument("--signal", default="KILL", choices=[*SIGNALS])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=600.0, help="for all of it")
    parser.add_argument("--kills", type=int, default=200, help="of each variant")
    parser.add_argument(
        "--without-pictures", action="store_true",
        help="draw no curves and write no report, which take a third of a tiny training's time",
    )  # fmt: skip
    given = parser.parse_args()
    os.environ.setdefault("NPROC", "1")  # JAX takes its threads from here, when it is imported.
    back_end = os.environ.get("KERAS_BACKEND", "tensorflow")
    print(f"seed {given.seed}, {given.signal}, {back_end}\n")
    print("| training | trainings | signals | bad | exit codes |\n|---|---|---|---|---|")
    bad = 0
    names = given.variants or [*VARIANTS]
    for name, tally in campaign(
        names, numbers=SIGNALS[given.signal], seed=given.seed, minutes=given.minutes,
        kills=given.kills, has_pictures=not given.without_pictures,
    ):  # fmt: skip
        ends = ", ".join(f"{code}: {count}" for code, count in sorted(tally.ends.items()))
        row = f"| {name} | {tally.trainings} | {tally.kills} | {len(tally.bad)} | {ends} |"
        print(row, flush=True)
        bad += len(tally.bad)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
