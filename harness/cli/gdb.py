"""For gdb, of a process that was stopped by --until: the simulated threads.

All of them run on one thread of the operating system, which is the only one that gdb knows. What
the others will go on with lies on their stacks. To look at one, gdb is told that it has called
whatever runs now: so nothing in the process is changed, and nothing is called in it.
"""
import contextlib

import gdb
import gdb.unwinder

gdb.execute("handle SIGVTALRM nostop noprint pass", to_string=True)

# Words of a saved stack (harness/world/switch_*.S), and how far above it the stack goes on.
SAVED = {
    "i386:x86-64": (["r15", "r14", "r13", "r12", "rbx", "rbp", "rip"], "rsp", 56),
    "aarch64": (["x%d" % number for number in range(19, 30)] + ["pc"], "sp", 160),
}
# Commands that only look; any other could let the process go on.
LOOKING = ["bt", "backtrace", "where", "frame", "f", "info", "i", "print", "p", "x", "list", "l"]
NOBODY = 0xffff
FRAMES_MAX = 64


# --- the state of the machine: struct world of harness/world/internal.h ---


def world():
    """The machine's own W: a program may have one, too."""
    function = gdb.lookup_global_symbol("world_entity_name")
    if function is None:
        raise gdb.GdbError("no program of the harness is being debugged")
    for symbol in function.symtab.global_block():
        if symbol.name == "W":
            machine = symbol.value()
            if machine["entity_count"] == 0 or int(machine["self"]) == 0:
                break
            return machine
    raise gdb.GdbError("there are no simulated threads: the execution has not begun")


def word(type_name, value):
    """The name of that value of an enumeration, without its prefix."""
    for field in gdb.lookup_type("enum " + type_name).fields():
        if field.enumval == int(value):
            return field.name.split("_", 1)[1]
    return "?"


def kind_word(kind):
    """What reports call an object of that kind."""
    function = gdb.lookup_global_symbol("world_object_kind")
    for symbol in function.symtab.static_block():
        if symbol.name == "kind_words":
            return symbol.value()[int(kind)].string()
    return word("object_kind", kind).lower()


class SimulatedThread:
    """One of the machine's entities that has a stack."""

    def __init__(self, machine, entity):
        self.machine = machine
        self.entity = entity
        self.number = int(entity["id"])
        self.runs = int(machine["self"]) == int(entity.address)
        self.over = word("entity_state", entity["state"]) != "LIVE"

    @property
    def name(self):
        if self.entity["named"]:
            return self.entity["name"].string()
        return "thread-%d" % (int(self.entity["slot"]) - int(self.machine["slots_kept"]))

    def other(self, number):
        return SimulatedThread(self.machine, self.machine["entities"][number])

    def object_waited_for(self):
        waited = self.machine["objects"][int(self.entity["wait_object"])]
        text = "%s %d" % (kind_word(waited["kind"]), int(waited["ordinal"]))
        symbol = gdb.execute("info symbol %d" % int(waited["address"]), to_string=True)
        if " in section " in symbol:
            text += " (%s)" % symbol.split(" in section ")[0]
        if int(waited["owner"]):
            text += ", held by " + self.other(int(waited["owner"]) - 1).name
        return text

    @property
    def state(self):
        wait = word("wait_kind", self.entity["wait"])
        if self.over:
            return "has ended"
        if self.runs:
            return "runs"
        if wait in ("NONE", "FOREVER"):
            return "can run"
        if wait == "SLEEP":
            return "sleeps"
        if wait == "JOIN":
            return "waits for the end of " + self.other(int(self.entity["wait_for"])).name
        if wait == "QUEUE":
            return "waits for " + self.entity["wait_what"].string()
        return "waits for " + self.object_waited_for()


def threads():
    """In the order in which they were made."""
    machine = world()
    found = []
    for number in range(int(machine["entity_count"])):
        entity = machine["entities"][number]
        if int(entity["slot"]) != NOBODY:
            found.append(SimulatedThread(machine, entity))
    return found


