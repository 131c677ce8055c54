"""Task groups at their edges."""
import asyncio


def kind(e):
    if isinstance(e, BaseExceptionGroup):
        return "ExceptionGroup[%s]" % ",".join(kind(x) for x in e.exceptions)
    return type(e).__name__


async def fails(name, ms=0):
    await asyncio.sleep(ms / 1000)
    raise ValueError(name)


async def sleeps(name):
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print(name, "cancelled")
        raise


async def main():
    me = asyncio.current_task()

    # A task that is added after the abort is refused.
    try:
        async with asyncio.TaskGroup() as g:
            g.create_task(fails("first"))
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                c = sleeps("refused")
                try:
                    g.create_task(c)
                except RuntimeError:
                    print("RuntimeError")
                    c.close()
                raise
    except BaseException as e:
        print(kind(e), me.cancelling())

    # The body swallows the group's cancel and fails on its own.
    try:
        async with asyncio.TaskGroup() as g:
            g.create_task(fails("child"))
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                pass
            await asyncio.sleep(0)
            raise KeyError("body")
    except BaseException as e:
        print(kind(e), me.cancelling())

    # The body swallows it and returns.
    try:
        async with asyncio.TaskGroup() as g:
            g.create_task(fails("child"))
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                print("swallowed")
    except BaseException as e:
        print(kind(e), me.cancelling())

    # A child cancels another child, which is nobody's error.
    async with asyncio.TaskGroup() as g:
        victim = g.create_task(sleeps("victim"))

        async def killer():
            await asyncio.sleep(0)
            victim.cancel()

        g.create_task(killer())
    print("over", victim.cancelled())

    # A child that answers the abort with an error: all of them, in the order of failing.
    async def stubborn(name):
        try:
            await asyncio.sleep(60)
        finally:
            raise KeyError(name)

    try:
        async with asyncio.TaskGroup() as g:
            g.create_task(stubborn("a"))
            g.create_task(fails("b", 10))
    except BaseException as e:
        print(kind(e))

    # A group in a child of a group: the inner group's error travels as one.
    async def nested():
        async with asyncio.TaskGroup() as inner:
            inner.create_task(fails("deep"))
            inner.create_task(sleeps("sibling"))

    try:
        async with asyncio.TaskGroup() as g:
            g.create_task(nested())
            g.create_task(sleeps("outer sibling"))
    except BaseException as e:
        print(kind(e))

    # A time limit around a group: its children go, and the limit is a TimeoutError.
    try:
        async with asyncio.timeout(0.01):
            async with asyncio.TaskGroup() as g:
                g.create_task(sleeps("limited"))
    except TimeoutError:
        print("TimeoutError")

    # A time limit inside the body of a group.
    async with asyncio.TaskGroup() as g:
        t = g.create_task(asyncio.sleep(0.02, "still there"))
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            print("inside")
    print(t.result())

    # The parent is cancelled in the body, and a child fails while it cleans up.
    async def parent():
        async with asyncio.TaskGroup() as g:
            g.create_task(stubborn("cleanup"))
            await asyncio.sleep(60)

    p = asyncio.create_task(parent())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    p.cancel()
    try:
        await p
    except BaseException as e:
        print(kind(e))

    # A cancel of the parent that it swallows inside the body leaves the group alone.
    async def calm():
        async with asyncio.TaskGroup() as g:
            t = g.create_task(asyncio.sleep(0.01, "child"))
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                asyncio.current_task().uncancel()
        return t.result()

    p = asyncio.create_task(calm())
    await asyncio.sleep(0)
    p.cancel()
    print(await p)


asyncio.run(main())
