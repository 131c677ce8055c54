# A time limit around wait: the waiter leaves late, with the lock; a notify in the turn of the limit.
import asyncio


async def waiter(name, cond, delay):
    async with cond:
        try:
            async with asyncio.timeout(delay):
                await cond.wait()
            print(name, "notified")
        except TimeoutError:
            print(name, "TimeoutError locked=%d" % cond.locked())


async def main():
    cond = asyncio.Condition()
    tasks = [asyncio.create_task(waiter("a", cond, 1)),
             asyncio.create_task(waiter("b", cond, 5)),
             asyncio.create_task(waiter("c", cond, 2))]
    await asyncio.sleep(0.5)
    await cond.acquire()
    await asyncio.sleep(1)
    print("a done=%d" % tasks[0].done())
    cond.notify(1)
    cond.release()
    await asyncio.wait(tasks)
    print("locked=%d" % cond.locked())


asyncio.run(main())
