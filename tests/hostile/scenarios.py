"""What a hostile, broken or badly configured server may answer, as scenarios: each spoils one endpoint of an app that is
well otherwise. `data` says whether the metric is still usable, so that a change of dynos is right; elsewhere none may come."""

import asyncio
import dataclasses
import email.utils
import gzip
import json
import time
import zlib

ENDPOINTS = ("app", "formation", "patch", "results")


@dataclasses.dataclass
class Scenario:
    name: str
    endpoint: str
    # Called with the connection's stream writer and the healthy answer's body; writes the answer.
    answer: object
    # May the check change the dynos?
    data: bool = False


def head(status, body, headers=(), length=True):
    lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", "Connection: close"]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    lines.extend(headers)
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def status(code, headers=(), body=None):
    async def answer(peer, healthy):
        shown = json.dumps({"id": "x", "message": "no"}).encode() if body is None else body
        peer.write(head(code, shown, headers) + shown)

    return answer


def body(make, headers=()):
    """The healthy answer's body, made into another."""

    async def answer(peer, healthy):
        spoilt = make(healthy)
        peer.write(head(200, spoilt, headers) + spoilt)

    return answer


def raw(*pieces, pause=0.0, linger=0.0):
    """Exactly these bytes."""

    async def answer(peer, healthy):
        for piece in pieces:
            peer.write(piece(healthy) if callable(piece) else piece)
            await peer.drain()
            await asyncio.sleep(pause)
        await asyncio.sleep(linger)

    return answer


def endless(first, again):
    async def answer(peer, healthy):
        peer.write(first)
        while True:
            peer.write(again)
            await peer.drain()

    return answer


def dribble(pause):
    async def answer(peer, healthy):
        for byte in head(200, healthy) + healthy:
            peer.write(bytes([byte]))
            await peer.drain()
            await asyncio.sleep(pause)

    return answer


def changed(**fields):
    """The healthy JSON with fields of its object (or of its first object) set; Ellipsis takes one away."""

    def make(healthy):
        value = json.loads(healthy)
        inside = value["results"][0] if "results" in value else value
        for name, new in fields.items():
            inside.pop(name, None)
            if new is not ...:
                inside[name] = new
        return json.dumps(value).encode()

    return make


def all_results(change):
    def make(healthy):
        value = json.loads(healthy)
        value["results"] = [change(i, dict(result)) for i, result in enumerate(value["results"])]
        return json.dumps(value).encode()

    return make


def text_for(number):
    """A field's number written as this text, which JSON need not allow."""

    def make(healthy):
        value = json.loads(healthy)
        results = value.get("results", [value])
        for result in results:
            for name in ("quantity", "responsetime"):
                if name in result:
                    result[name] = "@@"
        return json.dumps(value).replace('"@@"', number).encode()

    return make


def date(seconds):
    return "Date: " + email.utils.formatdate(time.time() + seconds, usegmt=True)


def server_time(seconds):
    return f"Server-Time: {int(time.time() + seconds)}"


SHAPES = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "object": b"{}",
    "true": b"true",
    "text": b'"hello"',
    "number": b"7",
    "html": b"<!doctype html><title>502 Bad Gateway</title>" + b"<p>x" * 1000,
    "nul bytes": b"\0" * 4096,
    "not utf-8": b'{"quantity": "\xff\xfe\xfd", "results": "\xc3\x28"}',
    "utf-16": '{"quantity": 3}'.encode("utf-16"),
    "lone surrogate": b'{"message": "\\ud800", "results": [], "x": "\\udfff"}',
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"a":' * 200_000,
    "deep and closed": b"[" * 120_000 + b"]" * 120_000,
    "five megabytes of text": b'{"message":"' + b"x" * 5_000_000 + b'"}',
    "thirty megabytes of spaces": b" " * 30_000_000,
    "a million zeros": b"[" + b"0," * 1_000_000 + b"0]",
    "a million keys": b"{" + b",".join(b'"%d":0' % i for i in range(300_000)) + b"}",
    "error of a proxy": b"upstream connect error or disconnect/reset before headers",
}

NUMBERS = ["-1", "0", "1.5", "1e999", "-1e999", "1e308", "1e-308", "NaN", "Infinity", "null", "true", '"2"', '"x"', "[]", "{}",
           "2147483648", "4294967296", "9223372036854775808", "18446744073709551616", "1" * 400, "-0", "0x10", "1_000", "007"]

STATUSES = [201, 202, 204, 205, 206, 226, 300, 304, 305, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 413, 415, 418,
            422, 423, 425, 426, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 507, 511, 520, 524, 599, 600, 999]


