"""Imports point to lower floors only; siblings on one of the upper floors do not know each other."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "jaxgan"

FLOORS = {
    "core": 0,
    "ops": 1,
    "data": 1,
    "nn": 2,
    "latents": 3,
    "models": 4,
    "encoders": 4,
    "features": 4,
    "losses": 5,
    "training": 6,
    "inversion": 6,
    "directions": 6,
    "editing": 6,
    "dissection": 6,
    "metrics": 6,
    "io": 7,
    "api": 8,
    "demo": 9,
    "cli": 10,
}

# Floor 1 holds two worlds, arrays and images, which need not be friends; models, encoders and features neither.
FILES = sorted(PACKAGE.rglob("*.py"))


def floor_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> list[tuple[str, int]]:
    """The parts of the package that a file imports anywhere, with the line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                found += [(name.name, node.lineno) for name in names]
            case ast.ImportFrom(module="jaxgan", names=names):
                found += [(f"jaxgan.{name.name}", node.lineno) for name in names]
            case ast.ImportFrom(module=module, level=0):
                found.append((module, node.lineno))
            case ast.ImportFrom():
                raise AssertionError(f"{path.name}:{node.lineno} imports relatively; write the whole name")
    return [(name.split(".")[1], line) for name, line in found if name.startswith("jaxgan.")]


def test_every_folder_stands_on_a_floor():
    there = {p.name for p in PACKAGE.iterdir() if p.is_dir() and any(p.glob("*.py"))}
    there |= {p.stem for p in PACKAGE.glob("*.py")} - {"__init__"}
    assert there <= set(FLOORS), f"{there - set(FLOORS)} has no floor"


@pytest.mark.parametrize("name", [name for name in FLOORS if (PACKAGE / name).exists() or name == "api"])
def test_imports_point_to_lower_floors(name):
    wrong = []
    for path in FILES:
        if floor_of(path) != name:
            continue
        for other, line in imported(path):
            if other == name or (name == "cli" and other not in FLOORS):
                continue
            if other not in FLOORS or FLOORS[other] >= FLOORS[name]:
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {other}")
    assert not wrong, "; ".join(wrong)


def test_the_top_level_imports_nothing_when_it_runs():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in top} <= {
        "__future__",
        "importlib",
        "typing",
    }
