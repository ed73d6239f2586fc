"""Configurations, decisions, a policy's memory, pictures."""

import array
import copy
import ctypes
import datetime
import gc
import inspect
import math
import pickle

import autoscale
import numpy
import pytest
from autoscale import Reason, SampleStatus
from conftest import NOW, results


def test_a_bad_configuration_raises_with_each_problem():
    with pytest.raises(autoscale.ConfigError) as caught:
        autoscale.Config.from_ini("[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\nmin_dynos: 0\nmax_dynos: x\n")
    assert len(caught.value.problems) == 2
    assert caught.value.problems[0].startswith("config:4: [AUTOSCALE_SETTINGS] min_dynos: ")
    assert caught.value.status == 2 and isinstance(caught.value, autoscale.AutoscaleError)


def test_warnings_come_as_a_list():
    config = autoscale.Config.from_ini("[HEROKU_INFOS]\napp_name: shop\nnonsense: 1\nmore: 2\n")
    assert [warning.split(" ")[0] for warning in config.warnings] == ["config:3:", "config:4:"]


def test_a_file_is_read(tmp_path):
    path = tmp_path / "config.ini"
    path.write_text("[HEROKU_INFOS]\napp_name: shop\n")
    assert autoscale.Config.from_file(path).warnings == []
    with pytest.raises(autoscale.IoError, match="no such file"):
        autoscale.Config.from_file(tmp_path / "none.ini")


def test_a_slow_app_gets_twice_its_dynos(config):
    decision = autoscale.decide(config, now=NOW, dynos=2, **results(10, 3000.0))
    assert (decision.action, decision.dynos, decision.target) == (1, 2, 4)
    assert decision.reason is Reason.ABOVE_HIGH
    assert str(decision) == "2 → 4 dynos: too slow: 3 of the last 3 results over 2000 ms, the newest 3000 ms"
    assert (decision.mean_ms, decision.load_dynos, decision.wait_until) == (3000, None, None)


def packed(name, kind, values):
    records = numpy.zeros(len(values), dtype=[("a", "i1"), (name, kind)])
    records[name] = values
    return records[name]


def odd(code, values):
    return memoryview(bytearray(b"x" + array.array(code, values).tobytes()))[1:].cast(code)


KINDS = {
    "lists": (list, list),
    "tuples of int and float": (tuple, tuple),
    "arrays": (lambda v: array.array("q", v), lambda v: array.array("d", v)),
    "numpy": (lambda v: numpy.array(v, dtype=numpy.int64), lambda v: numpy.array(v, dtype=numpy.float64)),
    "numpy of other widths": (lambda v: numpy.array(v, dtype=numpy.int32), lambda v: numpy.array(v, dtype=numpy.float32)),
    "numpy, backwards in memory": (
        lambda v: numpy.array(v[::-1], dtype=numpy.int64)[::-1],
        lambda v: numpy.array(v[::-1])[::-1],
    ),
    "numpy of the other byte order": (lambda v: numpy.array(v, ">i8"), lambda v: numpy.array(v, ">f8")),
    "numpy of halves": (lambda v: numpy.array(v, numpy.uint64), lambda v: numpy.array(v, numpy.float16)),
    "numpy of long doubles": (list, lambda v: numpy.array(v, numpy.longdouble)),
    "numpy of objects": (lambda v: numpy.array(v, object), lambda v: numpy.array(v, object)),
    "fields of packed records": (lambda v: packed("t", "<i8", v), lambda v: packed("ms", "<f8", v)),
    "buffers at odd addresses": (lambda v: odd("q", v), lambda v: odd("d", v)),
    "masked arrays that hide nothing": (numpy.ma.array, numpy.ma.array),
    "ctypes": (lambda v: (ctypes.c_int64 * len(v))(*v), lambda v: (ctypes.c_double * len(v))(*v)),
    "generators": (iter, iter),
    "numpy with gaps": (lambda v: numpy.repeat(numpy.array(v, dtype=numpy.int64), 2)[::2], list),
}


