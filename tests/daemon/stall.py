#!/usr/bin/python3
"""A module that blocks its loop: reported with the culprit first, then aborted and replaced."""
import os
import signal
import socket
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from weftd import BUILD, LIMIT, Daemon, wait_until  # noqa: E402

CONFIG = """
run_directory: {directory}/run
loops:
  count: 1
listeners:
  door:
    address: '127.0.0.1:0'
services:
  trouble:
    module: {module}
    listeners: [door]
restart:
  tolerance: 20 per 1m
  backoff:
    first: 10ms
    max: 100ms
stall:
  abort_after: {abort_after}
"""


class Stall(unittest.TestCase):
    def daemon(self, abort_after):
        daemon = Daemon(worker=os.path.join(BUILD, "bin", "weft-worker"))
        module = os.path.join(BUILD, "tests/modules/misbehave.so")
        daemon.write_config(CONFIG.format(directory=daemon.directory, module=module,
                                          abort_after=abort_after))
        return daemon

    def test_a_blocked_loop_is_named_then_aborted_and_replaced(self):
        with self.daemon("1s") as daemon:
            daemon.start()
            first = daemon.worker_pids()
            client = socket.create_connection(daemon.address("door"), timeout=LIMIT)
            client.sendall(b"B")  # until we send more, and we do not
            wait_until(lambda: "is aborted: loop 0 was stuck: trouble: loop " in daemon.log(),
                       "the worker is aborted")
            wait_until(lambda: daemon.status()["deaths"] == 1, "its death is counted")
            client.close()
            wait_until(lambda: daemon.state() == "serving", "the next one serves")
            self.assertNotEqual(daemon.worker_pids(), first)
            log = daemon.log()
            report = log.index("is blocked: <Task pending name=")  # the worker's own, and first
            self.assertIn("label: trouble", log[report:])
            self.assertIn("block_until_readable", log[report:])
            told = log.index("loop 0 does not turn: trouble: ")
            self.assertLess(report, told)
            self.assertLess(told, log.index("is aborted"))
            self.assertIn(" < ", log[told:log.index("\n", told)])  # a stack in one line
            death = daemon.status()["last_death"]
            self.assertIn("SIGABRT", death)
            self.assertIn("loop 0 was stuck: trouble: ", death)
            # It serves again.
            with socket.create_connection(daemon.address("door"), timeout=LIMIT) as again:
                again.sendall(b"x")
                self.assertEqual(again.recv(1), b"x")

    def test_a_stopped_worker_is_left_alone(self):
        with self.daemon("1s") as daemon:
            daemon.start()
            worker = daemon.worker_pids()[0]
            os.kill(worker, signal.SIGSTOP)
            try:
                wait_until(lambda: "is stopped, and does not answer" in daemon.log(), "it is seen")
            finally:
                os.kill(worker, signal.SIGCONT)
            with socket.create_connection(daemon.address("door"), timeout=LIMIT) as client:
                client.sendall(b"x")
                self.assertEqual(client.recv(1), b"x")
            self.assertEqual(daemon.worker_pids(), [worker])
            self.assertEqual(daemon.status()["deaths"], 0)
            self.assertNotIn("does not turn", daemon.log())
            self.assertNotIn(" is blocked: ", daemon.log())


if __name__ == "__main__":
    unittest.main()
