"""What a Python candidate imports: only modules on the kernel's list, found in its text without running it."""

from __future__ import annotations

import ast
import re
import symtable
import time
from collections.abc import Iterator
from string import Formatter

from hpcbench.spec import Stage
from hpcbench.stages import Subject
from hpcbench.variant import LONGEST_PYTHON

ORDER = 10
ANY = {"__future__", "abc", "array", "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses", "enum",
       "fractions", "functools", "heapq", "itertools", "math", "numba", "numbers", "numpy", "operator", "random",
       "struct", "typing", "warnings"}  # fmt: skip
NAMES = {"__import__", "compile", "eval", "exec", "globals", "locals", "open", "vars", "breakpoint", "input",
         "__builtins__", "__loader__", "__spec__", "getattr", "setattr", "delattr"}  # fmt: skip
ATTRIBUTES = NAMES | {
    "ctypeslib", "fromfile", "tofile", "memmap", "load", "loadtxt", "genfromtxt", "save", "savetxt", "savez",
    "f2py", "distutils", "testing", "sys", "os", "objmode", "cfunc", "subprocess", "attrgetter", "methodcaller",
    "ctypes", "builtins", "inspect", "importlib", "modules", "get_type_hints", "ForwardRef", "update_wrapper",
    "make_dataclass", "CodeType", "FunctionType", "LambdaType", "format_map", "vformat", "Formatter",
    "fromregex", "recfromtxt", "recfromcsv", "DataSource", "open_memmap", "npyio", "intrinsic", "ExternalFunction",
    "ExternalFunctionPointer", "get_cython_function_address", "address_as_void_pointer",
    "_os", "_sys", "bltns", "pickle", "read_array", "FileIO",  # of modules by another name as well
    "redirect_stdout", "redirect_stderr", "_RedirectStream",  # which set any name of sys
}  # fmt: skip
# a frame leads to the worker's variables; with the last five an object passes for another, to be asked for parts
FRAMES = {"gi_frame", "gi_code", "gi_yieldfrom", "cr_frame", "cr_code", "cr_await", "cr_origin", "ag_frame",
          "ag_code", "ag_await", "f_back", "f_locals", "f_globals", "f_builtins", "f_code", "tb_frame", "tb_next",
          "__class__", "__dict__", "__match_args__", "__instancecheck__", "__subclasscheck__",
          "__getattribute__"}  # fmt: skip
SIZES = re.compile(r"[^{}]*(?:\{\w*\}[^{}]*)*")  # a format whose widths are given: "{:{}.{}f}"
STARRED = {"cmath", "math", "itertools"}  # all of whose names are harmless
# of names with two underscores:
PLAIN = {"__init__", "__name__", "__doc__", "__version__", "__len__", "__call__"}  # fmt: skip
# of `super()` and of `self`; not `self.load`, `.open`, `.compile`: who calls it chooses what `self` is
SUPER, SELF = {"__new__", "__getitem__", "__setitem__"}, {"input", "save"}


