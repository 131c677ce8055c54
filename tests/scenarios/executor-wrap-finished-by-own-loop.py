# area: executor
# behaviour: A thread-side future that the loop itself finishes keeps its place among other calls.
import asyncio
import concurrent.futures


async def main():
    loop = asyncio.get_running_loop()
    first = concurrent.futures.Future()
    second = concurrent.futures.Future()
    a = asyncio.wrap_future(first)
    b = asyncio.wrap_future(second)
    a.add_done_callback(lambda f: print("a is done"))
    b.add_done_callback(lambda f: print("b is done"))
    loop.call_soon(print, "before")
    second.set_result(2)
    loop.call_soon(print, "between")
    first.set_result(1)
    loop.call_soon(print, "after")
    for i in range(3):
        await asyncio.sleep(0)
        print("turn %d: a=%d b=%d" % (i + 1, a.done(), b.done()))


asyncio.run(main())
