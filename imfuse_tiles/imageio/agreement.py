"""Frames that differ in their orientation tags or colour profiles, brought together and told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from imfuse_tiles.imageio.reading import Header, open_frame
from imfuse_tiles.imageio.reading.header import listing, refuse_frame
from imfuse_tiles.imageio.reading.orientation import turned
from imfuse_tiles.imageio.reading.profiles import adobe_rgb, is_damaged, profile_name, same_colours, space_of, srgb

#: Edge of the small pictures that are compared where orientation tags cannot be trusted.
_COARSE = 24


def upright(headers: Sequence[Header], notices: list[str]) -> list[Header]:
    """The frames as every viewer shows them: turned as their tags say.

    A camera that looks down tags frames at random while it stores all of them alike. So where tags differ, frames are
    turned if they then have one size and, should they have one size either way, look more alike; else they are taken
    as they are stored.
    """
    tags = {header.orientation for header in headers}
    as_shown = [header.turned() for header in headers]
    if len(tags) == 1:
        return as_shown
    stored, shown = ({(header.height, header.width) for header in frames} for frames in (headers, as_shown))
    turn = len(shown) == 1 and (len(stored) > 1 or _turned_are_more_alike(headers))
    if not turn and len(stored) > 1:
        return as_shown  # their sizes differ: refused with the reason
    notices.append(
        f"orientation tags differ ({', '.join(map(str, sorted(tags)))}): the frames are "
        + ("turned as they say" if turn else "alike as they are stored, and taken so")
    )
    return as_shown if turn else list(headers)


def _turned_are_more_alike(headers: Sequence[Header]) -> bool:
    """Whether frames look more like the first one after they are turned. Two of each tag are compared at most."""
    first, *others = headers
    seen: dict[int, int] = {}
    errors = np.zeros(2)
    base = _coarse(first)
    for header in others:
        seen[header.orientation] = seen.get(header.orientation, 0) + 1
        if header.orientation != first.orientation and seen[header.orientation] <= 2:
            picture = _coarse(header)
            pairs = ((picture, base), (turned(picture, header.orientation), turned(base, first.orientation)))
            errors += [float(np.abs(one - other).mean()) for one, other in pairs]
    return bool(errors[1] < errors[0])


def _coarse(header: Header) -> np.ndarray:
    """A frame as it is stored, its middle square in few pixels of one height and width."""
    edge = min(header.height, header.width)
    top, left = (header.height - edge) // 2, (header.width - edge) // 2
    rows = np.linspace(0, edge, _COARSE + 1).astype(int)
    picture = np.zeros((_COARSE, _COARSE))
    with open_frame(header) as frame:
        for y, (y0, y1) in enumerate(zip(rows, np.maximum(rows[1:], rows[:-1] + 1), strict=False)):
            band = frame.rows(top + int(y0), min(top + int(y1), header.height))
            line = band.mean((0, 1), np.float64)[left : left + edge]
            picture[y] = [part.mean() for part in np.array_split(line, _COARSE)] if edge >= _COARSE else line.mean()
    return picture


def in_one_profile(
    headers: Sequence[Header], profiles: Sequence[bytes], notices: list[str]
) -> tuple[list[Header], bytes]:
    """The frames in the colours of the first one's profile, and that; empty where no frame has one.

    Frames without a profile among others are taken for sRGB. Raises Refusal for a profile of another colour space.
    """
    profiles = _usable(headers, profiles, notices)
    if len(set(profiles)) == 1:
        return list(headers), profiles[0]
    grey = headers[0].channels == 1
    fitting = [_fitting(header, profile) for header, profile in zip(headers, profiles, strict=True)]
    target, frames, others = fitting[0], [], []
    for header, profile in zip(headers, fitting, strict=True):
        if same_colours(profile, target):
            frames.append(header)
        else:
            frames.append(replace(header, profiles=(profile, target)))
            others.append((header, profile))
    if others:
        named = listing([header.name for header, _ in others], 1)
        notices.append(f"{named}: colours of the profile {profile_name(others[0][1])} are converted to "
                       f"those of {headers[0].name}, {profile_name(target)}")  # fmt: skip
    return frames, profiles[0] or (b"" if grey else target)


def _usable(headers: Sequence[Header], profiles: Sequence[bytes], notices: list[str]) -> list[bytes]:
    """The profiles, empty for those that are damaged, or of other pixels in every frame.

    Refusal for a damaged one where other frames have a profile: it is not known to which colours it belongs.
    """
    grey = headers[0].channels == 1
    others = len(set(profiles)) == 1 and space_of(profiles[0]) != ("gray" if grey else "rgb")
    good = [b"" if others or is_damaged(profile) else profile for profile in profiles]
    bad = [header for header, profile, usable in zip(headers, profiles, good, strict=True) if profile != usable]
    if bad and any(good):
        raise refuse_frame(bad[0], "has a damaged colour profile, unlike other frames; give it theirs")
    if bad and not (others and profiles[0] == adobe_rgb()):  # which a camera tells of its grey frames, too
        named = listing([header.name for header in bad], 1)
        notices.append(f"{named}: the colour profile is damaged or of another kind than the pixels, "
                       "which are taken as sRGB")  # fmt: skip
    return good


def tell_colours(headers: Sequence[Header], told: Sequence[str], notices: list[str]) -> None:
    """A notice of frames whose colours are no sRGB and cannot be carried. ``told``: what they are, in words."""
    odd = [(header, words) for header, words in zip(headers, told, strict=True) if words]
    if odd:
        named = listing([header.name for header, _ in odd], 1)
        notices.append(f"{named}: has {odd[0][1]}, which is not carried into the result; "
                       "the samples are fused as sRGB")  # fmt: skip


def _fitting(header: Header, profile: bytes) -> bytes:
    """A frame's profile, or sRGB where it has none."""
    if not profile:
        return srgb(header.channels == 1)
    if space_of(profile) != ("gray" if header.channels == 1 else "rgb"):
        raise refuse_frame(header, f"has a colour profile ({profile_name(profile)}) of another kind than its pixels")
    return profile
