"""Ways to change a file at random: its bytes, its text, or the structure that they hold."""

import contextlib
import copy
import io
import json
import random
import struct
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

INTERESTING = (0, 1, -1, 127, 128, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1,
               2**63 - 1, -(2**31), -(2**63))  # fmt: skip
TEXTS = (
    "", " ", "\0", "a\nb", "\x1b[31m", "../../etc/passwd", "/dev/zero", "/proc/self/mem", "é",
    "e\u0301", "\u202e", "\ud800", "x" * 5000, "nan", "inf", "1e999", "None", "true", "__class__",
    "%s", "{0}", "<script>", "a/b", ".", "..", "-", "😀", "0" * 400,
)  # fmt: skip
SIGNS = "()[]{}\"'=,;.#\\/-+*0 \t\n\0é\u2028😀"
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 0.5, -0.0, float("nan"), float("inf"), 1e308,
    [], {}, [[]], [None], {"": None}, *TEXTS,
)  # fmt: skip
Mutator = Callable[[bytes, random.Random], bytes]


def change_bytes(content: bytes, chance: random.Random) -> bytes:
    """Changes one to four places: bits, bytes, numbers, spans, or the end."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        _change_place(data, chance)
    return bytes(data)


def _change_place(data: bytearray, chance: random.Random) -> None:
    # Headers decide more than what follows them.
    most = len(data) if chance.random() < 0.5 else min(len(data), 512)
    at = chance.randrange(max(1, most))
    span = chance.choice((1, 2, 4, 8, 16, 64, 1024))
    how = chance.randrange(9)
    if how == 0 and data:
        data[at] ^= 1 << chance.randrange(8)
    elif how == 1 and data:
        data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    elif how == 2:
        del data[at:]
    elif how == 3:
        del data[at : at + span]
    elif how == 4:
        data[at:at] = chance.randbytes(span)
    elif how == 5:
        data[at:at] = data[at : at + span] * chance.choice((1, 2, 100))
    elif how == 6:
        data[at : at + span] = bytes(len(data[at : at + span]))
    elif how == 7:
        form = chance.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
        number = chance.choice(INTERESTING) % 256 ** struct.calcsize(form)
        data[at : at + struct.calcsize(form)] = struct.pack(form, number)
    else:
        other = chance.randrange(max(1, len(data)))
        data[at : at + span] = data[other : other + span]


def change_text(content: bytes, chance: random.Random) -> bytes:
    """Changes lines, words and signs of a text."""
    text = content.decode(errors="surrogateescape")
    for _ in range(chance.choice((1, 1, 2, 4))):
        text = _change_words(text, chance)
    return text.encode(errors="surrogatepass" if chance.random() < 0.5 else "replace")


def _change_words(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at = chance.randrange(len(lines))
    line = lines[at]
    place = chance.randrange(len(line) + 1)
    how = chance.randrange(8)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(chance.randrange(len(lines)), line)
    elif how == 2:
        lines[at] = (
            line[:place] + chance.choice("()[]{}\"'=,;.#\\/-+*0 \t\n\0é\u2028😀") + line[place:]
        )
    elif how == 3:
        lines[at] = line[:place] + line[place + 1 :]
    elif how == 4:
        lines[at] = line[:place] + chance.choice(TEXTS) + line[place:]
    elif how == 5:
        digits = [i for i, sign in enumerate(line) if sign.isdigit()] or [0]
        spot = chance.choice(digits)
        lines[at] = line[:spot] + str(chance.choice(INTERESTING)) + line[spot + 1 :]
    elif how == 6:
        lines[at] = (
            line[:place] + chance.choice("([{") * chance.choice((1, 30, 5000)) + line[place:]
        )
    else:
        lines[at] = line[:place]
    return "".join(lines)


def change_tree(tree: Any, chance: random.Random) -> Any:
    """Returns a tree of dictionaries and lists with one to three places changed."""
    tree = copy.deepcopy(tree)
    for _ in range(chance.choice((1, 1, 2, 3))):
        parents = [node for node in _nodes(tree) if node]
        if parents:
            _change_node(chance.choice(parents), chance)
    return tree


def _nodes(tree: Any) -> list[Any]:
    found = [tree] if isinstance(tree, dict | list) else []
    for child in (
        tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    ):
        found += _nodes(child)
    return found


def _change_node(node: Any, chance: random.Random) -> None:
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    key, how = chance.choice(keys), chance.randrange(6)
    if how == 0:
        del node[key]
    elif how == 1 and isinstance(node, dict):
        node[chance.choice((*map(str, keys), *TEXTS))] = node.pop(key)
    elif how == 1:
        node.extend(node[key:])
    elif how == 2:
        node[key] = copy.deepcopy(node[chance.choice(keys)])
    elif how == 3 and isinstance(node[key], int | float):
        node[key] = chance.choice((-node[key], node[key] * 1000, node[key] + 1, str(node[key])))
    elif how == 4:
        node[key] = [node[key]] if chance.random() < 0.5 else {"a": node[key]}
    else:
        node[key] = chance.choice(VALUES)


def change_json(content: bytes, chance: random.Random) -> bytes:
    """Changes values, keys and lists of a JSON text, which stays JSON; seldom the text itself."""
    if chance.random() < 0.2:
        return change_text(content, chance)
    if chance.random() < 0.03:
        return b"[" * chance.choice((900, 5000, 100_000)) + content
    return json.dumps(change_tree(json.loads(content), chance)).encode(errors="replace")


def change_toml(content: bytes, chance: random.Random) -> bytes:
    """Changes values, keys and tables of a TOML text, which stays TOML; or the text itself."""
    import tomli_w

    if chance.random() < 0.4:
        return change_text(content, chance)
    changed = change_tree(tomllib.loads(content.decode()), chance)
    try:
        return tomli_w.dumps(changed).encode()
    except (TypeError, ValueError):  # TOML has no None, and no surrogates.
        return change_text(content, chance)


def change_arrays(content: bytes, chance: random.Random) -> bytes:
    """Changes shapes, types, values and names of the arrays in an `.npz` archive."""
    import numpy as np

    with np.load(io.BytesIO(content)) as archive:
        arrays = dict(archive)
    name = chance.choice([*arrays] or ["a"])
    how = chance.randrange(5)
    if how == 0:
        arrays.pop(name, None)
    elif how == 1:
        arrays[chance.choice(TEXTS[:16]).replace("\0", "0").replace("\ud800", "")] = arrays.pop(
            name
        )
    elif how == 2:
        arrays[name] = arrays[chance.choice([*arrays])]
    else:
        arrays[name] = change_array(arrays[name], chance)
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _whole_text(text: str) -> str:
    return text.replace("\0", "").replace("\ud800", "")


def change_array(array: Any, chance: random.Random) -> Any:
    """Returns an array of another shape, type, or with other values."""
    import numpy as np

    how = chance.randrange(6)
    with np.errstate(all="ignore"):
        if how == 0:
            kind = chance.choice(
                ("f2", "f4", "f8", "i1", "u1", "i8", "c16", "b1", "U3", "S2", "M8[s]")
            )
            try:
                return array.astype(kind)
            except (ValueError, TypeError):
                return np.zeros(array.shape, kind)
        if how == 1:
            return chance.choice(
                (array[np.newaxis], array.reshape(-1), array.ravel()[:1], array[..., np.newaxis])
            )
        if how == 2:
            return chance.choice(
                (
                    np.zeros(0),
                    np.zeros((0, 3, 0)),
                    np.array(1.0),
                    np.array("x"),
                    np.atleast_1d(array)[..., :0],
                )
            )
        if how == 3 and array.ndim:
            return chance.choice((array[:-1], np.concatenate([array, array]), array[::-1]))
        changed = np.array(array)
        if changed.size and changed.dtype.kind in "iuf":
            limits = (
                np.finfo(changed.dtype) if changed.dtype.kind == "f" else np.iinfo(changed.dtype)
            )
            values = [limits.min, limits.max, 0, 1]
            values += [np.nan, np.inf] if changed.dtype.kind == "f" else []
            changed.flat[chance.randrange(changed.size)] = chance.choice(values)
        return changed


def change_zip(
    content: bytes, chance: random.Random, change: Mutator = change_bytes, pattern: str = ""
) -> bytes:
    """Changes one entry of an archive whose name holds `pattern`, or how entries are stored."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {info.filename: archive.read(info) for info in archive.infolist()}
    names = [name for name in entries if pattern in name] or [*entries]
    name, how = chance.choice(names), chance.randrange(10)
    packing = zipfile.ZIP_DEFLATED if how == 0 else zipfile.ZIP_STORED
    if how == 1:
        del entries[name]
    elif how == 2:
        entries[chance.choice(("../x", "/x", "a" * 300, "x"))] = entries.pop(name)
    elif how == 3:
        entries[name] = entries[chance.choice([*entries])]
    else:
        entries[name] = change(entries[name], chance)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for entry, part in entries.items():
            archive.writestr(entry, part)
    return file.getvalue()


