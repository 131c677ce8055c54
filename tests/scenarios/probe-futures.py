"""Futures: callbacks of callbacks, cancels, reports."""
import asyncio, gc
from support import logs


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


def b(x):
    return 'yes' if x else 'no'


async def callbacks():
    loop = asyncio.get_running_loop()
    f = loop.create_future()
    def rm(fut):
        print('rm runs', fut.remove_done_callback(late))
    def late(fut):
        print('late runs')
    f.add_done_callback(late)
    f.add_done_callback(rm)
    f.add_done_callback(late)
    print('removed early', f.remove_done_callback(late))
    f.add_done_callback(late)
    f.set_result(1)
    print('removed after', f.remove_done_callback(late))
    await turns(1)
    f = loop.create_future()
    f.add_done_callback(late)
    f.add_done_callback(late)
    f.cancel()
    await turns(1)
    def bad(fut):
        print('bad')
        raise ValueError('bad')
    f.add_done_callback(bad)
    f.add_done_callback(late)
    await turns(1)
    a = loop.create_future()
    c = loop.create_future()
    a.add_done_callback(lambda _: c.set_result(2))
    c.add_done_callback(lambda _: print('c done'))
    loop.call_soon(print, 'tick 0')
    a.set_result(1)
    loop.call_soon(print, 'tick 1')
    await turns(1)
    print('c is', b(c.done()))
    await turns(1)
    print('turn')


async def cancels():
    loop = asyncio.get_running_loop()
    f = loop.create_future()
    print('cancel', b(f.cancel('one')), b(f.cancel('two')))
    try:
        await f
    except asyncio.CancelledError as e:
        print('message', *e.args)
    try:
        f.result()
    except asyncio.CancelledError as e:
        print('again', *e.args)
    for fn in (lambda: f.set_result(1), lambda: f.set_exception(ValueError())):
        try:
            fn()
        except asyncio.InvalidStateError as e:
            print('InvalidStateError')
    try:
        print(f.exception())
    except asyncio.CancelledError as e:
        print('exception() CancelledError')
    g = loop.create_future()
    for fn in (g.result, g.exception):
        try:
            fn()
        except asyncio.InvalidStateError as e:
            print('InvalidStateError')
    async def w(n):
        try:
            await g
        except asyncio.CancelledError as e:
            print(n, 'cancelled, own', asyncio.current_task().cancelling(), *(e.args or ['none']))
            raise
    t1 = asyncio.create_task(w('w1'))
    t2 = asyncio.create_task(w('w2'))
    await turns(1)
    t1.cancel('stop w1')
    print('g cancelled at once', b(g.cancelled()))
    r = await asyncio.gather(t1, t2, return_exceptions=True)
    print(*[logs.err(x) for x in r], b(t2.cancelled()))
    h = loop.create_future()
    async def w3():
        try:
            await h
        except asyncio.CancelledError as e:
            print('w3', *(e.args or ['none']), asyncio.current_task().cancelling())
        await asyncio.sleep(0)
        print('w3 went on')
    t = asyncio.create_task(w3())
    await turns(1)
    h.cancel('of future')
    print('task cancel', b(t.cancel('of task')))
    try:
        await t
    except asyncio.CancelledError as e:
        print('t cancelled', *(e.args or ['none']))
    h = loop.create_future()
    async def w4():
        try:
            print('w4 got', await h)
        except asyncio.CancelledError as e:
            print('w4', *e.args, h.result())
    t = asyncio.create_task(w4())
    await turns(1)
    h.set_result('value')
    t.cancel('late')
    await t
    h = loop.create_future()
    async def w5():
        try:
            await h
        except asyncio.CancelledError as e:
            print('w5 cancelled')
    t = asyncio.create_task(w5())
    await turns(1)
    h.set_exception(ValueError('lost'))
    t.cancel()
    await t
    del h, t
    gc.collect()
    print('end')


async def reports():
    loop = asyncio.get_running_loop()
    f = loop.create_future()
    f.set_exception(ValueError('a'))
    f.add_done_callback(lambda f: print('callback does not retrieve'))
    await turns(1)
    del f
    gc.collect()
    print('-')
    f = loop.create_future()
    f.set_exception(ValueError('a'))
    f.exception()
    del f
    gc.collect()
    print('- exception() retrieves')
    f = loop.create_future()
    f.set_exception(ValueError('a'))
    try:
        f.result()
    except ValueError as e:
        print('result', e)
    del f
    gc.collect()
    print('- result() retrieves')
    f = loop.create_future()
    f.set_exception(ValueError('a'))
    await asyncio.wait([f])
    del f
    gc.collect()
    print('- wait does not retrieve')
    f = loop.create_future()
    f.set_exception(ValueError('twice'))
    for _ in range(2):
        try:
            await f
        except ValueError as e:
            print('raised', e)
    del f
    gc.collect()
    f = loop.create_future()
    f.set_exception(ValueError('a'))
    s = asyncio.shield(f)
    print('shield is f', s is f)
    try:
        await s
    except ValueError:
        print('shielded')
    del s, f
    gc.collect()
    print('- shield retrieves')
    f = loop.create_future()
    s = asyncio.shield(f)
    s.cancel()
    await turns(1)
    f.set_exception(ValueError('after outer'))
    await turns(1)
    del s, f
    gc.collect()
    print('- shield: outer cancelled first')
    f = loop.create_future()
    g = asyncio.gather(f)
    g.cancel()
    try:
        await g
    except asyncio.CancelledError:
        print('gather cancelled', b(f.cancelled()))
    del f, g
    gc.collect()
    f = loop.create_future()
    g = asyncio.gather(f)
    f.set_exception(ValueError('in gather'))
    await turns(2)
    del f
    gc.collect()
    print("- child's is retrieved")
    del g
    gc.collect()
    print("- gather's is not")
    f = loop.create_future()
    g = asyncio.gather(f, return_exceptions=True)
    f.set_exception(ValueError('in gather'))
    await turns(2)
    del f, g
    gc.collect()
    print('- return_exceptions: nothing')
    f = loop.create_future()
    async def failing():
        try:
            await f
        except asyncio.CancelledError:
            raise ValueError('in cleanup')
    try:
        await asyncio.wait_for(failing(), 0.01)
    except Exception as e:
        print(logs.err(e), e)
    gc.collect()


async def main():
    for f in (callbacks, cancels, reports):
        print('==', f.__name__)
        await f()


logs.watch_logs()
asyncio.run(main())
