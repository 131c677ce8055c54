#!/usr/bin/python3
"""What goes on in workers: asked of the daemon, which believes none of them."""
import json
import os
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from weftd import BUILD, SOURCE, Daemon, UnixConnection, wait_until  # noqa: E402

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


HANG = """
run_directory: {directory}/run
loops:
  count: 2
stall:
  abort_after: never
executors:
  images:
    threads:
      max: 2
services:
  transfers:
    module: {build}/tests/modules/hang.so
"""


def without_numbers(text):
    """Its lines, of which some may come in another order."""
    return sorted(re.sub(r"\d+", "N", re.sub(r"\d+m\d+s|\d+\.\d+s", "Ns", text)).splitlines())


class Hang(unittest.TestCase):
    """tests/daemon/modules/hang.c: one `waits` and one `tree` explain it completely."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(worker=None)
        cls.daemon.write_config(HANG.format(directory=cls.daemon.directory, build=BUILD))
        cls.daemon.start()

        def is_stuck():
            (worker,) = ask(cls.daemon, "/loops")[1]["workers"]
            return any(loop.get("system_call") == "read" for loop in worker["dump"]["loops"])
        try:
            wait_until(is_stuck, "a loop is blocked in read(2)")
        except AssertionError:
            cls.daemon.__exit__(AssertionError, None, None)
            raise

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__(None, None, None)

    def ids(self):
        """The id of each task by its name, and those of the two that take the lock for another."""
        (worker,) = ask(self.daemon, "/tasks")[1]["workers"]
        tasks = worker["dump"]["tasks"]
        ids = {task["name"]: task["id"] for task in tasks}
        helpers = {task["loop"]: task["id"] for task in tasks
                   if task["coro"]["what"] == "lock_account"}
        return ids, helpers["weft-0"], helpers["weft-1"]

    def test_waits_explains_it(self):
        ids, on_0, on_1 = self.ids()
        result = self.daemon.ctl("waits")
        self.assertEqual(result.returncode, 0)
        for pattern in (
                r"loop weft-1 runs Task-%d 'reader', blocked in read for \d" % ids["reader"],
                r"executor 'images': all 2 threads run, 3 jobs queued",
                r"job resize\(\) made at hang.c:\d+ in executor 'images': running for \S+ on images-",
                r"lock made at hang.c:\d+, held by Task-%d 'transfer-out'\n    Task-%d on weft-0 "
                % (ids["transfer-out"], on_0),
                r"lock made at hang.c:\d+, held by Task-%d 'transfer-in'\n    Task-%d on weft-1 "
                % (ids["transfer-in"], on_1)):
            self.assertRegex(result.stdout, pattern)
        (cycle,) = [line for line in result.stdout.splitlines() if line.startswith("CYCLE: ")]
        for name in ("Task-%d 'transfer-out'" % ids["transfer-out"], "Task-%d ->" % on_1,
                     "Task-%d 'transfer-in'" % ids["transfer-in"], "Task-%d ->" % on_0):
            self.assertIn(name, cycle)
        self.assertEqual(cycle.count("lock made at hang.c:"), 2)

    def test_tree_explains_it(self):
        ids, on_0, on_1 = self.ids()
        result = self.daemon.ctl("tree")
        self.assertEqual(result.returncode, 0)
        text = result.stdout
        self.assertRegex(text, r"Task-%d 'reader' .* on weft-1, running for \S+, blocked in read\n"
                         % ids["reader"])
        self.assertEqual(len(re.findall(r"'resizer' .*\n *`-- job resize\(\) .* running for ", text)), 2)
        self.assertEqual(len(re.findall(r"'resizer' .*\n *`-- job resize\(\) .* queued for ", text)), 3)
        # Round from whichever comes first.
        chain = ["'transfer-out' .* on weft-0", "Task-%d .* on weft-1.* lock held by Task-%d "
                 % (on_1, ids["transfer-in"]), "'transfer-in' .* on weft-1",
                 "Task-%d .* on weft-0.* lock held by Task-%d " % (on_0, ids["transfer-out"])]
        turns = [chain[i:] + chain[:i] + [chain[i].split(" .*")[0]] for i in range(4)]
        self.assertTrue(any(re.search(r".*\n +`-- .*".join(turn), text) for turn in turns), text)
        self.assertIn("(above)\n", text)

    def test_the_page_shows_what_is_said(self):
        """docs/develop.md has the real output: the same but for numbers."""
        with open(os.path.join(SOURCE, "docs/develop.md")) as file:
            page = file.read()
        for verb in ("waits", "tree"):
            (shown,) = re.findall(r"<!-- hang %s: begin -->\n```text\n\$ weftctl %s\n(.*?)```" % (verb, verb),
                                  page, re.DOTALL)
            self.assertEqual(without_numbers(shown), without_numbers(self.daemon.ctl(verb).stdout))

    def test_the_stack_of_who_is_blocked(self):
        ids = self.ids()[0]
        result = self.daemon.ctl("stack", str(ids["reader"]))
        self.assertEqual(result.returncode, 0)
        # AddressSanitizer's read() has no frame pointer, and of a blocked thread little else is known.
        if os.environ.get("WEFT_SANITIZE") != "address":
            self.assertRegex(result.stdout, r"#\d+ read_reply at hang.c:\d+")
        result = self.daemon.ctl("stack", str(ids["transfer-in"]))
        self.assertRegex(result.stdout, r"#\d+ transfer at hang.c:\d+")
        self.assertEqual(self.daemon.ctl("stack", "999999").returncode, 1)

    def test_the_lists(self):
        for verb, patterns in (("loops", (r"weft-1 +\d+ +running .* read ",)),
                               ("tasks", (r"\d+ +reader +running +weft-1",
                                          r"lock held by Task-\d+ made at hang.c:\d+ +lock_account")),
                               ("executors", (r"images +2 +2 +2 +3 ",
                                              r"images +resize +running .* images-[01]\n")),
                               ("timers", ()), ("handles", ())):
            result = self.daemon.ctl(verb)
            self.assertEqual((verb, result.returncode, result.stderr), (verb, 0, ""))
            for pattern in patterns:
                self.assertRegex(result.stdout, pattern)
            self.assertNotIn("\033", result.stdout)

    def test_ps_needs_no_daemon_and_no_help(self):
        (pid,) = self.daemon.worker_pids()
        os.kill(pid, signal.SIGSTOP)
        try:
            result = self.daemon.ctl("--socket", "/nowhere", "ps", str(pid))
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertRegex(result.stdout, r"\d+ +reader +running +weft-1")
            result = self.daemon.ctl("pstree", str(pid))
            self.assertIn("CYCLE: ", result.stdout)
            result = self.daemon.ctl("ps", str(pid), "--json")
            self.assertEqual(json.loads(result.stdout)["pid"], pid)
            # A worker that is stopped answers nobody, and the daemon says so.
            result = self.daemon.ctl("tasks")
            self.assertEqual(result.returncode, 1)
            self.assertIn("it does not answer within 2 s", result.stdout)
        finally:
            os.kill(pid, signal.SIGCONT)

    def test_ps_of_what_cannot_be_read(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        other = subprocess.Popen(["sleep", "60"])
        try:
            for pid, code, why in ((gone.pid, 1, "there is no process"),
                                   (other.pid, 1, "does not use libweft")):
                result = self.daemon.ctl("ps", str(pid))
                self.assertEqual((result.returncode, result.stdout), (code, ""))
                self.assertIn(why, result.stderr)
        finally:
            other.kill()
            other.wait()


class Workers(unittest.TestCase):
    def test_the_debug_level_of_all_loops(self):
        with Daemon(worker=None) as daemon:
            daemon.start()

            def levels():
                (worker,) = ask(daemon, "/loops")[1]["workers"]
                return [loop["debug"] for loop in worker["dump"]["loops"]]
            self.assertEqual(levels(), ["cheap", "cheap"])
            self.assertEqual(daemon.ctl("debug", "full").returncode, 0)
            wait_until(lambda: levels() == ["full", "full"], "both loops have it")

    def test_sigquit_writes_a_dump_to_the_log(self):
        with Daemon(worker=None, level="error") as daemon:
            daemon.start()
            (pid,) = daemon.worker_pids()
            os.kill(pid, signal.SIGQUIT)
            wait_until(lambda: ", process %d" % pid in daemon.log(), "the dump is in the log")
            self.assertEqual(daemon.worker_pids(), [pid])


if __name__ == "__main__":
    unittest.main()
