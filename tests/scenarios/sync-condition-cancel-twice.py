# A second cancel, while the waiter queues for the lock, does not let it out without the lock.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def waiter(cond):
    await cond.acquire()
    try:
        await cond.wait()
    except asyncio.CancelledError:
        print("out, locked=%d cancelling=%d" % (cond.locked(), asyncio.current_task().cancelling()))
        raise
    finally:
        cond.release()


async def main():
    cond = asyncio.Condition()
    task = asyncio.create_task(waiter(cond))
    await asyncio.sleep(0)
    await cond.acquire()
    start_ticks(6)
    task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("second cancel")
    task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("done=%d" % task.done())
    cond.release()
    await asyncio.wait([task])
    print("cancelled=%d locked=%d" % (task.cancelled(), cond.locked()))


asyncio.run(main())
