"""Field types: one small class a file, registered by name. See `engine.fields.base`."""

from importlib import import_module

from engine.fields.base import FieldType, Locale, Options, StorageKind, StorageType, field_types, register
from engine.fields.links import Reference

__all__ = ["FieldType", "Locale", "Options", "Reference", "StorageKind", "StorageType", "field_types", "register"]

for _name in (
    "text longtext richtext number integer percent money boolean date datetime time duration select multiselect tags"
    " lookup lookups any_lookup table user email phone url address geo file files image signature color rating"
    " autonumber barcode secret json formula rollup reference"
).split():
    import_module(f"engine.fields.{_name}")
