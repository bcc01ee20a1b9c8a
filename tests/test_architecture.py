"""The layout keeps its promises: small files, short functions, no nameless modules, a test for each source file."""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "tlesynth"
FILES = sorted(SOURCE.rglob("*.py"))
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}
MOST_LINES, MOST_FUNCTION_LINES = 300, 60
UNPICKLERS = {"pickle", "cPickle", "dill", "joblib.load", "torch.load", "numpy.load"}
TORCH_LOAD_ALLOWED = {"weights.py"}
"""Official .pth files are converted to safetensors once, by their checksum, through the weights-only loader."""

# A longer file or function stands here with its reason.
LONG_FILES: dict[str, str] = {}


# Each law is one test that names every offender: a test for each file and law would be 1,500, that say the same.
def test_files_and_functions_are_small() -> None:
    found = [fault for path in FILES for fault in too_large(path)]
    assert not found, found


def too_large(path: Path) -> Iterator[str]:
    name, lines = name_of(path), len(text_of(path).splitlines())
    if lines > MOST_LINES and name not in LONG_FILES:
        yield f"{name} has {lines} lines: name its parts"
    for node in nodes_of(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > MOST_FUNCTION_LINES:
                yield f"{name}: {node.name} has {length} lines"


def test_modules_have_names() -> None:
    assert not [name_of(path) for path in FILES if path.stem in NAMELESS]


def test_nothing_unpickles_or_runs_a_shell() -> None:
    found = [f"{name_of(path)}:{node.lineno}: {fault}" for path in FILES for node, fault in unsafe(path)]
    assert not found, found


def unsafe(path: Path) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    for node in nodes_of(path):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            if {"pickle", "dill", "shelve"} & set(names):
                yield node, "imports a pickler"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in {"eval", "exec", "os.system", "yaml.load"}:
                yield node, f"calls {called}"
            if called == "torch.load" and path.name not in TORCH_LOAD_ALLOWED:
                yield node, "calls torch.load"
            for keyword in node.keywords:
                if keyword.arg in {"allow_pickle", "shell"} and ast.unparse(keyword.value) != "False":
                    yield node, f"says {ast.unparse(keyword)}"


def test_an_offence_is_seen(tmp_path: Path) -> None:
    """The three searches find what is planted: a search that finds nothing in a clean tree could be blind."""
    lines = ["import pickle", "eval(x)", "torch.load(x)", "np.load(x, allow_pickle=True)", "run(x, shell=not False)"]
    planted = tmp_path / "planted.py"
    planted.write_text("\n".join(lines) + "\n")
    assert [node.lineno for node, _ in unsafe(planted)] == [1, 2, 3, 4, 5]
    (tmp_path / "long.py").write_text("def f():\n" + "    x = 1\n" * MOST_LINES)
    assert len(list(too_large(tmp_path / "long.py"))) == 2
    (tmp_path / "double.py").write_text("x.double().to(y).cpu()\n")
    assert list(made_elsewhere(tmp_path / "double.py"))


def test_float64_is_made_on_the_cpu() -> None:
    found = [fault for path in FILES for fault in made_elsewhere(path)]
    assert not found, found


def made_elsewhere(path: Path) -> Iterator[str]:
    """Apple's devices have no float64."""
    for line in text_of(path).splitlines():
        if re.search(r"\.double\(\).*\.cpu\(\)", line):
            yield f"{name_of(path)}: {line.strip()}"


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix() if path.is_relative_to(SOURCE) else path.name


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text()


@functools.cache
def nodes_of(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(text_of(path))))


def test_each_source_file_has_a_test() -> None:
    tests = {path.relative_to(ROOT / "tests").as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    missing = []
    for path in FILES:
        if path.stem in {"__init__", "__main__"}:
            continue
        relative = path.relative_to(SOURCE)
        wanted = {
            (relative.parent / f"test_{relative.name}").as_posix(),
            # A folder may be tested as one where its files only make sense together.
            (relative.parent.parent / f"test_{relative.parent.name}.py").as_posix(),
        }
        if not wanted & tests:
            missing.append(relative.as_posix())
    assert not missing


def test_help_is_fast_because_it_loads_no_torch() -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom tlesynth.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "heavy = {'torch', 'monai', 'nilearn', 'ants', 'pandas', 'matplotlib', 'bids'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_project_speaks_of_itself_alone() -> None:
    words = ["/wo" + "rk/", "/ho" + "me/", "/ro" + "ot/", "pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org"]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".lock", ".j2", ".css", ".json"}:
            text = path.read_text(errors="replace")
            assert not [word for word in words if word in text], name