@pytest.mark.parametrize("kind", KINDS)
def test_columns_may_be_anything_that_holds_numbers(config, kind):
    times, values = KINDS[kind]
    seen = results(30, 900.5)
    decision = autoscale.decide(
        config, now=NOW, dynos=2, time_s=times(seen["time_s"]), response_time_ms=values(seen["response_time_ms"])
    )
    assert (decision.samples_used, decision.mean_ms) == (30, 900.5)


def test_a_read_only_buffer_is_read_where_it_is(config):
    times = numpy.array(results(5, 1)["time_s"])
    ms = numpy.full(5, 700.0)
    times.flags.writeable = ms.flags.writeable = False
    from autoscale import _policy

    address, n, _ = _policy._column(ms, "d", "ms")
    assert (address, n) == (ms.__array_interface__["data"][0], 5)
    ms_writable = numpy.full(5, 700.0)
    assert _policy._column(ms_writable, "d", "ms")[0] == ms_writable.__array_interface__["data"][0]
    assert autoscale.decide(config, now=NOW, dynos=2, time_s=times, response_time_ms=ms).mean_ms == 700


def test_what_is_no_measurement_is_left_out(config):
    seen = results(6, 900.0)
    seen["response_time_ms"][:3] = [None, math.nan, 0]
    assert autoscale.decide(config, now=NOW, dynos=2, **seen).samples_used == 3
    status = [SampleStatus.TIMEOUT, SampleStatus.ERROR, SampleStatus.DROPPED, 1, 1, 1]
    assert autoscale.decide(config, now=NOW, dynos=2, status=status, **seen).samples_used == 5
    up = numpy.array([False, True, True, True, True, True])
    assert autoscale.decide(config, now=NOW, dynos=2, status=up, **seen).samples_used == 4


def test_what_a_mask_hides_is_no_measurement(config):
    seen = results(10, 3000.0)
    ms = numpy.ma.array([900.0] * 10, mask=[True] * 4 + [False] * 6)
    seen["response_time_ms"] = ms
    assert autoscale.decide(config, now=NOW, dynos=2, **seen).samples_used == 6
    for column in ("time_s", "status"):
        hidden = {"time_s": results(10, 1)["time_s"], "status": [1] * 10}
        hidden[column] = numpy.ma.array(hidden[column], mask=[True] + [False] * 9)
        with pytest.raises(autoscale.InvalidArgumentError, match=f"{column} has masked values"):
            autoscale.decide(config, now=NOW, dynos=2, response_time_ms=[900.0] * 10, **hidden)


DATES = numpy.array(results(5, 1)["time_s"], "datetime64[s]")


@pytest.mark.parametrize(
    "change, said",
    [
        ({"time_s": DATES}, r"time_s holds datetime64\[s\], not whole unix seconds; .astype"),
        ({"time_s": list(DATES)}, "time_s: .*: not whole unix seconds"),
        ({"time_s": [float(NOW)] * 5}, "time_s: .*: not whole unix seconds"),
        ({"time_s": None}, "time_s: .*: not whole unix seconds"),
        ({"time_s": [2**63] * 5}, "time_s: .*: not whole unix seconds"),
        ({"time_s": numpy.array(5)}, "time_s has 0 dimensions"),
        ({"response_time_ms": DATES - DATES[0]}, r"response_time_ms holds timedelta64\[s\], not numbers"),
        ({"response_time_ms": numpy.array(["fast"] * 5)}, "response_time_ms: .*: not numbers"),
        ({"response_time_ms": numpy.array([None, "x"] * 5, object)}, "response_time_ms: .*: not numbers"),
        ({"status": ["up"] * 5}, "status: .*: not a SampleStatus each, or bools"),
        ({"status": numpy.array([256] * 5)}, "status: .*: not a SampleStatus each, or bools"),
        ({"now": numpy.datetime64(NOW, "ns")}, "now is .*: not a number of unix seconds"),
        ({"now": numpy.timedelta64(NOW, "s")}, "now is "),
        ({"now": datetime.datetime.now()}, "now is .*timestamp"),
        ({"now": str(NOW)}, "now is .*: not a number of unix seconds"),
        ({"now": 2**63}, "now is .*: not within 64 bits"),
        ({"now": math.nan}, "now is nan"),
        ({"changed_at": 2**64 + NOW}, "changed_at is .*: not within 64 bits"),
        ({"changed_at": -1}, "changed_at is -1"),
        ({"changed_at": math.inf}, "changed_at is inf"),
        ({"dynos": 2.0}, "dynos is 2.0: not a whole number"),
        ({"dynos": None}, "dynos is None: not a whole number"),
        ({"interval": "60"}, "interval is '60': not a whole number"),
        ({"bounds": (1, 2, 3)}, "bounds are "),
        ({"bounds": 3}, "bounds are "),
        ({"bounds": (1, 2.5)}, "max is 2.5: not a whole number"),
    ],
    ids=str,
)
def test_what_can_not_be_read_is_named(config, change, said):
    seen = {"now": NOW, "dynos": 2, **results(5, 900.0), **change}
    with pytest.raises(autoscale.InvalidArgumentError, match=said):
        autoscale.decide(config, **seen)


