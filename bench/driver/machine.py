"""The machine: processors, priorities, what a process has used, and servers that come and go.

The processor of a server is counted by the scheduler's own account of all its threads, so it does
not matter how much of a core a sample got. Everything is on loopback, and every process that is
started here is ended by its pid.
"""
import contextlib
import glob
import os
import socket
import subprocess
import time

started = []


def raise_priority(niceness):
    """Our scheduling group before others': where the scheduler groups processes, only the group's
    niceness counts. Without the right to do so nothing changes."""
    with contextlib.suppress(PermissionError):
        os.setsid()
    try:
        with open("/proc/self/autogroup", "w") as file:
            file.write(str(niceness))
    except OSError:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, niceness)


def load():
    with open("/proc/loadavg") as file:
        return float(file.read().split()[0])


def pinned(command, cores):
    return ["taskset", "-c", cores, *map(str, command)]


def key_values(text):
    """The `key=value` lines with numbers."""
    found = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            with contextlib.suppress(ValueError):
                found[key] = float(value)
    return found


def run(command, cores="0,1", timeout=120):
    """({key: number} or None, why not)"""
    try:
        done = subprocess.run(pinned(command, cores), capture_output=True, text=True,
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return None, "no end after %d s" % timeout
    found = key_values(done.stdout)
    if done.returncode != 0 or not found:
        return None, done.stderr.strip()[-200:] or "exit status %d" % done.returncode
    return found, ""


def processes_of(pid):
    """<pid> and all below it."""
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        with contextlib.suppress(OSError):
            with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
                todo += [int(word) for word in file.read().split()]
    return found


class Server:
    """A server on a free port. {port} in its command is replaced."""

    def __init__(self, command, cores, log):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [str(word).replace("{port}", str(self.port)) for word in command]
        self.process = subprocess.Popen(pinned(command, cores), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=log)
        started.append(self.process)
        self.pid = self.process.pid
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        self.stop()
        raise RuntimeError("did not start: " + " ".join(command))

    def processes(self):
        return processes_of(self.pid)

    def cpu(self):
        """Nanoseconds, of all threads."""
        total = 0
        for pid in self.processes():
            for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
                with contextlib.suppress(OSError), open(path) as file:
                    total += int(file.read().split()[0])
        return total

    def resident(self):
        """Bytes."""
        total = 0
        for pid in self.processes():
            with contextlib.suppress(OSError), open("/proc/%d/smaps_rollup" % pid) as file:
                for line in file:
                    if line.startswith("Rss:"):
                        total += int(line.split()[1]) * 1024
        return total

    def stop(self):
        end(self.process)


def end(process):
    """SIGTERM, and SIGKILL when that does not help."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process in started:
        started.remove(process)


def end_all():
    for process in list(started):
        end(process)
