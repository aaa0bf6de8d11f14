from imfuse_tiles.errors import AlreadyExists as AlreadyExists
from imfuse_tiles.errors import BlockFailed as BlockFailed
from imfuse_tiles.errors import ImfuseError as ImfuseError
from imfuse_tiles.errors import Incomplete as Incomplete
from imfuse_tiles.errors import Interrupted as Interrupted
from imfuse_tiles.errors import Refusal as Refusal
from imfuse_tiles.execution.fuse_stack import fuse_images as fuse_images
from imfuse_tiles.execution.fuse_stack import fuse_stack as fuse_stack
from imfuse_tiles.execution.outcome import Outcome as Outcome
from imfuse_tiles.execution.store_arrays import StoreArrays as StoreArrays
from imfuse_tiles.execution.store_arrays import open_store as open_store
from imfuse_tiles.options.recipe import Recipe as Recipe

__version__: str
__all__: list[str]
