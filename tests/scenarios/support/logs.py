"""What support/trace.c prints of reports and errors, in Python: `LOG category object error`."""
import logging
import re
import warnings

CATEGORIES = (
    (r"\w* exception was never retrieved", "exception-never-retrieved"),
    (r"Task was destroyed but it is pending", "pending-task-destroyed"),
    (r"Executing ", "slow-callback"),
    (r"Exception in callback", "callback-exception"),
    (r"Unhandled error in exception handler", "exception-handler-error"),
    (r"unhandled exception during asyncio.run\(\) shutdown", "run-shutdown-exception"),
)


def err(exc):
    """The class of an exception; a group lists its members."""
    members = getattr(exc, "exceptions", None)
    if members is None:
        return type(exc).__name__
    return "ExceptionGroup[%s]" % ",".join(err(e) for e in members)


def subject(category, text):
    if category == "exception-handler-error":
        return []
    callback = re.search(r"(?:callback |<Handle |<TimerHandle when=\S+ )([\w.<>]+)\(", text)
    if callback and not text.startswith("Executing <Task"):
        return ["callback=" + callback[1].split(".")[-1]]
    task = re.search(r"<Task [^>]*?name='([^']*)'", text)
    if task:
        return ["task=" + task[1]]
    return ["future"] if "Future" in text else []


class Printer(logging.Handler):
    def emit(self, record):
        text = record.getMessage()
        category = next((c for start, c in CATEGORIES if re.match(start, text)), "message")
        words = ["LOG", category] + subject(category, text)
        if record.exc_info and record.exc_info[1] is not None:
            words.append(err(record.exc_info[1]))
        print(*words, flush=True)


def print_warning(message, category, *_args, **_kw):
    name = re.match(r"coroutine '([^']*)' was never awaited", str(message))
    if name:
        print("LOG never-awaited coroutine=" + name[1].split(".")[-1], flush=True)
    elif str(message).startswith("unclosed event loop"):
        print("LOG unclosed-loop", flush=True)


def watch_logs():
    """Print what asyncio logs and warns of."""
    logger = logging.getLogger("asyncio")
    logger.handlers[:] = [Printer()]
    logger.propagate = False
    warnings.simplefilter("always")
    warnings.showwarning = print_warning
