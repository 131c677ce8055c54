# Who joins comes through when the count was zero once, also when items came since.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def joiner(name, q):
    await q.join()
    print(name, "joined, size", q.qsize())


async def main():
    q = asyncio.Queue()
    for i in range(2):
        q.put_nowait(i)
    tasks = [asyncio.create_task(joiner(n, q)) for n in "ab"]
    await asyncio.sleep(0)
    start_ticks(5)
    for i in range(2):
        q.get_nowait()
    q.task_done()
    await asyncio.sleep(0)
    print("a done=%d" % tasks[0].done())
    q.task_done()
    q.put_nowait(3)
    tasks.append(asyncio.create_task(joiner("c", q)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("done", *["%d" % t.done() for t in tasks])
    print("got", q.get_nowait())
    tasks[2].cancel()
    q.task_done()
    await asyncio.wait(tasks)
    print("cancelled", *["%d" % t.cancelled() for t in tasks])


asyncio.run(main())
