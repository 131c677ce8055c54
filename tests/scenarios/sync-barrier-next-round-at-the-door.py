# More tasks than parties: the next round waits before the door until the last one has left.
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
    barrier = asyncio.Barrier(2)
    start_ticks(14)
    tasks = [asyncio.create_task(party(n, barrier)) for n in "abcdefg"]
    for _ in range(16):
        await asyncio.sleep(0)
    show(barrier)
    tasks[6].cancel()
    await asyncio.wait(tasks)
    show(barrier)


asyncio.run(main())
