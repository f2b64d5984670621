"""What is shipped: setup.cfg against the disk, then a wheel, built and installed with what it says it needs."""

from __future__ import annotations

import configparser
import email
import importlib.metadata
import itertools
import os
import re
import shutil
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.mockserver.listeners import Listener
from tests.mockserver.raw import ask

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
ROOTS = {
    "duologue": "client/duologue",
    "duologue.golden": "fixtures/wire",
    "duologue_mock": "mockserver/duologue_mock",
    "duologue_mock.fixtures": "fixtures",
}
SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "client", "mockserver", "fixtures")

EXTRAS = "options.extras_require"
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", "utf-8")


def lines(section: str, option: str) -> list[str]:
    return SETUP[section][option].split("\n")[1:]


def python_packages() -> dict[str, Path]:
    """Every package on the disk, by its dotted name."""
    folders = {init.parent for folder in ROOTS.values() for init in (ROOT / folder).rglob("__init__.py")}
    return {".".join(_installed_parts(folder)): folder for folder in folders}


def _installed_parts(path: Path) -> tuple[str, ...]:
    """Where a path is installed: below the nearest of the roots that it is in."""
    root = max((folder for folder in ROOTS.values() if path.is_relative_to(ROOT / folder)), key=len)
    (name,) = (name for name, folder in ROOTS.items() if folder == root)
    return (*name.split("."), *path.relative_to(ROOT / root).parts)


def shipped_paths() -> list[Path]:
    """Every file on the disk that belongs into the wheel."""
    files = {path for folder in ROOTS.values() for path in (ROOT / folder).rglob("*") if path.is_file()}
    return [path for path in files if "__pycache__" not in path.parts and ".egg-info" not in str(path)]


def shipped() -> set[str]:
    """Every file that belongs into the wheel, as it is called there."""
    return {"/".join(_installed_parts(path)) for path in shipped_paths()}


# --- the list and the disk


def test_packages_listed() -> None:
    assert sorted(lines("options", "packages")) == sorted(python_packages())


def test_package_roots() -> None:
    package_dir = dict(re.split(r"\s*=\s*", line) for line in lines("options", "package_dir"))
    assert package_dir == ROOTS


def test_package_data_complete() -> None:
    patterns = {
        name: [pattern for pattern in value.split("\n") if pattern]
        for name, value in SETUP["options.package_data"].items()
    }
    folders = {folder: name for name, folder in python_packages().items()}
    for file in shipped_paths():
        if file.suffix != ".py":
            home = next(parent for parent in file.parents if parent in folders)
            relative = str(file.relative_to(home))
            allowed = patterns.get(folders[home], [])
            assert any(fnmatch(relative, pattern) for pattern in allowed), f"{folders[home]}: {relative}"


def test_package_data_patterns_match() -> None:
    for name, value in SETUP["options.package_data"].items():
        for pattern in filter(None, value.split("\n")):
            assert list(python_packages()[name].glob(pattern)), f"{name}: {pattern}"


def test_extras() -> None:
    extras = {name: [Requirement(line) for line in lines(EXTRAS, name)] for name in SETUP[EXTRAS]}
    users = set(extras) - {"all", "bench", "dev", "docs", "mutation"}
    (everything,) = extras["all"]
    assert everything.extras == users
    assert any(one.name == "duologue" and one.extras == {"all"} for one in extras["dev"])
    floors: dict[str, set[str]] = {}
    for one in [each for group in extras.values() for each in group]:
        if one.name != "duologue" and str(one.specifier):
            floors.setdefault(one.name, set()).add(str(one.specifier))
    assert {name for name, bounds in floors.items() if len(bounds) > 1} == set(), "one package, one lower bound"


def test_pinned_versions_allowed() -> None:
    """constraints.txt pins nothing that setup.cfg refuses."""
    pinned = dict(line.lower().split("==") for line in (ROOT / "constraints.txt").read_text("utf-8").split())
    wanted = [line for option in SETUP[EXTRAS] for line in lines(EXTRAS, option)]
    for one in map(Requirement, [*wanted, *lines("options", "install_requires")]):
        version = pinned.get(one.name.lower())
        assert version is None or one.specifier.contains(version), str(one)


# --- a wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, so that nothing is left in the working tree; needs no network."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, copy / name, ignore=ignored)
        else:
            shutil.copy(path, copy / name)
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(copy))
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel_file,) = out.glob("*.whl")
    return wheel_file