def test_numbers_of_numpy_are_numbers(config):
    seen = results(10, 3000.0)
    decision = autoscale.decide(
        config,
        now=numpy.int64(NOW),
        dynos=numpy.uint8(2),
        changed_at=numpy.float64(NOW - 86400.5),
        interval=numpy.int32(60),
        bounds=(numpy.int64(1), numpy.int64(3)),
        **seen,
    )
    assert decision.target == 3


def test_a_copied_decision_is_as_long_as_the_package_knows(config):
    from autoscale import _decision, _library

    c = autoscale.decide(config, now=NOW, dynos=2, **results(10, 3000.0))._c
    known = ctypes.sizeof(_library.CDecision)
    c.struct_size = known + 64
    longer = _decision.Decision._copy(c)
    assert longer._c.struct_size == known and longer.text.startswith("2 → 4 dynos: too slow")
    c.struct_size = _library.CDecision.load_low.offset
    shorter = _decision.Decision._copy(c)
    assert shorter._c.struct_size == known
    assert (shorter.target, shorter.mean_ms, shorter._c.trend_points) == (4, 3000, 0)


def test_no_results_are_nothing_to_decide_on(config):
    for empty in ([], numpy.array([], dtype=numpy.int64)):
        decision = autoscale.decide(config, now=NOW, dynos=2, time_s=empty, response_time_ms=[])
        assert (decision.reason, decision.target, decision.mean_ms) == (Reason.NO_DATA, 2, None)


@pytest.mark.parametrize(
    "change",
    [
        {"time_s": [1]},
        {"response_time_ms": ["fast"] * 5},
        {"response_time_ms": numpy.zeros((5, 1))},
        {"dynos": -1},
        {"dynos": 2**32},
        {"bounds": (0, 3)},
        {"bounds": (4, 3)},
        {"interval": -1},
        {"changed_at": -2},
        {"status": [9] * 5},
    ],
    ids=str,
)
def test_a_value_out_of_range_is_refused(config, change):
    seen = {"now": NOW, "dynos": 2, **results(5, 900.0), **change}
    with pytest.raises(autoscale.InvalidArgumentError):
        autoscale.decide(config, **seen)
    with pytest.raises(ValueError):
        autoscale.decide(config, **seen)


def test_bounds_and_maintenance_change_what_is_seen(config):
    seen = results(10, 3000.0)
    assert autoscale.decide(config, now=NOW, dynos=2, bounds=(1, 3), **seen).target == 3
    assert autoscale.decide(config, now=NOW, dynos=2, maintenance=True, **seen).reason is Reason.MAINTENANCE


@pytest.mark.parametrize("rule", ["threshold", "adaptive"])
def test_a_policy_moves_with_its_memory(rule):
    config = autoscale.Config.from_ini(f"[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\npolicy: {rule}\n")
    policy = autoscale.Policy(config)
    for i in range(20):
        policy.decide(now=NOW + 60 * i, dynos=6, **results(30, 4000.0 if i < 3 else 90.0, NOW + 60 * i))
    saved = policy.save()
    copy = autoscale.Policy.restore(config, saved)
    for i in range(20, 40):
        seen = results(30, 90.0, NOW + 60 * i)
        assert str(policy.decide(now=NOW + 60 * i, dynos=6, **seen)) == str(copy.decide(now=NOW + 60 * i, dynos=6, **seen))
    with pytest.raises(autoscale.CorruptError):
        autoscale.Policy.restore(config, saved[:-1])


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_is_of_its_own(config, copied):
    assert copied(config) is config
    policy = autoscale.Policy(config)
    policy.decide(now=NOW, dynos=6, **results(30, 4000.0))
    other = copied(policy)
    assert other.save() == policy.save()
    other.decide(now=NOW + 60, dynos=6, **results(30, 4000.0, NOW + 60))
    assert other.save() != policy.save()
    del other
    gc.collect()
    assert copied(policy).save() == policy.save()
    decision = policy.decide(now=NOW + 60, dynos=6, **results(30, 4000.0, NOW + 60))
    assert str(copied(decision)) == str(decision)


