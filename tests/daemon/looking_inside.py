#!/usr/bin/python3
"""What goes on in workers: asked of the daemon, which believes none of them."""
import json
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from weftd import Daemon, UnixConnection, wait_until  # noqa: E402

VIEWS = ("tasks", "tree", "stack", "waits", "loops", "executors", "timers", "handles")


def ask(daemon, target):
    """Status and text; what is JSON must be JSON."""
    connection = UnixConnection(daemon.socket_path)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        text = response.read().decode()
        if response.headers["Content-Type"] == "application/json":
            return response.status, json.loads(text)
        return response.status, text
    finally:
        connection.close()


class FakeWorkers(unittest.TestCase):
    def test_each_view_is_asked_of_the_worker(self):
        with Daemon() as daemon:
            daemon.start()
            for view in VIEWS:
                status, answer = ask(daemon, "/" + view)
                self.assertEqual(status, 200)
                (worker,) = answer["workers"]
                self.assertEqual(worker["pid"], daemon.worker_pids()[0])
                self.assertEqual((worker["generation"], worker["state"]), (1, "serving"))
                self.assertEqual(worker["dump"], {"weft": "9", "pid": 7})
                self.assertEqual(ask(daemon, "/%s?format=text" % view), (200, "weft 9\n"))
            result = daemon.ctl("tree")
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "weft 9\n", ""))
            result = daemon.ctl("stack", "7", "--json")
            self.assertEqual(json.loads(result.stdout)["workers"][0]["dump"]["weft"], "9")

    def test_questions_that_are_none(self):
        with Daemon() as daemon:
            daemon.start()
            for target, status in (("/tasks/1", 404), ("/stack/", 400), ("/stack/x", 400),
                                   ("/stack/-1", 400), ("/stack/0", 400), ("/tree?format=xml", 400),
                                   ("/tree?generation=x", 400), ("/tree?generation=-1", 400),
                                   ("/tree?generation=7", 404), ("/tree?generation=1", 200),
                                   ("/stack/99999999999999999999999", 400)):
                self.assertEqual((target, ask(daemon, target)[0]), (target, status))
            self.assertEqual(daemon.request("POST", "/tasks")[0], 405)
            for words, code in ((("tasks", "1"), 2), (("stack", "x"), 2), (("ps",), 2),
                                (("taks",), 2), (("tasks", "--generation", "7"), 1)):
                self.assertEqual((words, daemon.ctl(*words).returncode), (words, code))
        self.assertEqual(daemon.ctl("tasks").returncode, 3)

    def test_what_a_worker_sends_is_not_believed(self):
        for words, why in (("dump-open", "what it sent is no dump"),
                           ("dump-garbage", "what it sent is no JSON")):
            with self.subTest(words), Daemon(behaviour="ready " + words) as daemon:
                daemon.start()
                status, answer = ask(daemon, "/waits")
                self.assertEqual(status, 504)
                self.assertEqual(answer["workers"][0]["error"], why)
                self.assertNotIn("dump", answer["workers"][0])
                if words == "dump-garbage":
                    self.assertEqual(ask(daemon, "/waits?format=text"), (200, "?[31mred?\n"))
                self.assertEqual(daemon.ctl("waits", "--json").returncode, 1)

    def test_a_task_that_is_not_there(self):
        with Daemon(behaviour="ready dump-unknown") as daemon:
            daemon.start()
            self.assertEqual(ask(daemon, "/stack/5")[0], 404)
            result = daemon.ctl("stack", "5")
            self.assertEqual(result.returncode, 1)
            self.assertIn("no task 5", result.stdout)

    def test_one_that_does_not_answer_hides_no_other(self):
        with Daemon(behaviour="ready stubborn dump-silent", grace="30s") as daemon:
            daemon.start()
            daemon.behave("ready")
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            wait_until(lambda: len(daemon.worker_pids()) == 2, "both generations live")
            status, answer = ask(daemon, "/tasks")
            self.assertEqual(status, 504)
            by_number = {worker["generation"]: worker for worker in answer["workers"]}
            self.assertEqual(by_number[1]["error"], "it does not answer within 2 s")
            self.assertEqual(by_number[1]["state"], "draining")
            self.assertEqual(by_number[2]["dump"]["weft"], "9")
            result = daemon.ctl("tree")
            self.assertEqual(result.returncode, 1)
            self.assertIn("draining: it does not answer within 2 s\n", result.stdout)
            self.assertIn("weft 9\n", result.stdout)
            self.assertEqual(daemon.ctl("tree", "--generation", "2").stdout, "weft 9\n")

    def test_one_that_dies_meanwhile(self):
        with Daemon(behaviour="ready dump-silent") as daemon:
            daemon.start()
            connection = UnixConnection(daemon.socket_path)
            connection.request("GET", "/tasks")
            os.kill(daemon.worker_pids()[0], 9)
            response = connection.getresponse()
            answer = json.loads(response.read())
            connection.close()
            self.assertEqual(response.status, 504)
            self.assertIn(answer["workers"][0]["error"], ("it has ended", "it does not answer within 2 s"))


class Workers(unittest.TestCase):
    def test_sigquit_writes_a_dump_to_the_log(self):
        with Daemon(worker=None, level="error") as daemon:
            daemon.start()
            (pid,) = daemon.worker_pids()
            os.kill(pid, signal.SIGQUIT)
            wait_until(lambda: ", process %d" % pid in daemon.log(), "the dump is in the log")
            self.assertEqual(daemon.worker_pids(), [pid])


if __name__ == "__main__":
    unittest.main()
