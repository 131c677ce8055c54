# From CPython 3.13 on: a shutdown ends those who put, then those who get, and, at once, those who join.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def consumer(name, q):
    try:
        while True:
            print(name, "got", await q.get())
            await asyncio.sleep(0)
            q.task_done()
    except asyncio.QueueShutDown:
        print(name, "QueueShutDown")


async def producer(name, q, n):
    try:
        for i in range(n):
            await q.put(name + str(i))
            print("put", name + str(i))
    except asyncio.QueueShutDown:
        print(name, "QueueShutDown")


async def joiner(q):
    await q.join()
    print("joined")


async def run(immediate):
    print("immediate=%d" % immediate)
    q = asyncio.Queue(2)
    tasks = [asyncio.create_task(producer(n, q, 2)) for n in "pq"]
    tasks.append(asyncio.create_task(joiner(q)))
    await asyncio.sleep(0)
    start_ticks(6)
    q.shutdown(immediate)
    await asyncio.sleep(0)
    print("size", q.qsize())
    tasks += [asyncio.create_task(consumer(n, q)) for n in "cd"]
    await asyncio.wait(tasks)
    for name, call in (("put", lambda: q.put_nowait("x")), ("get", q.get_nowait)):
        try:
            call()
        except asyncio.QueueShutDown:
            print(name, "QueueShutDown")
    await q.join()
    waiting = asyncio.Queue()
    task = asyncio.create_task(consumer("e", waiting))
    await asyncio.sleep(0)
    waiting.shutdown()
    await task


async def main():
    await run(False)
    await run(True)


asyncio.run(main())
