#!/usr/bin/python3
"""weft-load against weftd, against a server that stalls, and against nothing.

Figures of time are compared with what the server did on purpose (a second of
silence), never with how fast this machine is. Exit status 3 (weft-load itself
was the bottleneck) is possible wherever the machine is busy.
"""
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from weftd import BUILD, Daemon  # noqa: E402

WEFT_LOAD = os.path.join(BUILD, "bin", "weft-load")
SCENARIO = os.path.join(BUILD, "tests/modules/scenario.so")
BUSY = 3
SANITIZED = os.environ.get("WEFT_SANITIZE", "") != ""

CONFIG = """
run_directory: {directory}/run
loops:
  count: 1
listeners:
  web:
    address: 127.0.0.1:0
  echo:
    address: 127.0.0.1:0
services:
  http:
    module: http
    listeners: [web]
  echo:
    module: echo
    listeners: [echo]
restart:
  tolerance: 100 per 1m
  backoff:
    first: 10ms
    max: 100ms
"""


class RealDaemon(Daemon):
    def __init__(self):
        super().__init__(worker=None)

    def configure(self, **changes):
        self.write_config(CONFIG.format(directory=self.directory))


class StallingServer:
    """HTTP on a thread of its own. From the first request on it answers for a second, is silent
    for a second, and answers again."""

    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.first = None
        self.has_stalled = False
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)
        self.thread.start()

    async def connected(self, reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                now = time.monotonic()
                self.first = self.first or now
                if not self.has_stalled and now - self.first > 1:
                    self.has_stalled = True
                    time.sleep(1)  # the whole loop stands still: this is what is tested
                writer.write(self.ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def serve(self):
        self.loop = asyncio.get_running_loop()
        self.done = asyncio.Event()
        server = await asyncio.start_server(self.connected, sock=self.socket)
        async with server:
            await self.done.wait()

    def stop(self):
        self.loop.call_soon_threadsafe(self.done.set)
        self.thread.join()


class LoadTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="weft-load-")
        self.addCleanup(self.directory.cleanup)

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def load(self, *arguments, allowed=(0, BUSY)):
        """The figures, and what was printed."""
        done = subprocess.run(
            [WEFT_LOAD, "-t", "1", "--warmup", "0.2s", "--json", self.path("run.json"), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        self.assertIn(done.returncode, allowed, done.stdout)
        with open(self.path("run.json")) as file:
            return json.load(file), done.stdout

    def serve(self):
        daemon = RealDaemon()
        self.addCleanup(daemon.__exit__, None, None, None)
        daemon.start()
        addresses = {each["name"]: each["address"] for each in daemon.status()["listeners"]}
        return daemon, "http://" + addresses["web"] + "/plaintext", addresses["echo"]


class AgainstWeftd(LoadTest):
    def test_open_loop_sends_what_was_asked_for(self):
        _, web, echo = self.serve()
        run, text = self.load("-R", "200", "-d", "1s", "-c", "8", web)
        self.assertTrue(text.startswith("OPEN loop: 200 requests/s (constant)"), text)
        self.assertEqual((run["intended"], run["done"], run["errors"]), (200, 200, 0))
        self.assertEqual(run["response"]["count"], 200)
        self.assertGreaterEqual(run["response"]["p50"], run["service"]["p50"])
        run, _ = self.load("-R", "200", "-d", "1s", "--size", "1000", "tcp://" + echo)
        self.assertEqual((run["done"], run["errors"]), (200, 0))
        self.assertGreaterEqual(run["bytes_in"], 200 * 1000)

    def test_closed_loop_says_so_first(self):
        _, web, _ = self.serve()
        run, text = self.load("--closed", "-c", "2", "-d", "300ms", web)
        self.assertTrue(text.startswith("CLOSED loop: 2 connections"), text)
        self.assertGreater(run["done"], 0)
        self.assertEqual(run["errors"], 0)

    def test_churn_makes_a_connection_for_each(self):
        _, web, _ = self.serve()
        run, _ = self.load("-R", "100", "-d", "500ms", "--churn", web)
        self.assertEqual((run["done"], run["errors"]), (50, 0))
        self.assertGreaterEqual(run["connects"], 50)

    def test_statuses_of_400_and_more_are_failures(self):
        _, web, _ = self.serve()
        run, _ = self.load("-R", "100", "-d", "500ms", web.replace("plaintext", "nothing"),
                           allowed=(4, BUSY))
        self.assertEqual(run["failures"]["statuses"], 50)
        self.assertEqual(run["reconnects"], 0)

    def test_assertions(self):
        _, web, _ = self.serve()
        _, text = self.load("-R", "100", "-d", "300ms", "--assert", "errors==0,p50<1m", web)
        self.assertIn("holds  errors==0", text)
        _, text = self.load("-R", "100", "-d", "300ms", "--assert", "errors==0,p50<1us", web,
                            allowed=(1, BUSY))
        self.assertIn("FAILS  p50<1us", text)

    @unittest.skipIf(SANITIZED, "this is about figures")
    def test_compare_with_itself(self):
        _, web, _ = self.serve()
        self.load("-R", "100", "-d", "4s", web)
        os.rename(self.path("run.json"), self.path("old.json"))
        _, text = self.load("-R", "100", "-d", "4s", "--compare", self.path("old.json"), web,
                            allowed=(0, 1, BUSY))
        self.assertRegex(text, r"answers +100\.000 +100\.000 +\+0\.0 % +within the noise")

    def test_operations_meanwhile(self):
        daemon, web, _ = self.serve()
        run, text = self.load("-R", "100", "-d", "2s", "--control", daemon.socket_path,
                              "--hammer-reload", "700ms", "--idle", "50", "--html",
                              self.path("run.html"), "--hgrm", self.path("run.hgrm"), web)
        self.assertGreaterEqual(run["weftd"]["reloads"], 1)
        self.assertEqual(run["weftd"]["failed_reloads"], 0)
        self.assertGreaterEqual(len(run["weftd"]["samples"]), 2)
        self.assertTrue(any(each["turn_p99_seconds"] > 0 for each in run["weftd"]["samples"]))
        self.assertRegex(text, r"its loops +in their worst second \d+ % busy")
        with open(self.path("run.html")) as file:
            page = file.read()
        self.assertIn("<svg", page)
        self.assertIn("weftd: times of its loops", page)
        self.assertNotIn("http-equiv", page)
        self.assertNotIn("src=", page)  # nothing from elsewhere
        with open(self.path("run.hgrm")) as file:
            self.assertIn("1.000000000000", file.read())

    def test_kill_worker(self):
        daemon, web, _ = self.serve()
        run, _ = self.load("-R", "100", "-d", "2s", "--control", daemon.socket_path,
                           "--kill-worker", "800ms", web)
        self.assertGreaterEqual(run["weftd"]["kills"], 1)
        self.assertGreater(run["done"], 100)

    def test_idle_connections_stand(self):
        _, web, _ = self.serve()
        _, text = self.load("-R", "50", "-d", "500ms", "--idle", "300", "--slow-reader", "5",
                            "--assert", "lost==0", web)
        self.assertIn("holds  lost==0", text)

    def test_a_scenario_of_the_user(self):
        _, _, echo = self.serve()
        run, _ = self.load("-R", "100", "-d", "500ms",
                           "module:%s:%s" % (SCENARIO, echo.rsplit(":")[1]))
        self.assertEqual((run["done"], run["errors"]), (50, 0))


class AgainstOthers(LoadTest):
    @unittest.skipIf(SANITIZED, "this is about figures")
    def test_the_open_loop_sees_a_stall_that_the_closed_one_hides(self):
        server = StallingServer()
        self.addCleanup(server.stop)
        url = "http://127.0.0.1:%d/" % server.port
        run, _ = self.load("-R", "100", "-d", "3s", "-c", "4", "--warmup", "0s", url)
        # A third of the time nobody is answered: those requests waited, the last of them little.
        self.assertGreater(run["response"]["max"], 900e6)
        self.assertGreater(run["response"]["p90"], 300e6)
        self.assertEqual((run["done"], run["errors"]), (300, 0))

        other = StallingServer()
        self.addCleanup(other.stop)
        run, _ = self.load("--closed", "-d", "3s", "-c", "1", "--warmup", "0s",
                           "http://127.0.0.1:%d/" % other.port)
        self.assertGreater(run["service"]["max"], 900e6)
        self.assertLess(run["service"]["p90"], 300e6)

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        run, text = self.load("-R", "50", "-d", "500ms", "http://127.0.0.1:%d/" % port,
                              allowed=(4, BUSY))
        self.assertEqual(run["failures"]["connects"], 25)
        _, text = self.load("-q", "-R", "50", "-d", "500ms", "http://127.0.0.1:%d/" % port,
                            allowed=(4, BUSY))
        self.assertRegex(text, "weft-load: nothing was answered|weft-load was the bottleneck")

    def test_nobody_answers(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            run, _ = self.load("-R", "20", "-d", "500ms", "--timeout", "100ms",
                               "http://127.0.0.1:%d/" % silent.getsockname()[1], allowed=(4, BUSY))
        self.assertEqual(run["failures"]["timeouts"], 10)

    def test_usage(self):
        for words in ([], ["ftp://x"], ["-R", "0", "http://x"], ["--assert", "p99", "http://x"],
                      ["module:/nonexistent.so"]):
            done = subprocess.run([WEFT_LOAD, *words], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertIn(done.returncode, (2, 4), words)
            self.assertIn("weft-load: ", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
