"""Tasks in gdb: live, stopped, or in a core file.

    weft tasks        every task: state, what it waits for, where it was made
    weft tree         who waits for whom
    weft bt ID        the stack of the task ID, also of one that is suspended; `weft bt all`
    weft loops        every loop, and the thread that it is on

gdb loads this file by itself when it stands beside libweft.so.0 and gdb trusts the directory
(`add-auto-load-safe-path /usr/local/lib`); else: `source libweft-gdb.py`.

Everything is read by the table that the library exports for it (weft_inspect_root_v1), so no debug
information is needed and one script fits libraries that are laid out otherwise. Where something is
damaged, as in a core, what was found until there is shown.
"""

import struct

import gdb
import gdb.unwinder

MAGIC = b"weft-inspect-v1\0"
ROOT = struct.Struct("16s4I32s5Q")
FIELD = struct.Struct("40sII")
CONSTANT = struct.Struct("40sQ")
MOST = 10_000_000  # of a list: a longer one is broken
UNSIGNED = {1: "B", 2: "H", 4: "I", 8: "Q"}


def text_of(raw):
    return raw.split(b"\0", 1)[0].decode("utf-8", "replace")


def memory(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def string(address, limit=256):
    """A text at <address>; "" for NULL and for what cannot be read."""
    raw = b""
    if address == 0:
        return ""
    try:
        while b"\0" not in raw and len(raw) < limit:
            raw += memory(address + len(raw), 16 - (address + len(raw)) % 16)
    except gdb.MemoryError:
        pass
    return text_of(raw)


class Layout:
    """The table of the root: where each field of each struct is."""

    def __init__(self):
        symbol = gdb.lookup_minimal_symbol("weft_inspect_root_v1") \
            if hasattr(gdb, "lookup_minimal_symbol") else None
        try:
            where = int(gdb.parse_and_eval("(unsigned long)&weft_inspect_root_v1")) if symbol is None \
                else int(symbol.value().address)
            raw = memory(where, ROOT.size)
        except gdb.error:
            raise gdb.GdbError("this program does not use libweft, or does not run yet")
        (magic, _, n_fields, n_constants, self.machine, version, fields, constants, self.loops,
         self.executors, forks) = ROOT.unpack(raw)
        if magic != MAGIC:
            raise gdb.GdbError("weft_inspect_root_v1 is not what this script knows")
        self.version = text_of(version)
        self.field = {text_of(name): (offset, size) for name, offset, size
                      in FIELD.iter_unpack(memory(fields, n_fields * FIELD.size))}
        self.constant = {text_of(name): value for name, value
                         in CONSTANT.iter_unpack(memory(constants, n_constants * CONSTANT.size))}
        self.n_forks = struct.unpack("I", memory(forks, 4))[0]

    def at(self, base, name):
        """The address of a field that is a struct of its own."""
        return base + self.field[name][0]

    def get(self, base, name):
        """The number or pointer in a field."""
        offset, size = self.field[name]
        return struct.unpack(UNSIGNED[size], memory(base + offset, size))[0]

    def items(self, head, link):
        """The objects of a list, whose node in them is the field <link>; until it breaks."""
        offset = self.field[link][0]
        try:
            node = self.get(head, "list.next")
            for _ in range(MOST):
                if node == head or node == 0:
                    return
                yield node - offset
                node = self.get(node, "list.next")
        except gdb.MemoryError:
            print("(a list is broken: what follows in it is missing)")

    def name_of(self, group, value):
        for name, number in self.constant.items():
            if number == value and name.startswith(group + "."):
                return name[len(group) + 1:]
        return str(value)

    def place(self, origin):
        """ "file.c:12", or "?"."""
        if origin == 0:
            return "?"
        try:
            path = string(self.get(origin, "origin.file"))
            return "%s:%d" % (path.rsplit("/", 1)[-1], self.get(origin, "origin.line"))
        except gdb.MemoryError:
            return "?"

    def what(self, origin):
        """The text of what was given: "fetch"."""
        try:
            return string(self.get(origin, "origin.what")) if origin != 0 else ""
        except gdb.MemoryError:
            return ""


class Loop:
    def __init__(self, layout, address):
        self.layout = layout
        self.address = address
        self.name = string(layout.get(address, "loop.name")) or "loop"
        self.tid = layout.get(address, "loop.owner_tid")
        self.current = layout.get(address, "loop.current")
        self.is_running = layout.get(address, "loop.is_running") != 0
        self.is_closed = layout.get(address, "loop.is_closed") != 0

    def state(self):
        if self.is_closed:
            return "closed"
        if not self.is_running:
            return "not running"
        return "busy" if self.current != 0 else "polling"

    def tasks(self):
        state = self.layout.get(self.address, "loop.tasks")
        if state == 0:
            return
        for address in self.layout.items(self.layout.at(state, "task_state.tasks"), "task.link"):
            yield Task(self.layout, self, address)


class Task:
    def __init__(self, layout, loop, address):
        self.layout = layout
        self.loop = loop
        self.address = address
        self.id = layout.get(address, "task.number")
        self.name = string(layout.get(address, "task.name")) or "Task-%d" % self.id
        self.origin = layout.get(layout.at(address, "task.future"), "future.origin")
        self.coro_origin = layout.get(address, "task.coro_origin")
        self.sp = layout.get(address, "task.sp")
        self.has_stack = layout.get(address, "task.stack") != 0
        self.wait = layout.get(address, "task.wait")
        self.is_current = loop.current == layout.at(address, "task.step")
        step = layout.at(address, "task.step")
        link = layout.at(step, "work.link")
        self.is_queued = layout.get(link, "list.next") not in (0, link)

    def state(self):
        if self.is_current:
            return "running"
        if not self.has_stack:
            return "new"
        if self.wait != 0 and not self.layout.get(self.wait, "wait.is_woken"):
            return "waiting"
        return "ready" if self.is_queued else "suspended"

    def is_suspended(self):
        return self.has_stack and not self.is_current

    def waits_for(self):
        """What a waiting task waits for, in words."""
        layout = self.layout
        if self.state() != "waiting":
            return ""
        what = string(layout.get(self.wait, "wait.what"))
        obj = layout.get(self.wait, "wait.object")
        kind = layout.name_of("wait_kind", layout.get(self.wait, "wait.kind"))
        if kind == "FUTURE" and obj != 0:
            return describe_future(layout, obj)
        if kind == "LINE" and obj != 0:
            holder = layout.get(obj, "line.holder")
            made = layout.place(layout.get(obj, "line.origin"))
            return "%s%s made at %s" % (what, " held by task %d" % holder if holder else "", made)
        return what or kind.lower()

    def targets(self):
        """The ids of the tasks that could end its wait."""
        layout = self.layout
        if self.state() != "waiting":
            return []
        obj = layout.get(self.wait, "wait.object")
        kind = layout.name_of("wait_kind", layout.get(self.wait, "wait.kind"))
        found = []
        if obj == 0:
            return found
        if kind == "FUTURE":
            tasks_behind(layout, obj, found, 0)
        elif kind == "LINE" and layout.get(obj, "line.holder") != 0:
            found.append(layout.get(obj, "line.holder"))
        elif kind == "SEVERAL":
            size = layout.field["several_member"][1]
            members = layout.get(obj, "several.members")
            for i in range(min(layout.get(obj, "several.n"), MOST)):
                tasks_behind(layout, layout.get(members + i * size, "several_member.future"), found, 0)
        elif kind == "GROUP":
            for child in layout.items(layout.at(obj, "group.children"), "group_child.link"):
                tasks_behind(layout, layout.get(child, "group_child.task"), found, 0)
        return found

    def line(self):
        text = "%s %s %s %s() made at %s" % (
            self.id, self.name, self.state(), self.layout.what(self.coro_origin) or "coroutine",
            self.layout.place(self.origin))
        waits_for = self.waits_for()
        return text + (" waits for " + waits_for if waits_for else "")


def tag_of(layout, future):
    return layout.name_of("future_tag", layout.get(layout.get(future, "future.ops"), "future_ops.tag"))


def describe_future(layout, future):
    if layout.get(future, "future.magic") != layout.constant["future.magic"]:
        return "a future that is gone"
    if tag_of(layout, future) == "TASK":
        return "task %d" % layout.get(future, "task.number")
    kind = string(layout.get(layout.get(future, "future.ops"), "future_ops.kind"))
    return "%s made at %s" % (kind, layout.place(layout.get(future, "future.origin")))


def tasks_behind(layout, future, found, depth):
    """The ids of the tasks whose end ends <future>: itself, a gather's children, what is shielded."""
    if future == 0 or depth > 16 or \
            layout.get(future, "future.magic") != layout.constant["future.magic"] or \
            layout.get(future, "future.state") != layout.constant["future_state.PENDING"]:
        return
    tag = tag_of(layout, future)
    if tag == "TASK":
        found.append(layout.get(future, "task.number"))
    elif tag == "GATHER":
        size = layout.field["gather_child"][1]
        first = layout.at(future, "gather.children")
        for i in range(min(layout.get(future, "gather.n"), MOST)):
            tasks_behind(layout, layout.get(first + i * size, "gather_child.future"), found, depth + 1)
    elif tag == "SHIELD":
        tasks_behind(layout, layout.get(future, "shield.inner"), found, depth + 1)


def all_loops(layout):
    for address in layout.items(layout.loops, "loop.registry_link"):
        if layout.get(address, "loop.forks") == layout.n_forks:
            yield Loop(layout, address)


def all_tasks(layout):
    return [task for loop in all_loops(layout) for task in loop.tasks()]


def print_table(rows):
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())


