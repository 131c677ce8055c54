"""Tasks that wait for each other."""
import asyncio


async def main():
    loop = asyncio.get_running_loop()

    # Itself, through a gather and through a shield: nothing ends until somebody cancels.
    async def through(make):
        me = asyncio.current_task()
        try:
            await make(me)
        except asyncio.CancelledError:
            print("cancelled")
            raise

    t = asyncio.create_task(through(lambda me: asyncio.shield(me)))
    await asyncio.sleep(0.01)
    print("pending", not t.done())
    t.cancel()
    await asyncio.wait([t])
    print("done", t.cancelled())

    # Itself, directly: an error that can be caught.
    async def direct():
        try:
            await asyncio.current_task()
        except RuntimeError:
            print("RuntimeError")
        await asyncio.sleep(0)
        return "goes on"

    print(await asyncio.create_task(direct()))

    # Three in a chain: the cancel runs down to the end and comes back up.
    async def link(name, nxt):
        try:
            await nxt
        except asyncio.CancelledError:
            print(name, "cancelled")
            raise
        finally:
            await asyncio.sleep(0)
            print(name, "ends")

    end = loop.create_future()
    a = asyncio.create_task(link("a", end))
    b = asyncio.create_task(link("b", a))
    c = asyncio.create_task(link("c", b))
    await asyncio.sleep(0)
    c.cancel()
    print("end cancelled", end.cancelled())
    await asyncio.wait([c])
    print(a.cancelled(), b.cancelled(), c.cancelled())
    print(a.cancelling(), b.cancelling(), c.cancelling())

    # The middle swallows: those above it go on.
    async def swallow(nxt):
        try:
            await nxt
        except asyncio.CancelledError:
            return "swallowed"

    end = loop.create_future()
    a = asyncio.create_task(link("a", end))
    b = asyncio.create_task(swallow(a))

    async def awaits():
        return await b

    c = asyncio.create_task(awaits())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    c.cancel()
    try:
        print("c got", await c)
    except asyncio.CancelledError:
        print("c cancelled")
    print("b", b.result())


asyncio.run(main())
