"""weftd as a process, for the tests in this folder.

Everything is on free ports and in a directory of its own. Nothing sleeps for
a fixed time: wait_until() asks again and again until a generous limit.
"""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ.get("WEFT_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "../../.."))
BUILD = os.environ.get("WEFT_BUILD_DIR", os.path.join(SOURCE, "build/release"))
WEFTD = os.path.join(BUILD, "bin", "weftd")
WEFTCTL = os.path.join(BUILD, "bin", "weftctl")
FAKE_WORKER = os.path.join(SOURCE, "tests/daemon/support/fake_worker")
LIMIT = 60.0

CONFIG = """
run_directory: {directory}/run
loops:
  count: {loops}
listeners:
{listeners}
services:
  echo:
    module: echo
    listeners: [{names}]
    ready_within: {ready_within}
restart:
  tolerance: {tolerance}
  backoff:
    first: 10ms
    max: 100ms
drain:
  grace: {grace}
log:
  level: {level}
{more}
"""


def wait_until(what, description, limit=LIMIT):
    """The first true result of what(), which is asked until then."""
    end = time.monotonic() + limit
    while True:
        result = what()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError("still not so after %d s: %s" % (limit, description))
        time.sleep(0.01)


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return [int(word) for word in file.read().split()]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("weftd", timeout=LIMIT)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(LIMIT)
        self.sock.connect(self.path)


class Daemon:
    """One weftd, with the fake worker unless another is asked for."""

    def __init__(self, worker=FAKE_WORKER, behaviour="ready", environment=None, **config):
        self.directory = tempfile.mkdtemp(prefix="weft-test-")
        self.config_path = os.path.join(self.directory, "weft.yaml")
        self.socket_path = os.path.join(self.directory, "run", "control.sock")
        self.log_path = os.path.join(self.directory, "log")
        self.behaviour_path = os.path.join(self.directory, "behaviour")
        self.worker = worker
        self.environment = dict(os.environ, FAKE_WORKER=self.behaviour_path)
        for name in ("NOTIFY_SOCKET", "JOURNAL_STREAM", "LISTEN_FDS", "LISTEN_PID"):
            self.environment.pop(name, None)
        self.environment.update(environment or {})
        self.process = None
        self.settings = dict(loops=2, listeners={"web": "127.0.0.1:0"}, grace="5s", level="info",
                             ready_within="20s", tolerance="3 per 1m", more="")
        self.behave(behaviour)
        self.configure(**config)

    def configure(self, **changes):
        self.settings.update(changes)
        values = dict(self.settings, directory=self.directory)
        listeners = values.pop("listeners")
        values["listeners"] = "\n".join("  %s:\n    address: '%s'" % item
                                        for item in listeners.items())
        values["names"] = ", ".join(listeners)
        self.write_config(CONFIG.format(**values))

    def write_config(self, text):
        temporary = self.config_path + ".new"
        with open(temporary, "w") as file:
            file.write(text)
        os.rename(temporary, self.config_path)

    def behave(self, words):
        with open(self.behaviour_path, "w") as file:
            file.write(words)

    def launch(self, prefix=(), **keywords):
        """Start it without waiting for anything. <prefix>: a command that executes the rest."""
        command = [*prefix, WEFTD, "-c", self.config_path]
        if self.worker is not None:
            command += ["--worker", self.worker]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=self.environment, **keywords)
        return self

    def start(self, prefix=(), **keywords):
        self.launch(prefix, **keywords)
        wait_until(lambda: self.process.poll() is not None or self.state() == "serving",
                   "weftd serves")
        if self.process.poll() is not None:
            raise AssertionError("weftd ended with %d:\n%s" % (self.process.returncode, self.log()))
        return self

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def request(self, method, target):
        connection = UnixConnection(self.socket_path)
        try:
            connection.request(method, target)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def status(self):
        return self.request("GET", "/status")[1]

    def state(self):
        try:
            return self.status()["state"]
        except (OSError, http.client.HTTPException):
            return None

    def address(self, name):
        """As socket.connect wants it."""
        for item in self.status()["listeners"]:
            if item["name"] == name:
                host, port = item["address"].rsplit(":", 1)
                return host.strip("[]"), int(port)
        raise AssertionError("no listener " + name)

    def facts(self, address):
        """What the fake worker that accepts says about itself."""
        with socket.create_connection(address, timeout=LIMIT) as connection:
            text = b""
            while True:
                piece = connection.recv(65536)
                if not piece:
                    return json.loads(text)
                text += piece

    def worker_pids(self):
        return [item["pid"] for item in self.status()["generations"]]

    def ctl(self, *arguments):
        return subprocess.run([WEFTCTL, "--socket", self.socket_path, *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=LIMIT, env=self.environment)

    def send_signal(self, signum, text):
        """Send a signal, and see by <text> in the log that it has arrived.

        ThreadSanitizer keeps a signal that hits a coroutine in that coroutine's context, and loses
        it when the coroutine ends at that moment; so there, and only there, it is sent again.
        """
        before = self.log().count(text)

        def has_arrived():
            return self.log().count(text) > before or self.process.poll() is not None
        for _ in range(10 if os.environ.get("WEFT_SANITIZE") == "thread" else 1):
            self.process.send_signal(signum)
            try:
                wait_until(has_arrived, "'%s' is logged" % text, LIMIT / 10)
                return
            except AssertionError:
                pass
        raise AssertionError("signal %d did not arrive" % signum)

    def wait(self):
        return self.process.wait(timeout=LIMIT)

    def terminate(self):
        self.send_signal(signal.SIGTERM, "told to stop")
        return self.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        workers = []
        if self.process is not None and self.process.poll() is None:
            try:
                workers = children_of(self.process.pid)
            except OSError:
                pass
            self.process.kill()
            self.process.wait()
        for pid in workers:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        if kind is not None:
            sys.stderr.write("---- log of weftd ----\n%s\n----\n" % self.log())
        shutil.rmtree(self.directory, ignore_errors=True)
