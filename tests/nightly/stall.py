#!/usr/bin/python3
"""A server that stands still for 1 s every 10 s: weft-load reports it, closed loops hide it.

Each asks for 20 s. A tenth of all time nobody is answered, so of requests that come by the clock a
tenth waits, half of them longer than half a second. A closed loop sends nothing meanwhile, and finds
two slow ones among many thousands. The figures are printed.
"""
import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

BUILD = os.environ.get("WEFT_BUILD_DIR",
                       os.path.join(os.path.dirname(__file__), "../../build/release"))
WEFT_LOAD = os.path.join(BUILD, "bin/weft-load")
PERIOD, STALL = 10.0, 1.0
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


class StallingServer(threading.Thread):
    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d/" % self.socket.getsockname()[1]
        self.stalls = 0

    def run(self):
        asyncio.run(self.serve())

    async def connected(self, reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(self.ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def serve(self):
        server = await asyncio.start_server(self.connected, sock=self.socket)
        async with server:
            while True:
                await asyncio.sleep(PERIOD - STALL)
                time.sleep(STALL)   # the whole loop: this is what is tested
                self.stalls += 1


class Stall(unittest.TestCase):
    def load(self, *arguments):
        with tempfile.TemporaryDirectory() as directory:
            out = os.path.join(directory, "run.json")
            subprocess.run([WEFT_LOAD, "-q", "-d", "20s", "--warmup", "0s", "-t", "1", "--json", out,
                            *arguments], check=False, timeout=60)
            with open(out) as file:
                run = json.load(file)
        print("weft-load %s: p50 %.2f ms, p90 %.2f, p99 %.2f, max %.0f, mean %.2f" % (
            (" ".join(arguments),) + tuple(run["response"][key] / 1e6
                                           for key in ("p50", "p90", "p99", "max", "mean"))))
        return run["response"]

    def setUp(self):
        self.server = StallingServer()
        self.server.start()

    def test_the_open_loop_reports_it(self):
        response = self.load("-R", "200", "-c", "8", self.server.url)
        self.assertGreater(response["p99"], 700e6)
        self.assertGreater(response["max"], 900e6)
        self.assertGreater(response["mean"], 20e6)

    def test_a_closed_loop_hides_it(self):
        response = self.load("--closed", "-c", "1", self.server.url)
        self.assertLess(response["p99"], 100e6)
        self.assertLess(response["mean"], 20e6)

    @unittest.skipIf(shutil.which("h2load") is None, "h2load is not installed")
    def test_h2load_hides_it(self):
        done = subprocess.run(["h2load", "--h1", "-c", "1", "-t", "1", "-D", "20", self.server.url],
                              stdout=subprocess.PIPE, text=True, check=True, timeout=60)
        line = next(line for line in done.stdout.splitlines() if line.startswith("time for request"))
        print("h2load:", line)
        mean, unit = re.match(r"([\d.]+)(us|ms|s)$", line.split()[5]).groups()
        self.assertLess(float(mean) * UNITS[unit], 20)

    @unittest.skipIf(shutil.which("wrk") is None, "wrk is not installed")
    def test_what_wrk_makes_of_it(self):
        """wrk 4 adds samples that it thinks it missed, at the interval of its own mean; the median
        and below show nothing. It knows no other rate than the server's."""
        done = subprocess.run(["wrk", "-t1", "-c1", "-d20s", "--latency", self.server.url],
                              stdout=subprocess.PIPE, text=True, check=True, timeout=60)
        found = {percent: float(value) * UNITS[unit] for percent, value, unit
                 in re.findall(r"(\d+)%\s+([\d.]+)(us|ms|s)", done.stdout)}
        print("wrk:", ", ".join("p%s %.2f ms" % item for item in found.items()))
        self.assertLess(found["50"], 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
