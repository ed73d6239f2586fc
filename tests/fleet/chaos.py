#!/usr/bin/env python3
"""Processes that share 200 apps over one database, while they are killed, stopped for longer than a lease, slowed down and
cut off from the database: two, then three, then two. Plays Heroku and Pingdom for all apps, and judges by what reached it.

- No app is changed by two holders within one check, but for a process that was stopped between its last look at the permit
  and the write: those are counted (docs/fleet.md).
- A process that is cut off from the database changes nothing once its permits have ended.
- No app is unchecked for longer than the lease and two intervals.
- After each event the apps are all held, and evenly, again.

usage: chaos.py BINARY [--events 12] [--speed 10] [--apps 200] [--pooler] [--seed 1]
"""

import argparse
import asyncio
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

from cluster import Cluster, Pooler

LEASE, PERMIT, CHANGE, INTERVAL = 30.0, 5.0, 10.0, 60.0
# What a busy machine may add to each time, in real seconds.
SLACK = 6.0


class Platform:
    """Heroku and Pingdom for all apps: slow for ten minutes, then fast for ten."""

    def __init__(self, apps, speed):
        self.speed, self.since = speed, time.time()
        self.quantity = dict.fromkeys(range(apps), 2)
        self.updated = dict.fromkeys(range(apps), self.now())
        self.checked, self.gaps, self.patches = {}, [], []

    def now(self):
        """The time of the processes' clocks."""
        return self.since + (time.time() - self.since) * self.speed

    async def serve(self, reader, writer):
        """One connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                answer = json.dumps(self.answer(head, body)).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer))
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, head, body):
        """The object that a request asks for."""
        method, path = head.split(" ")[:2]
        if results := re.search(r"/results/(\d+)", path):
            self.note_check(int(results[1]) - 1)
            return {"activeprobes": [1], "results": [self.sample(int(results[1]) - 1, n) for n in range(30)]}
        if "/checks/" in path:
            return {"check": {"id": 1, "name": "shop", "resolution": 1, "type": {"http": {}}}}
        app = int(re.search(r"/apps/app-(\d+)", path)[1])
        if "/formation/" not in path:
            return {"id": str(app), "name": f"app-{app}", "maintenance": False}
        if method == "PATCH":
            self.change(app, json.loads(body)["quantity"], re.search(r"\(member ([0-9a-f-]+)\)", head)[1])
        updated = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.updated[app]))
        return {"id": "1", "quantity": self.quantity[app], "size": "standard-1x", "type": "web", "updated_at": updated}

    def sample(self, app, minutes_ago):
        """A result of an app's check."""
        at = self.now() - 60 * minutes_ago
        slow = int(at / 600 + app * 0.37) % 2 == 0
        return {"probeid": 1, "time": int(at), "status": "up", "responsetime": 4000 if slow else 50}

    def change(self, app, quantity, member):
        """A change, and who sent it."""
        self.patches.append((time.time(), app, self.quantity[app], quantity, member))
        if quantity != self.quantity[app]:
            self.quantity[app], self.updated[app] = quantity, self.now()

    def note_check(self, app):
        """A read of the results: how long the app was unchecked before it."""
        now = time.time()
        if app in self.checked:
            self.gaps.append((now - self.checked[app], now, app))
        self.checked[app] = now


class Wire:
    """The way of one process to the database, which can be cut."""

    def __init__(self, port):
        self.target, self.cut, self.delay, self.port = port, False, 0.0, None

    async def start(self):
        """Listens."""
        server = await asyncio.start_server(self.connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def connect(self, reader, writer):
        """One connection, both ways."""
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(self.pipe(reader, to_writer), self.pipe(to_reader, writer))
        except asyncio.CancelledError:
            pass

    async def pipe(self, reader, writer):
        """One way. While it is cut, what comes is dropped, and nobody hears of it; what has lost something ends."""
        spoilt = False
        try:
            while data := await reader.read(65536):
                spoilt |= self.cut
                if spoilt and not self.cut:
                    break
                if not spoilt:
                    await asyncio.sleep(self.delay)
                    writer.write(data)
                    await writer.drain()
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()


class Member:
    """A process, and its wire."""

    def __init__(self, args, folder, wire, number):
        self.wire, self.log = wire, folder / f"member-{number}.log"
        url = f"postgres://tester@127.0.0.1:{wire.port}/postgres?sslmode=disable"
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "AUTOSCALE_STATE_URL": url, "AUTOSCALE_LOG": "info"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [args.binary, "run", "--config-dir", folder / "apps"], env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log)

    def id(self):
        """Its id, once it has one."""
        found = re.search(r"member ([0-9a-f-]{36}) of those", self.log.read_text())
        return found and found[1]


