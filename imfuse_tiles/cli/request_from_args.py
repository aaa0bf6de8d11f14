"""The files of a result that the arguments of ``fuse`` ask for: where they lie, what they hold, how large they are."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from imfuse_tiles.cli.output_arguments import size_from_args
from imfuse_tiles.errors import Refusal
from imfuse_tiles.execution.export_request import ExportRequest, estimated_bytes, output_files
from imfuse_tiles.execution.pixel_size import fused_pixel_size
from imfuse_tiles.execution.written_outputs import is_finished_result
from imfuse_tiles.imageio.metadata import Tags
from imfuse_tiles.imageio.reading.camera_tags import read_tags
from imfuse_tiles.planning.plan import Plan
from imfuse_tiles.planning.result_names import default_name, find_finished_result
from imfuse_tiles.storage.store import Store


def find_earlier_result(args: argparse.Namespace, plan: Plan, store: Store, result: Path) -> Path | None:
    """A result of the same images and options, if any name will do."""
    metadata_asked = args.exif is not None or args.no_metadata
    asked = metadata_asked or args.pixel_size or args.z_step or args.bits != 16
    if args.output or args.extra or args.strokes or args.video or args.force is not None or asked:
        return None
    if args.longname or args.basename is not None:
        return result if is_finished_result(store, plan, result) else None
    return find_finished_result(plan, result.parent, args.format, lambda path: is_finished_result(store, plan, path))


def request_from_args(args: argparse.Namespace, plan: Plan, result: Path) -> ExportRequest:
    """The files that the arguments ask for."""
    size = size_from_args(args, fused_pixel_size(plan.stack, plan.recipe.ops))
    force, tags = args.force is not None, _camera_tags(args, plan)
    return ExportRequest(result, args.extra, args.bits, force, tags, size, args.ome_version)


def result_bytes(args: argparse.Namespace, plan: Plan) -> int:
    """About the bytes of the files that the arguments ask for, smaller levels in them included."""
    request = request_from_args(args, plan, result_path(args, plan))
    return sum(estimated_bytes(plan, sheet, request) for sheet in output_files(plan, request, opaque=True))


def _camera_tags(args: argparse.Namespace, plan: Plan) -> Tags:
    """The camera's tags for the result, of the image named or of the front one, and the profile of the frames."""
    if args.no_metadata:
        return Tags(profile=plan.stack.tags.profile)
    if not args.exif:
        return plan.stack.tags
    tags = read_tags(args.exif)
    return replace(tags, profile=plan.stack.tags.profile or tags.profile)


def result_path(args: argparse.Namespace, plan: Plan) -> Path:
    """Where the result goes. Refusal when it is named in two ways."""
    if args.output and args.basename is not None:
        raise Refusal("--output names the result wholly, --basename is not allowed with it")
    if args.output:
        return Path(args.output)
    return default_name(plan, args.basename, args.longname, args.format)
