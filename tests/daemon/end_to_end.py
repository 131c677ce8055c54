#!/usr/bin/python3
"""weftd with its real worker and built-in modules, under load."""
import http.client
import os
import signal
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from weftd import Daemon, is_alive, wait_until  # noqa: E402

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
services:
  http:
    module: http
    listeners: [web]
  echo:
    module: echo
    listeners: [echo, local]
restart:
  tolerance: 100 per 1m
drain:
  grace: {grace}
"""


class RealDaemon(Daemon):
    def __init__(self, **config):
        super().__init__(worker=None, **config)

    def configure(self, **changes):
        self.settings.update(changes)
        self.write_config(CONFIG.format(directory=self.directory, loops=self.settings["loops"],
                                        grace=self.settings["grace"]))


class Client(threading.Thread):
    """Requests over one connection that is kept, until told to stop. Nothing is tried twice."""

    def __init__(self, address, path):
        super().__init__()
        self.address = address
        self.path = path
        self.n_answers = 0
        self.n_connections = 0
        self.failures = []
        self.longest = 0.0
        self.is_over = threading.Event()
        self.start()

    def run(self):
        connection = None
        while not self.is_over.is_set():
            begin = time.monotonic()
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(*self.address, timeout=60)
                    connection.connect()
                    self.n_connections += 1
                connection.request("GET", self.path)
                response = connection.getresponse()
                body = response.read()
                if response.status != 200 or len(body) != int(response.headers["Content-Length"]):
                    raise AssertionError("status %d, %d bytes" % (response.status, len(body)))
                self.n_answers += 1
                if response.headers.get("Connection") == "close":
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.failures.append(repr(error))
                connection = None
            self.longest = max(self.longest, time.monotonic() - begin)
            time.sleep(0.002)  # idle for a moment, as clients are
        if connection is not None:
            connection.close()

    def finish(self):
        self.is_over.set()
        self.join()


def wait_for_answers(clients):
    """Each of them is answered once more."""
    before = [client.n_answers for client in clients]
    wait_until(lambda: all(client.n_answers > n for client, n in zip(clients, before)),
               "all clients are answered")


class EndToEnd(unittest.TestCase):
    def test_both_modules_serve(self):
        with RealDaemon() as daemon:
            daemon.start()
            connection = http.client.HTTPConnection(*daemon.address("web"), timeout=60)
            connection.request("GET", "/plaintext")
            self.assertEqual(len(connection.getresponse().read()), 13)
            connection.close()
            with socket.create_connection(daemon.address("echo"), timeout=60) as tcp, \
                    socket.socket(socket.AF_UNIX) as local:
                local.connect(os.path.join(daemon.directory, "run", "echo.sock"))
                for client in (tcp, local):
                    client.sendall(b"hello\n")
                    self.assertEqual(client.recv(100), b"hello\n")
                wait_until(lambda: daemon.status()["generations"][0]["counters"]["connections"] == 2,
                           "the counters arrive")
            self.assertEqual(daemon.terminate(), 0)

    def test_reloads_under_load_lose_nothing(self):
        with RealDaemon() as daemon:
            daemon.start()
            clients = [Client(daemon.address("web"), "/plaintext") for _ in range(8)]
            try:
                for number in range(2, 12):
                    daemon.configure(loops=1 + number % 2)
                    result = daemon.ctl("reload")
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertEqual(daemon.status()["generation"], number)
                    wait_for_answers(clients)
                    # The cap on generations would end the oldest by force.
                    wait_until(lambda: len(daemon.status()["generations"]) == 1, "the old one drained")
            finally:
                for client in clients:
                    client.finish()
            self.assertEqual([failure for client in clients for failure in client.failures], [])
            for client in clients:
                # Each generation said in its last answer that it would close.
                self.assertGreater(client.n_connections, 10)
            self.assertEqual(daemon.status()["deaths"], 0)
            self.assertNotIn("by force", daemon.log())
            self.assertEqual(daemon.terminate(), 0)

    def test_bad_reloads_under_load_are_not_noticed(self):
        with RealDaemon() as daemon, socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            daemon.start()
            with open(daemon.config_path) as file:
                good = file.read()
            clients = [Client(daemon.address("web"), "/plaintext") for _ in range(4)]
            try:
                for bad, text in ((good + "nonsense: 1\n", "nonsense"),
                                  (good.replace("module: http", "module: /nowhere/x.so"), "/nowhere"),
                                  (good.replace("127.0.0.1:0", "127.0.0.1:%d" % other.getsockname()[1],
                                                1), "in use"),
                                  (":", "weft.yaml")):
                    daemon.write_config(bad)
                    result = daemon.ctl("reload")
                    self.assertEqual(result.returncode, 1)
                    self.assertIn(text, result.stderr)
                    self.assertEqual(daemon.status()["generation"], 1)
                    wait_for_answers(clients)
            finally:
                for client in clients:
                    client.finish()
            self.assertEqual([failure for client in clients for failure in client.failures], [])
            self.assertEqual([client.n_connections for client in clients], [1, 1, 1, 1])
            self.assertEqual(daemon.terminate(), 0)

    def test_killed_workers_under_load_refuse_nobody(self):
        with RealDaemon() as daemon:
            daemon.start()
            clients = [Client(daemon.address("web"), "/plaintext") for _ in range(4)]
            try:
                for number in range(1, 6):
                    wait_for_answers(clients)
                    os.kill(daemon.worker_pids()[0], signal.SIGKILL)
                    wait_until(lambda: daemon.status()["generation"] == number + 1, "it is replaced")
                wait_for_answers(clients)
            finally:
                for client in clients:
                    client.finish()
            for client in clients:
                # At most one for each death: the connection that the dead worker had.
                self.assertLessEqual(len(client.failures), 5, client.failures)
                self.assertFalse([f for f in client.failures if "Refused" in f])
            self.assertEqual(daemon.status()["deaths"], 5)
            self.assertEqual(daemon.terminate(), 0)

    def test_requests_under_way_are_answered_at_the_end(self):
        with RealDaemon(grace="30s") as daemon:
            daemon.start()
            address = daemon.address("web")
            answers = []

            def ask():
                connection = http.client.HTTPConnection(*address, timeout=60)
                connection.request("GET", "/executor?ms=1000")
                asked.release()
                answers.append(connection.getresponse().read())
                connection.close()
            asked = threading.Semaphore(0)
            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            for _ in threads:
                asked.acquire()
            wait_until(lambda: daemon.status()["generations"][0]["counters"]["jobs_running"] == 4,
                       "all are under way")
            code = daemon.terminate()
            for thread in threads:
                thread.join()
            self.assertEqual(code, 0)
            self.assertEqual([b'"ms":1000' in answer for answer in answers], [True] * 4)

    def test_grace_is_a_limit(self):
        with RealDaemon(grace="300ms") as daemon:
            daemon.start()
            with socket.create_connection(daemon.address("echo"), timeout=60) as client:
                client.sendall(b"x")
                self.assertEqual(client.recv(1), b"x")
                self.assertEqual(daemon.terminate(), 0)  # though the client is still there
                try:
                    self.assertEqual(client.recv(1), b"")
                except ConnectionResetError:
                    pass

    def test_worker_ends_with_its_supervisor(self):
        with RealDaemon(grace="1s") as daemon:
            daemon.start()
            pids = daemon.worker_pids()
            daemon.process.kill()
            daemon.process.wait()
            wait_until(lambda: not any(is_alive(pid) for pid in pids), "the worker is gone")

    def test_worker_has_what_it_was_given_and_no_more(self):
        def sockets_of(pid):
            links = []
            for fd in os.listdir("/proc/%d/fd" % pid):
                try:
                    links.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
                except OSError:
                    pass
            return sorted(link for link in links if link.startswith("socket:"))
        with RealDaemon() as daemon:
            daemon.start()
            counts = set()
            for number in range(2, 6):
                self.assertEqual(daemon.ctl("reload").returncode, 0)
                wait_until(lambda: len(daemon.status()["generations"]) == 1, "the old one drained")
                counts.add(len(sockets_of(daemon.worker_pids()[0])))
            self.assertEqual(len(counts), 1)  # no generation inherits more than the one before
            self.assertEqual(daemon.terminate(), 0)


if __name__ == "__main__":
    unittest.main()
