# Time limits around acquire: late ones leave the line, and no place is lost.
import asyncio


async def worker(name, sem, limit):
    try:
        async with asyncio.timeout(limit):
            await sem.acquire()
    except TimeoutError:
        print(name, "TimeoutError")
        return
    print(name, "in")
    await asyncio.sleep(1)
    print(name, "out")
    sem.release()


async def main():
    sem = asyncio.BoundedSemaphore(2)
    await asyncio.gather(*[worker(str(i), sem, 0.3 + 0.4 * i) for i in range(8)])
    print("locked=%d" % sem.locked())
    await sem.acquire()
    await sem.acquire()
    print("locked=%d" % sem.locked())
    sem.release()
    sem.release()
    try:
        sem.release()
    except ValueError as e:
        print(e)


asyncio.run(main())