def change_hdf5(content: bytes, chance: random.Random) -> bytes:
    """Replaces something in an HDF5 file: by other numbers, a group, a link, or compressed rows."""
    import h5py
    import numpy as np

    memory = io.BytesIO(content)
    with h5py.File(memory, "r+") as file:
        places: list[str] = []
        file.visit(places.append)
        place = chance.choice(places)
        found = file[place]
        array = found[()] if isinstance(found, h5py.Dataset) else np.zeros(3)
        how = chance.randrange(9)
        if how == 8:
            found.attrs[chance.choice(("name", "layer_names", "weight_names", "a"))] = (
                chance.choice((1, "x", b"\xff", np.zeros(3), [b"a", b"b"]))
            )
            return _saved(file, memory)
        del file[place]
        if how == 0:
            file.create_group(place)
        elif how == 1:
            file[place] = h5py.SoftLink(chance.choice(("/", f"/{place}", "/nowhere")))
        elif how == 2:
            file[place] = h5py.ExternalLink(chance.choice(("/etc/passwd", "train.hdf5")), "images")
        elif how == 3:
            file.create_dataset(place, shape=(2**20, 2**10, 8, 3), dtype="u1", chunks=(1, 8, 8, 3))
        elif how == 4 and array.ndim and array.dtype.kind != "O":
            file.create_dataset(place, data=array, chunks=True, compression="gzip")
        elif how == 5:
            other = chance.choice((h5py.string_dtype(), np.dtype([("a", "f4")]), h5py.ref_dtype))
            file.create_dataset(place, shape=(3,), dtype=other)
        elif array.dtype.kind != "O":
            with contextlib.suppress(TypeError, ValueError):
                file.create_dataset(place, data=change_array(array, chance))
        else:
            texts = [_whole_text(chance.choice(TEXTS)) for _ in range(4)]
            file.create_dataset(place, data=texts[: chance.randrange(5)], dtype=h5py.string_dtype())
        return _saved(file, memory)


