# area: executor
# behaviour: A future that wraps a finished one is done a turn later, in its place among other calls.
import asyncio
import concurrent.futures


async def main():
    loop = asyncio.get_running_loop()
    source = concurrent.futures.Future()
    source.set_result(1)
    wrapped = asyncio.wrap_future(source)
    print("at once done=%d" % wrapped.done())
    loop.call_soon(lambda: print("call_soon: done=%d" % wrapped.done()))
    wrapped.add_done_callback(lambda f: print("callback"))
    await asyncio.sleep(0)
    print("a turn later done=%d" % wrapped.done())
    await asyncio.sleep(0)
    print("result %d" % wrapped.result())


asyncio.run(main())