# ---- stacks -------------------------------------------------------------------------------------

class Suspended(gdb.unwinder.Unwinder):
    """For one backtrace the innermost frame is called by where a suspended task stands."""

    def __init__(self):
        super().__init__("weft suspended task")
        self.enabled = False
        self.registers = None
        self.is_first = False

    def __call__(self, pending):
        if not self.is_first:
            return None
        self.is_first = False
        sp_name, pc_name = ("rsp", "rip") if "rip" in self.registers else ("sp", "pc")
        # Below the task's frames, so that they look like callers.
        frame = FrameId(self.base, pending.read_register(pc_name))
        info = pending.create_unwind_info(frame)
        kind = pending.read_register(sp_name).type
        for name, value in self.registers.items():
            info.add_saved_register(name, gdb.Value(value).cast(kind))
        return info


class FrameId:
    def __init__(self, sp, pc):
        self.sp = gdb.Value(sp)
        self.pc = pc


suspended = Suspended()
gdb.unwinder.register_unwinder(None, suspended, replace=True)


def registers_of(layout, sp):
    """The registers of who is suspended with <sp>, by gdb's names."""
    size = layout.field["context"][1]
    if "context.rip" in layout.field:
        registers = {name: layout.get(sp, "context." + name)
                     for name in ("rip", "rbp", "rbx", "r12", "r13", "r14", "r15")}
        registers["rsp"] = sp + size
        return registers
    registers = {"pc": layout.get(sp, "context.x30"), "x30": layout.get(sp, "context.x30"),
                 "x29": layout.get(sp, "context.x29"), "sp": sp + size}
    first = layout.at(sp, "context.x19_to_x28")
    for i in range(10):
        registers["x%d" % (19 + i)] = struct.unpack("Q", memory(first + 8 * i, 8))[0]
    return registers


