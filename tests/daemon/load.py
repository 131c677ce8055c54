#!/usr/bin/python3
"""The daemon under a load that never rests: reloads (R01), deaths of the worker (R02, R18)."""
import os
import re
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from keepalive import Load  # noqa: E402
from weftd import BUILD, Daemon, is_alive, wait_until  # noqa: E402

IS_SANITIZED = bool(os.environ.get("WEFT_SANITIZE"))
N_RELOADS = 5 if IS_SANITIZED else 20
N_KILLS = 3 if IS_SANITIZED else 10

CONFIG = """
run_directory: {directory}/run
loops:
  count: 2
listeners:
  web:
    address: '127.0.0.1:0'
  bad:
    address: '127.0.0.1:0'
services:
  http:
    module: http
    listeners: [web]
  misbehave:
    module: {build}/tests/modules/misbehave.so
    listeners: [bad]
restart:
  tolerance: 100 per 1m
  backoff:
    first: 10ms
    max: 50ms
drain:
  grace: 20s
"""


class Real(Daemon):
    """weftd with the real worker and the http module."""

    def __init__(self):
        super().__init__(worker=None)
        self.write_config(CONFIG.format(directory=self.directory, build=BUILD))

    def more_answers(self, load, n=50):
        so_far = load.n_answered
        wait_until(lambda: load.n_answered >= so_far + n, "the load goes on")


class UnderLoad(unittest.TestCase):
    def test_reloads_lose_nothing(self):
        with Real() as daemon:
            daemon.start()
            with Load(daemon.address("web")) as load:
                for number in range(2, N_RELOADS + 2):
                    daemon.more_answers(load)
                    result = daemon.ctl("reload")
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertIn("generation %d serves" % number, result.stdout)
                daemon.more_answers(load)
            print("%d reloads, %d answers" % (N_RELOADS, load.n_answered))
            self.assertEqual(load.refused, [])
            self.assertEqual(load.failed, [])
            wait_until(lambda: len(daemon.status()["generations"]) == 1, "the old ones are gone")
            self.assertEqual(daemon.status()["deaths"], 0)
            self.assertEqual(daemon.terminate(), 0)

    def test_killed_workers_come_back_and_nobody_is_refused(self):
        with Real() as daemon:
            daemon.start()
            gaps = []
            with Load(daemon.address("web")) as load:
                for _ in range(N_KILLS):
                    daemon.more_answers(load)
                    pids = daemon.worker_pids()
                    begin = time.monotonic()
                    os.kill(pids[-1], signal.SIGKILL)
                    wait_until(lambda: not is_alive(pids[-1]), "the worker is dead")
                    so_far = load.n_answered
                    wait_until(lambda: load.n_answered > so_far, "somebody answers again")
                    gaps.append(time.monotonic() - begin)
                daemon.more_answers(load)
            print("%d kills, back after %.0f ms at most" % (N_KILLS, max(gaps) * 1000))
            self.assertEqual(load.refused, [])
            # Only what stood on a dead worker's connections: one each, for every kill.
            self.assertLessEqual(len(load.failed), N_KILLS * len(load.clients))
            self.assertEqual(daemon.status()["deaths"], N_KILLS)
            self.assertRegex(daemon.log(), r"was killed by signal 9|SIGKILL")
            self.assertEqual(daemon.terminate(), 0)

    @unittest.skipIf(IS_SANITIZED, "a sanitizer reports an overflow in its own way")
    def test_overflow_names_the_task_and_the_service(self):
        with Real() as daemon:
            daemon.start()
            address = daemon.address("bad")
            for byte in (b"o", b"O"):
                deaths = daemon.status()["deaths"]
                with socket.create_connection(address, timeout=30) as connection:
                    connection.sendall(byte)
                    try:
                        self.assertEqual(connection.recv(1), b"")
                    except ConnectionResetError:
                        pass
                wait_until(lambda: daemon.status()["deaths"] == deaths + 1, "it died")
                wait_until(lambda: daemon.state() == "serving", "it is back")
            lines = re.findall(r".*stack overflow.*", daemon.log())
            self.assertEqual(len(lines), 2, daemon.log())
            for line in lines:
                self.assertRegex(line, r"stack overflow in task '[^']*misbehave")
            self.assertEqual(daemon.terminate(), 0)


if __name__ == "__main__":
    unittest.main()
