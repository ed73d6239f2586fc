"""`pip wheel` from the tree makes the wheel, or says what is missing."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

HERE = Path(os.environ["AUTOSCALE_HEADER"]).parents[1] / "autoscale-ffi" / "python"


def pip(*arguments, **environment):
    command = [sys.executable, "-m", "pip", *arguments, "--no-index", "--no-deps", "--disable-pip-version-check"]
    return subprocess.run(command, text=True, capture_output=True, env={**os.environ, **environment})


@pytest.mark.skipif("CAPI" not in os.environ, reason="without the built libraries cargo would build for minutes")
def test_the_wheel_of_pip_is_the_one_of_make(tmp_path):
    made = pip("wheel", str(HERE), "--wheel-dir", str(tmp_path))
    assert made.returncode == 0, made.stderr
    (wheel,) = tmp_path.iterdir()
    assert wheel.name.startswith("libautoscale-") and "-py3-none-" in wheel.name
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        metadata = packed.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert "Name: libautoscale\n" in metadata
    assert "autoscale/__init__.py" in names and any(name.startswith("autoscale/libautoscale.") for name in names)
    assert not any(name.startswith("libautoscale/") for name in names), "the import stays"


def test_without_a_compiler_pip_says_what_is_missing(tmp_path):
    for tool in ("bash", "objdump"):
        found = shutil.which(tool)
        if found:
            (tmp_path / tool).symlink_to(found)
    made = pip("wheel", str(HERE), "--wheel-dir", str(tmp_path), PATH=str(tmp_path), HOME=str(tmp_path), CARGO="no-cargo")
    assert made.returncode != 0
    said = made.stdout + made.stderr
    assert "libautoscale cannot be built here. Missing: a C compiler" in said, said
    assert "CAPI" in os.environ or "cargo (Rust)" in said, said


def test_a_copy_of_the_folder_alone_is_told_to_be_one(tmp_path):
    shutil.copytree(HERE, tmp_path / "a" / "python")
    made = pip("wheel", str(tmp_path / "a" / "python"), "--wheel-dir", str(tmp_path))
    assert made.returncode != 0
    assert "install from a checkout of the repository" in made.stdout + made.stderr
