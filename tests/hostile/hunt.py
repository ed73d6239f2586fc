#!/usr/bin/env python3
"""Lets the real binary make one check against servers that answer wrongly in several hundred ways, and holds it to what
must never happen: a panic or a signal, a change without data, two changes in a check, a secret in what it writes, more
memory or time than a bound.

usage: tests/hostile/hunt.py BINARY [--every 1] [--only WORD] [--table FILE] [--jobs 4]
"""

import argparse
import asyncio
import base64
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scenarios  # noqa: E402

SECRETS = {"heroku": "c4d1b8e2-5a7f-4e0c-9b21-77aa03f5e6d9", "pingdom": "Qm9vS3Rvcm1fcGluZ2RvbV90b2tlbg"}
# Over what it takes where nothing is wrong.
MEMORY_MIB = 64
SECONDS = 120
# So many times as fast as the clock: what waits for minutes waits for seconds.
SPEED = 20
CONFIG = """\
[HEROKU_INFOS]
api_key: {heroku}
app_name: site
api_url: {url}
[PINGDOM_INFOS]
api_key: {pingdom}
check_id: 85975
api_url: {url}
[AUTOSCALE_SETTINGS]
min_dynos: 1
max_dynos: 10
check_frequency: 1
state_dir: {folder}/state
history_file: {folder}/history.jsonl
[SANDBOX]
speed: {speed}
"""


class Site:
    """An app that is slow, on 3 dynos, and its check; one endpoint answers as the scenario says."""

    def __init__(self, scenario):
        self.scenario, self.quantity, self.changes = scenario, 3, []

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path, _ = head.split("\r\n")[0].split(" ")
            length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
            sent = await reader.readexactly(length)
            endpoint, body = self.healthy(method, path, sent)
            if self.scenario and endpoint == self.scenario.endpoint:
                await self.scenario.answer(writer, body)
            else:
                writer.write(scenarios.head(200 if endpoint else 404, body) + body)
            await writer.drain()
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    def healthy(self, method, path, sent):
        now = time.time()
        if path.endswith("/formation/web"):
            if method == "PATCH":
                self.changes.append(json.loads(sent)["quantity"])
                self.quantity = self.changes[-1]
            formation = {"id": "f", "type": "web", "quantity": self.quantity, "size": "Standard-1X", "command": "x",
                         "app": {"id": "a", "name": "site"}, "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"}
            return ("patch" if method == "PATCH" else "formation"), json.dumps(formation).encode()
        if "/results/" in path:
            listed = [{"probeid": 1, "time": int(now) - 30 - 60 * i, "status": "up", "responsetime": 6000 + i, "statusdesc": "OK",
                       "statusdesclong": "OK"} for i in range(29)]
            return "results", json.dumps({"activeprobes": [1], "results": listed}).encode()
        if path.startswith("/apps/site"):
            return ("app", json.dumps({"id": "a", "name": "site", "maintenance": False}).encode()) if path == "/apps/site" else ("", b"{}")
        return "", b"{}"


