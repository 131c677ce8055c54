# From CPython 3.13 on: a notified waiter that is cancelled before it has the lock hands the notification on.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def waiter(name, cond):
    async with cond:
        try:
            await cond.wait()
            print(name, "notified")
        except asyncio.CancelledError:
            print(name, "CancelledError locked=%d" % cond.locked())
            raise


async def main():
    cond = asyncio.Condition()
    tasks = [asyncio.create_task(waiter(n, cond)) for n in "abcd"]
    await asyncio.sleep(0)
    start_ticks(12)
    async with cond:
        cond.notify(1)
    tasks[0].cancel()
    for _ in range(4):
        await asyncio.sleep(0)
    print("done", *["%d" % t.done() for t in tasks])
    await cond.acquire()
    cond.notify(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("c queues for the lock and is cancelled")
    tasks[2].cancel()
    await asyncio.sleep(0)
    cond.release()
    await asyncio.wait(tasks)
    print("cancelled", *["%d" % t.cancelled() for t in tasks], "locked=%d" % cond.locked())


asyncio.run(main())
