# area: executor
# behaviour: The states of a thread-side future: who may begin, finish, cancel, and who is refused.
import concurrent.futures
from concurrent.futures import CancelledError, InvalidStateError


def attempt(name, call):
    try:
        result = call()
        print("%s=%d" % (name, result is not False))
    except InvalidStateError:
        print("%s invalid state" % name)
    except RuntimeError as e:
        print("%s %s" % (name, e))
    except CancelledError:
        print("%s cancelled" % name)
    except TimeoutError:
        print("%s timeout" % name)
    except ValueError as e:
        print("%s ValueError %s" % (name, e))


def show(f):
    print("cancelled=%d running=%d done=%d" % (f.cancelled(), f.running(), f.done()))


def story(title, *steps):
    print("--", title)
    f = concurrent.futures.Future()
    calls = {
        "begin": f.set_running_or_notify_cancel,
        "cancel": f.cancel,
        "set_result": lambda: f.set_result(1),
        "set_exception": lambda: f.set_exception(ValueError("x")),
        "result": lambda: f.result(0),
        "exception": lambda: f.exception(0),
    }
    for step in steps:
        attempt(step, calls[step])
    show(f)


import logging
logging.disable()
story("pending", "result", "exception")
story("run", "begin", "begin", "cancel", "result", "set_result", "cancel", "begin", "set_result", "set_exception", "result", "exception")
story("straight", "set_result", "begin", "result")
story("fail", "set_exception", "set_exception", "result", "cancel")
story("cancelled", "cancel", "cancel", "set_result", "begin", "begin", "set_exception", "result", "exception")
