# A woken producer whose room was filled meanwhile goes back to the end of the line.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def producer(item, q):
    try:
        await q.put(item)
    except asyncio.CancelledError:
        print(item, "CancelledError")
        raise
    print(item, "put")


async def main():
    q = asyncio.Queue(1)
    q.put_nowait(0)
    tasks = [asyncio.create_task(producer(n, q)) for n in (1, 2, 3)]
    await asyncio.sleep(0)
    start_ticks(8)
    print("got", q.get_nowait())
    q.put_nowait(9)
    await asyncio.sleep(0)
    for _ in range(4):
        print("got", await q.get())
        await asyncio.sleep(0)
    await asyncio.wait(tasks)
    print("size", q.qsize())


asyncio.run(main())
