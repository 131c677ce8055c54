"""Context variables through tasks, callbacks, groups, gather, wait_for and threads."""
import asyncio
import contextvars

var = contextvars.ContextVar("var", default="default")
other = contextvars.ContextVar("other")


async def child(name):
    print(name, "sees", var.get())
    var.set(name)
    await asyncio.sleep(0)
    print(name, "keeps", var.get())


def tell(label):
    print(label, "sees", var.get())
    var.set(label)


async def main():
    loop = asyncio.get_running_loop()

    # Nothing set: the default, and an error without one.
    print(var.get(), other.get("fallback"))
    try:
        other.get()
    except LookupError:
        print("LookupError")

    # Children of a group and of a gather have copies of their own.
    var.set("main")
    async with asyncio.TaskGroup() as g:
        g.create_task(child("g1"))
        g.create_task(child("g2"))
    await asyncio.gather(child("c1"), child("c2"))
    print("main keeps", var.get())

    # A shield and a task share nothing; a plain await shares all.
    await asyncio.shield(child("shielded"))
    await child("awaited")
    print("after the await", var.get())

    # Callbacks: each in its own copy, taken when it was added.
    var.set("before")
    loop.call_soon(tell, "soon 1")
    loop.call_soon(tell, "soon 2")
    loop.call_soon_threadsafe(tell, "threadsafe")
    f = loop.create_future()
    f.add_done_callback(lambda fut: tell("done"))
    var.set("after")
    f.set_result(None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("main has", var.get())

    # One context for several callbacks and a task: they share it.
    ctx = contextvars.copy_context()
    loop.call_soon(tell, "shared 1", context=ctx)
    loop.call_later(0.01, tell, "shared 2", context=ctx)
    t = asyncio.create_task(child("shared task"), context=ctx)
    await asyncio.sleep(0.02)
    await t
    print("ctx", ctx[var], "main", var.get())

    # A group's task in a context of its own.
    async with asyncio.TaskGroup() as g:
        g.create_task(child("in ctx"), context=ctx)
    print("ctx", ctx[var])

    # run: sets stay inside, and it is not entered twice.
    def inside():
        var.set("inside")
        other.set("only here")
        try:
            ctx.run(inside)
        except RuntimeError:
            print("RuntimeError")
        return len(ctx)

    print("run", ctx.run(inside), ctx[var], ctx.get(other), var.get())
    print("copy", len(ctx.copy()), other in contextvars.copy_context())

    # A token of another context.
    token = ctx.run(var.set, "again")
    try:
        var.reset(token)
    except ValueError:
        print("ValueError")
    ctx.run(var.reset, token)
    print("reset", ctx[var], token.old_value)

    # run_in_executor carries nothing, to_thread all, and nothing comes back.
    var.set("to thread")

    def in_thread():
        seen = var.get()
        var.set("thread's own")
        return seen

    print("run_in_executor", await loop.run_in_executor(None, in_thread))
    print("to_thread", await asyncio.to_thread(in_thread), var.get())

    # Coroutines from a thread see what the thread has.
    async def report():
        return var.get()

    def submit():
        var.set("from the thread")
        return asyncio.run_coroutine_threadsafe(report(), loop).result()

    print("threadsafe", await loop.run_in_executor(None, submit))


asyncio.run(main())
