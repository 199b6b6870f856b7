"""XTuner's Python configs read as data: a whitelist over their syntax, nothing imported or run.

Imports become symbols, assignments become values; literals, `dict(…)`, lists, bounded arithmetic
and plain conditions are worked out, and anything else is refused with its line.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from core.config.xtuner_syntax import parse, refuse
from core.errors import Text, text

_MAX_DEPTH: Final = 60
_MAX_BLOCKS: Final = 8
_MAX_VISITS: Final = 50_000
_MAX_WEIGHT: Final = 200_000  # entries and characters of all values, repeated parts again
_MAX_NUMBER: Final = 1e15
_MAX_POWER: Final = 16

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_ROUNDINGS: Final[dict[str, Callable[[Any], Any]]] = {"int": int, "float": float, "round": round}


@dataclass(frozen=True)
class Symbol:
    """An imported thing by its dotted name; it is only ever a name."""

    name: str

    @property
    def last(self) -> str:
        """The part after the last dot."""
        return self.name.rpartition(".")[2]


@dataclass
class Module:
    """The values a config assigns, the line of each name, and the names that others refer to.

    `key_lines` holds the lines of a dictionary's keys by its id.
    """

    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    key_lines: dict[int, dict[str, int]] = field(default_factory=dict)


def evaluate(source: str, name: str) -> Module:
    """What a config file assigns.

    Raises:
        UserError: it is too large, is no Python, or holds anything but data; with the line.
    """
    evaluation = _Evaluation(name)
    for statement in parse(source, name).body:
        evaluation.statement(statement)
    return evaluation.module


class _Evaluation:
    """One file's evaluation: its module so far and its budgets."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.module = Module()
        self.visits = self.total = 0
        self.weights: dict[int, tuple[Any, int]] = {}  # by id; the value is kept so ids stay true

    def refuse(self, node: ast.AST, what: Text) -> NoReturn:
        refuse(self.name, getattr(node, "lineno", 1), what)

    def statement(self, node: ast.stmt, depth: int = 0) -> None:
        if depth > _MAX_BLOCKS:
            self.refuse(node, text("it is nested too deeply or too long"))
        match node:
            case ast.Expr(value=ast.Constant(value=str()) | ast.Call() as value):
                self.value(value)
            case ast.Pass():
                pass
            case ast.Import(names=names):
                for alias in names:
                    bound = alias.asname or alias.name.partition(".")[0]
                    self.assign(bound, Symbol(alias.name if alias.asname else bound), node)
                    self.module.used.add(bound)
            case ast.ImportFrom(module=module, names=names):
                for alias in names:
                    if alias.name == "*":
                        self.refuse(node, text("it takes over another file with “import *”"))
                    bound = alias.asname or alias.name
                    self.assign(bound, Symbol(f"{module or ''}.{alias.name}"), node)
                    self.module.used.add(bound)
            case ast.With(items=[ast.withitem(context_expr=ast.Call(func=ast.Name("read_base")))]):
                for inner in node.body:
                    if not isinstance(inner, ast.ImportFrom):
                        self.refuse(inner, text("read_base() holds more than imports"))
                    self.statement(inner, depth + 1)
            case ast.Assign(targets=targets, value=value):
                result = self.value(value)
                for target in targets:
                    if not isinstance(target, ast.Name):
                        self.refuse(target, text("it assigns to something other than a name"))
                    self.assign(target.id, result, node)
            case ast.AnnAssign(target=ast.Name(id=target_name), value=ast.expr() as value):
                self.assign(target_name, self.value(value), node)
            case ast.AugAssign(target=ast.Name(id=target_name), op=op, value=value):
                old = self.lookup(target_name, node)
                self.assign(target_name, self.arithmetic(op, old, self.value(value), node), node)
            case ast.If(test=test, body=body, orelse=orelse):
                for inner in body if self.value(test) else orelse:
                    self.statement(inner, depth + 1)
            case _:
                self.refuse(node, text("it holds a statement that is not data"))

    def assign(self, name: str, value: Any, node: ast.stmt) -> None:
        if name == "_base_":
            self.refuse(node, text("it builds on another file by _base_"))
        self.total += self.weight(value)
        if self.total > _MAX_WEIGHT:
            self.refuse(node, text("the value is too large"))
        self.module.values[name] = value
        self.module.lines[name] = node.lineno

    def lookup(self, name: str, node: ast.AST) -> Any:
        if name not in self.module.values:
            self.refuse(node, text("the name “{name}” is unknown", name=name[:60]))
        self.module.used.add(name)
        return self.module.values[name]

    def value(self, node: ast.expr, depth: int = 0) -> Any:
        self.visits += 1
        if depth > _MAX_DEPTH or self.visits > _MAX_VISITS:
            self.refuse(node, text("it is nested too deeply or too long"))
        result = self.expression(node, depth + 1)
        if self.weight(result) > _MAX_WEIGHT:
            self.refuse(node, text("the value is too large"))
        return result

    def expression(self, node: ast.expr, depth: int) -> Any:
        match node:
            case ast.Constant(value=str() as value) if _SURROGATE.search(value):
                self.refuse(node, text("the text holds half a character"))
            case ast.Constant(value=None | bool() | str() as value):
                return value
            case ast.Constant(value=int() | float() as value):
                return self.number(value, node)
            case ast.Name(id=name):
                return self.lookup(name, node)
            case ast.Attribute(value=inner, attr=attr):
                base = self.value(inner, depth)
                if isinstance(base, Symbol) and not attr.startswith("__"):
                    return Symbol(f"{base.name}.{attr}")
            case ast.List(elts=items):
                return [self.value(item, depth) for item in items]
            case ast.Tuple(elts=items):
                return tuple(self.value(item, depth) for item in items)
            case ast.Dict(keys=keys, values=values):
                if all(isinstance(k, ast.Constant) and isinstance(k.value, str) for k in keys):
                    names = [str(k.value) for k in keys if isinstance(k, ast.Constant)]
                    return self.mapping(dict(zip(names, values, strict=True)), depth)
            case ast.Call():
                return self.call(node, depth)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=inner):
                value = self.number(self.value(inner, depth), node)
                return -value if isinstance(sign, ast.USub) else value
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return not self.value(inner, depth)
            case ast.BinOp(left=left, op=op, right=right):
                return self.arithmetic(op, self.value(left, depth), self.value(right, depth), node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self.value(test, depth) else orelse, depth)
            case ast.Compare(left=left, ops=[compare], comparators=[right]):
                sides = (self.value(left, depth), self.value(right, depth))
                return self.compare(compare, *sides, node)
            case ast.BoolOp(op=op, values=values):
                found = [bool(self.value(v, depth)) for v in values]
                return all(found) if isinstance(op, ast.And) else any(found)
        self.refuse(node, text("it holds an expression that is not data"))

    def mapping(self, nodes: Mapping[str, ast.expr], depth: int) -> dict[str, Any]:
        made = {key: self.value(node, depth) for key, node in nodes.items()}
        self.module.key_lines[id(made)] = {key: node.lineno for key, node in nodes.items()}
        return made

    def call(self, node: ast.Call, depth: int) -> Any:
        """`dict(key=value, …)`, and int, float or round of one number; no other call is known."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        keys = [k.arg for k in node.keywords]
        if name == "dict" and not node.args and None not in keys:
            return self.mapping({str(k.arg): k.value for k in node.keywords}, depth)
        if name in _ROUNDINGS and len(node.args) == 1 and not keys:
            argument = self.number(self.value(node.args[0], depth), node)
            return self.number(_ROUNDINGS[name](argument), node)
        shown = getattr(node.func, "attr", name) or "…"
        self.refuse(node, text("it calls {call}()", call=shown[:60]))

    def arithmetic(self, op: ast.operator, left: Any, right: Any, node: ast.AST) -> Any:
        if isinstance(op, ast.Add):
            for kind in (str, list, tuple):
                if isinstance(left, kind) and isinstance(right, kind):
                    return left + right  # type: ignore[operator]
        if type(op) not in _ARITHMETIC:
            self.refuse(node, text("it holds an expression that is not data"))
        a, b = self.number(left, node), self.number(right, node)
        if isinstance(op, ast.Pow) and abs(b) > _MAX_POWER:
            self.refuse(node, text("the number is too large"))
        try:
            return self.number(_ARITHMETIC[type(op)](a, b), node)
        except (ArithmeticError, ValueError):
            self.refuse(node, text("the number cannot be worked out"))

    def compare(self, op: ast.cmpop, left: Any, right: Any, node: ast.AST) -> bool:
        try:
            return _COMPARISONS[type(op)](left, right)
        except (KeyError, TypeError):
            self.refuse(node, text("it holds an expression that is not data"))

    def number(self, value: Any, node: ast.AST) -> int | float:
        if not isinstance(value, int | float):
            self.refuse(node, text("it reckons with something that is no number"))
        if not abs(value) <= _MAX_NUMBER:  # so that NaN is refused too
            self.refuse(node, text("the number is too large"))
        return value

    def weight(self, value: Any) -> int:
        """Entries and characters of a value. Parts have been weighed before, so this is quick."""
        if isinstance(value, str):
            return len(value)
        if not isinstance(value, list | tuple | dict):
            return 1
        known = self.weights.get(id(value))
        if known is None:
            parts: Sequence[Any] = list(value.values()) if isinstance(value, dict) else value
            known = (value, 1 + sum(self.weight(part) for part in parts))
            self.weights[id(value)] = known
        return known[1]