def _saved(file: Any, memory: io.BytesIO) -> bytes:
    file.flush()
    return memory.getvalue()


def change_png(content: bytes, chance: random.Random) -> bytes:
    """Changes, repeats or removes a chunk of a PNG image, with the right checksum."""
    chunks, at = [], 8
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += size + 12
    place, how = chance.randrange(len(chunks)), chance.randrange(5)
    kind, data = chunks[place]
    if how == 0:
        del chunks[place]
    elif how == 1:
        chunks.insert(place, chunks[chance.randrange(len(chunks))])
    elif how == 2:
        kinds = (b"tRNS", b"PLTE", b"eXIf", b"gAMA", b"iCCP", b"acTL", b"IDAT", b"IEND", b"tEXt")
        chunks.insert(
            place, (chance.choice(kinds), chance.randbytes(chance.choice((0, 1, 3, 200))))
        )
    else:
        chunks[place] = (kind, change_bytes(data, chance))
    return content[:8] + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def change_safetensors(content: bytes, chance: random.Random) -> bytes:
    """Changes the header of a safetensors file, whose length is kept right."""
    size = int.from_bytes(content[:8], "little")
    header = change_json(content[8 : 8 + size], chance)
    return struct.pack("<Q", len(header)) + header + content[8 + size :]


def change_message(message: Any, chance: random.Random) -> None:
    """Changes one to three fields of a message of Protocol Buffers, at any depth."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        fields = list(_fields(message))
        if fields:
            _change_field(*chance.choice(fields), chance)


def _fields(message: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yields each field that is set, with the message that holds it."""
    for field, value in message.ListFields():
        yield message, field, value
        if field.type != field.TYPE_MESSAGE or field.message_type.GetOptions().map_entry:
            continue
        for child in value if field.is_repeated else (value,):
            yield from _fields(child)


def _change_field(message: Any, field: Any, value: Any, chance: random.Random) -> None:
    how = chance.randrange(4)
    if how == 0 or field.type == field.TYPE_MESSAGE:
        if field.is_repeated and len(value) and not hasattr(value, "keys"):
            at = chance.randrange(len(value))
            if chance.random() < 0.5:
                del value[at]
            else:
                value.extend([value[at]] * chance.choice((1, 1, 100)))
        else:
            message.ClearField(field.name)
        return
    if field.is_repeated:
        at = chance.randrange(len(value))
        value[at] = _other(value[at], chance)
    else:
        setattr(message, field.name, _other(value, chance))


def _other(value: Any, chance: random.Random) -> Any:
    """Returns another value of the same type; numbers stay in 32 bits, which each field takes."""
    if isinstance(value, bytes):
        return change_bytes(value, chance)
    if isinstance(value, str):
        other = chance.choice((*TEXTS, value[:-1], f"{value}x"))
        return other.encode(errors="ignore").decode()
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice((0, 1, 2, 3, 7, 127, 65535, 2**31 - 1, abs(value) // 2, value ^ 1))
    return chance.choice((0.0, -1.0, 1e38, float("nan"), float("inf"), value / 2))


def of_file(change: Mutator, pattern: str = "*") -> Callable[[Path, random.Random], Path]:
    """Returns what changes one file of a folder, and returns its path."""

    def changes(folder: Path, chance: random.Random) -> Path:
        path = chance.choice(sorted(p for p in folder.rglob(pattern) if p.is_file()))
        path.write_bytes(change(path.read_bytes(), chance))
        return path

    return changes
