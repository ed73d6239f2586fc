"""pack_wheel.py CAPI OUT: writes the wheel, which is a zip file with a list of what is in it (PEP 427, PEP 600)."""

import base64
import hashlib
import platform
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "autoscale-ffi" / "python"
# What is imported; the distribution has another name.
MODULE = "autoscale"


def tag(library: Path) -> str:
    """The oldest glibc that has every symbol that the library needs."""
    machine = platform.machine()
    if sys.platform == "darwin":
        return f"py3-none-macosx_11_0_{machine}"
    symbols = subprocess.run(["objdump", "-T", library], check=True, capture_output=True, text=True).stdout
    needed = {tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_(\d+\.\d+)", symbols)}
    # manylinux_2_17 is the oldest that tools know for this form of tag.
    major, minor = max(needed | {(2, 17)})
    return f"py3-none-manylinux_{major}_{minor}_{machine}"


def main(capi: Path, out: Path) -> None:
    project = tomllib.loads((PYTHON / "pyproject.toml").read_text())["project"]
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    library = next(path for path in sorted(capi.iterdir()) if re.fullmatch(r"libautoscale\.(so\.\d+|\d+\.dylib)", path.name))
    name, kind = project["name"], tag(library)
    info = f"{name}-{version}.dist-info"
    metadata = [
        "Metadata-Version: 2.4",
        f"Name: {name}",
        f"Version: {version}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        "License-File: LICENSE-APACHE",
        "License-File: LICENSE-MIT",
        f"Requires-Python: {project['requires-python']}",
        f"Keywords: {','.join(project['keywords'])}",
        *(f"Classifier: {classifier}" for classifier in project["classifiers"]),
        "Description-Content-Type: text/markdown",
        "",
        (PYTHON / project["readme"]).read_text(),
    ]
    files = {f"{MODULE}/{path.name}": path.read_bytes() for path in sorted((PYTHON / MODULE).iterdir()) if path.is_file()}
    files[f"{MODULE}/{library.name}"] = library.read_bytes()
    for licence in ("LICENSE-APACHE", "LICENSE-MIT"):
        files[f"{info}/licenses/{licence}"] = (ROOT / licence).read_bytes()
    files[f"{info}/METADATA"] = "\n".join(metadata).encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: pack_wheel\nRoot-Is-Purelib: false\nTag: {kind}\n".encode()

    out.mkdir(parents=True, exist_ok=True)
    wheel = out / f"{name}-{version}-{kind}.whl"
    record = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, content in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{path},sha256={digest},{len(content)}")
            # The same content gives the same wheel.
            packed.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
        record.append(f"{info}/RECORD,,")
        packed.writestr(zipfile.ZipInfo(f"{info}/RECORD", (1980, 1, 1, 0, 0, 0)), "\n".join(record) + "\n")
    print(wheel)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
