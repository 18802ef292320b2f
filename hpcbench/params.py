"""What values the parameters of a variant may take: lists, bounds, and restrictions that tie several together.

A header declares all of it as data::

    params.TILE = {default = 32, values = [16, 32, 64]}
    params.UNROLL = {default = 4, low = 1, high = 16}
    restrictions = ["TILE % UNROLL == 0", "UNROLL <= 8 or TILE == 64"]

A restriction is an expression of names, numbers, texts, comparisons, ``in``, ``and``, ``or``, ``not`` and
``+ - * / // %``. It is walked, never executed.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hpcbench.codec import decode
from hpcbench.spec import Param, Value

LONGEST, MOST = 400, 64  # characters of a restriction; parameters, and restrictions, of a variant
NEITHER = "neither a number of 64 bits nor, at build time, a name"
EXAMPLE = "params.TILE = {default = 32, values = [16, 32, 64]}"
OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
    ast.Not: operator.not_, ast.USub: operator.neg,
}  # fmt: skip
PARTS = (*OPERATORS, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.BinOp, ast.Compare, ast.Name, ast.Load,
         ast.Constant, ast.Tuple, ast.List)  # fmt: skip


def declared(body: Mapping[str, Any]) -> tuple[tuple[Param, ...], tuple[str, ...]]:
    """The parameters and restrictions of a header's table.

    Raises
    ------
    ValueError
        When a parameter is not as declared above, or a restriction has other parts or names.
    """
    params, restrictions = body.get("params", {}), body.get("restrictions", [])
    if not isinstance(params, dict):
        raise ValueError(f"params is a table: {EXAMPLE}")
    try:
        found = tuple(decode(Param, {"name": k, "when": "build", **fields}) for k, fields in params.items())
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"params.NAME is a table with a default, and values, or low and high: {EXAMPLE} ({error})"
        ) from None
    if len(found) > MOST or len(restrictions) > MOST:
        raise ValueError(f"more than {MOST} parameters or restrictions")
    for name, param in zip(params, found, strict=True):
        if name != param.name or not name.isidentifier():
            raise ValueError(f"params.{name}: a parameter is called by a C name")
        if param.when not in ("build", "run"):
            raise ValueError(f"params.{param.name}: when is build or run")
        if not all(isinstance(bound, (int, float, type(None))) for bound in (param.low, param.high)):
            raise ValueError(f"params.{param.name}: low and high are numbers")
        if odd := [v for v in (param.default, *param.values) if not _usable(param, v)]:
            raise ValueError(f"params.{param.name}: {odd[0]!r} is {NEITHER}")
    if not isinstance(restrictions, list) or not all(isinstance(text, str) for text in restrictions):
        raise ValueError("restrictions is a list of texts")
    for text in restrictions:
        _checked(text, set(params))
    return found, tuple(restrictions)


def violated(params: Sequence[Param], restrictions: Sequence[str], chosen: Mapping[str, Value]) -> str:
    """What the chosen values break, in words; empty when they break nothing.

    ``chosen`` has a value for each of ``params``, and no other.
    """
    for param in params:
        value = chosen[param.name]
        low = -math.inf if param.low is None else param.low
        high = math.inf if param.high is None else param.high
        if not _usable(param, value):
            return f"{param.name}={value}: {NEITHER}"
        if param.values and value not in param.values:
            return f"{param.name}={value}: one of {', '.join(map(str, param.values))} is expected"
        if (low, high) != (-math.inf, math.inf) and (isinstance(value, str) or not low <= value <= high):
            return f"{param.name}={value}: outside [{low}, {high}]"
    for text in restrictions:
        tree = ast.parse(text, mode="eval").body
        try:
            held, why = _value(tree, chosen), ""
        except (ArithmeticError, TypeError) as error:
            held, why = False, f" ({error})"
        if held is not True:
            names = dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
            return f"needs {text}{why}; has {', '.join(f'{k}={chosen[k]}' for k in names)}"
    return ""


def _usable(param: Param, value: object) -> bool:
    if isinstance(value, str):
        return param.when == "build" and value.isidentifier()
    return isinstance(value, (int, float)) and abs(value) < 2**63


def _checked(text: str, names: set[str]) -> None:
    try:
        if len(text) > LONGEST:
            raise ValueError(f"is longer than {LONGEST} characters")
        nodes = list(ast.walk(ast.parse(text, mode="eval").body))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"restriction {text[:40]!r} is no expression: {error}") from None
    for node in nodes:
        if not isinstance(node, PARTS):
            raise ValueError(
                f"restriction {text!r}: {type(node).__name__} is not among what it may be made of"
            )
        if isinstance(node, ast.Name) and node.id not in names:
            raise ValueError(f"restriction {text!r}: {node.id} is no parameter")
        if isinstance(node, ast.Constant) and not isinstance(node.value, (int, float, str)):
            raise ValueError(f"restriction {text!r}: {node.value!r} is no number and no text")


def _value(node: ast.AST, chosen: Mapping[str, Value]) -> Any:
    """What an expression comes to; arithmetic on texts is an error."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return chosen[name]
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return [_value(part, chosen) for part in parts]
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_value(part, chosen) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_value(part, chosen) for part in parts)
        case ast.UnaryOp(op=sign, operand=part):
            return OPERATORS[type(sign)](_value(part, chosen))
        case ast.BinOp(left=left, op=sign, right=right):
            operands = _value(left, chosen), _value(right, chosen)
            if not all(isinstance(x, (int, float)) for x in operands):
                raise TypeError("arithmetic on what is no number")
            return OPERATORS[type(sign)](*operands)
        case ast.Compare(left=left, ops=signs, comparators=parts):
            line = [_value(part, chosen) for part in (left, *parts)]
            return all(OPERATORS[type(s)](a, b) for s, a, b in zip(signs, line, line[1:], strict=False))
    raise TypeError(f"{type(node).__name__} has no value")
