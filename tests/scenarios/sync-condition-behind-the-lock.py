# Who waits for the lock already comes before the waiters that are notified now.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def waiter(name, cond):
    async with cond:
        await cond.wait()
        print(name, "in")
        await asyncio.sleep(0)
        print(name, "out")


async def locker(name, cond):
    async with cond:
        print(name, "in")
        await asyncio.sleep(0)
        print(name, "out")


async def main():
    cond = asyncio.Condition()
    tasks = [asyncio.create_task(waiter(n, cond)) for n in "abc"]
    await asyncio.sleep(0)
    await cond.acquire()
    tasks.append(asyncio.create_task(locker("x", cond)))
    await asyncio.sleep(0)
    start_ticks(12)
    cond.notify(2)
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(locker("y", cond)))
    await asyncio.sleep(0)
    print("release")
    cond.release()
    await asyncio.wait(tasks[:2] + tasks[3:])
    print("c done=%d" % tasks[2].done())
    tasks[2].cancel()
    await asyncio.wait(tasks)


asyncio.run(main())