def configure(folder, apps, port, platform):
    """A configuration for each app."""
    (folder / "apps").mkdir()
    for app in range(apps):
        path = folder / "apps" / f"app-{app:04}.ini"
        path.touch(mode=0o600)
        path.write_text(
            f"[HEROKU_INFOS]\napi_key: k{app % 20}\napp_name: app-{app}\napi_url: http://127.0.0.1:{port}\n"
            f"[PINGDOM_INFOS]\napi_key: k\ncheck_id: {app + 1}\napi_url: http://127.0.0.1:{port}\n"
            "[AUTOSCALE_SETTINGS]\ncheck_frequency: 1\npingdom_check_period: 5\ncooldown_down: 1\nmanual_override: 0\n"
            f"max_dynos: 50\n[SANDBOX]\nspeed: {platform.speed}\nsince: {platform.since:.6f}\n")


class Chaos:
    """The test."""

    def __init__(self, args, folder):
        self.args, self.folder, self.random = args, folder, random.Random(args.seed)
        self.cluster = Cluster(folder)
        self.pooler = Pooler(folder, self.cluster.port) if args.pooler else None
        self.platform = Platform(args.apps, args.speed)
        self.members, self.number, self.problems = [], 0, []
        self.stops, self.cuts, self.servers = [], [], []
        self.slowest = 0.0

    def real(self, seconds):
        """A span of the processes' time, in real seconds."""
        return seconds / self.args.speed

    async def add(self):
        """One more process."""
        wire = Wire(self.pooler.port if self.pooler else self.cluster.port)
        self.servers.append(await wire.start())
        self.members.append(Member(self.args, self.folder, wire, self.number))
        self.number += 1

    async def settle(self, what):
        """Waits until all apps are held, and evenly, by the processes that live."""
        begun, alive = time.time(), None
        while time.time() - begun < 60 + self.real(300):
            alive = {member.id() for member in self.members if member.process.poll() is None}
            rows = await asyncio.to_thread(self.cluster.query,
                "SELECT s.owner, count(*) FROM autoscale.app a JOIN autoscale.shard s ON s.n = a.shard "
                "WHERE s.lease_until > clock_timestamp() GROUP BY 1")
            counts = {owner: int(count) for owner, count in rows}
            if set(counts) == alive and sum(counts.values()) == self.args.apps:
                if max(counts.values()) - min(counts.values()) <= max(4, max(counts.values()) / 10):
                    self.slowest = max(self.slowest, (time.time() - begun) * self.args.speed)
                    return
            await asyncio.sleep(0.1)
        self.problems.append(f"{what}: not even again: {counts}, alive {alive}")

    async def event(self):
        """Something happens to one of them."""
        member = self.random.choice(self.members)
        what = self.random.choice(["kill", "stop", "cut", "slow", "term"])
        if what == "kill" or what == "term":
            member.process.send_signal(signal.SIGKILL if what == "kill" else signal.SIGTERM)
            await asyncio.to_thread(member.process.wait)
            self.members.remove(member)
            await self.settle(what)
            await self.add()
        elif what == "slow":
            # Two seconds to each answer.
            member.wire.delay = self.real(1.0)
            await asyncio.sleep(self.real(2 * INTERVAL))
            member.wire.delay = 0.0
        elif what == "stop":
            begun = time.time()
            member.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(self.real(LEASE) * 1.5)
            member.process.send_signal(signal.SIGCONT)
            self.stops.append((member.id(), begun, time.time()))
        else:
            begun, member.wire.cut = time.time(), True
            await asyncio.sleep(self.real(LEASE) * 2)
            member.wire.cut = False
            self.cuts.append((member.id(), begun, time.time()))
        await self.settle(what)

    def judge(self):
        """What must not have happened. The changes of a stopped process that the permit let through are counted."""
        admitted, by_app = 0, {}
        for at, app, _, _, member in self.platform.patches:
            before = by_app.get(app)
            if before and before[1] != member and at - before[0] < self.real(INTERVAL) / 2:
                woken = any(who == member and ended <= at <= ended + SLACK for who, _, ended in self.stops)
                admitted += woken
                if not woken:
                    self.problems.append(f"app-{app}: changed by {before[1]} and {at - before[0]:.2f} s later by {member}")
            by_app[app] = (at, member)
        for who, begun, ended in self.cuts:
            dead = begun + self.real(PERMIT + CHANGE) + 1.0
            late = [at - begun for at, _, _, _, member in self.platform.patches if member == who and dead < at < ended]
            self.problems += [f"{who}: changed an app {after:.2f} s after it was cut off" for after in late]
        longest = self.real(LEASE + 2 * INTERVAL) + SLACK
        gaps = [gap for gap in self.platform.gaps if gap[0] > longest]
        self.problems += [f"app-{app} was unchecked for {gap:.1f} s, more than {longest:.1f}" for gap, _, app in gaps[:5]]
        return admitted

    async def run(self):
        """Two processes, three, then two; the database killed in their middle."""
        http = await asyncio.start_server(self.platform.serve, "127.0.0.1", 0, backlog=512)
        configure(self.folder, self.args.apps, http.sockets[0].getsockname()[1], self.platform)
        third = max(1, self.args.events // 3)
        try:
            await self.add()
            await self.add()
            await self.settle("the start")
            for number in range(self.args.events):
                if number == third:
                    await self.add()
                    await self.settle("a third one")
                if number == 2 * third:
                    gone = self.members.pop()
                    gone.process.send_signal(signal.SIGTERM)
                    await asyncio.to_thread(gone.process.wait)
                    await self.settle("one less")
                await self.event()
            await self.without_database()
        finally:
            for member in self.members:
                member.process.kill()
                member.process.wait()
            if self.pooler:
                self.pooler.stop()
            self.cluster.kill()
        return self.judge()

    async def without_database(self):
        """The database dies and comes back: checks go on, changes wait."""
        await asyncio.to_thread(self.cluster.kill)
        begun = time.time()
        await asyncio.sleep(self.real(2 * INTERVAL) + SLACK)
        dead = begun + self.real(PERMIT + CHANGE) + 1.0
        late = [patch for patch in self.platform.patches if patch[0] > dead]
        self.problems += [f"app-{patch[1]} was changed while the database was away" for patch in late[:5]]
        unchecked = [app for app, at in self.platform.checked.items() if at < begun]
        self.problems += [f"{len(unchecked)} apps were not checked while the database was away"] if unchecked else []
        await asyncio.to_thread(self.cluster.start)
        changes = len(self.platform.patches)
        await self.settle("the database is back")
        for _ in range(600):
            if len(self.platform.patches) > changes:
                return
            await asyncio.sleep(0.2)
        self.problems.append("no change was sent after the database was back")


def main():
    """Runs it, and says what was seen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--events", type=int, default=12)
    parser.add_argument("--speed", type=float, default=10.0)
    parser.add_argument("--apps", type=int, default=200)
    parser.add_argument("--pooler", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the folder with the logs")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="fleet-", dir="/tmp")
    chaos = Chaos(args, pathlib.Path(folder))
    admitted = asyncio.run(chaos.run())
    longest = max((gap for gap, _, _ in chaos.platform.gaps), default=0.0)
    print(f"fleet: {args.events} events at speed {args.speed:g}, {len(chaos.platform.patches)} changes, longest without a check "
          f"{longest * args.speed:.0f} s, even again after {chaos.slowest:.0f} s at most (of the processes' time), "
          f"{admitted} changes by a process that was stopped in the middle of one")
    print("\n".join(chaos.problems[:20]))
    if args.keep or chaos.problems:
        print(f"logs are in {folder}")
    else:
        subprocess.run(["rm", "-r", folder], check=True)
    return 1 if chaos.problems else 0


if __name__ == "__main__":
    sys.exit(main())
