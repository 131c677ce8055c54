# A reset while others come and go, an abort in the middle of a round, a wait on the broken barrier.
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
    start_ticks(14)
    reset = asyncio.create_task(barrier.reset())
    tasks += [asyncio.create_task(party(n, barrier)) for n in "cd"]
    await reset
    show(barrier)
    for _ in range(5):
        await asyncio.sleep(0)
    show(barrier)
    await barrier.abort()
    show(barrier)
    tasks.append(asyncio.create_task(party("e", barrier)))
    await asyncio.wait(tasks)
    show(barrier)
    await barrier.reset()
    show(barrier)
    tasks = [asyncio.create_task(party(n, barrier)) for n in "xyz"]
    await asyncio.wait(tasks)


asyncio.run(main())
