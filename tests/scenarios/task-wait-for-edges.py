"""wait_for and wait at their edges."""
import asyncio


async def work(name, ms=0, result=None):
    print(name, "begins")
    try:
        await asyncio.sleep(ms / 1000)
    except asyncio.CancelledError:
        print(name, "cancelled")
        raise
    return result or name


async def fails():
    raise ValueError("at once")


async def main():
    loop = asyncio.get_running_loop()

    # No time at all: a coroutine that never begins, a task that is done, one that fails.
    try:
        await asyncio.wait_for(work("never"), 0)
    except TimeoutError:
        print("TimeoutError")
    done = asyncio.create_task(work("done"))
    await done
    print(await asyncio.wait_for(done, 0))
    print(await asyncio.wait_for(done, -1))
    failed = asyncio.create_task(fails())
    await asyncio.wait([failed])
    try:
        await asyncio.wait_for(failed, 0)
    except ValueError as e:
        print("ValueError", e)
    running = asyncio.create_task(work("running", 60000))
    await asyncio.sleep(0)
    try:
        await asyncio.wait_for(running, 0)
    except TimeoutError:
        print("TimeoutError, cancelled", running.cancelled())

    # A task cancelled by somebody else while wait_for waits for it.
    victim = asyncio.create_task(work("victim", 60000))
    loop.call_later(0.01, victim.cancel)
    try:
        await asyncio.wait_for(victim, 60)
    except asyncio.CancelledError:
        print("CancelledError, own", asyncio.current_task().cancelling())

    # The work cancels itself by raising TimeoutError of its own.
    async def own_timeout():
        raise TimeoutError("its own")

    try:
        await asyncio.wait_for(own_timeout(), 60)
    except TimeoutError as e:
        print("TimeoutError", e)

    # wait: the same future twice counts once.
    f = loop.create_future()
    g = loop.create_future()
    loop.call_soon(f.set_result, None)
    d, p = await asyncio.wait([f, f, g], timeout=0.01)
    print("done", len(d), "pending", len(p))
    d, p = await asyncio.wait([f, g, f], return_when=asyncio.FIRST_COMPLETED)
    print("done", len(d), "pending", len(p))
    try:
        await asyncio.wait([f], return_when="SOMETIME")
    except ValueError:
        print("ValueError")
    d, p = await asyncio.wait([g], timeout=0)
    print("done", len(d), "pending", len(p))

    # FIRST_EXCEPTION: a cancelled member is no exception.
    a = loop.create_future()
    b = loop.create_future()
    loop.call_later(0.01, a.cancel)
    loop.call_later(0.02, b.set_exception, ValueError("b"))
    c = loop.create_future()
    d, p = await asyncio.wait([a, b, c], return_when=asyncio.FIRST_EXCEPTION)
    print("done", len(d), "pending", len(p), "b", type(b.exception()).__name__)
    g.cancel()
    c.cancel()


asyncio.run(main())
