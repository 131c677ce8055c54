# Two conditions over one lock: a bounded buffer with producers and consumers.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


class Buffer:
    def __init__(self):
        self.lock = asyncio.Lock()
        self.not_empty = asyncio.Condition(self.lock)
        self.not_full = asyncio.Condition(self.lock)
        self.items = []


async def producer(name, b, n):
    for i in range(n):
        async with b.lock:
            await b.not_full.wait_for(lambda: len(b.items) < 2)
            b.items.append((name, i))
            print(name, "put", i, "size", len(b.items))
            b.not_empty.notify()


async def consumer(name, b, n):
    for _ in range(n):
        async with b.not_empty:
            await b.not_empty.wait_for(lambda: b.items)
            who, i = b.items.pop(0)
            print(name, "got", who, i)
            b.not_full.notify()


async def main():
    b = Buffer()
    start_ticks(7)
    await asyncio.gather(consumer("c1", b, 3), producer("p1", b, 3), producer("p2", b, 3),
                         consumer("c2", b, 3))
    print("left", len(b.items), "locked=%d" % b.lock.locked())


asyncio.run(main())
