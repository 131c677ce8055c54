#!/usr/bin/python3
"""The status process: /metrics, /livez and /readyz, whatever happens to the workers."""
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from weftd import BUILD, LIMIT, SOURCE, Daemon, UnixConnection, is_alive, wait_until  # noqa: E402

CONFIG = """
run_directory: {directory}/run
loops:
  count: {loops}
listeners:
  web:
    address: 127.0.0.1:0
  echo:
    address: 127.0.0.1:0
  local:
    address: unix:echo.sock
  evil:
    address: 127.0.0.1:0
services:
  http:
    module: http
    listeners: [web]
  echo:
    module: echo
    listeners: [echo, local]
  misbehave:
    module: {build}/tests/modules/misbehave.so
    listeners: [evil]
executors:
  second:
    threads:
      max: 2
restart:
  tolerance: 100 per 1m
  backoff:
    first: 10ms
drain:
  grace: 60s
status:
  address: '{address}'
"""

SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')


class Families:
    """Prometheus' text, read strictly: each family once, in one piece, with its help and type."""

    def __init__(self, text):
        self.types = {}
        self.helps = {}
        self.values = {}
        seen = set()
        current = None
        assert text.endswith("\n")
        for line in text.splitlines():
            if line.startswith("# HELP "):
                current, self_help = line[7:].split(" ", 1)
                assert current not in seen, "twice: " + current
                assert self_help.strip(), line
                seen.add(current)
                self.helps[current] = self_help
                continue
            if line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                assert name == current, line
                assert kind in ("counter", "gauge", "histogram"), line
                self.types[name] = kind
                continue
            match = SAMPLE.match(line)
            assert match, line
            name, labels, value = match.groups()
            base = name
            if self.types[current] == "histogram":
                base = re.sub("_(bucket|sum|count)$", "", name)
            assert base == current, "%s stands in %s" % (line, current)
            key = (name, self.labels(labels or ""))
            assert key not in self.values, "twice: " + line
            self.values[key] = float(value)
        self.check()

    @staticmethod
    def labels(text):
        pairs, at = [], 0
        while at < len(text):
            match = LABEL.match(text, at)
            assert match, text
            pairs.append(match.groups())
            at = match.end()
        assert len({name for name, _ in pairs}) == len(pairs), text
        return tuple(sorted(pairs))

    def check(self):
        for name, kind in self.types.items():
            assert name.startswith("weft_"), name
            assert (kind == "counter") == name.endswith("_total"), name
        buckets = {}
        for (name, labels), value in self.values.items():
            assert value >= 0, (name, value)
            if name.endswith("_bucket"):
                rest = tuple(pair for pair in labels if pair[0] != "le")
                buckets.setdefault((name[:-7], rest), []).append(
                    (float(dict(labels)["le"]), value))
        for (name, rest), counts in buckets.items():
            assert counts == sorted(counts), name
            assert [n for _, n in counts] == sorted(n for _, n in counts), name
            assert counts[-1][0] == float("inf"), name
            assert counts[-1][1] == self.values[name + "_count", rest], name
            assert (name + "_sum", rest) in self.values, name

    def get(self, name, **labels):
        return self.values[name, tuple(sorted(labels.items()))]

    def sum(self, name):
        return sum(value for (other, _), value in self.values.items() if other == name)

    def counters(self):
        return {key: value for key, value in self.values.items()
                if self.types.get(key[0]) == "counter" or key[0].endswith(("_count", "_bucket"))}


