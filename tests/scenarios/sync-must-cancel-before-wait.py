# A task that was asked to cancel while it ran meets the cancel at its next wait, and leaves no trace in the line.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def stubborn(lock, sem, q):
    me = asyncio.current_task()
    for name, call in (("lock", lock.acquire), ("semaphore", sem.acquire), ("queue", q.get)):
        me.cancel()
        try:
            await call()
        except asyncio.CancelledError:
            print(name, "CancelledError")
    me.cancel()
    q.put_nowait("x")
    print("no wait, no cancel:", await q.get())
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        print("sleep CancelledError")


async def main():
    lock, sem, q = asyncio.Lock(), asyncio.Semaphore(0), asyncio.Queue()
    await lock.acquire()
    start_ticks(6)
    await asyncio.create_task(stubborn(lock, sem, q))
    lock.release()
    print("locked=%d" % lock.locked())
    await lock.acquire()
    sem.release()
    print("semaphore locked=%d" % sem.locked())
    q.put_nowait("y")
    print("got", await q.get())


asyncio.run(main())
