"""The cache of object storage: its bound, and that nothing is fetched twice or in vain."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dlcv.errors import DlcvError
from dlcv_plugins.stores import remote_cache
from dlcv_plugins.stores.byte_files import LastBlock, sampled
from dlcv_plugins.stores.remote_cache import Cache

SIZE = 100


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "remote"


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def block(number):
    return bytes([number]) * SIZE


def read(cache, number, fetched, most=10 * SIZE):
    """Reads four bytes of a block; notes that it was fetched."""

    def fetch():
        fetched.append(number)
        return block(number)

    return cache.part("file", number, SIZE, slice(3, 7), fetch=fetch, most=most)


def test_processes_share_the_bound(folder):
    # Each is that of a process, and knows of what the other kept by the disk alone.
    caches, fetched = [Cache(folder), Cache(folder)], []
    with ThreadPoolExecutor(8) as executor:
        parts = list(executor.map(lambda n: read(caches[n % 2], n // 2, fetched), range(40)))
    assert {part for part in parts if part} <= {block(n)[3:7] for n in range(20)}
    assert size(folder) == 10 * SIZE
    assert (folder.parent / "remote.bytes").read_text() == str(10 * SIZE)
    fetched.clear()
    # Where it is full, whole blocks are fetched no more, also by a process that begins now.
    known = {int(path.name) for path in folder.rglob("0*")}
    for cache in (*caches, Cache(folder)):
        for number in range(20):
            expected = block(number)[3:7] if number in known else None
            assert read(cache, number, fetched) == expected
    assert not fetched


def test_threads_wait_for_one_fetch(folder):
    cache, fetched, together = Cache(folder), [], threading.Barrier(16)

    def reading(_):
        together.wait()
        return read(cache, 1, fetched)

    with ThreadPoolExecutor(16) as executor:
        assert set(executor.map(reading, range(16))) == {block(1)[3:7]}
    assert fetched == [1]
    assert size(folder) == SIZE


def test_what_fails_takes_no_room(folder, monkeypatch, caplog):
    cache, fetched = Cache(folder), []

    def failing():
        raise DlcvError("no network")

    for _ in range(20):
        with pytest.raises(DlcvError, match="no network"):
            cache.part("file", 1, SIZE, slice(0, 1), fetch=failing, most=SIZE)
    with monkeypatch.context() as patched:
        patched.setattr(remote_cache.files, "write_atomically", lambda *_: failing())
        assert read(cache, 1, fetched) == block(1)[3:7]
        # A disk that is full is no reason to fetch whole blocks from then on.
        assert read(cache, 1, fetched) is None
    assert caplog.text.count("can't be used (no network); what is read is not kept") == 1
    cache.make_room({"file": SIZE}, SIZE)
    assert read(cache, 1, fetched, most=SIZE) == block(1)[3:7]
    assert size(folder) == SIZE


def test_room_is_made_down_to_the_bound(folder):
    cache = Cache(folder)
    for number in range(8):
        read(cache, number, [])
    cache.make_room({"other": 2 * SIZE}, 10 * SIZE)
    assert size(folder) == 8 * SIZE
    cache.make_room({"other": 3 * SIZE}, 10 * SIZE)
    assert size(folder) == 0
    read(cache, 1, [])
    # What the data set itself has goes where the bound has become smaller.
    cache.make_room({"file": 8 * SIZE}, SIZE - 1)
    assert size(folder) == 0
    # Without a cache, that of others stays.
    read(cache, 1, [])
    cache.make_room({"other": SIZE}, 0)
    assert size(folder) == SIZE


def test_samples_are_not_kept(folder):
    cache, fetched = Cache(folder), []
    with sampled():
        assert read(cache, 1, fetched) is None
    assert not fetched
    assert not folder.exists()


def test_a_hit_reads_what_is_needed(folder, monkeypatch):
    cache, lengths = Cache(folder), []
    read(cache, 1, [])
    pread = remote_cache.os.pread

    def counted(descriptor, length, position):
        lengths.append(length)
        return pread(descriptor, length, position)

    monkeypatch.setattr(remote_cache.os, "pread", counted)
    assert read(cache, 1, []) == block(1)[3:7]
    assert lengths == [4]


def test_small_readings_share_a_block():
    content, asked = bytes(range(250)), []

    class Far:
        name, size, identity = "x", len(content), "x"

        def read_at(self, position, length):
            asked.append(position)
            return content[position : position + length]

    file = LastBlock(Far(), 100)
    for position in range(0, 260, 7):
        assert file.read_at(position, 7) == content[position : position + 7]
    assert asked == [0, 100, 200]
    assert file.read_at(10, 230) == content[10:240]
