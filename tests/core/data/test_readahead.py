"""The ordered map over threads: order, bounds, errors, and its end."""

import itertools
import threading
import time

import pytest

from dlcv.data.readahead import AHEAD_PER_THREAD, chunks, read_ahead


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
