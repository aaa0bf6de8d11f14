"""Why an option has no contender, or may take longer than the best one."""

from __future__ import annotations

from typing import Any

MEMORY = "so little work that both wait for memory, and ours reads the halo too"
FOURIER = "ours computes the response on the way and holds half a spectrum; the contender's response is ready"
NOBODY = "nobody else has it"
#: Of an option that has neither a contender nor a note.
UNCOMPARED = "not compared with others yet"
NOTES: dict[str, str] = {
    "channel": "Gray counts whole 16-bit steps in double precision, so that ties fall as in the original",
    "cutbg": "no arithmetic of its own",
    "cutless": "part of the montage's own loop",
    "cutmorph": MEMORY,
    "depthmap": "reads its mask from a file",
    "fft": FOURIER,
    "finalalpha": MEMORY,
    "finalblur": "also blurs what is painted at all, so that clear parts do not darken, and goes part by part",
    "finalblur2": f"a Gaussian of another sigma at every pixel; {NOBODY}",
    "finalcmd": "stretching to the measured limits",
    "finalsharpen": f"a sharpening kernel of another width at every pixel; {NOBODY}",
    "maskfft": FOURIER,
    "maskmorph": MEMORY,
    "maskstat": "OpenCV adds a running sum, which depends on where a tile begins; ours adds each window anew",
    "resize": "a smoothing spline, mesh and average9 against OpenCV's cubic and bilinear, which are less work",
}


def note(op: Any) -> str:
    """The note of an option, or nothing."""
    return NOTES.get(op.name, "")
