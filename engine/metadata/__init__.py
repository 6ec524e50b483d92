"""Documents of all layers, and the one immutable Model that they say together.

    model = build_model([*shipped_layers(["crm"]), site_layer])

reads: documents (`document`) are composed under policies (`layers`), checked for shape (`metaschema`, `shape`) and
meaning, and finished into the `Model`. Whatever is wrong comes back all at once, each with its place.
"""

from engine.metadata.build import build_model, check_documents
from engine.metadata.document import KINDS, Document, Positions, dump, read_body, read_bytes, read_folder, read_text
from engine.metadata.layers import Composed, Layer, compose, layer_of
from engine.metadata.model import (
    ACTIONS,
    Check,
    Column,
    Entity,
    Field,
    Form,
    FormItem,
    Grant,
    MenuItem,
    Model,
    Option,
    Order,
    Related,
    Relation,
    Role,
    Rollup,
    Section,
    States,
    Tab,
    Transition,
    UniqueRule,
    View,
)
from engine.metadata.scope import EntityScope
from engine.metadata.shipped import folder_layer, shipped_layers, shipped_packs
from engine.metadata.system import SYSTEM_FIELDS

__all__ = [
    "ACTIONS",
    "KINDS",
    "SYSTEM_FIELDS",
    "Check",
    "Column",
    "Composed",
    "Document",
    "Entity",
    "EntityScope",
    "Field",
    "Form",
    "FormItem",
    "Grant",
    "Layer",
    "MenuItem",
    "Model",
    "Option",
    "Order",
    "Positions",
    "Related",
    "Relation",
    "Role",
    "Rollup",
    "Section",
    "States",
    "Tab",
    "Transition",
    "UniqueRule",
    "View",
    "build_model",
    "check_documents",
    "compose",
    "dump",
    "folder_layer",
    "layer_of",
    "read_body",
    "read_bytes",
    "read_folder",
    "read_text",
    "shipped_layers",
    "shipped_packs",
]
