"""The message of a cancel: who gets to see it, and how often."""
import asyncio


def text(e):
    return e.args[0] if e.args and e.args[0] else "none"


async def see(label, aw):
    try:
        await aw
        print(label, "no error")
    except asyncio.CancelledError as e:
        print(label, text(e))


async def sleeper():
    await asyncio.sleep(60)


async def main():
    # Two awaits of one cancelled task.
    t = asyncio.create_task(sleeper())
    await asyncio.sleep(0)
    t.cancel("first")
    await see("await", t)
    await see("await again", t)

    # A later cancel before the delivery replaces the message.
    t = asyncio.create_task(sleeper())
    await asyncio.sleep(0)
    t.cancel("one")
    t.cancel("two")
    await see("replaced", t)

    # A plain future.
    f = asyncio.get_running_loop().create_future()
    f.cancel("plain")
    await see("future", f)
    await see("future again", f)

    # Through gather: the child's message comes out.
    t = asyncio.create_task(sleeper())
    g = asyncio.gather(t, asyncio.sleep(0))
    await asyncio.sleep(0)
    t.cancel("child")
    await see("gather child", g)

    # The whole gather is cancelled.
    g = asyncio.gather(sleeper(), sleeper())
    await asyncio.sleep(0)
    g.cancel("all")
    await see("gather all", g)

    # The members of a gather that collects errors.
    t = asyncio.create_task(sleeper())
    g = asyncio.gather(t, return_exceptions=True)
    await asyncio.sleep(0)
    t.cancel("kept")
    print("collected", text((await g)[0]))

    # Through wait_for and shield.
    async def waits():
        await asyncio.wait_for(sleeper(), 50)

    t = asyncio.create_task(waits())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    t.cancel("through wait_for")
    await see("wait_for", t)

    async def shields(inner):
        await asyncio.shield(inner)

    inner = asyncio.create_task(sleeper())
    t = asyncio.create_task(shields(inner))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    t.cancel("outer")
    await see("shield outer", t)
    s = asyncio.shield(inner)
    inner.cancel("inner")
    await see("shield inner", s)

    # Through a task group, from outside.
    async def group():
        async with asyncio.TaskGroup() as tg:
            tg.create_task(sleeper())
            await asyncio.sleep(60)

    t = asyncio.create_task(group())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    t.cancel("group body")
    await see("group body", t)

    async def group_exit():
        async with asyncio.TaskGroup() as tg:
            tg.create_task(sleeper())

    t = asyncio.create_task(group_exit())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    t.cancel("group exit")
    t.cancel("group exit again")
    await see("group exit", t)

    # Before the first step.
    t = asyncio.create_task(sleeper())
    t.cancel("unborn")
    await see("unborn", t)


asyncio.run(main())
