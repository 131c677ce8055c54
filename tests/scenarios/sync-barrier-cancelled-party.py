# A party that is cancelled does not count any more; the next one takes its index.
import asyncio


def ticks(n, i=1):
    print("tick", i)
    if i < n:
        asyncio.get_running_loop().call_soon(ticks, n, i + 1)


def start_ticks(n):
    asyncio.get_running_loop().call_soon(ticks, n)


async def party(name, barrier):
    try:
        index = await barrier.wait()
        print(name, "passes with", index)
    except asyncio.BrokenBarrierError as e:
        print(name, "BrokenBarrierError", e)
    except asyncio.CancelledError:
        print(name, "CancelledError")
        raise


def show(barrier):
    print("waiting %d broken=%d" % (barrier.n_waiting, barrier.broken))


async def main():
    barrier = asyncio.Barrier(3)
    tasks = [asyncio.create_task(party(n, barrier)) for n in "ab"]
    await asyncio.sleep(0)
    start_ticks(8)
    show(barrier)
    tasks[0].cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    show(barrier)
    tasks += [asyncio.create_task(party(n, barrier)) for n in "cd"]
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.wait(tasks, timeout=10)
    show(barrier)
    tasks.append(asyncio.create_task(party("e", barrier)))
    await asyncio.sleep(0)
    show(barrier)
    tasks[4].cancel()
    await asyncio.wait(tasks, timeout=10)
    show(barrier)
    print(*["%d" % t.done() for t in tasks])


asyncio.run(main())
