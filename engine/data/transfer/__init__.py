"""Many records at once: out of files and into files."""

from engine.data.transfer.exporting import Exporter, ExportTooLarge
from engine.data.transfer.importing import Importer, ImportOptions
from engine.data.transfer.mapping import ColumnMap, ColumnRule
from engine.data.transfer.report import ImportReport, RowProblem
from engine.data.transfer.sheet import SheetUnreadable
from engine.data.transfer.wanted import ExportOptions, read_export_options

__all__ = [
    "ColumnMap",
    "ColumnRule",
    "ExportOptions",
    "ExportTooLarge",
    "Exporter",
    "ImportOptions",
    "ImportReport",
    "Importer",
    "RowProblem",
    "SheetUnreadable",
    "read_export_options",
]
