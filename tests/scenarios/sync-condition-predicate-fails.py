# An error of the predicate comes out of wait_for, with the lock held; at once, or after a notify.
import asyncio


async def waiter(name, cond, box):
    def predicate():
        print(name, "asks", box["n"])
        if box["n"] == box["bad"]:
            raise ValueError("bad")
        return False
    await cond.acquire()
    try:
        await cond.wait_for(predicate)
    except ValueError as e:
        print(name, "ValueError", e, "locked=%d" % cond.locked())
    cond.release()


async def main():
    cond = asyncio.Condition()
    box = {"n": 0, "bad": 0}
    await waiter("first", cond, box)
    box["bad"] = 2
    task = asyncio.create_task(waiter("second", cond, box))
    await asyncio.sleep(0)
    while not task.done():
        async with cond:
            box["n"] += 1
            cond.notify_all()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


asyncio.run(main())