class Servers:
    """One listener a scenario, all on a thread of their own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def open(self, site):
        started = asyncio.start_server(site.serve, "127.0.0.1", 0, limit=1 << 20)
        return asyncio.run_coroutine_threadsafe(started, self.loop).result()

    def close(self, server):
        self.loop.call_soon_threadsafe(server.close)


def spellings(secret):
    """Twelve ways in which a secret may stand in what is written."""
    plain = secret.encode()
    basic = base64.b64encode(plain + b":").decode().rstrip("=")
    yield from (secret, secret.upper(), secret.lower(), secret[::-1], plain.hex(), plain.hex().upper())
    yield from (base64.b64encode(plain).decode().rstrip("="), base64.urlsafe_b64encode(plain).decode().rstrip("="), basic)
    yield urllib.parse.quote(secret, safe="")
    yield "".join(f"%{byte:02X}" for byte in plain)
    yield "".join(f"\\u{byte:04x}" for byte in plain)


def leaked(texts):
    return [name for name, secret in SECRETS.items() if any(s in text for s in spellings(secret) for text in texts)]


def play(servers, binary, scenario):
    """Runs one check. What happened: wrong (a list), seconds, MiB at most."""
    site = Site(scenario)
    server = servers.open(site)
    url = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "site.ini")
        config.write_text(CONFIG.format(url=url, folder=folder, speed=SPEED, **SECRETS))
        config.chmod(0o600)
        begun = time.monotonic()
        with open(f"{folder}/out", "wb") as out:
            environment = {"PATH": os.environ["PATH"], "HOME": folder, "RUST_BACKTRACE": "1"}
            command = [binary, "run", "--once", "--log-level", "trace", "--config", str(config)]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, cwd=folder)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, resident_mib(process.pid))
            if time.monotonic() - begun > SECONDS:
                process.kill()
            time.sleep(0.01)
        seconds = time.monotonic() - begun
        written = {str(p.relative_to(folder)): p.read_bytes().decode("utf-8", "replace")
                   for p in pathlib.Path(folder).rglob("*") if p.is_file() and p != config}
    servers.close(server)
    return judge(scenario, site, process.returncode, seconds, written), seconds, peak


def resident_mib(pid):
    """The most memory that it has had so far; its last hundredth of a second is not seen."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0.0)


def judge(scenario, site, code, seconds, written):
    wrong = []
    if code == -9 and seconds >= SECONDS:
        wrong.append(f"not done after {SECONDS} s")
    elif code not in (0, 3):
        wrong.append(f"exit code {code}")
    if "panicked" in written["out"]:
        wrong.append("panicked")
    if scenario is None and site.changes != [6]:
        wrong.append(f"changed to {site.changes}, not to 6")
    if site.changes and not (scenario is None or scenario.data):
        wrong.append(f"changed to {site.changes} without data")
    if len(set(site.changes)) > 1:
        wrong.append(f"several changes: {site.changes}")
    if any(not 1 <= quantity <= 10 for quantity in site.changes):
        wrong.append(f"out of bounds: {site.changes}")
    wrong.extend(f"the {name} key is in what it wrote" for name in leaked(written.values()))
    return [f"{word}\n{written['out'][-1500:]}" for word in wrong]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--every", type=int, default=1, help="only each so manyth scenario")
    parser.add_argument("--only", default="", help="only scenarios whose name holds this")
    parser.add_argument("--table", help="writes peak memory and time of each, as a table")
    parser.add_argument("--jobs", type=int, default=4)
    arguments = parser.parse_args()
    assert leaked([base64.b64encode(SECRETS["heroku"].encode()).decode()]) == ["heroku"], "a planted secret is not found"
    servers = Servers()
    binary = os.path.abspath(arguments.binary)
    wrong, _, idle = play(servers, binary, None)
    if wrong:
        sys.exit("hostile: the app that is well is not checked: " + wrong[0])
    chosen = [s for i, s in enumerate(scenarios.all_scenarios()) if i % arguments.every == 0 and arguments.only in s.name]
    failures, rows = [], []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for scenario, (wrong, seconds, mib) in zip(chosen, pool.map(lambda s: play(servers, binary, s), chosen)):
            if mib > idle + MEMORY_MIB:
                wrong.append(f"{mib:.0f} MiB, {idle:.0f} where nothing is wrong")
            failures.extend(f"{scenario.name}: {word}" for word in wrong)
            rows.append((scenario.name, mib, seconds))
    if arguments.table:
        lines = ["| scenario | peak MiB | seconds |", "|---|---|---|", *(f"| {name} | {mib:.1f} | {seconds:.2f} |" for name, mib, seconds in rows)]
        pathlib.Path(arguments.table).write_text("\n".join(lines) + "\n")
    for failure in failures:
        print("hostile: FAILED", failure)
    print(f"hostile: {len(chosen)} scenarios, {len(failures)} failures; {idle:.0f} MiB where nothing is wrong, "
          f"{max(mib for _, mib, _ in rows):.0f} at most; the longest took {max(s for _, _, s in rows):.1f} s")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
