"""Python text → what in it reaches out or runs other code: imports and calls by dotted name."""

from __future__ import annotations

import ast
from collections import Counter

_REACHING = frozenset(
    [
        "subprocess",
        "socket",
        "requests",
        "httpx",
        "urllib",
        "urllib3",
        "http",
        "aiohttp",
        "ftplib",
        "smtplib",
        "telnetlib",
        "paramiko",
        "websocket",
        "websockets",
        "ctypes",
        "cffi",
        "pickle",
        "cPickle",
        "dill",
        "marshal",
        "shelve",
        "pty",
        "importlib",
        "runpy",
        "code",
        "codeop",
        "xmlrpc",
        "asyncssh",
        "pycurl",
        "socketserver",
        "boto3",
        "botocore",
    ]
)
_RUNNING = frozenset(
    [
        "exec",
        "eval",
        "compile",
        "__import__",
        "os.system",
        "os.popen",
        "os.fork",
        "os.kill",
        "os.putenv",
        "os.environ.copy",
        "os.environ.items",
        "importlib.import_module",
        "builtins.exec",
        "builtins.eval",
        "pickle.load",
        "pickle.loads",
        "marshal.loads",
        "yaml.load",
        "yaml.unsafe_load",
        "getattr",
        "setattr",
        "globals",
        "locals",
        "vars",
        "os.remove",
        "os.unlink",
        "shutil.rmtree",
        "os.chmod",
    ]
)
_FAMILIES = ("subprocess.", "os.exec", "os.spawn", "ctypes.", "socket.", "asyncio.create_subprocess")
_QUIET_GETATTR = 2


def reaching(text: str) -> Counter[str] | None:
    """Return imports of modules that reach out and calls that run other code, counted; None if it is no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(f"import {n.name}" for n in node.names if n.name.split(".")[0] in _REACHING)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module.split(".")[0] in _REACHING:
                found[f"import {module}"] += 1
            found.update(f"import {module}.{n.name}" for n in node.names if f"{module}.{n.name}" in _RUNNING)
        elif isinstance(node, ast.Call) and not _is_plain_getattr(node):
            name = dotted(node.func)
            if name in _RUNNING or name.startswith(_FAMILIES):
                found[f"{name}()"] += 1
    return found


def identifiers(text: str) -> frozenset[str]:
    """Return every name in *text*; words of it where it is no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset(word for word in text.replace(".", " ").split() if word.isidentifier())
    kinds = {ast.Name: "id", ast.Attribute: "attr", ast.arg: "arg", ast.keyword: "arg", ast.alias: "name"}
    names = {getattr(node, kinds[type(node)]) for node in ast.walk(tree) if type(node) in kinds}
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset({n for n in names if n} | {n.name for n in ast.walk(tree) if isinstance(n, named)})


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` of a name or attribute; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _is_plain_getattr(node: ast.Call) -> bool:
    """``getattr(row, "name", None)`` reads a field; only a computed or hidden name is a way to somewhere else."""
    if dotted(node.func) not in ("getattr", "setattr") or len(node.args) < _QUIET_GETATTR:
        return False
    name = node.args[1]
    return isinstance(name, ast.Constant) and isinstance(name.value, str) and not name.value.startswith("__")
