"""Who may import whom, read out of the sources and seen in fresh processes."""

from __future__ import annotations

import ast
import functools
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from duologue.contract import RESOURCES
from tests.sources import parse

ROOT = Path(__file__).parent.parent
CLIENT = ROOT / "client" / "duologue"
CONTRACT = CLIENT / "contract"
MOCK = ROOT / "mockserver" / "duologue_mock"


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def module_of(path: Path) -> str:
    """The dotted name of a source file."""
    base = CLIENT.parent if path.is_relative_to(CLIENT) else MOCK.parent
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def imports(path: Path, *, running: bool = False, at_top: bool = False) -> frozenset[str]:
    """The modules a file imports, those in its stub included.

    Args:
        path: the file.
        running: leave out what only type checkers see.
        at_top: leave out what only functions import too.
    """
    skipped = (ast.FunctionDef, ast.AsyncFunctionDef) if at_top else ()
    stub = path.with_suffix(".pyi")
    files = [path, stub] if stub.exists() and not (running or at_top) else [path]
    return frozenset(name for file in files for name in _imports(parse(file), path, running or at_top, skipped))


def _imports(tree: ast.AST, path: Path, running: bool, skipped: tuple[type[ast.AST], ...]) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module_of(path) if path.stem == "__init__" else module_of(path).rpartition(".")[0]
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif not isinstance(node, skipped) and not (running and _is_for_types(node)):
            yield from _imports(node, path, running, skipped)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def tops(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def below(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def list_imports(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each file of a folder with the name of each module that it imports."""
    for path in sources(folder):
        for name in imports(path):
            yield by_name(path), name


def test_contract_imports() -> None:
    for path, name in list_imports(CONTRACT):
        top = name.partition(".")[0]
        is_allowed = top in sys.stdlib_module_names or top == "marshmallow" or below(name, "duologue.contract")
        assert is_allowed, f"{name} in {path}"


def test_client_imports_no_mock() -> None:
    libraries = {"duologue_mock", "flask", "flask_socketio", "gevent", "apispec", "httptools"}
    for path, name in list_imports(CLIENT):
        assert name.partition(".")[0] not in libraries, f"{name} in {path}"


SHARED_MODULES = ("duologue._version", "duologue.lazy_exports")
"""What the mock shares with the client besides the contract."""


PYTEST_PLUGIN = MOCK / "pytest_plugin.py"
"""It gives tests a client: one of its fixtures imports the client, when a test asks for one."""


def test_mock_imports_contract_only() -> None:
    for path in sources(MOCK):
        for name in imports(path, at_top=path == PYTEST_PLUGIN):
            if below(name, "duologue"):
                assert below(name, "duologue.contract", *SHARED_MODULES) or name == "duologue", f"{name} in {path}"
            if name == "duologue":
                imported = {one for one in imports(path) if one.startswith("duologue.")}
                assert imported <= {"duologue.contract", *SHARED_MODULES}, f"{imported} in {path}"


CONFORMANCE = "duologue.conformance"
HTTP_HOLDERS = {"duologue.http.adapter", "duologue.http.error_mapping", "duologue.http.transport"}
HOLDERS = {
    "requests": {*HTTP_HOLDERS, CONFORMANCE},
    "urllib3": {*HTTP_HOLDERS, "duologue.http.pool"},
    "socketio": {"duologue.realtime.engineio_client", CONFORMANCE},
    "engineio": {"duologue.realtime.engineio_client", CONFORMANCE},
    "websocket": {"duologue.realtime.engineio_client", CONFORMANCE},
    "pytest": {CONFORMANCE},
    "hypothesis": {CONFORMANCE},
    "schemathesis": {CONFORMANCE},
    "jinja2": {f"{CONFORMANCE}.reports.html"},
    "httpx": set(),
    "aiohttp": set(),
    "click": {"duologue.cli"},
    "rich": {"duologue.cli.terminal", f"{CONFORMANCE}.running.progress"},
    "opentelemetry": {"duologue.observability.opentelemetry"},
}
"""Which modules of the client may import what speaks to the network, or belongs to an extra."""


def test_network_libraries() -> None:
    for path in sources(CLIENT):
        for name in imports(path, running=True):
            homes = HOLDERS.get(name.partition(".")[0])
            assert homes is None or below(module_of(path), *homes), f"{name} in {module_of(path)}"


def test_store_without_http() -> None:
    for path in sources(MOCK / "store"):
        for name in imports(path):
            assert name.partition(".")[0] in {
                *sys.stdlib_module_names,
                "sortedcontainers",
                "marshmallow",
                "duologue",
                "duologue_mock",
            }
            assert below(name, "duologue_mock.store") or not below(name, "duologue_mock"), name
            assert not below(name, "http", "urllib", "socket", "socketserver", "wsgiref"), name


@pytest.mark.parametrize("resource", RESOURCES)
def test_resource_file_names(resource: str) -> None:
    assert (CONTRACT / f"{resource}.py").exists()
    assert (MOCK / f"{resource}.py").exists()
    assert (ROOT / "tests" / "mockserver" / "handlers" / f"test_{resource}.py").exists()


@pytest.mark.parametrize("resource", RESOURCES)
def test_handlers_without_http(resource: str) -> None:
    named = imports(MOCK / f"{resource}.py")
    assert not {"flask", "werkzeug", "gevent", "socketio", "http", "json", "orjson", "requests"} & tops(named)
    assert not any(
        below(name, "duologue_mock.http.messages", "duologue_mock.http.dispatch", "duologue_mock.http.wsgi")
        for name in named
    )


@pytest.mark.parametrize("name", ["utils", "util", "helpers", "helper", "misc", "common", "tools"])
def test_no_utils_module(name: str) -> None:
    assert not list(CLIENT.rglob(f"{name}.py")) + list(MOCK.rglob(f"{name}.py"))
    assert not list((ROOT / "tests").rglob(f"{name}.py"))


def modules() -> dict[str, Path]:
    return {module_of(path): path for path in [*sources(CLIENT), *sources(MOCK)]}


def dependencies() -> dict[str, set[str]]:
    """What each module imports of ours, those imports counted that only a type checker or a function sees.

    `from package import module` depends on the module, and importing a module of a package is no dependency on the
    package's own `__init__`: those of this project are lists of names, or empty.
    """
    files = modules()
    needed = {}
    for name, path in files.items():
        imported = {other for other in imports(path) if other in files and other != name}
        packages = {other for other in imported if any(deeper.startswith(f"{other}.") for deeper in imported)}
        needed[name] = {other for other in imported - packages if not name.startswith(f"{other}.")}
    return needed


def find_circle(needed: dict[str, set[str]]) -> list[str]:
    """Return the names of one circle, in order, or nothing if there is none."""
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name not in done:
            for other in sorted(needed[name]):
                circle = visit(other, (*way, name))
                if circle:
                    return circle
            done.add(name)
        return []

    return next((circle for name in sorted(needed) if (circle := visit(name, ()))), [])


def test_no_import_circle() -> None:
    assert find_circle(dependencies()) == []


def folder_of(module: str) -> str:
    """The folder below the package that a module is in, or the module itself at the package's root.

    The mock's handlers, a module for each resource, count as one folder.
    """
    package = "duologue_mock" if module.startswith("duologue_mock") else "duologue"
    part = module.removeprefix(package).strip(".").partition(".")[0]
    if package == "duologue_mock" and part in RESOURCES:
        return "duologue_mock.(handlers)"
    return f"{package}.{part}" if part else package


def folder_dependencies(top: str) -> dict[str, set[str]]:
    needed: dict[str, set[str]] = {}
    for name, others in dependencies().items():
        if name.partition(".")[0] == top:
            folder = needed.setdefault(folder_of(name), set())
            folder |= {folder_of(other) for other in others if other.partition(".")[0] == top} - {folder_of(name)}
    return needed


@pytest.mark.parametrize("top", ["duologue", "duologue_mock"])
def test_no_circle_of_folders(top: str) -> None:
    assert find_circle(folder_dependencies(top)) == []


MAX_LAYERS = 9


@pytest.mark.parametrize("top", ["duologue", "duologue_mock"])
def test_few_layers(top: str) -> None:
    """From a folder that imports none of ours to the public package: how many stand on one another."""
    needed = folder_dependencies(top)

    @functools.cache
    def height(folder: str) -> int:
        return 1 + max((height(other) for other in needed[folder]), default=0)

    assert max(map(height, needed)) <= MAX_LAYERS


def loaded_by(statement: str) -> set[str]:
    """The modules that a statement loads in a fresh process, beyond those Python starts with."""
    code = f"import sys, json; before = set(sys.modules); {statement}; print(json.dumps([*set(sys.modules) - before]))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout)
    return set(names)


def test_mock_import_is_light() -> None:
    """It happens in every pytest run of everyone who installs us."""
    loaded = loaded_by("import duologue_mock")
    ours = {name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names}
    assert ours == {"duologue_mock", "duologue", *SHARED_MODULES}
    assert not {"asyncio", "ssl", "logging", "unittest", "email", "http"} & tops(loaded)


def test_pytest_plugin_is_light() -> None:
    """It is loaded in every pytest run of everyone who installs us, with or without the extras."""
    loaded = loaded_by("import pytest; before = set(sys.modules); import duologue_mock.pytest_plugin")
    ours = {name for name in loaded if name.partition(".")[0] in ("duologue", "duologue_mock")}
    assert ours == {"duologue_mock", "duologue_mock.pytest_plugin", "duologue", *SHARED_MODULES}
    assert not tops(loaded) & {"requests", "urllib3", "marshmallow", "flask", "gevent", "click"}


def test_control_client_is_light() -> None:
    """A mock elsewhere is steered without what a mock here needs."""
    loaded = tops(loaded_by("from duologue_mock import MockControl"))
    assert not loaded & {"flask", "gevent", "orjson", "socketio", "requests", "click"}


def test_contract_import_is_light() -> None:
    loaded = {name for name in tops(loaded_by("import duologue.contract")) if name not in sys.stdlib_module_names}
    assert loaded <= {"duologue", "marshmallow", "typing_extensions", "packaging", "backports"}, loaded


def test_client_import_is_light() -> None:
    loaded = tops(loaded_by("import duologue; [getattr(duologue, name) for name in duologue.__all__]"))
    assert not loaded & {
        "duologue_mock", "flask", "gevent", "socketio", "engineio", "rich", "click", "schemathesis", "hypothesis",
        "pytest", "apispec", "orjson",
    }  # fmt: skip


def test_command_import_is_light() -> None:
    """`duologue --help` need not wait for Flask and gevent."""
    assert not tops(loaded_by("import duologue_mock.cli.serve")) & {
        "flask",
        "gevent",
        "socketio",
        "requests",
        "apispec",
    }


def test_mock_starts_without_matching() -> None:
    """It is loaded for the first stub or search, and Socket.IO for the first client."""
    loaded = loaded_by("import duologue_mock; duologue_mock.MockServer().start().stop()")
    assert not tops(loaded) & {"regex", "rapidfuzz", "jsonschema_rs", "trustme", "socketio", "apispec", "requests"}
    assert "duologue_mock.control.matching.request_pattern" not in loaded


def test_nothing_monkey_patched() -> None:
    loaded_by(
        "import socket, threading, time; kept = socket.socket, threading.Thread, threading.Lock, time.sleep; "
        "import duologue_mock.server, duologue_mock.app, gevent.monkey; "
        "assert kept == (socket.socket, threading.Thread, threading.Lock, time.sleep); "
        "assert not [name for name in ('socket', 'threading', 'time', 'ssl', 'os', 'select', 'queue', 'subprocess') "
        "if gevent.monkey.is_module_patched(name)]"
    )


SHARED = {
    "duologue_mock._MODULES": "the module of each public name; never changed",
    "duologue_mock.http.request_head._ENVIRON_KEYS": "WSGI's keys of header names; bounded, the same for every server",
    "duologue_mock.http.messages._STATUS_LINES": "status lines by status; the same for every server",
    "duologue_mock.handler_registry._handlers": "the handlers, registered once at import",
    "duologue_mock.pytest_plugin._CONTROL": "the key of a test's control; it holds nothing",
    "duologue_mock.pytest_plugin._SUMMARY": "the key of a session's summary; it holds nothing",
    "duologue_mock.control.journal.entry.NOT_STEERED": "what decided a response of the mock alone; frozen",
    "duologue_mock.settings.SETTINGS": "the declared settings; never changed",
    "duologue_mock.openapi.response_headers._COUNT": "the schema of a number; never changed",
    "duologue_mock.openapi.response_headers._DESCRIPTIONS": "what headers are for; never changed",
    "duologue_mock.openapi.response_headers._TEXT": "the schema of a text; never changed",
    "duologue_mock.openapi.response_headers.ID_POINTERS": "where new ids are in responses; never changed",
}
"""Every dictionary, list or set at the top of a module of the mock, and why it ties no two servers together."""


def test_no_shared_module_state() -> None:
    shared = set()
    for path in sources(MOCK):
        tree = parse(path)
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Global)], f"{path} changes a global"
        for node in tree.body:
            if not isinstance(node, ast.Assign | ast.AnnAssign):
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name) and target.id != "__all__"]
            value = getattr(node, "value", None)
            if names and _can_change(value):
                shared |= {f"{module_of(path)}.{name}" for name in names}
    assert shared == SHARED.keys()


def _can_change(value: ast.AST | None) -> bool:
    """Whether an expression creates something mutable, as far as its syntax shows."""
    if isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp):
        return True
    if not isinstance(value, ast.Call):
        return False
    callee = ast.unparse(value.func).rpartition(".")[2]
    immutable = {
        "frozenset",
        "tuple",
        "compile",
        "getLogger",
        "TypeVar",
        "Settings",
        "DeltaSchema",
        "encode",
        "namedtuple",
        "MappingProxyType",
        "timedelta",
        "replace",  # of an immutable value, as a `datetime`
        "ClockSetting",
        "Endpoints",  # filled while its module is imported
        "Preference",
        "ResponseDefinition",
    }
    return callee not in immutable
