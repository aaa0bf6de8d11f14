"""Files of a stack as microscopes write them: CZI, LIF, ND2."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from hyperstacks import STACK
from nd2_layout import write_nd2
from pylibCZIrw import czi


def czi_file(path: Path, stack: np.ndarray) -> None:
    with czi.create_czi(str(path)) as file:
        for (t, c, z), plane in ((index, stack[index]) for index in np.ndindex(stack.shape[:3])):
            file.write(plane, plane={"T": t, "C": c, "Z": z})


_XML = (
    '<LMSDataContainerHeader Version="2"><Element Name="project" UniqueID="a"><Children>'
    '<Element Name="image" UniqueID="b"><Data><Image><ImageDescription><Channels>{channels}</Channels><Dimensions>'
    '{dimensions}</Dimensions></ImageDescription></Image></Data><Memory Size="{size}" MemoryBlockID="MemBlock_1"/>'
    "</Element></Children></Element></LMSDataContainerHeader>"
)


_CHANNEL = ('<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" NameOfMeasuredQuantity="" Min="0" Max="1" '
            'Unit="" LUTName="Gray" IsLUTInverted="0" BytesInc="{}" BitInc="0"/>')  # fmt: skip


_DIMENSION = (
    '<DimensionDescription DimID="{}" NumberOfElements="{}" Origin="0" Length="1" Unit="m" BytesInc="{}" BitInc="0"/>'
)


def lif(path: Path, stack: np.ndarray) -> None:
    """Times, channels and slices as Leica stores them: of each slice the channels, of each time the slices."""
    times, channels, slices, height, width = stack.shape
    plane = 2 * height * width
    about = [
        (1, width, 2),
        (2, height, 2 * width),
        (3, slices, plane * channels),
        (4, times, plane * channels * slices),
    ]
    xml = _XML.format(
        channels="".join(_CHANNEL.format(plane * number) for number in range(channels)), size=stack.nbytes,
        dimensions="".join(_DIMENSION.format(*numbers) for numbers in about),
    )  # fmt: skip
    name = "MemBlock_1"
    with path.open("wb") as file:
        file.write(struct.pack("<IIBI", 0x70, 2 * len(xml) + 5, 0x2A, len(xml)) + xml.encode("utf-16-le"))
        file.write(struct.pack("<IIBQBI", 0x70, 2 * len(name) + 14, 0x2A, stack.nbytes, 0x2A, len(name)))
        file.write(name.encode("utf-16-le") + np.ascontiguousarray(stack.swapaxes(1, 2)).tobytes())


def nd2(path: Path) -> np.ndarray:
    """Write two positions of the stack, each a step lighter; (times, positions, slices, channels, y, x)."""
    both = np.stack([STACK, STACK + np.uint16(1)], axis=1).swapaxes(2, 3)
    write_nd2(path, both, ("a", "b", "c"), pixel=0.65, step=2.0)
    return both
