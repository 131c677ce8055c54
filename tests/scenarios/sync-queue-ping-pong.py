# Two queues of one item between two tasks: how many turns a round takes.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def echo(inp, out):
    while (n := await inp.get()) >= 0:
        await out.put(n + 1)
    print("echo ends")


async def main():
    a, b = asyncio.Queue(1), asyncio.Queue(1)
    task = asyncio.create_task(echo(a, b))
    start_ticks(9)
    n = 0
    for _ in range(4):
        await a.put(n)
        n = await b.get()
        print("main has", n)
    await a.put(-1)
    await a.put(-2)
    print("put behind the end, size", a.qsize())
    await task


asyncio.run(main())
