"""A PostgreSQL of the test's own, in a temporary folder, and a pgbouncer in transaction mode before it."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

NOBODY = 65534


def free_port():
    """A port that nobody has now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def programs():
    """The folder of the newest server here."""
    found = pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max(found, key=lambda path: int(path.parent.parent.name)).parent


def unprivileged():
    """How a program is started that refuses root."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    return {**quiet, "user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else quiet


def hand_over(path, mode):
    """Gives a path to the user of the servers."""
    path.chmod(mode)
    if os.geteuid() == 0:
        shutil.chown(path, NOBODY, NOBODY)


class Cluster:
    """A server on a loopback port."""

    def __init__(self, folder):
        self.folder, self.port, self.server = pathlib.Path(folder), free_port(), None
        hand_over(self.folder, 0o755)
        initdb = [programs() / "initdb", "-D", self.folder / "data", "--auth=trust", "--username=tester", "--no-sync"]
        subprocess.run(initdb, check=True, **unprivileged())
        self.start()

    def start(self):
        """Starts it, and waits until it answers."""
        settings = ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=200"]
        command = [programs() / "postgres", "-D", self.folder / "data", "-k", self.folder, "-p", str(self.port)]
        self.server = subprocess.Popen(command + [word for s in settings for word in ("-c", s)], **unprivileged())
        while subprocess.run([programs() / "pg_isready", "-h", self.folder, "-p", str(self.port)], **unprivileged()).returncode:
            time.sleep(0.1)

    def kill(self):
        """Ends it as a power failure would."""
        self.server.send_signal(signal.SIGQUIT)
        self.server.wait()

    def query(self, sql):
        """The rows of a statement, as lists of texts."""
        command = [programs() / "psql", "-h", self.folder, "-p", str(self.port), "-U", "tester", "-AtF", "\t", "-c", sql, "postgres"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return [line.split("\t") for line in done.stdout.splitlines()]


class Pooler:
    """pgbouncer, which gives a connection away after each transaction."""

    def __init__(self, folder, server_port):
        self.port = free_port()
        folder = pathlib.Path(folder) / "pooler"
        folder.mkdir()
        hand_over(folder, 0o755)
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\npostgres = host=127.0.0.1 port={server_port} user=tester\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nauth_type = any\n"
            "pool_mode = transaction\ndefault_pool_size = 2\nunix_socket_dir =\n")
        hand_over(folder / "pgbouncer.ini", 0o644)
        self.process = subprocess.Popen(["/usr/sbin/pgbouncer", folder / "pgbouncer.ini"], **unprivileged())
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)

    def stop(self):
        """Ends it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
