"""The house rules, read from the source: who may import whom, how long files and functions are, what is documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "kmc_core"
CORE_FILES = sorted(CORE.rglob("*.py"))
NODE_FILES = sorted((ROOT / "nodes").rglob("*.py"))
PRODUCT_FILES = [ROOT / "__init__.py", *CORE_FILES, *NODE_FILES, *sorted((ROOT / "scripts").glob("*.py"))]

MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 60
HOST_MODULES = {"comfy", "comfy_api", "comfy_execution", "comfy_extras", "nodes", "folder_paths", "server"}
ALLOWED_IN_CORE = {"numpy", "torch", "einops", "safetensors", "av", "cv2", "scipy", "PIL", "kornia"}
# A room may import itself and everything below it. evaluation may import all; checkpoints lies just above types.
LOWER_ROOMS = {
    "types": set(),
    "errors": set(),
    "checkpoints": set(),
    "media": {"checkpoints"},
    "pose": {"media", "checkpoints"},
    "subject": {"pose", "media", "checkpoints"},
    "motion": {"pose", "media", "checkpoints", "subject"},
    "alignment": {"subject", "motion", "pose", "media", "checkpoints"},
    "dit": {"alignment", "subject", "motion", "pose", "media", "checkpoints"},
    "sampling": {"dit", "alignment", "subject", "motion", "pose", "media", "checkpoints"},
    "training": {"sampling", "dit", "alignment", "subject", "motion", "pose", "media", "checkpoints", "evaluation"},
    "evaluation": {"training", "sampling", "dit", "alignment", "subject", "motion", "pose", "media", "checkpoints"},
}
BASE = {"types", "errors"}
FORBIDDEN_STEMS = re.compile(r"(^|_)(utils?|helpers?|common|misc|mgr|impl|v\d+)(_|$)")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports_of(path: Path) -> Iterator[tuple[int, str, int]]:
    """(relative level, dotted module, line) of every import; `from . import a` gives one entry for each name."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.level, node.module, node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.level, alias.name, node.lineno) for alias in node.names)


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def calls_of(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node.lineno


def public_functions_of(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Public functions of the module and public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from (item for item in functions_of(ast.Module(node.body, [])) if not item.name.startswith("_"))


@pytest.mark.parametrize("path", CORE_FILES, ids=label)
def test_core_imports_only_itself_and_its_few_libraries(path: Path) -> None:
    import sys

    for level, module, line in imports_of(path):
        top = module.split(".")[0]
        if level == 0:
            assert top in sys.stdlib_module_names or top in ALLOWED_IN_CORE, f"{label(path)}:{line} imports {module}"
            assert top not in HOST_MODULES and top != "kmc_core", f"{label(path)}:{line} imports {module}"


@pytest.mark.parametrize("path", CORE_FILES, ids=label)
def test_no_room_imports_a_higher_room(path: Path) -> None:
    inside = path.relative_to(CORE).with_suffix("").parts
    room = inside[0]
    if room not in LOWER_ROOMS:
        return
    for level, module, line in imports_of(path):
        if level == 0:
            continue
        package = inside[: len(inside) - level]
        target = (*package, *module.split("."))[0]
        allowed = {room} | BASE | LOWER_ROOMS[room]
        only_for_types = room == "types" and target == "media"  # under TYPE_CHECKING: the record names the clip it came from
        assert target in allowed or only_for_types, f"{label(path)}:{line} imports {target} from {room}"


@pytest.mark.parametrize("path", CORE_FILES, ids=label)
def test_core_neither_prints_nor_evaluates_nor_keeps_globals(path: Path) -> None:
    tree = tree_of(path)
    is_command = path.name == "__main__.py"
    for name, line in calls_of(tree):
        assert name not in {"eval", "exec"}, f"{label(path)}:{line} calls {name}"
        assert is_command or name != "print", f"{label(path)}:{line} prints"
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Global), f"{label(path)}:{node.lineno} uses a global statement"
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
            assert not ast.unparse(node.value.func).startswith("torch."), f"{label(path)}:{node.lineno} holds a tensor"


@pytest.mark.parametrize("path", PRODUCT_FILES, ids=label)
def test_files_and_functions_stay_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES, label(path)
    for function in functions_of(tree_of(path)):
        is_schema = function.name == "define_schema"  # a list of sockets, not a procedure
        length = function.end_lineno - function.lineno + 1
        assert is_schema or length <= MAX_FUNCTION_LINES, f"{label(path)}:{function.lineno} {function.name} has {length} lines"


@pytest.mark.parametrize("path", CORE_FILES, ids=label)
def test_public_core_functions_are_annotated(path: Path) -> None:
    for function in public_functions_of(tree_of(path)):
        where = f"{label(path)}:{function.lineno} {function.name}"
        assert function.returns is not None, f"{where} lacks a return annotation"
        arguments = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
        bare = [argument.arg for argument in arguments if argument.annotation is None and argument.arg not in {"self", "cls"}]
        assert not bare, f"{where} lacks annotations of {bare}"


@pytest.mark.parametrize("path", PRODUCT_FILES, ids=label)
def test_names_and_text_keep_the_house_style(path: Path) -> None:
    assert not FORBIDDEN_STEMS.search(path.stem), f"{label(path)}: a file of odds and ends"
    text = path.read_text(encoding="utf-8")
    assert not UNFINISHED.search(text), f"{label(path)} has unfinished work"
    if text.strip():
        assert ast.get_docstring(tree_of(path)), f"{label(path)} does not say what it is"


@pytest.mark.parametrize("path", NODE_FILES, ids=label)
def test_only_host_py_touches_comfyui_internals(path: Path) -> None:
    for level, module, line in imports_of(path):
        top = module.split(".")[0]
        if level == 0 and top in HOST_MODULES - {"comfy_api"}:
            assert path.name == "host.py" or "backbones" in path.parts, f"{label(path)}:{line} imports {module}"
        if level == 0 and top == "comfy_api":
            assert module == "comfy_api.v0_0_2", f"{label(path)}:{line} imports {module}"


def test_no_path_of_the_workplace_is_in_the_repository() -> None:
    places = re.compile(r"(?<![\w.])/(?:work|tmp|root|home)/\w+")
    skipped = {".git", ".venv", ".cache", "output", "runs", "__pycache__", "node_modules", ".pytest_cache"}
    for path in ROOT.rglob("*"):
        if skipped & set(path.relative_to(ROOT).parts) or path.suffix not in {".py", ".md", ".json", ".toml", ".js", ".mjs", ".txt"}:
            continue
        if path.is_file() and path != Path(__file__).resolve():
            found = places.search(path.read_text(encoding="utf-8", errors="replace"))
            assert not found, f"{label(path)} names {found and found.group()}"
