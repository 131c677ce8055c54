# A priority queue decides at the moment of taking, not of waking; and waits when it is full.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def consumer(name, q):
    prio, text = await q.get()
    print(name, "got", prio, text)


async def producer(prio, text, q):
    await q.put((prio, text))
    print("put", prio, text, "size", q.qsize())


async def main():
    q = asyncio.PriorityQueue(3)
    tasks = [asyncio.create_task(consumer(n, q)) for n in "abc"]
    await asyncio.sleep(0)
    start_ticks(3)
    q.put_nowait((5, "five"))
    q.put_nowait((1, "one"))
    q.put_nowait((3, "three"))
    print("full=%d" % q.full())
    tasks += [asyncio.create_task(producer(p, t, q)) for p, t in ((4, "four"), (0, "zero"), (2, "two"))]
    await asyncio.wait(tasks)
    while not q.empty():
        print(*q.get_nowait())


asyncio.run(main())
