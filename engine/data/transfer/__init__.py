"""Many records at once: out of files and into files."""

from engine.data.transfer.exporting import Exporter
from engine.data.transfer.importing import Importer, ImportOptions
from engine.data.transfer.mapping import ColumnMap
from engine.data.transfer.report import ImportReport, RowProblem
from engine.data.transfer.sheet import SheetUnreadable

__all__ = ["ColumnMap", "Exporter", "ImportOptions", "ImportReport", "Importer", "RowProblem", "SheetUnreadable"]
