# area: executor
# behaviour: A default executor that is replaced ends its jobs; the next ones go to the new one.
import asyncio
import concurrent.futures
import threading


def where():
    return threading.current_thread().name.split("_")[0].split("-")[0]


def wait_and_tell(gate):
    gate.wait()
    return where()


async def main():
    loop = asyncio.get_running_loop()
    old = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="old")
    new = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="new")
    gate = threading.Event()
    loop.set_default_executor(old)
    first = loop.run_in_executor(None, wait_and_tell, gate)
    loop.set_default_executor(new)
    print("second on", await loop.run_in_executor(None, where))
    print("first done=%d" % first.done())
    gate.set()
    print("first on", await first)
    old.shutdown()


asyncio.run(main())
