"""How frames are laid over each other before anything else is done to them."""

from __future__ import annotations

from typing import ClassVar, Self

from imfuse_tiles.errors import Refusal
from imfuse_tiles.frozen import frozen
from imfuse_tiles.options.grammar import Option, word


@frozen
class Align(Option, name="align"):
    """Lay the frames over each other where they are not. auto: a similarity, or more if that leaves too much."""

    section: ClassVar[str] = "Frames"
    once_only: ClassVar[bool] = True
    examples: ClassVar = ("", "no", "homography")

    word1: str = word("auto", "how frames may differ", ("auto", "no", "shift", "similarity", "affine", "homography"))


@frozen
class Reference(Option, name="reference"):
    """The frame that the others are laid over, counted from 1 at the front, or front, middle or back."""

    section: ClassVar[str] = "Frames"
    once_only: ClassVar[bool] = True
    takes_next_word: ClassVar[bool] = True
    examples: ClassVar = ("", "front", "3")

    word1: str = word("middle", "number of the frame, front, middle or back")

    def validated(self) -> Self:
        if self.word1 not in ("front", "middle", "back") and not (self.word1.isdigit() and int(self.word1) > 0):
            raise Refusal(f"--reference: {self.word1} is no frame; allowed are front, middle, back or a number from 1")
        return self

    def index(self, total: int) -> int:
        """The frame of a stack of ``total``, counted from 0. Refusal when there is none of the number."""
        named = {"front": 0, "middle": total // 2, "back": total - 1}
        if self.word1 in named:
            return named[self.word1]
        if int(self.word1) > total:
            raise Refusal(f"--reference: there is no frame {self.word1} in a stack of {total}")
        return int(self.word1) - 1


@frozen
class AlignKeepSize(Option, name="align-keep-size"):
    """Keep the size of aligned frames; where one has nothing it is no picture. Else what all cover is left."""

    section: ClassVar[str] = "Frames"
    once_only: ClassVar[bool] = True


@frozen
class Balance(Option, name="balance"):
    """Correct differences of brightness between frames, or of their colours too. auto: what drifts visibly."""

    section: ClassVar[str] = "Frames"
    once_only: ClassVar[bool] = True
    examples: ClassVar = ("", "no", "white")

    word1: str = word("auto", "what is corrected", ("auto", "no", "brightness", "white"))
