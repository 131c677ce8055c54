"""gather and shield at their edges."""
import asyncio


async def work(name, turns=0, error=None):
    try:
        for _ in range(turns):
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        print(name, "cancelled")
        raise
    print(name, "ends")
    if error:
        raise error
    return name


def kind(x):
    return type(x).__name__ if isinstance(x, BaseException) else x


async def main():
    loop = asyncio.get_running_loop()

    # The same coroutine object twice is one task.
    c = work("twice")
    print(await asyncio.gather(c, c))

    # A gather in a gather: the cancel runs down, and the outer one ends after the inner.
    inner = asyncio.gather(work("x", 50), work("y", 50))
    outer = asyncio.gather(inner, work("z", 50))
    await asyncio.sleep(0)
    print("cancel", outer.cancel())
    try:
        await outer
    except asyncio.CancelledError:
        print("outer cancelled=%s inner cancelled=%s" % (outer.cancelled(), inner.cancelled()))

    # Cancelling one whose children are all done, but whose callbacks have not run.
    f = loop.create_future()
    g = asyncio.gather(f)
    f.set_result("value")
    print("cancel", g.cancel())
    print(await g)

    # An error first, a cancel of the gather afterwards: refused; the others go on.
    t = asyncio.create_task(work("late", 5))
    g = asyncio.gather(work("bad", 0, ValueError("bad")), t)
    try:
        await g
    except ValueError as e:
        print("ValueError", e, "cancel", g.cancel())
    print(await t)

    # A child that answers the cancel with an error, among others that obey.
    async def stubborn():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ValueError("in cleanup")

    g = asyncio.gather(stubborn(), work("obeys", 50))
    await asyncio.sleep(0)
    g.cancel()
    try:
        await g
    except BaseException as e:
        print("gather", kind(e), g.cancelled())
    await asyncio.sleep(0)

    # Errors as results, one of them a cancel.
    t = asyncio.create_task(work("t", 50))
    await asyncio.sleep(0)
    t.cancel()
    r = await asyncio.gather(work("v"), work("e", 1, ValueError("e")), t, return_exceptions=True)
    print([kind(x) for x in r])

    # A shield of what is done, cancelled or failed is the thing itself.
    for prepare in (lambda f: f.set_result("ok"), lambda f: f.cancel(),
                    lambda f: f.set_exception(ValueError("no"))):
        f = loop.create_future()
        prepare(f)
        s = asyncio.shield(f)
        try:
            print("shield", s is f, await s)
        except BaseException as e:
            print("shield", s is f, kind(e))

    # The inner of a shield is cancelled while the outer is awaited: so is the outer.
    t = asyncio.create_task(work("inner", 50))
    s = asyncio.shield(t)
    loop.call_soon(t.cancel)
    try:
        await s
    except asyncio.CancelledError:
        print("shield cancelled=%s own=%d" % (s.cancelled(), asyncio.current_task().cancelling()))

    # A shield of a shield of a task: cancelling the outermost stops there.
    t = asyncio.create_task(work("deep", 3))
    s1 = asyncio.shield(t)
    s2 = asyncio.shield(s1)
    await asyncio.sleep(0)
    s2.cancel()
    print("t", await t, "s1", s1.done(), "s2", s2.cancelled())

    # A result and a cancel of the shield in the same turn.
    f = loop.create_future()
    s = asyncio.shield(f)
    f.set_result("there")
    print("cancel", s.cancel())
    try:
        await s
    except asyncio.CancelledError:
        print("cancelled, inner", f.result())


asyncio.run(main())