def backtrace_suspended(layout, task):
    suspended.registers = registers_of(layout, task.sp)
    suspended.base = task.sp
    suspended.enabled = True
    suspended.is_first = True
    gdb.invalidate_cached_frames()
    try:
        text = gdb.execute("bt -frame-arguments all", to_string=True)
    finally:
        suspended.enabled = False
        gdb.invalidate_cached_frames()
    # The first frame is the thread's own; what follows is the task's.
    is_own = True
    for line in text.splitlines():
        if line.startswith("#"):
            number, rest = line[1:].split(None, 1)
            is_own = number == "0"
            line = "#%-2d %s" % (int(number) - 1, rest)
        if not is_own:
            print(line)


def backtrace_thread(tid):
    """The stack of the thread <tid>, then back to where we were."""
    before = gdb.selected_thread()
    for thread in gdb.selected_inferior().threads():
        if tid in thread.ptid[1:] or tid == thread.ptid[1]:
            thread.switch()
            gdb.execute("bt")
            before.switch()
            return
    print("(no thread %d here)" % tid)


def backtrace(layout, task):
    print("Task %s, on %s" % (task.line(), task.loop.name))
    if task.is_current:
        print("it runs, on thread %d:" % task.loop.tid)
        backtrace_thread(task.loop.tid)
    elif task.is_suspended():
        backtrace_suspended(layout, task)
    else:
        print("it has not begun: no stack")