class StatusDaemon(Daemon):
    def __init__(self, **config):
        super().__init__(worker=None, address="127.0.0.1:0", **config)

    def configure(self, **changes):
        self.settings.update(changes)
        self.write_config(CONFIG.format(directory=self.directory, build=BUILD,
                                        loops=self.settings["loops"],
                                        address=self.settings["address"]))

    def start(self, *arguments, **keywords):
        super().start(*arguments, **keywords)
        wait_until(lambda: self.answers("/livez") == 200, "the status process answers")
        return self

    def connect_status(self):
        address = self.status()["status_process"]["address"]
        if address.startswith("unix:"):
            return UnixConnection(address[5:])
        host, port = address.rsplit(":", 1)
        return http.client.HTTPConnection(host, int(port), timeout=LIMIT)

    def get(self, path, method="GET", connection=None):
        own = connection or self.connect_status()
        try:
            own.request(method, path)
            response = own.getresponse()
            return response, response.read().decode()
        finally:
            if connection is None:
                own.close()

    def answers(self, path):
        try:
            return self.get(path)[0].status
        except (OSError, http.client.HTTPException, TypeError):
            return None

    def metrics(self, connection=None):
        response, text = self.get("/metrics", connection=connection)
        assert response.status == 200
        assert response.getheader("Content-Type").startswith("text/plain; version=0.0.4")
        return Families(text)

    def wait_for(self, name, value, **labels):
        return wait_until(lambda: self.metrics().get(name, **labels) == value,
                          "%s%s is %s" % (name, labels, value))


def fetch(address, path="/"):
    connection = http.client.HTTPConnection(*address, timeout=LIMIT)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


def echo(address, data):
    with socket.create_connection(address, timeout=LIMIT) as connection:
        connection.sendall(data)
        text = b""
        while len(text) < len(data):
            text += connection.recv(65536)
        return text


