"""The SQL back end: `compiler.py` knows the tree, `conditions.py` and `values.py` the operators.

`inline.py` holds what PostgreSQL computes for us in plain SQL, `engine/expression/sqlite.py` what SQLite calls us for.
"""

from engine.expression.sql.compiler import (
    ManyScope,
    SqlCompiler,
    SqlScope,
    SqlValue,
    bound,
    compile_sql,
    compile_value,
    rows_below,
)

__all__ = ["ManyScope", "SqlCompiler", "SqlScope", "SqlValue", "bound", "compile_sql", "compile_value", "rows_below"]
