"""The arguments that say what a run may use: memory, disk, workers, and where they are."""

from __future__ import annotations

from imfuse_tiles.cli.argument_parser import Parser, number, whole_number
from imfuse_tiles.options.resources import CACHE_FORMATS, DEFAULT_DASHBOARD, INGEST, KEEP


def add_store_options(parser: Parser) -> None:
    """The options about the store: where it lies, what is kept in it, and the memory and disk of a run."""
    add = parser.add_argument
    add(
        "--store",
        metavar="DIR|URL",
        help="where the zarr store lies, such as s3://bucket/path (a cache folder for each stack); it is kept",
    )
    add("-C", "--cache", action="store_true", help="keep the store in the cache folder, as is always done")
    add("--memory", metavar="SIZE", help="memory for everything (a quarter of the machine's, at most 4G)")
    add("--tile", type=whole_number(16), metavar="N", help="edge of a block in pixels (chosen to fit the memory)")
    add("--disk", metavar="SIZE", help="disk for the store and the results (what is free)")
    add("--keep", choices=KEEP, default="auto",
        help="what is stored: all, as much as fits the disk (auto), or the frames and the result only (source); "
        "what is not is computed when it is read, and a changed option computes it again")  # fmt: skip
    add("--ingest", choices=INGEST, default="auto",
        help="when frames are copied into the store: where the disk holds them (auto), always, or never; uncompressed "
        "TIFFs that are not moved by the alignment can be read where they lie")  # fmt: skip
    add("--cacheformat", choices=CACHE_FORMATS, default="mpc",
        help="how the store is written: mpc for speed, tif compressed without loss (mpc)")  # fmt: skip
    add("--maskformat", choices=CACHE_FORMATS, default="", help="the same for masks only (as --cacheformat)")
    add("--lean", action="store_true",
        help="delete what no later stage needs as soon as it is computed: less disk, as plan tells, but a changed "
        "option computes more anew")  # fmt: skip
    add(
        "--durable",
        action="store_true",
        help="wait until the disk has each block before it is recorded: a power cut costs no finished block",
    )


def add_worker_options(parser: Parser) -> None:
    """The options about workers: how many, where, and how they are reached."""
    add = parser.add_argument
    add("--workers", type=whole_number(1), metavar="N", help="blocks computed at once (one for each core)")
    add("--scheduler", default="threads", metavar="SPEC",
        help="where blocks are computed: sync, threads[:N], processes[:N], local[:N], tcp://host:port, "
        "file:scheduler.json, slurm, pbs, sge, lsf, htcondor, module:callable or a cluster file (threads)")  # fmt: skip
    add("--part", metavar="I/N", help="be the I-th of N programs that share the blocks of this run through its store")
    add("--wait", type=number(0, " of seconds"), default=600.0, metavar="SECONDS",
        help="how long a part waits for blocks of parts that are not running (600)")  # fmt: skip
    add("--tls-cert", metavar="FILE", help="certificate to show to the scheduler")
    add("--tls-key", metavar="FILE", help="its key")
    add("--tls-ca", metavar="FILE", help="authority that the scheduler's certificate must come from")
    add("--dashboard", nargs="?", const="", metavar="HOST:PORT",
        help=f"serve dask's dashboard of a cluster made by this run ({DEFAULT_DASHBOARD})")  # fmt: skip