class Metrics(unittest.TestCase):
    def test_text(self):
        with StatusDaemon() as daemon:
            daemon.start()
            fetch(daemon.address("web"))
            daemon.wait_for("weft_listener_connections_accepted_total", 1, service="http",
                            listener="web")
            families = daemon.metrics()
            for name, kind in families.types.items():
                if "executor" in name and kind != "histogram":
                    self.assertIn((name, (("executor", "second"),)), families.values)
            self.assertEqual(families.get("weft_generation"), 1)
            self.assertEqual(families.get("weft_worker_generations", state="serving"), 1)
            self.assertGreater(families.sum("weft_loop_turns_total"), 0)
            self.assertGreater(families.sum("weft_loop_turn_seconds_count"), 0)
            self.assertGreater(families.get("weft_worker_resident_memory_bytes"), 0)
            self.assertEqual(daemon.get("/metrics", "HEAD")[0].status, 200)
            self.assertEqual(daemon.get("/metrics", "POST")[0].status, 405)
            self.assertEqual(daemon.get("/")[0].status, 404)
            if shutil.which("promtool"):
                text = daemon.get("/metrics")[1]
                result = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertEqual((result.returncode, result.stdout), (0, ""))

            result = daemon.ctl("metrics")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(Families(result.stdout).types, families.types)
            with open(os.path.join(SOURCE, "docs/metrics.md")) as file:
                told = set(re.findall(r"^\| `(weft_\w+)", file.read(), re.MULTILINE))
            self.assertEqual(told, set(families.types))
            self.assertEqual(daemon.terminate(), 0)

    def test_counts_are_the_clients_and_survive(self):
        """A reload, a killed worker: no counter goes back, and none is lost but by the kill."""
        with StatusDaemon() as daemon:
            daemon.start()
            labels = dict(service="echo", listener="echo")
            connection = daemon.connect_status()
            for _ in range(5):
                echo(daemon.address("echo"), b"x" * 1000)
            daemon.wait_for("weft_listener_received_bytes_total", 5000, **labels)
            before = daemon.metrics(connection)
            self.assertEqual(before.get("weft_listener_sent_bytes_total", **labels), 5000)
            self.assertEqual(before.get("weft_listener_connections_accepted_total", **labels), 5)

            for i in range(2):
                self.assertEqual(daemon.ctl("reload").returncode, 0)
                echo(daemon.address("echo"), b"y" * 100)
                after = daemon.metrics(connection)
                for key, value in before.counters().items():
                    self.assertGreaterEqual(after.values[key], value, key)
                before = after
            wait_until(lambda: len(daemon.worker_pids()) == 1, "the old generations are gone")
            daemon.wait_for("weft_listener_received_bytes_total", 5200, **labels)
            before = daemon.metrics(connection)
            self.assertEqual(before.get("weft_listener_connections_accepted_total", **labels), 7)
            self.assertEqual(before.get("weft_generation"), 3)
            self.assertEqual(before.get("weft_config_reloads_total"), 2)

            os.kill(daemon.worker_pids()[0], signal.SIGKILL)
            daemon.wait_for("weft_worker_deaths_total", 1)
            daemon.wait_for("weft_generation", 4)
            after = daemon.metrics(connection)
            for key, value in before.counters().items():
                self.assertGreaterEqual(after.values[key], value, key)
            self.assertEqual(after.get("weft_listener_received_bytes_total", **labels), 5200)
            connection.close()

    def test_paths_make_no_series(self):
        with StatusDaemon() as daemon:
            daemon.start()
            before = set(daemon.metrics().values)
            address = daemon.address("web")
            connection = http.client.HTTPConnection(*address, timeout=LIMIT)
            for i in range(300):
                connection.request("GET", "/nowhere/%d" % i)
                connection.getresponse().read()
            connection.close()
            daemon.wait_for("weft_listener_connections_accepted_total", 1, service="http",
                            listener="web")
            self.assertEqual(set(daemon.metrics().values), before)

    def test_stuck_loop(self):
        """The only loop is blocked: all three pages answer, and say so."""
        with StatusDaemon(loops=1) as daemon:
            daemon.start()
            with socket.create_connection(daemon.address("evil"), timeout=LIMIT) as connection:
                connection.sendall(b"B")
                busy = wait_until(lambda: daemon.metrics().get("weft_loop_busy_seconds", loop="0"),
                                  "the loop is seen to be busy")
                self.assertGreater(busy, 0)
                for path in ("/livez", "/readyz", "/metrics"):
                    self.assertEqual(daemon.answers(path), 200)
                wait_until(lambda: daemon.metrics().get("weft_worker_stalls_total") == 1,
                           "the stall is counted")
                wait_until(lambda: daemon.metrics().get("weft_loop_sample_age_seconds",
                                                        loop="0") >= 1, "its own figures grow old")
                self.assertLess(daemon.metrics().get("weft_worker_sample_age_seconds",
                                                     state="serving"), 60)
                connection.sendall(b"x")
                self.assertEqual(connection.recv(10), b"B")
            daemon.wait_for("weft_loop_busy_seconds", 0, loop="0")

    def test_stopped_worker(self):
        with StatusDaemon() as daemon:
            daemon.start()

            def age():
                return daemon.metrics().get("weft_worker_sample_age_seconds", state="serving")
            pid = daemon.worker_pids()[0]
            os.kill(pid, signal.SIGSTOP)
            try:
                wait_until(lambda: age() > 2, "the figures grow old")
                self.assertEqual(daemon.answers("/livez"), 200)
            finally:
                os.kill(pid, signal.SIGCONT)
            wait_until(lambda: age() < 2, "the figures are new again")

    def test_unready_while_it_drains(self):
        with StatusDaemon() as daemon:
            daemon.start()
            self.assertEqual(daemon.answers("/readyz"), 200)
            status = daemon.connect_status()
            with socket.create_connection(daemon.address("echo"), timeout=LIMIT) as connection:
                connection.sendall(b"x")
                connection.recv(1)
                daemon.send_signal(signal.SIGTERM, "told to stop")
                response, text = daemon.get("/readyz", connection=status)
                self.assertEqual((response.status, text.split("\n")[0]), (503, "not ready"))
                self.assertIn("state: stopping", text)
                self.assertEqual(daemon.get("/livez", connection=status)[0].status, 200)
                self.assertIsNone(daemon.process.poll())
                metrics = daemon.metrics(status)
                self.assertEqual(metrics.get("weft_ready"), 0)
                status.close()
            self.assertEqual(daemon.wait(), 0)

    def test_unready_and_serving(self):
        """drain.announce: balancers are told before a listener closes; a second order ends it."""
        with StatusDaemon() as daemon:
            daemon.start()
            text = open(daemon.config_path).read()
            daemon.write_config(text.replace("grace: 60s", "grace: 60s\n  announce: 1h"))
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            daemon.send_signal(signal.SIGTERM, "told to stop: unready, and draining in 1.0 h")
            self.assertEqual(daemon.answers("/readyz"), 503)
            self.assertEqual(daemon.state(), "stopping")
            self.assertEqual(echo(daemon.address("echo"), b"hello"), b"hello")
            result = daemon.ctl("reload")
            self.assertEqual(result.returncode, 1)
            self.assertIn("the daemon is stopping", result.stderr)
            daemon.send_signal(signal.SIGTERM, "told to stop: draining for at most 60 s")
            self.assertEqual(daemon.wait(), 0)

    def test_not_ready_without_a_worker(self):
        with StatusDaemon() as daemon:
            daemon.start()
            text = open(daemon.config_path).read()
            daemon.write_config(text.replace("first: 10ms", "first: 50s\n    max: 50s"))
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            wait_until(lambda: len(daemon.worker_pids()) == 1, "one worker is left")
            os.kill(daemon.worker_pids()[0], signal.SIGKILL)
            wait_until(lambda: daemon.answers("/readyz") == 503, "not ready")
            self.assertEqual(daemon.answers("/livez"), 200)
            self.assertEqual(daemon.metrics().get("weft_generation"), 0)

    def test_status_process_dies(self):
        with StatusDaemon() as daemon:
            daemon.start()
            worker = daemon.worker_pids()
            pid = daemon.status()["status_process"]["pid"]
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: daemon.status()["status_process"]["pid"] not in (0, pid),
                       "another one starts")
            wait_until(lambda: daemon.answers("/readyz") == 200, "it answers")
            self.assertEqual(daemon.metrics().get("weft_status_restarts_total"), 1)
            self.assertEqual(daemon.worker_pids(), worker)
            self.assertIn("the status process was killed by SIGKILL; the next one starts in",
                          daemon.log())
            self.assertEqual(daemon.terminate(), 0)

    def test_address_by_reload(self):
        with StatusDaemon() as daemon:
            daemon.start()
            workers = daemon.worker_pids()
            first = daemon.status()["status_process"]
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            self.assertEqual(daemon.status()["status_process"], first)  # the same address: it stays
            workers = wait_until(lambda: len(daemon.worker_pids()) == 1 and daemon.worker_pids(),
                                 "one worker is left")

            path = os.path.join(daemon.directory, "run", "status.sock")
            daemon.configure(address="unix:status.sock")
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            self.assertEqual(daemon.status()["status_process"]["address"], "unix:" + path)
            wait_until(lambda: daemon.answers("/readyz") == 200, "the new one answers")
            wait_until(lambda: not is_alive(first["pid"]), "the old one is gone")
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o660)
            self.assertEqual(daemon.worker_pids(), workers)  # a live key

            taken = socket.create_server(("127.0.0.1", 0))
            daemon.configure(address="127.0.0.1:%d" % taken.getsockname()[1])
            result = daemon.ctl("reload")
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr, r"weft.yaml:\d+:\d+: error: .*Address already in use")
            self.assertEqual(daemon.answers("/readyz"), 200)
            taken.close()

            daemon.configure(address="none")
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            self.assertIsNone(daemon.status()["status_process"])
            wait_until(lambda: not os.path.exists(path), "the socket is gone")
            self.assertEqual(daemon.terminate(), 0)

    def test_clients_that_stand_in_the_way(self):
        """Half requests, and scrapers that do not read: others are answered, the worker is not."""
        with StatusDaemon() as daemon:
            daemon.start()
            idle = []
            try:
                for i in range(100):
                    connection = daemon.connect_status()
                    connection.connect()
                    if i % 2 == 0:
                        connection.sock.sendall(b"GET /metr")
                    else:
                        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                        connection.sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
                    idle.append(connection)
                daemon.metrics()
                self.assertEqual(daemon.answers("/readyz"), 200)
                self.assertEqual(echo(daemon.address("echo"), b"hello"), b"hello")
            finally:
                for connection in idle:
                    connection.close()

    def test_module_elsewhere_is_refused(self):
        with StatusDaemon() as daemon:
            text = open(daemon.config_path).read()
            daemon.write_config(text.replace("module: echo", "module: status")
                                .replace("100 per 1m", "1 per 1m"))
            daemon.launch()
            self.assertNotEqual(daemon.wait(), 0)
            self.assertIn("it has no figures to serve", daemon.log())


if __name__ == "__main__":
    unittest.main()
