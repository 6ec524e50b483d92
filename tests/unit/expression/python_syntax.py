"""Our tree made from the tree that Python itself reads: the second opinion on precedence and grouping."""

from __future__ import annotations

import ast
from decimal import Decimal

from engine.expression import Call, Expr, Literal, Path, Var
from engine.expression.parse import VARIABLE_ROOTS, fold

NAMES: dict[type[ast.AST], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.In: "in", ast.Is: "==",
    ast.IsNot: "!=", ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.And: "and", ast.Or: "or",
}  # fmt: skip


def from_python(node: ast.expr) -> Expr:
    """Return the tree that we should have read where Python reads this."""
    match node:
        case ast.BoolOp(op=op, values=parts):
            return Call(NAMES[type(op)], tuple(map(from_python, parts)))
        case ast.UnaryOp(op=op, operand=operand):
            return Call("not", (from_python(operand),)) if isinstance(op, ast.Not) else _minus(node, operand)
        case ast.BinOp(left=left, op=sign, right=right):
            return Call(NAMES[type(sign)], (from_python(left), from_python(right)))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return Call("if", (from_python(test), from_python(body), from_python(orelse)))
        case ast.Call(func=ast.Name(id=name), args=args):
            return fold(Call(name, tuple(map(from_python, args))))
        case ast.Compare():
            return _comparison(node)
    return _leaf(node)


def _minus(node: ast.expr, operand: ast.expr) -> Expr:
    """Python's tree does not tell -5 from -(5), but the columns do."""
    inner = from_python(operand)
    touches = isinstance(operand, ast.Constant) and operand.col_offset == node.col_offset + 1
    if touches and isinstance(inner, Literal) and isinstance(inner.value, Decimal):
        return Literal(-inner.value)
    return Call("neg", (inner,))


def _comparison(node: ast.Compare) -> Expr:
    left, links = node.left, []
    for op, right in zip(node.ops, node.comparators, strict=True):
        sides = (from_python(left), from_python(right))
        if isinstance(op, ast.NotIn):
            links.append(Call("not", (Call("in", sides),)))
        else:
            links.append(Call(NAMES[type(op)], sides))
        left = right
    return links[0] if len(links) == 1 else Call("and", tuple(links))


def _leaf(node: ast.expr) -> Expr:
    match node:
        case ast.Constant(value=value) if isinstance(value, (int, float)) and not isinstance(value, bool):
            return Literal(Decimal(repr(value)))
        case ast.Constant(value=value) if value is None or isinstance(value, (bool, str)):
            return Literal(value)
        case ast.List(elts=parts):
            values = [from_python(each) for each in parts]
            return Literal(tuple(each.value for each in values if isinstance(each, Literal)))
        case ast.Name() | ast.Attribute():
            keys = ast.unparse(node).split(".")
            return Var(".".join(keys)) if keys[0] in VARIABLE_ROOTS else Path(tuple(keys))
    raise AssertionError(ast.dump(node))
