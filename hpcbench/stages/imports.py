"""What a Python candidate imports: only modules on the kernel's list, found in its text without running it."""

from __future__ import annotations

import ast
import time

from hpcbench.spec import Stage
from hpcbench.stages import Subject

ORDER = 10
ANY = {"__future__", "array", "collections", "dataclasses", "functools", "itertools", "math", "numba", "numpy",
       "operator", "typing"}  # fmt: skip
NAMES = {"__import__", "compile", "eval", "exec", "globals", "locals", "open", "vars", "breakpoint", "input",
         "__builtins__", "__loader__", "__spec__", "getattr", "setattr", "delattr"}  # fmt: skip
ATTRIBUTES = {"ctypeslib", "fromfile", "tofile", "memmap", "load", "loadtxt", "genfromtxt", "save", "savetxt",
              "savez", "f2py", "distutils", "testing", "sys", "os", "objmode", "cfunc", "subprocess"}  # fmt: skip


def problems(source: bytes, allowed: set[str]) -> list[str]:
    """What the text uses that no kernel needs, in words."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [f"import {a.name}" for a in node.names if a.name.partition(".")[0] not in allowed]
            found += [f"import {a.name}" for a in node.names if set(a.name.split(".")) & ATTRIBUTES]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level or module.partition(".")[0] not in allowed or set(module.split(".")) & ATTRIBUTES:
                found.append(f"from {'.' * node.level}{module} import")
            found += [f"from {module} import {a.name}" for a in node.names if a.name in ATTRIBUTES]
        elif isinstance(node, ast.Name) and node.id in NAMES:
            found.append(node.id)
        elif isinstance(node, ast.Attribute) and (node.attr in ATTRIBUTES or node.attr.startswith("__")):
            found.append(f".{node.attr}")
    return list(dict.fromkeys(found))


def check(subject: Subject) -> Stage:
    """Walk the syntax tree of a Python candidate."""
    if subject.candidate.language != "python":
        return Stage("imports", "not_checked", "native code is judged by its symbols")
    start = time.perf_counter()
    try:
        bad = problems(subject.candidate.source, ANY | set(subject.kernel.imports))
    except (SyntaxError, ValueError) as error:
        return Stage("imports", "compile", f"line {getattr(error, 'lineno', 1)}: {error}")
    spent = time.perf_counter() - start
    if bad:
        return Stage(
            "imports",
            "forbidden",
            f"it uses {', '.join(bad[:6])}: no {subject.kernel.name} needs that",
            spent,
        )
    return Stage("imports", "correct", "", spent)
