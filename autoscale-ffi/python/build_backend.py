"""What pip calls (PEP 517): the wheel is the one that autoscale-ffi/scripts/wheel makes, with the library in it.

    CAPI=dir  the built libraries (what `make capi` makes); built where it is not given
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent / "scripts" / "wheel"
# What the scripts call, and what has it.
TOOLS = {"bash": "bash", "cc": "a C compiler", "objdump": "objdump (binutils)"}


def _missing() -> list[str]:
    if not SCRIPT.exists() or not (HERE.parents[1] / "Cargo.toml").exists():
        return ["the sources of the library: install from a checkout of the repository, not from a copy of this folder"]
    missing = []
    if sys.version_info < (3, 11):
        missing.append("Python 3.11 or newer to build with (the wheel itself runs from 3.9 on)")
    missing += [name for tool, name in TOOLS.items() if shutil.which(tool) is None and (tool != "objdump" or sys.platform == "linux")]
    cargo = os.environ.get("CARGO", "cargo")
    if "CAPI" not in os.environ and shutil.which(cargo) is None and not (Path.home() / ".cargo/bin/cargo").exists():
        missing.append("cargo (Rust): https://rustup.rs")
    return missing


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """The wheel's file name, in a folder of pip's."""
    missing = _missing()
    if missing:
        sys.exit("libautoscale cannot be built here. Missing: " + "; ".join(missing))
    environment = {**os.environ, "WHEELS": str(Path(wheel_directory).resolve()), "PYTHON": sys.executable}
    made = subprocess.run(["bash", str(SCRIPT)], env=environment, stdout=subprocess.PIPE, text=True)
    if made.returncode:
        sys.exit(f"libautoscale cannot be built here: autoscale-ffi/scripts/wheel ended with {made.returncode}, see above")
    return Path(made.stdout.splitlines()[-1]).name


def build_sdist(sdist_directory, config_settings=None):
    """There is none: the library's sources are not in this folder."""
    sys.exit("libautoscale has no source distribution: build a wheel from a checkout, `pip wheel autoscale-ffi/python`")
