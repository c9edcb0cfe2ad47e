"""The ordered map over threads: order, bounds, errors, and its end."""

import itertools
import signal
import subprocess
import sys
import threading
import time

import cv2
import pytest

from dlcv.data.loader import AHEAD_PER_THREAD, chunks, read_ahead


def threads_of_ours():
    return [t for t in threading.enumerate() if t.name.startswith("dlcv-read-ahead")]


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_results_come_in_order_however_long_each_takes(threads):
    def slow_at_first(number):
        time.sleep(0.02 if number % 5 == 0 else 0)
        return number * 10

    results = list(read_ahead(slow_at_first, range(30), threads))
    assert results == [number * 10 for number in range(30)]


def test_nothing_gives_nothing():
    assert list(read_ahead(str, [], 3)) == []


@pytest.mark.parametrize("threads", [1, 3])
def test_an_endless_stream_is_read_only_a_little_ahead(threads):
    begun = []
    stream = read_ahead(lambda n: begun.append(n) or n, itertools.count(), threads)
    furthest = []
    for read, _ in zip(range(1, 41), stream, strict=False):
        time.sleep(0.002)  # time enough to run too far, if anything would
        furthest.append(len(begun) - read)
    stream.close()
    assert 0 < max(furthest) <= AHEAD_PER_THREAD * threads


def test_several_items_are_worked_on_at_once():
    together = threading.Barrier(4, timeout=10)
    results = read_ahead(lambda _: together.wait() >= 0, range(4), threads=4)
    assert list(results) == [True] * 4


def test_an_exception_comes_where_its_result_would_have():
    def divide(number):
        return 12 // (3 - number)

    stream = read_ahead(divide, range(6), threads=2)
    assert [next(stream), next(stream), next(stream)] == [4, 6, 12]
    with pytest.raises(ZeroDivisionError):
        next(stream)
    assert not threads_of_ours()


def test_closing_stops_the_threads_and_drops_what_was_not_begun():
    begun = []

    def work(number):
        begun.append(number)
        time.sleep(0.01)
        return number

    stream = read_ahead(work, itertools.count(), threads=2)
    next(stream)
    assert threads_of_ours()
    stream.close()
    assert not threads_of_ours()
    done = len(begun)
    time.sleep(0.05)
    assert len(begun) == done


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("at", [0, 1, 7, 19])
def test_an_exception_is_never_lost_and_nothing_after_it_is_begun_for_long(threads, at):
    begun = []

    def work(number):
        begun.append(number)
        if number == at:
            raise KeyError(number)
        return number

    stream = read_ahead(work, itertools.count(), threads)
    assert list(itertools.islice(stream, at)) == list(range(at))
    with pytest.raises(KeyError, match=str(at)):
        next(stream)
    assert len(begun) <= at + 1 + AHEAD_PER_THREAD * threads
    assert not threads_of_ours()


def test_an_exception_of_the_items_comes_too_and_stops_the_threads():
    def items():
        yield from range(3)
        raise OSError("no more")

    stream = read_ahead(str, items(), threads=4)
    with pytest.raises(OSError, match="no more"):
        list(stream)
    assert not threads_of_ours()


def test_many_failing_threads_end_together():
    def fail(number):
        time.sleep(0.001)
        raise ValueError(number)

    for _ in range(20):
        with pytest.raises(ValueError, match=r"^0$"):
            next(read_ahead(fail, itertools.count(), threads=8))
    assert not threads_of_ours()


def test_a_stream_that_was_never_read_or_is_forgotten_leaves_no_threads():
    read_ahead(str, itertools.count(), threads=2)
    stream = read_ahead(str, itertools.count(), threads=2)
    next(stream)
    del stream
    assert not threads_of_ours()


def test_closing_from_another_thread_than_the_reader_s_ends():
    stream = read_ahead(lambda n: time.sleep(0.01) or n, itertools.count(), threads=2)
    next(stream)
    closer = threading.Thread(target=stream.close)
    closer.start()
    closer.join(timeout=10)
    assert not closer.is_alive()
    assert not threads_of_ours()


STOPPED = """
import itertools, time
from dlcv.data.loader import read_ahead

def work(number):
    time.sleep(0.05)
    return number

try:
    for number in read_ahead(work, itertools.count(), threads=3):
        print(number, flush=True)
finally:
    import threading
    print("threads", threading.active_count(), flush=True)
"""


@pytest.mark.parametrize("pause", [0, 0.02, 0.07])
def test_ctrl_c_ends_the_threads_and_the_process(pause):
    command = [sys.executable, "-c", STOPPED]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "0\n"
        time.sleep(pause)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
    # Python itself may lose the lock that it waits for when a signal comes.
    lost = "RuntimeError: cannot release un-acquired lock" in errors
    assert process.returncode == (1 if lost else -signal.SIGINT), errors
    assert output.splitlines()[-1] == "threads 1"
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_a_process_that_forgets_to_close_ends_anyway():
    program = (
        "import itertools\n"
        "from dlcv.data.loader import read_ahead\n"
        "stream = read_ahead(str, itertools.count(), threads=3)\n"
        "print(next(stream))\n"
        "raise SystemExit(7)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "0\n", "")


def test_opencv_starts_no_threads_within_ours():
    cv2.setNumThreads(4)
    assert list(read_ahead(lambda _: cv2.getNumThreads(), range(3), threads=2)) == [1, 1, 1]


def test_opencv_has_its_threads_back_when_the_last_reader_ends():
    cv2.setNumThreads(2)
    first = read_ahead(lambda _: cv2.getNumThreads(), range(9), threads=1)
    second = read_ahead(lambda _: cv2.getNumThreads(), range(9), threads=1)
    assert (next(first), next(second)) == (1, 1)
    first.close()
    assert list(second) == [1] * 8
    assert cv2.getNumThreads() == 2


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (0, 4, []),
        (3, 4, [[0, 1, 2]]),
        (4, 4, [[0, 1, 2, 3]]),
        (9, 4, [[0, 1, 2, 3], [4, 5, 6, 7], [8]]),
    ],
)
def test_chunks_divide_a_range(count, size, expected):
    assert [list(chunk) for chunk in chunks(count, size)] == expected
