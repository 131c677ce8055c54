# area: executor
# behaviour: wait_for gives up a running job at once; the job ends in its own time and nothing is logged.
import asyncio
import threading


async def main():
    loop = asyncio.get_running_loop()
    gate = threading.Event()
    ended = []

    def job():
        gate.wait()
        ended.append(1)

    future = loop.run_in_executor(None, job)
    try:
        await asyncio.wait_for(future, 0.01)
    except TimeoutError:
        print("timeout, cancelled=%d ended=%d" % (future.cancelled(), len(ended)))
    gate.set()
    await loop.shutdown_default_executor()
    print("ended=%d cancelled=%d" % (len(ended), future.cancelled()))


asyncio.run(main())
