"""The package's copies of the header's structs and numbers are the header's."""

import ctypes
import os
import re
import subprocess

from autoscale import Decision, EventKind, Feature, LogLevel, Outcome, Reason, SampleStatus, _errors, _library

HEADER = os.environ["AUTOSCALE_HEADER"]
STRUCTS = {
    "autoscale_observation": _library.Observation,
    "autoscale_traffic_row": _library.CTrafficRow,
    "autoscale_decision": _library.CDecision,
    "autoscale_event": _library.CEvent,
}


def test_structs_have_the_fields_of_the_header_where_the_header_has_them(tmp_path):
    lines = [f'#include "{HEADER}"', "#include <stdio.h>", "int main(void) {"]
    mine = []
    for name, struct in STRUCTS.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        mine.append(f"{name} {ctypes.sizeof(struct)}")
        for field, *_ in struct._fields_:
            lines.append(f'printf("{name}.{field} %zu\\n", offsetof({name}, {field}));')
            mine.append(f"{name}.{field} {getattr(struct, field).offset}")
    (tmp_path / "layout.c").write_text("\n".join([*lines, "return 0; }"]))
    subprocess.run(["cc", tmp_path / "layout.c", "-o", tmp_path / "layout"], check=True)
    theirs = subprocess.run([tmp_path / "layout"], check=True, capture_output=True, text=True).stdout.splitlines()
    assert mine == theirs


def test_numbers_are_the_headers():
    with open(HEADER, encoding="utf-8") as text:
        defined = dict(re.findall(r"#define AUTOSCALE_([A-Z_]+) (\d+)", text.read()))
    for prefix, kind in (
        ("REASON", Reason),
        ("SAMPLE", SampleStatus),
        ("EVENT", EventKind),
        ("OUTCOME", Outcome),
        ("LOG", LogLevel),
        ("FEATURE", Feature),
    ):
        theirs = {k.removeprefix(f"{prefix}_"): int(v) for k, v in defined.items() if k.startswith(f"{prefix}_")}
        assert {one.name: int(one) for one in kind} == theirs, prefix
    assert _library.ABI_VERSION == int(defined["ABI_VERSION"])
    statuses = {one.__name__.removesuffix("Error"): status for status, one in _errors._BY_STATUS.items()}
    for name, status in statuses.items():
        spelled = re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()
        assert int(defined[spelled]) == status


def test_functions_are_the_headers():
    with open(HEADER, encoding="utf-8") as text:
        code = re.sub(r"/\*.*?\*/", "", text.read(), flags=re.S)
    names = set(re.findall(r"\bautoscale_(\w+)\(", code)) - {"metric_fn", "read_fn", "scale_fn", "event_fn", "log_fn"}
    assert set(_library._FUNCTIONS) == {name for name in names if not name.endswith("_fn")}
    assert isinstance(Decision.text, property)