def problems(source: bytes, allowed: set[str]) -> list[str]:
    """What the text uses that no kernel needs, in words."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    found = list(_reached(symtable.symtable(ast.unparse(tree), "candidate", "exec")))
    modules = {
        (a.asname or a.name).partition(".")[0] for n in nodes if isinstance(n, ast.Import) for a in n.names
    }
    decorators = [d for n in nodes for d in getattr(n, "decorator_list", ()) if isinstance(d, ast.Call)]
    wrapping = {id(d.func) for d in decorators if len(d.args) == 1 and not d.keywords}
    wrapping |= {id(a) for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names if not a.asname}
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [f"import {a.name}" for a in node.names if a.name.partition(".")[0] not in allowed]
            found += [f"import {a.name}" for a in node.names if _hidden(*a.name.split("."))]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level or module.partition(".")[0] not in allowed or _hidden(*module.split(".")):
                found.append(f"from {'.' * node.level}{module} import")
            if module not in STARRED and any(a.name == "*" for a in node.names):
                found.append(f"from {module} import *")
            if module != "__future__":
                found += [f"from {module} import {a.name}" for a in node.names if _hidden(a.name)]
        elif isinstance(node, ast.Attribute) and node.attr not in PLAIN and not _own(node):
            private = _hidden(node.attr) and isinstance(node.value, ast.Name) and node.value.id in modules
            system = node.attr.startswith("__") and node.attr.endswith("__")
            if node.attr in ATTRIBUTES or system or private:
                found.append(f".{node.attr}")
        elif isinstance(node, ast.MatchClass):
            found += [f"case {n}=" for n in node.kwd_attrs if n in ATTRIBUTES or n.startswith("__")]
        if isinstance(node, ast.Attribute) and node.attr == "format" and _asks(node.value):
            found.append(".format of more than values")
        if _names(node)[:1] == ["wraps"] and not isinstance(node, ast.Constant) and id(node) not in wrapping:
            found.append("wraps of more than a function")
        found += [name for name in _names(node) if name in FRAMES]
    return list(dict.fromkeys(found))


def _reached(scope: symtable.SymbolTable) -> Iterator[str]:
    """Names of ``NAMES`` that mean the system's: read where no function has a variable of that name."""
    for name in sorted(NAMES & set(scope.get_identifiers())):  # all would take the square of the inner scopes
        symbol = scope.lookup(name)
        own = scope.get_type() == "function" and not symbol.is_global()
        if symbol.is_referenced() and not own:
            yield name
    for inner in scope.get_children():
        yield from _reached(inner)


def _names(node: ast.AST) -> list[str]:
    """Every name that the node itself has, in whatever role, texts included."""
    words = [getattr(node, role, None) for role in ("id", "attr", "arg", "name", "asname", "value")]
    return [word for word in (*words, *getattr(node, "kwd_attrs", ())) if isinstance(word, str)]


def _own(node: ast.Attribute) -> bool:
    """Whether it is of the class that the text writes: ``super().__new__``, ``self.input``."""
    value = node.value
    if isinstance(value, ast.Call) and not (value.args or value.keywords):
        return isinstance(value.func, ast.Name) and value.func.id == "super" and node.attr in SUPER
    return isinstance(value, ast.Name) and value.id == "self" and node.attr in SELF


def _asks(pattern: ast.AST) -> bool:
    """Whether a text to be formatted is not at hand, or asks for attributes or entries: ``"{0.name}"``."""
    text = pattern.value if isinstance(pattern, ast.Constant) else None
    if not isinstance(text, str):
        return True
    parts = [(field or "", spec or "") for _, field, spec, _ in Formatter().parse(text)]
    return any(
        "." in field or "[" in field or ("{" in spec and not SIZES.fullmatch(spec)) for field, spec in parts
    )


def _hidden(*names: str) -> bool:
    """Of modules and what is taken from them: ``core`` is what libraries are made of."""
    bad = ATTRIBUTES | {"core"}
    return any(name in bad or (name.startswith("_") and name != "__future__") for name in names)


def check(subject: Subject) -> Stage:
    """Walk the syntax tree of a Python candidate."""
    if subject.candidate.language != "python":
        return Stage("imports", "not_checked", "native code is judged by its symbols")
    if len(subject.candidate.source) > LONGEST_PYTHON:
        return Stage("imports", "compile", f"more than {LONGEST_PYTHON >> 10} KiB of Python are no kernel")
    start = time.perf_counter()
    try:
        bad = problems(subject.candidate.source, ANY | set(subject.kernel.imports))
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        return Stage("imports", "compile", f"line {getattr(error, 'lineno', 1)}: {error}")
    spent = time.perf_counter() - start
    if bad:
        words = f"it uses {', '.join(word[:80] for word in bad[:6])}: no {subject.kernel.name} needs that"
        if any(word.startswith(("import ", "from ")) for word in bad):
            words += f"; it may import {', '.join(sorted(ANY - {'__future__'}))}"
        return Stage("imports", "forbidden", words, spent)
    return Stage("imports", "correct", "", spent)