def test_what_has_a_handle_is_not_pickled(config):
    with pytest.raises(TypeError, match="read that again"):
        pickle.dumps(config)
    with pytest.raises(TypeError, match=r"save\(\)"):
        pickle.dumps(autoscale.Policy(config))


def test_a_decision_is_drawn(config, tmp_path):
    seen = {"now": NOW, "dynos": 2, **results(20, 3000.0)}
    decision = autoscale.decide(config, **seen)
    autoscale.plot(config, decision, tmp_path / "a.svg", **seen)
    assert "2 → 4 dynos" in (tmp_path / "a.svg").read_text()
    autoscale.plot(config, decision, str(tmp_path / "a.png"), **seen)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(autoscale.InvalidArgumentError, match="ends in .png or .svg"):
        autoscale.plot(config, decision, tmp_path / "a.gif", **seen)
    with pytest.raises(autoscale.IoError):
        autoscale.plot(config, decision, tmp_path / "none" / "a.svg", **seen)


def test_each_status_has_its_exception_and_each_public_name_its_words():
    from autoscale import _errors

    assert sorted(_errors._BY_STATUS) == list(range(1, 14))
    for name in autoscale.__all__:
        thing = getattr(autoscale, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name


def requests(now, count, slow=0, late=False):
    """A minute of requests in rows of ten seconds, some of them slow."""
    times = [0] * 18 + [count - slow] + [0] * 12 + [slow]
    rows = [(now - 60 + 10 * i, 10, count, 0, 0, 0, count, times) for i in range(6)]
    return rows + rows[-1:] if late else rows


def test_the_traffic_policy_decides_by_requests_and_without_samples():
    config = autoscale.Config.from_ini(
        "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\npolicy: traffic\nmax_dynos: 10\n"
    )
    policy = autoscale.Policy(config)
    now, dynos = NOW // 60 * 60, 4
    for minute in range(30):
        now += 60
        rows = requests(now, 200, late=minute % 2 == 0)
        seen = {"now": now, "dynos": dynos, "time_s": [], "response_time_ms": [], "interval": 60, "traffic": rows}
        decision = policy.decide(**seen)
        dynos = decision.target
    assert decision.requests_per_s == pytest.approx(20, abs=0.1)
    assert decision.dyno_carries > 5 and decision.slow_share == 0 and decision.incident < 0.1
    assert decision.forecast_at > now and decision.load_dynos is None
    assert "20 requests/s, a dyno carries " in str(decision)
    restored = autoscale.Policy.restore(config, policy.save())
    seen["now"], seen["traffic"] = now + 60, requests(now + 60, 200)
    assert str(policy.decide(**seen)) == str(restored.decide(**seen))


@pytest.mark.parametrize(
    "row, message",
    [
        (7, "not a row"),
        ((0, 10, 1, 0, 0, 0), "five counts"),
        ((0, 60, 1, 0, 0, 0, 0, []), "five counts"),
        ((0, 10, 1, 0, 0, 0, 0, [0] * 41), "up to 40 counts"),
        ((0, 10, -1, 0, 0, 0, 0, []), r"traffic\[0\]\[2\] is -1"),
        ((5, 10, 1, 0, 0, 0, 0, []), "no multiple of 10"),
        ((0, 10, 1, 0, 0, 0, 0, [2]), "fewer than its 2 service times"),
    ],
)
def test_what_is_no_row_is_refused(config, row, message):
    with pytest.raises(autoscale.InvalidArgumentError, match=message):
        autoscale.decide(config, now=NOW, dynos=2, time_s=[], response_time_ms=[], traffic=[row])