def transport():
    """Answers that go wrong below JSON."""
    healthy = lambda b: head(200, b) + b
    bomb = gzip.compress(b" " * 60_000_000, 9)
    yield "closed at once", raw()
    yield "silence", raw(linger=600)
    yield "half a status line", raw(b"HTTP/1.", linger=600)
    yield "no status line", raw(b"hello\r\n\r\n")
    yield "http 0.9", raw(lambda b: b)
    yield "http 2 preface", raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    yield "http 3.7", raw(lambda b: b"HTTP/3.7 200 OK\r\n\r\n" + b)
    yield "tls alert", raw(b"\x15\x03\x01\x00\x02\x02\x28")
    yield "status of letters", raw(b"HTTP/1.1 abc OK\r\n\r\n")
    yield "status of five digits", raw(b"HTTP/1.1 20000 OK\r\n\r\n")
    yield "negative status", raw(b"HTTP/1.1 -200 OK\r\n\r\n")
    yield "continue for ever", endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n")
    yield "ten thousand headers", raw(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(10_000)) + b"\r\n")
    yield "header of two megabytes", raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 2_000_000 + b"\r\n\r\n")
    yield "headers without end", endless(b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"y" * 1000 + b"\r\n")
    yield "header without colon", raw(b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n")
    yield "header with control bytes", raw(b"HTTP/1.1 200 OK\r\nX: \x01\x02\x7f\r\n\r\n")
    yield "length below zero", raw(lambda b: head(200, b, ["Content-Length: -5"], length=False) + b)
    yield "two lengths", raw(lambda b: head(200, b, ["Content-Length: 3"]) + b)
    yield "length of letters", raw(lambda b: head(200, b, ["Content-Length: many"], length=False) + b)
    yield "length of an exabyte", raw(lambda b: head(200, b, ["Content-Length: 1152921504606846976"], length=False) + b, linger=600)
    yield "body shorter than its length", raw(lambda b: head(200, b + b"xxxxx") + b)
    yield "body cut in the middle", raw(lambda b: head(200, b) + b[: len(b) // 2])
    yield "body without end", endless(head(200, b"", length=False), b" " * 65536)
    yield "text without end", endless(head(200, b"", length=False) + b'{"message":"', b"x" * 65536)
    yield "chunks without end", endless(head(200, b"", ["Transfer-Encoding: chunked"], length=False), b"4\r\n    \r\n")
    yield "chunk of a huge size", raw(head(200, b"", ["Transfer-Encoding: chunked"], length=False) + b"ffffffffffffffff\r\n", linger=600)
    yield "chunk of no size", raw(head(200, b"", ["Transfer-Encoding: chunked"], length=False) + b"zz\r\nhello\r\n")
    yield "chunk cut", raw(head(200, b"", ["Transfer-Encoding: chunked"], length=False) + b"40\r\nhello")
    yield "gzip that is none", raw(lambda b: head(200, b, ["Content-Encoding: gzip"]) + b)
    yield "gzip bomb", raw(head(200, bomb, ["Content-Encoding: gzip"]) + bomb)
    yield "gzip cut", raw(lambda b: head(200, b"x" * 20, ["Content-Encoding: gzip"]) + gzip.compress(b)[:20])
    yield "gzip within gzip", body(lambda b: gzip.compress(gzip.compress(b)), ["Content-Encoding: gzip, gzip"])
    yield "deflate", body(zlib.compress, ["Content-Encoding: deflate"])
    yield "unknown encoding", body(lambda b: b[::-1], ["Content-Encoding: br, x-odd"])
    yield "garbage behind the JSON", body(lambda b: b + b"}}} trailing")
    yield "JSON cut", body(lambda b: b[:-3])
    yield "a byte a second", dribble(1.0)
    yield "to itself for ever", status(302, ["Location: /"])
    yield "to another host", status(301, ["Location: http://127.0.0.2:9/else"])
    yield "to a file", status(307, ["Location: file:///etc/passwd"])
    yield "to nowhere", status(308)
    yield "to a place that is none", status(302, ["Location: http://[::bad"])
    yield "answered twice", raw(healthy, healthy)


def clocks():
    """Right results with a clock that is wrong: they stay data."""
    for name, seconds in [("1970", -time.time()), ("an hour ahead", 3600), ("seven minutes ahead", 420), ("seven minutes late", -420),
                          ("a day late", -86400), ("in 2099", 2_300_000_000)]:
        yield f"date {name}", [date(seconds)]
        yield f"server time {name}", [server_time(seconds)]
    for name, header in [("a date that is none", "Date: yesterday"), ("a server time that is none", "Server-Time: soon"),
                         ("a huge server time", "Server-Time: 99999999999999999999"), ("an answer of yesterday", "Age: 86400"),
                         ("an age below zero", "Age: -1"), ("a budget that is none", "RateLimit-Remaining: lots"),
                         ("a budget below zero", "RateLimit-Remaining: -9"), ("a huge budget", "RateLimit-Remaining: 1e99"),
                         ("limits that are none", "Req-Limit-Short: Remaining: x Time until reset: y"),
                         ("huge limits", "Req-Limit-Long: Remaining: 99999999999999999999 Time until reset: 99999999999999999999")]:
        yield name, [header]


def results():
    """Results of the right shape that are wrong."""
    now = int(time.time())
    set_all = lambda **fields: all_results(lambda i, result: {**result, **fields})
    yield "no result", lambda b: b'{"results": []}'
    yield "no list of results", lambda b: b'{"probes": []}'
    yield "results are null", lambda b: b'{"results": null}'
    yield "results of no shape", lambda b: json.dumps({"results": [1, "x", None, [], {}]}).encode()
    yield "times in milliseconds", all_results(lambda i, r: {**r, "time": r["time"] * 1000})
    yield "times of 1970", all_results(lambda i, r: {**r, "time": i})
    yield "times a day ahead", all_results(lambda i, r: {**r, "time": r["time"] + 86400})
    yield "times of yesterday", all_results(lambda i, r: {**r, "time": r["time"] - 86400})
    yield "times below zero", set_all(time=-1)
    yield "times beyond all bounds", set_all(time=9223372036854775807)
    yield "times of text", set_all(time="noon")
    yield "no times", all_results(lambda i, r: {k: v for k, v in r.items() if k != "time"})
    yield "no response times", all_results(lambda i, r: {k: v for k, v in r.items() if k != "responsetime"})
    yield "no status", all_results(lambda i, r: {k: v for k, v in r.items() if k != "status"})
    yield "unknown status", set_all(status="purple")
    yield "status unknown", set_all(status="unknown")
    yield "status unconfirmed", set_all(status="unconfirmed_down", responsetime=0)
    yield "status of a number", set_all(status=7)
    yield "all of zero", set_all(responsetime=0)
    yield "all below zero", set_all(responsetime=-5)
    yield "all of 1e308", set_all(responsetime=1e308)
    yield "one of 1e308 among fine ones", all_results(lambda i, r: {**r, "responsetime": 1e308 if i == 3 else 700})
    yield "a page without end", lambda b: json.dumps({"results": [{"probeid": 1, "time": now - 1800 + i % 1800, "status": "up",
                                                                  "responsetime": 700 + i % 7} for i in range(60_000)]}).encode()


def all_scenarios():
    """Every scenario, in an order that does not change."""
    for endpoint in ENDPOINTS:
        for name, answer in transport():
            # The change is sent where only its answer is spoilt, or where the first of two answers is right.
            data = endpoint == "patch" or name == "answered twice"
            yield Scenario(f"{endpoint}: {name}", endpoint, answer, data)
        for name, shape in SHAPES.items():
            yield Scenario(f"{endpoint}: {name}", endpoint, body(lambda _, shape=shape: shape), data=endpoint == "patch")
        for code in STATUSES:
            # A success that names an app is that app.
            data = endpoint == "patch" or (endpoint == "app" and code < 300)
            yield Scenario(f"{endpoint}: status {code}", endpoint, status(code), data)
        for value in ["-1", "1e99", "soon", "99999999999999999999", "0", "3600", email.utils.formatdate(0), email.utils.formatdate(4e9)]:
            yield Scenario(f"{endpoint}: 429, Retry-After {value[:20]}", endpoint, status(429, [f"Retry-After: {value}"]), data=endpoint == "patch")
    for name, headers in clocks():
        for endpoint in ("formation", "results"):
            yield Scenario(f"{endpoint}: {name}", endpoint, body(lambda b: b, headers), data=True)
    for number in NUMBERS:
        yield Scenario(f"formation: quantity {number[:24]}", "formation", body(text_for(number)), data=number in ("0", "-0", "1e-308"))
        yield Scenario(f"results: response time {number[:24]}", "results", body(text_for(number)), data=True)
        yield Scenario(f"patch: quantity {number[:24]}", "patch", body(text_for(number)), data=True)
    for field in ("quantity", "updated_at", "size", "type"):
        for new in (..., None, [], {"a": 1}, "x" * 100_000, -7, "2999-01-01T00:00:00Z"):
            told = "missing" if new is ... else str(new)[:16]
            # What is no formation of web dynos must not be scaled; the other fields may be odd.
            yield Scenario(f"formation: {field} {told}", "formation", body(changed(**{field: new})), data=field in ("updated_at", "size", "type"))
    for name, make in results():
        yield Scenario(f"results: {name}", "results", body(make), data=name in ("one of 1e308 among fine ones", "a page without end", "all of 1e308", "status unconfirmed", "status unknown", "unknown status"))
