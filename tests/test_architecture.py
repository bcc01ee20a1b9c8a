"""The layout keeps its promises: small files, short functions, no nameless modules, a test for each source file."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_files_and_functions_are_small(path: Path) -> None:
    name = path.relative_to(SOURCE).as_posix()
    text = path.read_text()
    lines = len(text.splitlines())
    assert lines <= MOST_LINES or name in LONG_FILES, f"{name} has {lines} lines: name its parts"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= MOST_FUNCTION_LINES, f"{name}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_modules_have_names(path: Path) -> None:
    assert path.stem not in NAMELESS


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_nothing_unpickles_or_runs_a_shell(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            assert not {"pickle", "dill", "shelve"} & set(names), f"{path.name} imports a pickler"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "os.system", "yaml.load"}, f"{path.name} calls {called}"
            assert called != "torch.load" or path.name in TORCH_LOAD_ALLOWED, f"{path.name} calls torch.load"
            for keyword in node.keywords:
                assert keyword.arg not in {"allow_pickle", "shell"} or ast.unparse(keyword.value) == "False"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_float64_is_made_on_the_cpu(path: Path) -> None:
    for line in path.read_text().splitlines():
        assert not re.search(r"\.double\(\).*\.cpu\(\)", line), f"Apple's devices have no float64: {line.strip()}"


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
