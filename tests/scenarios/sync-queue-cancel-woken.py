# A woken consumer or producer that is cancelled wakes the next; the item and the room stay.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def consumer(name, q):
    try:
        item = await q.get()
    except asyncio.CancelledError:
        print(name, "CancelledError")
        raise
    print(name, "got", item)


async def producer(item, q):
    try:
        await q.put(item)
    except asyncio.CancelledError:
        print(item, "CancelledError")
        raise
    print(item, "put")


async def main():
    q = asyncio.Queue(1)
    tasks = [asyncio.create_task(consumer(n, q)) for n in "abc"]
    await asyncio.sleep(0)
    start_ticks(9)
    q.put_nowait(7)
    tasks[0].cancel()
    tasks[1].cancel()
    print("size", q.qsize())
    await asyncio.wait(tasks)
    print("size", q.qsize())
    q.put_nowait(0)
    tasks = [asyncio.create_task(producer(n, q)) for n in (1, 2, 3)]
    await asyncio.sleep(0)
    print("got", q.get_nowait())
    tasks[0].cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("got", q.get_nowait())
    await asyncio.wait(tasks)
    print("got", q.get_nowait(), "size", q.qsize())


asyncio.run(main())
