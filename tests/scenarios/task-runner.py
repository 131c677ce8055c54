"""The runner: its runs, its context, its end."""
import asyncio
import contextvars

var = contextvars.ContextVar("var", default="unset")


async def value(x):
    await asyncio.sleep(0)
    return x


async def fails():
    raise ValueError("in a run")


async def set_var(x):
    var.set(x)
    return await value(x)


async def get_var():
    return var.get()


async def leftover(name):
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print(name, "cancelled")
        await asyncio.sleep(0)
        print(name, "cleaned up")
        raise


async def leave(*names):
    for name in names:
        asyncio.create_task(leftover(name))
    await asyncio.sleep(0)
    return len(asyncio.all_tasks())


async def nested(runner):
    coro = value(1)
    try:
        runner.run(coro)
    except RuntimeError:
        print("RuntimeError")
        coro.close()
    return "outer goes on"


async def cancels_itself():
    asyncio.current_task().cancel()
    await asyncio.sleep(0)


# Values, errors and cancels of the runs; the loop outlives them.
runner = asyncio.Runner()
loop = runner.get_loop()
print("running", loop.is_running(), "closed", loop.is_closed())
print(runner.run(value("first")))
try:
    runner.run(fails())
except ValueError as e:
    print("ValueError", e)
try:
    runner.run(cancels_itself())
except asyncio.CancelledError:
    print("CancelledError")
print(runner.run(nested(runner)))
print("same loop", runner.get_loop() is loop)

# What a run sets the next one sees, the outside does not.
print(runner.run(set_var("by a run")), runner.run(get_var()), var.get())
print(runner.run(get_var(), context=contextvars.Context()))

# Leftovers go at the close, and only then.
print("tasks", runner.run(leave("a")))
print(runner.run(value("between")))
runner.close()
print("closed", loop.is_closed())
runner.close()
coro = value(1)
try:
    runner.run(coro)
except RuntimeError:
    print("RuntimeError")
    coro.close()
try:
    runner.get_loop()
except RuntimeError:
    print("RuntimeError")

# A close before any use leaves it usable.
runner = asyncio.Runner(debug=True)
runner.close()
print(runner.run(value("still usable")), runner.get_loop().get_debug())
runner.close()

# Two runners at once, one after the other.
one = asyncio.Runner()
two = asyncio.Runner()
print(one.run(value(1)), two.run(value(2)), one.run(value(3)), one.get_loop() is two.get_loop())
one.close()
print(two.run(value(4)))
two.close()
