#!/usr/bin/python3
"""R24: 1,000 readers ask for 100 MiB each and then take nothing.

What weftd holds for them, beyond what as many idle connections cost, is at most the high-water mark
of each and 10 %, and the ends of its queue; others, who use the same worker meanwhile, are served as before. The figures are
printed.
"""
import json
import os
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../daemon/support"))
from weftd import BUILD, Daemon, wait_until  # noqa: E402

MODULE = os.path.join(BUILD, "tests/modules/crowd.so")
WEFT_LOAD = os.path.join(BUILD, "bin/weft-load")
N_READERS = 1000
HIGH_WATER = 64 * 1024
PIECE, CHUNK = 4096, 8192   # the write that passes the mark, and a chunk that is sent in part
TRIES = 3       # of the comparison of times: the machine may be busy otherwise

CONFIG = """
run_directory: {directory}/run
loops:
  count: 2
listeners:
  much: {{address: 127.0.0.1:0, backlog: 2048}}
  echo: {{address: 127.0.0.1:0}}
services:
  crowd: {{module: %s, listeners: [much]}}
  echo: {{module: echo, listeners: [echo]}}
""" % MODULE


class CrowdDaemon(Daemon):
    def __init__(self):
        super().__init__(worker=None)

    def configure(self, **changes):
        self.write_config(CONFIG.format(directory=self.directory))

    def resident(self):
        with open("/proc/%d/statm" % self.worker_pids()[0]) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def ticks(self):
        with open("/proc/%d/stat" % self.worker_pids()[0]) as file:
            return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))

    def settled(self):
        """The worker's memory once it has had nothing to do for a second."""
        used = [self.ticks()]

        def is_still():
            time.sleep(0.1)
            used.append(self.ticks())
            return len(used) > 10 and used[-1] - used[-11] <= 2
        wait_until(is_still, "the worker rests")
        return self.resident()


class SlowReaders(unittest.TestCase):
    def p99(self, daemon):
        """Of an echo on the same loops, milliseconds."""
        out = os.path.join(daemon.directory, "load.json")
        subprocess.run([WEFT_LOAD, "-q", "-R", "1000", "-d", "4s", "--warmup", "1s", "--json", out,
                        "tcp://%s:%d" % daemon.address("echo")], check=False, timeout=60)
        with open(out) as file:
            run = json.load(file)
        self.assertEqual((run["errors"], run["done"]), (0, run["intended"]))
        return run["response"]["p99"] / 1e6

    def connect(self, address, wish):
        """N_READERS that ask for <wish>, and take nothing."""
        clients = []
        for _ in range(N_READERS):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # it stalls at once
            client.connect(address)
            client.sendall(wish)
            clients.append(client)
        return clients

    def let_go(self, daemon, clients):
        for client in clients:
            client.close()
        wait_until(lambda: daemon.status()["generations"][0]["counters"]["connections"] == 0,
                   "they are gone")

    def test_they_cost_a_bounded_amount_and_nobody_else_anything(self):
        with CrowdDaemon() as daemon:
            daemon.start()
            address, baselines, beside = daemon.address("much"), [], []
            self.p99(daemon)    # what is made once
            before = daemon.settled()
            idle = self.connect(address, b"p")
            of_idle = (daemon.settled() - before) / N_READERS
            self.let_go(daemon, idle)
            limit = of_idle + HIGH_WATER * 1.1 + PIECE + CHUNK
            for attempt in range(TRIES):
                baselines.append(self.p99(daemon))
                readers = self.connect(address, b"m")
                each = (daemon.settled() - before) / N_READERS
                beside.append(self.p99(daemon))
                self.let_go(daemon, readers)
                print("R24: %d bytes for each of %d readers (idle %d, at most %d); echo p99 %.2f ms, "
                      "without them %.2f ms"
                      % (each, N_READERS, of_idle, limit, beside[-1], baselines[-1]))
                self.assertLessEqual(each, limit)
                if beside[-1] <= 2 * baselines[-1]:
                    break
            self.assertLessEqual(min(with_them / without for with_them, without
                                     in zip(beside, baselines)), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