def run(*command: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DUOLOGUE", "COV_"))}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=clean)


def test_wheel_files(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == shipped()
    assert {"duologue/py.typed", "duologue_mock/py.typed", "duologue_mock/fixtures/users.json"} <= names
    assert any(name.startswith("duologue/golden/") for name in names)


def test_wheel_metadata(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
    metadata = email.message_from_string(archive.read(name).decode("utf-8"))
    assert metadata["Name"] == "duologue"
    assert metadata["Version"] == importlib.metadata.version("duologue")
    assert metadata["Requires-Python"] == SETUP["options"]["python_requires"]
    assert set(metadata.get_all("Provides-Extra") or ()) == set(SETUP[EXTRAS])
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (ROOT / "README.md").read_text("utf-8")
    assert any(one.endswith("/LICENSE") for one in archive.namelist())
    entry_points = archive.read(name.replace("METADATA", "entry_points.txt")).decode()
    assert "duologue = duologue.cli:main" in entry_points
    assert "serve = duologue_mock.cli.serve:serve" in entry_points


# --- installed


class Installed:
    """A fresh virtual environment with the wheel, and with what it requires and nothing more.

    What it requires is linked from the environment of the tests: so no network is needed, and whatever setup.cfg
    forgot to name is not there.
    """

    def __init__(self, place: Path, wheel: Path, *extras: str) -> None:
        venv.create(place, with_pip=False, symlinks=True)
        self.bin = place / "bin"
        self.python = str(self.bin / "python")
        pip = (sys.executable, "-m", "pip", "--python", self.python)
        done = run(*pip, "install", "--no-deps", "--no-index", "-q", str(wheel))
        assert done.returncode == 0, done.stderr
        process = run(self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        self._packages = Path(process.stdout.strip())
        for name in sorted(requirements("duologue", frozenset(extras))):
            self._link(importlib.metadata.distribution(name))

    def _link(self, distribution: importlib.metadata.Distribution) -> None:
        for top in {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}:
            target = self._packages / top
            if not target.exists():
                target.symlink_to(Path(str(distribution.locate_file(top))))

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        return run(self.python, "-W", "error", "-c", code)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(str(self.bin / "duologue"), *arguments)


def requirements(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]] | None = None) -> set[str]:
    """The distributions that one requires, and those that they require, and so on; without itself."""
    seen = set() if seen is None else seen
    names: set[str] = set()
    for text in importlib.metadata.requires(name) or ():
        one = Requirement(text)
        wanted = one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras | {""})
        key = (one.name, frozenset(one.extras))
        if wanted and key not in seen:
            seen.add(key)
            names |= {one.name} | requirements(*key, seen)
    return names - {name}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Installed:
    """`pip install duologue`."""
    return Installed(tmp_path_factory.mktemp("plain") / "env", wheel)


@pytest.fixture(scope="module")
def with_mock(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Installed:
    """`pip install duologue[mock]`."""
    return Installed(tmp_path_factory.mktemp("mock") / "env", wheel, "mock")


def test_plain_requirements() -> None:
    named = {Requirement(line).name for line in lines("options", "install_requires")}
    assert named == {"requests", "urllib3", "marshmallow"}
    assert not requirements("duologue", frozenset()) & {"flask", "gevent", "click", "python-socketio"}


def test_imports_without_extras(plain: Installed) -> None:
    done = plain.run(
        "import duologue, duologue_mock, duologue.contract\n"
        "for name in duologue.__all__: getattr(duologue, name)\n"
        "print(duologue.__version__, duologue.__file__)"
    )
    assert done.returncode == 0, done.stderr
    version, file = done.stdout.split()
    assert version == importlib.metadata.version("duologue")
    assert not Path(file).is_relative_to(ROOT)


def test_client_without_extras(plain: Installed) -> None:
    done = plain.run(
        "from duologue import Client, ConnectError\n"
        "with Client(base_url='http://127.0.0.1:1/api', max_retries=0) as api:\n"
        "    try: api.users.list()\n"
        "    except ConnectError as error: print('refused')"
    )
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--version",), ("serve",), ("serve", "--help")], ids=" ".join)
def test_command_without_click(plain: Installed, arguments: tuple[str, ...]) -> None:
    done = plain.command(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"[^\n]*click[^\n]*duologue\[(cli|mock|all)\][^\n]*\n", done.stderr), done.stderr


def test_realtime_without_extra(plain: Installed) -> None:
    done = plain.run("import duologue.realtime")
    assert done.returncode == 1
    assert re.search(r"ImportError: [^\n]*duologue\[realtime\]", done.stderr)


def test_mock_without_extra(plain: Installed) -> None:
    done = plain.run("import duologue_mock; duologue_mock.MockServer")
    assert done.returncode == 1
    assert re.search(r"(ModuleNotFound|Import)Error: ", done.stderr)


def test_serve_with_mock_extra(with_mock: Installed) -> None:
    with serving(with_mock) as ports:
        for port in ports:
            assert ask(port, "GET /api/health HTTP/1.1").json["status"] == "ok"
        assert ask(ports[0], "GET /api/users HTTP/1.1").json["total"] == 2
        described = ask(ports[0], "GET /openapi.json HTTP/1.1").json
        assert "example" in str(described["paths"]["/api/users"]["get"]["responses"]["200"]), "golden files are shipped"
        assert ask(ports[0], "GET /asyncapi.json HTTP/1.1").json["asyncapi"] == "3.0.0"
        for path in ("/docs", "/docs/docs.js", "/docs/swagger-ui-bundle.js"):
            assert ask(ports[0], f"GET {path} HTTP/1.1").status == 200
        Listener(ports[0]).close()


@contextmanager
def serving(installed: Installed) -> Iterator[tuple[int, int]]:
    """Run `duologue serve` of an installation; yield its two ports."""
    command = [str(installed.bin / "duologue"), "serve", "--port", "0", "--chat-port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        matches = (re.match(r" +(?:Platform|Chat) +http://127\.0\.0\.1:(\d+)/", line) for line in process.stdout)
        platform, chat = itertools.islice((int(each[1]) for each in matches if each), 2)
        yield platform, chat
    finally:
        process.terminate()
        _, error = process.communicate(timeout=20)
        watchdog.cancel()
    assert (process.returncode, error) == (0, "")


def test_mock_server_with_extra(with_mock: Installed) -> None:
    done = with_mock.run(
        "from duologue import Client\n"
        "from duologue_mock import MockServer\n"
        "with MockServer() as mock, Client(base_url=mock.base_url) as api:\n"
        "    print(api.users.list().total)"
    )
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr


def test_documented_extras_exist() -> None:
    """Every extra that a text or a message of ours names is one."""
    texts = [ROOT / "README.md", *ROOT.glob("client/**/*.py"), *ROOT.glob("mockserver/**/*.py")]
    groups = [group for path in texts for group in re.findall(r"duologue\[([a-z,]+)\]", path.read_text("utf-8"))]
    named = {extra for group in groups for extra in group.split(",")}
    assert named
    assert named <= set(SETUP[EXTRAS])
