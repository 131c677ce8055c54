"""Done callbacks that add, remove and cancel."""
import asyncio


async def sleeper(name):
    try:
        await asyncio.sleep(60)
    finally:
        print(name, "is cancelled")


async def main():
    loop = asyncio.get_running_loop()

    # A callback that adds a callback to the same future.
    f = loop.create_future()

    def second(fut):
        print("second")

    def first(fut):
        print("first")
        fut.add_done_callback(second)
        print("added")

    f.add_done_callback(first)
    f.add_done_callback(lambda fut: print("third"))
    f.set_result(None)
    await asyncio.sleep(0)
    print("a turn later")
    await asyncio.sleep(0)

    # A callback that cancels another task, and the one that waits for it.
    victim = asyncio.create_task(sleeper("victim"))
    f = loop.create_future()
    f.add_done_callback(lambda fut: print("cancel says", victim.cancel()))
    await asyncio.sleep(0)
    f.set_result(None)
    try:
        await victim
    except asyncio.CancelledError:
        print("main sees it, own cancelling=%d" % asyncio.current_task().cancelling())

    # A callback that cancels a task which is done, and one that is to run.
    done = asyncio.create_task(asyncio.sleep(0, "value"))
    await done
    unborn = asyncio.create_task(sleeper("unborn"))
    print("done", done.cancel(), done.result())
    print("unborn", unborn.cancel())
    await asyncio.wait([unborn])
    print("unborn cancelled", unborn.cancelled())

    # The callback of a cancelled future, and removing a callback from within another.
    f = loop.create_future()

    def never(fut):
        print("never")

    def remover(fut):
        print("removed", fut.remove_done_callback(never))

    f.add_done_callback(remover)
    f.add_done_callback(never)
    f.add_done_callback(never)
    print("removed", f.remove_done_callback(never))
    f.add_done_callback(lambda fut: print("cancelled", fut.cancelled()))
    f.cancel()
    await asyncio.sleep(0)

    # A task's callback cancels the task that awaits it, before that resumes.
    async def child():
        return "from child"

    async def parent():
        c = asyncio.create_task(child())
        me = asyncio.current_task()
        c.add_done_callback(lambda fut: print("cancelling parent", me.cancel()))
        try:
            print("parent got", await c)
        except asyncio.CancelledError:
            print("parent cancelled, child", c.result())
            raise

    p = asyncio.create_task(parent())
    await asyncio.wait([p])
    print("parent", p.cancelled())


asyncio.run(main())
