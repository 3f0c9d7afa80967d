"""A server as a user starts it: the binary, a folder or URL, a port of its own."""

import os
import signal
import socket
import subprocess
import time
import urllib.request

BINARY = os.environ["CALOTYPE_BIN"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server. Its log is kept for the message of a failing test."""

    def __init__(self, store, log, *arguments, environment=None):
        self.store, self.log_path = str(store), log
        self.arguments, self.environment = list(arguments), environment or {}
        self.port, self.metrics_port = free_port(), free_port()
        self.process = None
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def location(self):
        return f"grpc://{self.address}"

    def start(self):
        command = [BINARY, "serve", "--store", self.store, "--listen", self.address]
        command += ["--metrics", f"127.0.0.1:{self.metrics_port}", *self.arguments]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **self.environment}
            )
        deadline = time.monotonic() + 60
        while True:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, f"the server does not listen:\n{self.log()}"
                # polls: until it listens
                time.sleep(0.02)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()[-20_000:]

    def kill(self):
        """Sudden death: nothing is closed, nothing is flushed."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to end, and expects that it does so well."""
        if self.process.poll() is not None:
            return self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=45)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the server does not end:\n{self.log()}") from None

    def alive(self):
        return self.process.poll() is None

    def metric(self, series):
        """A series of the metrics port, by its name and labels as they are written there."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(series + " "):
                    return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"there is no series {series}")

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