# --- stacks ---


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class Switched(gdb.unwinder.Unwinder):
    """Takes the innermost frame, and says that it was called with other registers."""

    def __init__(self):
        super().__init__("simulated-threads")
        self.enabled = False
        self.registers = {}
        self.here = (0, 0, "")

    def look_at(self, thread):
        frame = gdb.newest_frame()
        names, stack, above = SAVED[frame.architecture().name()]
        saved = int(thread.entity["stack_pointer"])
        words = gdb.selected_inferior().read_memory(saved, 8 * len(names)).tobytes()
        self.registers = {stack: saved + above}
        for at, name in enumerate(names):
            self.registers[name] = int.from_bytes(words[8 * at:8 * at + 8], "little")
        self.here = (frame.pc(), int(frame.read_register(stack)), stack)

    def goes_on_at(self):
        return self.registers.get("rip", self.registers.get("pc"))

    def __call__(self, pending):
        pc, sp, stack = self.here
        if int(pending.read_register(stack)) != sp or int(pending.read_register("pc")) != pc:
            return None
        # Callers lie above whom they call: so this frame seems to lie below the thread's.
        below = self.registers[stack] - 8
        info = pending.create_unwind_info(FrameId(gdb.Value(below), gdb.Value(pc)))
        pointer = gdb.lookup_type("unsigned long")
        for name, value in self.registers.items():
            info.add_saved_register(name, gdb.Value(value).cast(pointer))
        return info


switched = Switched()
gdb.unwinder.register_unwinder(None, switched, replace=True)


@contextlib.contextmanager
def looking_at(thread):
    """Meanwhile, the innermost frame seems to be called by what that thread will go on with."""
    gdb.newest_frame().select()
    if thread.runs or thread.over:
        yield
        return
    switched.look_at(thread)
    switched.enabled = True
    gdb.invalidate_cached_frames()
    try:
        frame = gdb.newest_frame()
        while frame.older() is not None and frame.pc() != switched.goes_on_at():
            frame = frame.older()
        frame.select()
        yield
    finally:
        switched.enabled = False
        gdb.invalidate_cached_frames()
        gdb.newest_frame().select()


def is_ours(frame):
    """The simulated machine and the explorer are no part of what is debugged."""
    place = frame.find_sal().symtab
    if place is None:
        return True
    return place.filename.startswith(("./harness/", "./reports/", "harness/", "reports/"))


def frames(thread):
    """A line for each frame of the program under test."""
    lines = []
    frame = gdb.newest_frame()
    while frame is not None and frame.level() < FRAMES_MAX:
        if frame.name() == "observe" and is_ours(frame):
            lines = []  # what stops the process
        elif not is_ours(frame) and (thread.runs or frame.level() > 0):
            place = frame.find_sal()
            lines.append("#%-2d %s at %s:%d" % (frame.level(), frame.name(),
                                                place.symtab.filename, place.line))
        try:
            frame = frame.older()
        except gdb.error:
            break
    return lines


# --- commands ---


class Harness(gdb.Command):
    """The simulated threads of the harness: 'harness threads', 'harness thread'."""

    def __init__(self):
        super().__init__("harness", gdb.COMMAND_STACK, prefix=True)


class Threads(gdb.Command):
    """harness threads: every simulated thread with its state and its stack.

'*' is the one that runs. Frames have the numbers of 'harness thread N bt'; those of the simulated
machine are left out."""

    def __init__(self):
        super().__init__("harness threads", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        if argument:
            raise gdb.GdbError("harness threads takes nothing: '%s'" % argument)
        for thread in threads():
            print("%s %3d  %-16s %s" % ("*" if thread.runs else " ", thread.number, thread.name,
                                        thread.state))
            if thread.over:
                continue
            with looking_at(thread):
                for line in frames(thread) or ["(it has not begun)"]:
                    print("         " + line)


class Thread(gdb.Command):
    """harness thread N|NAME [COMMAND]: a command that looks at one simulated thread; bt by default.

For example: harness thread 2 bt full, harness thread core/ws frame 5. Frame 0 is what stopped the
process; above it is the thread."""

    def __init__(self):
        super().__init__("harness thread", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = argument.split(None, 1)
        if not words:
            raise gdb.GdbError("harness thread takes a number or a name; 'harness threads' "
                               "lists them")
        command = words[1] if len(words) > 1 else "bt"
        if command.split()[0].split("/")[0] not in LOOKING:
            raise gdb.GdbError("'%s' does not only look; there are: %s"
                               % (command.split()[0], " ".join(LOOKING)))
        for thread in threads():
            if words[0] in (str(thread.number), thread.name):
                if thread.over:
                    raise gdb.GdbError("%s has ended" % thread.name)
                with looking_at(thread):
                    gdb.execute(command, from_tty)
                return
        raise gdb.GdbError("there is no simulated thread '%s'; 'harness threads' lists them"
                           % words[0])


Harness()
Threads()
Thread()
