"""What the frames of one stack must have in common, and the stack's fingerprint."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from imfuse_tiles.errors import Refusal
from imfuse_tiles.imageio.reading.header import Header, refuse_frame
from imfuse_tiles.imageio.reading.zarr_facts import frame_files

_DEPTHS = {"uint8": "8-bit", "uint16": "16-bit", "float32": "floating-point"}
_COLOURS = {1: "grey", 3: "RGB"}
#: Files of fewer bytes than the second of these are no copies; the first is how much is compared of all others.
_FEW, _SMALL = 512, 32 << 10
#: Bytes of files that are compared in whole, and of larger ones how many places of how many bytes.
WHOLE, PLACES, _PLACE = 8 << 20, 100, 4096


def check_stack(headers: Sequence[Header]) -> None:
    """Refuse a stack that is empty, has a frame twice, or whose frames differ in size, colour planes or sample type.

    The message names the first frame that differs from the first one, or the first one if most others agree without
    it. Alpha may come and go.
    """
    if not headers:
        raise Refusal("no images given")
    first, seen = headers[0], set()
    for header in headers:
        frame = header.path.resolve(), header.page, header.plane, header.part
        if frame in seen:
            raise refuse_frame(header, "is given twice")
        seen.add(frame)
    _check_first(headers)
    for header in headers[1:]:
        difference = _difference(header, first)
        if difference:
            alike = sum(not _difference(other, first) for other in headers)
            others = f"the other {alike} frames" if alike == len(headers) - 1 > 1 else first.name
            raise refuse_frame(header, f"{difference} like {others}; all frames must agree")


def _check_first(headers: Sequence[Header]) -> None:
    """Refuse the first frame if it is the odd one: most of the others are alike."""
    kinds = Counter((header.height, header.width, header.channels, header.dtype) for header in headers[1:])
    if len(headers) < 3 or not _difference(headers[0], headers[1]):
        return
    kind, count = kinds.most_common(1)[0]
    like = next(
        header for header in headers[1:] if (header.height, header.width, header.channels, header.dtype) == kind
    )
    difference = _difference(headers[0], like)
    if difference and 2 * count > len(headers):
        others = f"the other {count} frames" if count == len(headers) - 1 else f"{count} of the others"
        raise refuse_frame(headers[0], f"{difference} like {others}; all frames must agree")


def find_copies(headers: Sequence[Header]) -> list[tuple[Path, Path]]:
    """Files with the same bytes as one before them, each with that one. Only what is alike in a few places is read.

    Small files are left out: pictures of nothing are all alike. Of files larger than ``WHOLE`` bytes only places all
    over them are compared, for a plan must not take as long as reading a stack.
    """
    files = {header.path: header.size for header in headers if header.format not in ("zarr", "array")}
    alike: dict[tuple[int, bytes], list[Path]] = defaultdict(list)
    sizes = Counter(files.values())
    for path, size in files.items():
        if sizes[size] > 1 and size >= _SMALL:
            alike[size, _some_bytes(path, (size // 2, size - _FEW), _FEW)].append(path)
    copies: list[tuple[Path, Path]] = []
    for (size, _), paths in alike.items():
        first: dict[bytes, Path] = {}
        for path in paths if len(paths) > 1 else ():
            before = first.setdefault(_most_bytes(path, size), path)
            copies += [(path, before)] if before != path else []
    order = {path: number for number, path in enumerate(files)}
    return sorted(copies, key=lambda pair: order[pair[0]])


def _most_bytes(path: Path, size: int) -> bytes:
    """A digest of a file, or of places all over a large one."""
    if size <= WHOLE:
        return hashlib.sha256(path.read_bytes()).digest()
    places = range(0, size - _PLACE, (size - _PLACE) // PLACES)
    return hashlib.sha256(_some_bytes(path, places, _PLACE)).digest()


def _some_bytes(path: Path, places: Iterable[int], length: int) -> bytes:
    """Some bytes of a file from several places."""
    parts = []
    with path.open("rb", buffering=0) as file:
        for place in places:
            file.seek(place)
            parts.append(file.read(length))
    return b"".join(parts)


def source_digest(headers: Sequence[Header]) -> str:
    """SHA-256 (hex) over the listing of the frames in their order.

    It has full path, size, times of change, page, and what is done to the pixels when they are read. The time of the
    last change of any kind (ctime) is part of it: content that changed while size and time of modification were kept
    is another stack. A stack that is moved is another one too. Where headers have the digest of their file's content,
    that alone decides.
    """
    listing = hashlib.sha256()
    for header in headers:
        facts = f"{header.path.resolve()}\0{header.size}\0{header.mtime_ns}\0{header.ctime_ns}"
        line = header.content or facts
        line += "".join(f"\0{text}" for text in (header.part, header.treatment) if text) + "\n"
        listing.update(line.encode("utf-8", "surrogateescape"))
    return listing.hexdigest()


def content_digest(header: Header) -> str:
    """SHA-256 (hex) of the content of a frame's file, or of all its files."""
    if header.format == "zarr":
        listing = hashlib.sha256()
        for path in filter(Path.is_file, frame_files(header)):
            listing.update(f"{path.relative_to(header.path)}\0{path.stat().st_size}\0".encode())
            listing.update(path.read_bytes())
        return listing.hexdigest()
    with header.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _difference(header: Header, first: Header) -> str:
    if (header.width, header.height) != (first.width, first.height):
        turns = ""
        if header.orientation != first.orientation:
            turns = f" (upright: their orientation tags say {header.orientation} and {first.orientation})"
        return f"is {header.width} x {header.height} pixels, not {first.width} x {first.height}{turns}"
    if header.channels != first.channels:
        return f"is {_COLOURS[header.channels]}, not {_COLOURS[first.channels]}"
    if header.dtype != first.dtype:
        return f"has {_DEPTHS[header.dtype]} samples, not {_DEPTHS[first.dtype]}"
    return ""
