"""Crops are found in the arrays they were cut from; whatever else comes is copied."""

from __future__ import annotations

import numpy as np
import pytest

from imfuse_tiles.kernels.crop import uncropped_array

WHOLE = np.arange(4 * 9 * 11, dtype=np.float32).reshape(4, 9, 11).copy()


@pytest.mark.parametrize(
    "crop",
    [np.s_[1:3, 2:7, 3:9], np.s_[:, :, 3:], np.s_[2, 1:9, :4], np.s_[3:, 4:5, 10:], np.s_[1:2, 2:4, 1:3], np.s_[2]],
)
def test_a_crop_is_found_where_it_lies(crop: tuple[slice, ...]) -> None:
    view = WHOLE[crop]
    planes, y, x = uncropped_array(view)
    assert np.shares_memory(planes, WHOLE)
    assert planes.flags.c_contiguous
    assert np.array_equal(planes[..., y : y + view.shape[-2], x : x + view.shape[-1]], view)


@pytest.mark.parametrize(
    "view",
    [
        WHOLE[::2, 1:3, 1:3], WHOLE[:, 1:7:2, 2:4], WHOLE[:, :, ::-1], WHOLE.transpose(0, 2, 1)[:, 1:3, 1:3],
        WHOLE.astype(np.float64)[:, 1:3, 1:3], np.broadcast_to(np.float32(1), (2, 3, 4)),
        np.frombuffer(WHOLE.tobytes(), np.float32).reshape(4, 9, 11)[:, 1:3, 2:5],
    ],
)  # fmt: skip
def test_what_is_no_crop_is_copied(view: np.ndarray) -> None:
    planes, y, x = uncropped_array(view)
    assert (y, x) == (0, 0)
    assert planes.dtype == np.float32
    assert planes.flags.c_contiguous
    assert planes.flags.writeable
    assert np.array_equal(planes, view)
