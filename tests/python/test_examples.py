"""The examples, as a user runs them: in a fresh environment that has the wheel and nothing else."""

import http.server
import json
import os
import re
import subprocess
import threading
import urllib.parse
from pathlib import Path

import pytest
from conftest import LONG

PYTHON = os.environ["AUTOSCALE_FRESH_PYTHON"]
ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "autoscale-ffi" / "examples"
NAME = "web.v2-of-a-name-that-no-app-has"


def bare():
    # Without what this test program itself uses: only the wheel is there.
    return {k: v for k, v in os.environ.items() if not k.startswith(("AUTOSCALE_", "PYTHONPATH"))}


def run(example, *arguments, **more):
    return subprocess.run(
        [PYTHON, EXAMPLES / example, *map(str, arguments)], env=bare(), text=True, capture_output=True, timeout=LONG, **more
    )


def says(text, example, *arguments):
    """Waits until an example says this, and ends it."""
    command = [PYTHON, EXAMPLES / example, *map(str, arguments)]
    running = subprocess.Popen(command, env=bare(), text=True, stdout=subprocess.PIPE)
    try:
        said = []
        for line in running.stdout:
            said.append(line)
            if text in line:
                return
        pytest.fail(f"{text!r} is not in {''.join(said)}")
    finally:
        running.kill()
        running.communicate(timeout=LONG)


def test_decide_csv_says_what_the_c_program_says():
    done = run("decide_csv.py", EXAMPLES / "shop.ini", EXAMPLES / "results.csv", 3)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == (ROOT / "tests" / "c_api" / "decide_csv.expected").read_text()


def test_decide_csv_says_what_is_wrong(tmp_path):
    (tmp_path / "bad.ini").write_text("[HEROKU_INFOS]\n")
    done = run("decide_csv.py", tmp_path / "bad.ini", EXAMPLES / "results.csv", 3)
    assert done.returncode == 1 and "app_name" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("head", ["time,ms,status\n", "\ufefft0,p95 (ms),what came of it\n\n# no more\n"])
def test_decide_csv_skips_a_line_of_names(tmp_path, head):
    (tmp_path / "named.csv").write_text(head + (EXAMPLES / "results.csv").read_text())
    done = run("decide_csv.py", EXAMPLES / "shop.ini", tmp_path / "named.csv", 3)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == (ROOT / "tests" / "c_api" / "decide_csv.expected").read_text()


@pytest.mark.parametrize(
    "text, said",
    [
        (b"", ": no results"),
        (b"# nothing\n", ": no results"),
        (b"time,ms,status\n", ": no results"),
        (b"1700000000,700,up\n1700000060,719\n", ":2: '1700000060,719' is no time,ms,status"),
        (b"1700000000,700,up\n\n1700000060,x,up\n", ":3: "),
        (b"1700000000,700,down\n", ":1: "),
        (b"yesterday,700,up\n", ":1: "),
        (b"time,ms,status\ntime,ms,status\n", ":2: "),
        (b"1700000000,700,up\n1600000000,700,up\n", ":2: .*earlier"),
        (b"99999999999999999999,700,up\n", ":1: "),
        (b"1700000000,700,up\n\xff\xfe,1,up\n", ":2: "),
    ],
)
def test_decide_csv_names_the_line_that_is_wrong(tmp_path, text, said):
    path = tmp_path / "broken.csv"
    path.write_bytes(text)
    done = run("decide_csv.py", EXAMPLES / "shop.ini", path, 3)
    assert done.returncode == 1 and done.stdout == ""
    assert re.match(re.escape(str(path)) + said, done.stderr), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_embed_loop_scales_its_pool():
    says("scaled the pool to 4", "embed_loop.py", LONG)
    done = run("embed_loop.py", 1)
    assert (done.stderr, done.returncode) == ("", 0)


class StandIn(http.server.BaseHTTPRequestHandler):
    """A Prometheus whose app is slow, and a Kubernetes API with one deployment."""

    def log_message(self, *_):
        pass

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/api/v1/query_range?"):
            asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            self.server.queries.append(asked["query"][0])
            if self.server.fails:
                self.server.fails -= 1
                self.send_error(503)
                return
            start, end, step = (int(asked[key][0]) for key in ("start", "end", "step"))
            values = [[at, "3.1" if at > start else "NaN"] for at in range(start, end + 1, step)]
            self.answer({"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}})
        else:
            self.answer({"kind": "Scale", "spec": {"replicas": self.server.replicas}})

    def do_PATCH(self):
        assert self.path == f"/apis/apps/v1/namespaces/shop/deployments/{NAME}/scale"
        assert self.headers["Content-Type"] == "application/merge-patch+json"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.replicas = body["spec"]["replicas"]
        self.answer({"kind": "Scale", "spec": {"replicas": self.server.replicas}})


@pytest.fixture
def stand_in():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    server.replicas, server.queries, server.fails = 3, [], 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_prometheus_gives_the_response_times(stand_in):
    url = f"http://127.0.0.1:{stand_in.server_port}"
    done = run("prometheus_source.py", "--url", url, "--query", "latency{a='b'}", "--dynos", 3)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == "3 → 6 dynos: too slow: 3 of the last 3 results over 2000 ms, the newest 3100 ms\n"
    assert stand_in.queries == ["latency{a='b'}"]


def test_prometheus_goes_on_after_a_query_that_failed(stand_in):
    url = f"http://127.0.0.1:{stand_in.server_port}"
    stand_in.fails = 1
    done = run("prometheus_source.py", "--url", url, "--query", "latency", "--dynos", 3)
    assert (done.stdout, done.stderr) == ("", "no decision: HTTPError: HTTP Error 503: Service Unavailable\n")
    assert done.returncode == 1
    stand_in.fails = 2
    command = [PYTHON, EXAMPLES / "prometheus_source.py", "--url", url, "--query", "latency", "--dynos", "3", "--every", "0.1"]
    looks = subprocess.Popen(command, env=bare(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert looks.stdout.readline().startswith("3 → 6 dynos: too slow")
        assert [looks.stderr.readline() for _ in range(2)] == [done.stderr] * 2
    finally:
        looks.terminate()
        looks.communicate(timeout=LONG)


def test_a_deployment_is_scaled(stand_in):
    url = f"http://127.0.0.1:{stand_in.server_port}"
    arguments = [
        "kubernetes_target.py", "--api", url, "--namespace", "shop", "--deployment", NAME, "--prometheus", url,
        "--query", "latency", "--max", 5, "--seconds",
    ]  # fmt: skip
    says(f"shop/{NAME}: deployment pods: 3 → 5 dynos", *arguments, LONG)
    assert stand_in.replicas == 5
    done = run(*arguments, 1)
    assert (done.stderr, done.returncode) == ("", 0)
