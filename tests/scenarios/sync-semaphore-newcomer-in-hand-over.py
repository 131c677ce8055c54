# Places are free, but somebody is in line: a newcomer waits, and goes on when those before it have.
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
    a = asyncio.create_task(worker("a", sem))
    await asyncio.sleep(0)
    start_ticks(5)
    sem.release()
    sem.release()
    print("locked=%d" % sem.locked())
    b = asyncio.create_task(worker("b", sem))
    a.cancel()
    print("locked=%d" % sem.locked())
    await worker("main", sem)
    await asyncio.wait([a, b])
    print("locked=%d" % sem.locked())


asyncio.run(main())