# ---- commands -----------------------------------------------------------------------------------

class Weft(gdb.Command):
    """Look at the loops and tasks of a program that uses libweft."""

    def __init__(self):
        super().__init__("weft", gdb.COMMAND_STACK, gdb.COMPLETE_NONE, prefix=True)


class WeftTasks(gdb.Command):
    """weft tasks: every task, what it waits for and where it was made."""

    def __init__(self):
        super().__init__("weft tasks", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        layout = Layout()
        rows = [("ID", "NAME", "STATE", "LOOP", "COROUTINE", "MADE AT", "WAITS FOR")]
        rows += [(task.id, task.name, task.state(), task.loop.name,
                  layout.what(task.coro_origin) or "?", layout.place(task.origin), task.waits_for())
                 for task in all_tasks(layout)]
        print_table(rows)


class WeftLoops(gdb.Command):
    """weft loops: every loop, and its thread."""

    def __init__(self):
        super().__init__("weft loops", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        layout = Layout()
        rows = [("LOOP", "TID", "STATE", "TASKS", "TURNS")]
        rows += [(loop.name, loop.tid, loop.state(), len(list(loop.tasks())),
                  layout.get(loop.address, "loop.n_turns")) for loop in all_loops(layout)]
        print_table(rows)


class WeftTree(gdb.Command):
    """weft tree: who waits for whom, from those for whom nobody waits. A circle is said so."""

    def __init__(self):
        super().__init__("weft tree", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        tasks = {task.id: task for task in all_tasks(Layout())}
        below = {task.id: task.targets() for task in tasks.values()}
        awaited = {target for targets in below.values() for target in targets}
        shown = set()
        for root in [n for n in tasks if n not in awaited] + list(tasks):
            if root not in shown:
                self.show(tasks, below, root, shown, ())

    def show(self, tasks, below, root, shown, above):
        """Not by recursion: a chain may be long."""
        todo = [(root, above)]
        while todo:
            number, above = todo.pop()
            indent = "  " * len(above)
            if number in above:
                print("%sCYCLE: task %d" % (indent, number))
            elif number not in tasks:
                print("%stask %d, which is gone" % (indent, number))
            elif number in shown:
                print("%stask %d, see above" % (indent, number))
            else:
                shown.add(number)
                print(indent + tasks[number].line())
                todo += [(target, above + (number,)) for target in reversed(below[number])]


class WeftBt(gdb.Command):
    """weft bt ID: the stack of the task ID; weft bt all: of every task."""

    def __init__(self):
        super().__init__("weft bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        layout = Layout()
        wanted = argument.strip()
        tasks = all_tasks(layout)
        if wanted != "all":
            tasks = [task for task in tasks if str(task.id) == wanted]
        if not tasks:
            raise gdb.GdbError("no task %s" % wanted if wanted else "weft bt ID, or weft bt all")
        for i, task in enumerate(tasks):
            if i > 0:
                print()
            backtrace(layout, task)


for command in (Weft, WeftTasks, WeftLoops, WeftTree, WeftBt):
    command()
