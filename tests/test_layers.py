"""Imports point down: estimator.hand < {estimator runtime, datasets} < {decoder_pretrain, training and evaluation} < demo."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("estimator", "datasets", "decoder_pretrain", "demo")

LAYERS = {"hand": 0, "runtime": 1, "datasets": 1, "decoder_pretrain": 2, "training": 2, "demo": 3}

TRAINING = ("train", "evaluat")
"""Modules of ``estimator`` whose names begin so need data sets, and belong to the layer of training."""


def layer_of(module: str) -> str:
    package, *rest = module.split(".")
    if package != "estimator":
        return package
    if rest[:1] == ["hand"]:
        return "hand"
    return "training" if rest and rest[0].startswith(TRAINING) else "runtime"


def modules() -> list[tuple[str, Path]]:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path) for path in files]


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the layers"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name for name in found if name.split(".")[0] in PACKAGES}


def may_import(importer: str, imported: str) -> bool:
    return importer == imported or LAYERS[imported] < LAYERS[importer]


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_module_imports_only_what_lies_below(module: str, path: Path) -> None:
    wrong = {name for name in imports_of(path) if not may_import(layer_of(module), layer_of(name))}
    assert not wrong, f"{module} must not import {sorted(wrong)}"


def test_the_rule_itself() -> None:
    assert layer_of("estimator.hand.camera") == "hand"
    assert layer_of("estimator.train_landmarks") == layer_of("estimator.evaluate") == "training"
    assert may_import("training", "datasets")
    assert not may_import("hand", "runtime")
    assert not may_import("runtime", "datasets")
    assert not may_import("datasets", "runtime")
    assert not may_import("decoder_pretrain", "demo")
    assert len(modules()) > 20
