# A waiter that was handed a place and is cancelled before it runs gives it to the next.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def worker(name, sem):
    try:
        await sem.acquire()
    except asyncio.CancelledError:
        print(name, "CancelledError")
        raise
    print(name, "has a place")


async def main():
    sem = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(worker(n, sem)) for n in "abcd"]
    await asyncio.sleep(0)
    start_ticks(6)
    sem.release()
    tasks[0].cancel()
    tasks[1].cancel()
    print("locked=%d" % sem.locked())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("c done=%d d done=%d" % (tasks[2].done(), tasks[3].done()))
    sem.release()
    sem.release()
    tasks[3].cancel()
    await asyncio.wait(tasks)
    print("locked=%d" % sem.locked())


asyncio.run(main())
