#!/usr/bin/python3
"""Reloads: what they change, and that a bad one changes nothing."""
import os
import signal
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from weftd import Daemon, children_of, wait_until  # noqa: E402


class Reload(unittest.TestCase):
    def test_new_generation_takes_over_and_nobody_is_refused(self):
        with Daemon(behaviour="ready slow-drain") as daemon:
            daemon.start()
            address = daemon.address("web")
            seen = set()
            wrong = []
            is_over = threading.Event()

            def client():
                while not is_over.is_set():
                    try:
                        seen.add(daemon.facts(address)["generation"])
                    except (OSError, ValueError) as error:
                        wrong.append(error)
            thread = threading.Thread(target=client)
            thread.start()
            try:
                for number in range(2, 7):
                    result = daemon.ctl("reload")
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertIn("generation %d serves" % number, result.stdout)
                    self.assertEqual(daemon.address("web"), address)
            finally:
                is_over.set()
                thread.join()
            # Whoever is accepted by a worker that leaves is answered; the fake one closes its
            # sockets without care, so only a refusal counts here.
            self.assertEqual([e for e in wrong if isinstance(e, ConnectionRefusedError)], [])
            self.assertGreater(len(seen), 1)
            wait_until(lambda: len(daemon.status()["generations"]) == 1, "the old ones are gone")
            self.assertEqual(daemon.status()["deaths"], 0)
            self.assertEqual(daemon.terminate(), 0)

    def test_bad_configuration_changes_nothing_and_says_why(self):
        with Daemon() as daemon:
            daemon.start()
            pid = daemon.worker_pids()
            with open(daemon.config_path) as file:
                good = file.read()
            daemon.write_config(good.replace("  level: info", "  levle: info\n  format: xml"))
            result = daemon.ctl("reload")
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr, r"weft\.yaml:\d+:\d+: error: unknown key 'levle'")
            self.assertIn("did you mean 'level'", result.stderr)
            self.assertIn("xml", result.stderr)  # all errors at once
            self.assertIn("generation 1 serves on", result.stderr)
            self.assertEqual(daemon.worker_pids(), pid)
            self.assertEqual(daemon.status()["generation"], 1)
            self.assertFalse(daemon.status()["last_reload"]["ok"])
            os.unlink(daemon.config_path)
            self.assertEqual(daemon.ctl("reload").returncode, 1)
            daemon.write_config(good)
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            self.assertEqual(daemon.terminate(), 0)

    def test_address_that_is_taken(self):
        with Daemon() as daemon, socket.socket() as other:
            daemon.start()
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = "127.0.0.1:%d" % other.getsockname()[1]
            fds = len(os.listdir("/proc/%d/fd" % daemon.process.pid))
            daemon.configure(listeners={"web": "127.0.0.1:0", "new": "127.0.0.1:0", "more": taken})
            result = daemon.ctl("reload")
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr, r"weft\.yaml:\d+:\d+: error: cannot listen on " + taken)
            self.assertEqual(len(daemon.status()["listeners"]), 1)
            self.assertEqual(daemon.status()["generation"], 1)
            wait_until(lambda: len(os.listdir("/proc/%d/fd" % daemon.process.pid)) <= fds,
                       "what was bound is closed")
            self.assertEqual(daemon.terminate(), 0)

    def test_generation_that_fails(self):
        with Daemon() as daemon:
            daemon.start()
            for behaviour, text in (("failed", "no such module"), ("die", "exited with status 3"),
                                    ("failed-hang", "no such module")):
                daemon.behave(behaviour)
                result = daemon.ctl("reload")
                self.assertEqual(result.returncode, 1, behaviour)
                self.assertIn(text, result.stderr)
                self.assertIn("tried and failed", result.stderr)
                self.assertEqual(daemon.status()["generation"], 1)
                self.assertEqual(daemon.state(), "serving")
            self.assertEqual(daemon.facts(daemon.address("web"))["generation"], 1)
            daemon.behave("ready")
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            self.assertEqual(daemon.terminate(), 0)

    def test_generation_that_is_late(self):
        with Daemon() as daemon:
            daemon.start()
            daemon.configure(ready_within="10ms")
            daemon.behave("silent")
            result = daemon.ctl("reload")
            self.assertEqual(result.returncode, 1)
            self.assertIn("not ready in time", result.stderr)
            wait_until(lambda: len(children_of(daemon.process.pid)) == 1, "it is killed")
            self.assertEqual(daemon.facts(daemon.address("web"))["generation"], 1)

    def test_live_keys_start_no_process(self):
        with Daemon() as daemon:
            daemon.start()
            pids = daemon.worker_pids()
            daemon.configure(level="debug", grace="7s")
            result = daemon.ctl("reload")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("no worker had to be replaced", result.stdout)
            self.assertEqual(daemon.worker_pids(), pids)
            self.assertEqual(daemon.status()["log_level"], "debug")
            wait_until(lambda: daemon.facts(daemon.address("web"))["debug"] == 1, "cheap, as it was")
            address = daemon.address("web")
            wait_until(lambda: daemon.facts(address)["log_level"] == 10, "the worker knows it too")
            # The next life of the worker has it from its configuration.
            os.kill(pids[0], signal.SIGKILL)
            wait_until(lambda: daemon.status()["generation"] == 2, "the next generation serves")
            self.assertEqual(daemon.facts(address)["config"]["log"]["level"], "debug")
            daemon.send_signal(signal.SIGTERM, "draining for at most 7 s")  # the new grace
            self.assertEqual(daemon.wait(), 0)

    def test_the_debug_level_can_be_changed(self):
        with Daemon() as daemon:
            daemon.start()
            address = daemon.address("web")
            (pid,) = daemon.worker_pids()
            result = daemon.ctl("debug", "full")
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            wait_until(lambda: daemon.facts(address)["debug"] == 2, "the worker knows it")
            self.assertIn("control: debug by uid", daemon.log())
            # So does the next one, until a reload says again what holds.
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: daemon.status()["generation"] == 2, "the next generation serves")
            wait_until(lambda: daemon.facts(address)["debug"] == 2, "the next worker knows it, too")
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            wait_until(lambda: daemon.facts(address)["debug"] == 1, "the configuration's level holds")
            for words in (("debug",), ("debug", "fulll"), ("debug", "full", "off")):
                self.assertEqual((words, daemon.ctl(*words).returncode), (words, 2))
            self.assertEqual(daemon.request("POST", "/debug?level=x")[0], 400)
            self.assertEqual(daemon.request("GET", "/debug")[0], 405)

    def test_listeners_come_and_go(self):
        with Daemon(listeners={"a": "127.0.0.1:0", "b": "127.0.0.1:0"}) as daemon:
            daemon.start()
            a, b = daemon.address("a"), daemon.address("b")
            daemon.configure(listeners={"a": "127.0.0.1:0", "c": "[::1]:0"}, loops=3)
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            self.assertEqual(daemon.address("a"), a)
            self.assertEqual(daemon.facts(daemon.address("c"))["generation"], 2)
            sockets = {item["name"]: item["sockets"] for item in daemon.status()["listeners"]}
            self.assertEqual(sockets, {"a": 3, "c": 3})

            def is_refused():
                try:
                    socket.create_connection(b).close()
                    return False
                except ConnectionRefusedError:
                    return True
            wait_until(is_refused, "the removed listener is closed once the old worker is gone")
            daemon.configure(loops=1)
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            self.assertEqual(daemon.address("a"), a)
            sockets = {item["name"]: item["sockets"] for item in daemon.status()["listeners"]}
            self.assertEqual(sockets, {"a": 3, "c": 3})  # none is closed for fewer loops
            self.assertEqual(daemon.terminate(), 0)

    def test_signal(self):
        with Daemon() as daemon:
            daemon.start()
            daemon.send_signal(signal.SIGHUP, "with the new configuration")
            wait_until(lambda: daemon.status()["generation"] == 2, "the next generation serves")
            daemon.write_config("nonsense: 1\n")
            daemon.send_signal(signal.SIGHUP, "unknown key 'nonsense'")  # the log says why not
            self.assertEqual(daemon.state(), "serving")
            self.assertEqual(daemon.terminate(), 0)

    def test_dry_run(self):
        with Daemon() as daemon:
            daemon.start()
            daemon.configure(level="debug", loops=1)
            result = daemon.ctl("reload", "--dry-run")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("log.level", result.stdout)
            self.assertIn("loops.count", result.stdout)
            self.assertEqual(daemon.status()["reloads"], 0)
            self.assertEqual(daemon.status()["generation"], 1)
            daemon.write_config("nonsense: 1\n")
            self.assertEqual(daemon.ctl("reload", "--dry-run").returncode, 1)
            self.assertEqual(daemon.terminate(), 0)

    def test_many_reloads_leave_nothing_behind(self):
        with Daemon() as daemon:
            daemon.start()

            def measure():
                wait_until(lambda: len(children_of(daemon.process.pid)) == 1, "one child")
                wait_until(lambda: len(daemon.status()["generations"]) == 1, "one generation")
                return len(os.listdir("/proc/%d/fd" % daemon.process.pid))
            before = measure()
            for _ in range(10):
                self.assertEqual(daemon.ctl("reload").returncode, 0)
            wait_until(lambda: measure() == before, "as many descriptors as before")
            facts = daemon.facts(daemon.address("web"))
            self.assertEqual(facts["inherited"], facts["expected"])
            self.assertEqual(daemon.terminate(), 0)

    def test_several_at_once_come_one_after_the_other(self):
        with Daemon() as daemon:
            daemon.start()
            codes = []
            threads = [threading.Thread(target=lambda: codes.append(daemon.ctl("reload").returncode))
                       for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(codes, [0, 0, 0, 0])
            self.assertEqual(daemon.status()["generation"], 5)
            self.assertEqual(daemon.terminate(), 0)

    def test_stop_during_a_reload(self):
        with Daemon() as daemon:
            daemon.start()
            daemon.behave("silent")
            results = []
            thread = threading.Thread(target=lambda: results.append(daemon.ctl("reload")))
            thread.start()
            wait_until(lambda: daemon.state() == "reloading", "it reloads")
            result = daemon.ctl("stop")
            self.assertEqual(result.returncode, 0)
            thread.join()
            self.assertEqual(results[0].returncode, 1)
            self.assertIn("the daemon is stopping", results[0].stderr)
            self.assertEqual(daemon.wait(), 0)


if __name__ == "__main__":
    unittest.main()
