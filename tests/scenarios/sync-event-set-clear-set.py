# Set, clear and set again in one turn: who waited comes once; who waits after the clear, at the second set.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def waiter(name, event, n):
    for i in range(n):
        await event.wait()
        print(name, "round", i, "set=%d" % event.is_set())


async def main():
    event = asyncio.Event()
    tasks = [asyncio.create_task(waiter("a", event, 2)), asyncio.create_task(waiter("b", event, 1))]
    await asyncio.sleep(0)
    start_ticks(6)
    event.set()
    event.clear()
    event.set()
    event.clear()
    await asyncio.sleep(0)
    print("a done=%d" % tasks[0].done())
    tasks.append(asyncio.create_task(waiter("c", event, 2)))
    await asyncio.sleep(0)
    tasks[0].cancel()
    event.set()
    event.clear()
    await asyncio.sleep(0)
    print("a done=%d cancelled=%d" % (tasks[0].done(), tasks[0].cancelled()))
    event.set()
    await asyncio.wait(tasks)


asyncio.run(main())
