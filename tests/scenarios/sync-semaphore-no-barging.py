# A task that releases and acquires again queues behind those who wait.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def worker(name, sem):
    for i in range(2):
        await sem.acquire()
        print(name, "in", i, "locked=%d" % sem.locked())
        await asyncio.sleep(0)
        sem.release()
        print(name, "released, locked=%d" % sem.locked())


async def main():
    sem = asyncio.Semaphore(1)
    start_ticks(9)
    await asyncio.gather(*[worker(n, sem) for n in "abc"])
    print("locked=%d" % sem.locked())


asyncio.run(main())
