import asyncio
from tracelib import show


async def reader(r):
    for _ in range(3):
        print("reader got", show(await r.readline()))


async def ticker():
    for i in range(6):
        print("tick", i)
        await asyncio.sleep(0)


async def main():
    r = asyncio.StreamReader()
    tasks = [asyncio.create_task(reader(r)), asyncio.create_task(ticker())]
    await asyncio.sleep(0)
    r.feed_data(b"one\n")
    await asyncio.sleep(0)
    r.feed_data(b"two\nthr")
    await asyncio.sleep(0)
    r.feed_data(b"ee\n")
    await asyncio.wait(tasks)


asyncio.run(main())
