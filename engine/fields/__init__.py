"""Field types: one small class a file, registered by name. See `engine.fields.base`."""

from engine.fields.base import FieldType, Locale, Options, StorageKind, StorageType, field_types, register

__all__ = ["FieldType", "Locale", "Options", "StorageKind", "StorageType", "field_types", "register"]
