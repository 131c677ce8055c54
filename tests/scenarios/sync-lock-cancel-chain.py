# The lock is handed over, and the first two in line are cancelled in that turn; a newcomer comes too.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def worker(name, lock):
    try:
        await lock.acquire()
    except asyncio.CancelledError:
        print(name, "CancelledError locked=%d" % lock.locked())
        raise
    print(name, "in")
    await asyncio.sleep(0)
    lock.release()
    print(name, "out")


async def main():
    lock = asyncio.Lock()
    await lock.acquire()
    tasks = [asyncio.create_task(worker(n, lock)) for n in "abcd"]
    await asyncio.sleep(0)
    start_ticks(8)
    lock.release()
    print("locked=%d" % lock.locked())
    tasks[0].cancel()
    tasks[1].cancel()
    tasks.append(asyncio.create_task(worker("new", lock)))
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.wait(tasks)
    print("locked=%d" % lock.locked())


asyncio.run(main())
