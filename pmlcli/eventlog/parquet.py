"""Parquet files, through pyarrow."""

from __future__ import annotations

import io

from pmlcli.errors import LogError, MissingDependencyError
from pmlcli.eventlog.frame import frame_table
from pmlcli.eventlog.options import ReadOptions
from pmlcli.eventlog.raw import RawTable
from pmlcli.eventlog.source import ByteSource

MAGIC = b"PAR1"
_LARGEST = 1 << 30


def read_parquet(source: ByteSource, options: ReadOptions) -> RawTable:
    """The raw table of a Parquet file; its column types are taken as they are."""
    try:  # an extra: only a Parquet file needs it
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError("pyarrow", extra="parquet", needed_by="reading Parquet") from error
    data = b"".join(source.chunks())
    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(data))
        cells = file.metadata.num_rows * max(file.metadata.num_columns, 1)
        if options.max_ratio and cells > max(_LARGEST >> 3, len(data) * options.max_ratio):
            raise LogError(
                f"{source.name}: inflates too much ({cells:,} cells from {len(data):,} bytes)",
                hint="--max-ratio 0 turns this check off for a log that you trust",
                code="log.bomb",
            )
        table = file.read()
        table.validate(full=True)
        frame = table.to_pandas()
    except LogError:
        raise
    except Exception as error:  # what pyarrow and pandas raise over bytes and metadata that no tool wrote
        raise LogError(f"{source.name}: damaged Parquet file: {error}", code="log.damaged") from error
    return frame_table(frame, source.identity("parquet"))
