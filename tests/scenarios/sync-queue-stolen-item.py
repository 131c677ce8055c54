# A woken consumer whose item was taken meanwhile goes back to the end of the line.
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


async def main():
    q = asyncio.Queue()
    tasks = [asyncio.create_task(consumer(n, q)) for n in "abc"]
    await asyncio.sleep(0)
    start_ticks(6)
    q.put_nowait(1)
    print("stolen", q.get_nowait())
    await asyncio.sleep(0)
    q.put_nowait(2)
    q.put_nowait(3)
    print("stolen", q.get_nowait())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    q.put_nowait(4)
    await asyncio.sleep(0)
    q.put_nowait(5)
    await asyncio.wait(tasks)
    print("size", q.qsize())


asyncio.run(main())
