"""Contexts of callbacks and tasks, the runner, and the end of loops."""
import asyncio, contextvars, gc, signal, os
from support import logs


def yes(x):
    return 'yes' if x else 'no'


async def turns(n):
    for _ in range(n):
        await asyncio.sleep(0)


var = contextvars.ContextVar('var', default='default')
other = contextvars.ContextVar('other')


def see(label, *_):
    print(label, var.get())


async def contexts():
    loop = asyncio.get_running_loop()
    var.set('main')
    f = loop.create_future()
    f.add_done_callback(lambda f: see('added as main'))
    var.set('later')
    f.add_done_callback(lambda f: (see('added later'), var.set('in callback')))
    f.add_done_callback(lambda f: see('after one that sets'))
    async def finisher():
        var.set('finisher')
        f.set_result(1)
    await asyncio.create_task(finisher())
    await turns(1)
    see('main still')
    def cb():
        var.set('cb')
        loop.call_soon(see, 'nested')
    loop.call_soon(cb)
    await turns(3)
    see('main')
    ctx = contextvars.copy_context()
    async def add(text):
        var.set(var.get() + text)
        await turns(1)
        return var.get()
    a = asyncio.create_task(add('+a'), context=ctx)
    b = asyncio.create_task(add('+b'), context=ctx)
    print(await a, await b, ctx[var], var.get())
    loop.call_soon(see, 'in ctx', context=ctx)
    await turns(1)
    print('run', ctx.run(var.get))
    try:
        ctx.run(ctx.run, var.get)
    except RuntimeError as e:
        print('RuntimeError entered')
    async def in_ctx():
        try:
            ctx.run(var.get)
        except RuntimeError:
            print('RuntimeError in its own context')
        return asyncio.current_task().get_name()
    print(await asyncio.create_task(in_ctx(), name='named', context=ctx))
    t1 = var.set('one')
    t2 = var.set('two')
    var.reset(t1)
    see('reset out of order')
    var.reset(t2)
    see('reset back')
    try:
        var.reset(t1)
    except RuntimeError:
        print('RuntimeError used')
    t = other.set('x')
    print('missing', yes(t.old_value is contextvars.Token.MISSING))
    try:
        var.reset(t)
    except ValueError:
        print('ValueError of another variable')
    other.reset(t)
    try:
        other.get()
    except LookupError:
        print('LookupError')
    print('get with default', other.get('given'))
    async def foreign(t):
        try:
            other.reset(t)
        except ValueError:
            print('ValueError of another context')
    t = other.set('y')
    await asyncio.create_task(foreign(t))
    async def child():
        seen = var.get()
        var.set('child')
        return seen
    var.set('parent')
    print(*await asyncio.gather(child(), child()), var.get())
    print(await asyncio.shield(child()))
    async with asyncio.TaskGroup() as g:
        t = g.create_task(child())
        var.set('parent in group')
    print(t.result(), var.get())
    var.set('at call_later')
    loop.call_later(0.01, see, 'timer')
    var.set('at timer')
    await asyncio.sleep(0.02)


def runner():
    async def fail():
        raise ValueError('main')
    async def leftover(name, kind):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as e:
            print(name, 'cancelled', *e.args)
            if kind == 'fail':
                raise KeyError(name)
            if kind == 'swallow':
                await asyncio.sleep(0)
                print(name, 'goes on')
                return
            raise
    async def main(name, kind):
        keep.append(asyncio.create_task(leftover(name, kind), name=name))
        await asyncio.sleep(0)
        raise ValueError('main fails')
    keep = []
    for name, kind in (('l1', 'plain'), ('l2', 'fail'), ('l3', 'swallow')):
        try:
            asyncio.run(main(name, kind))
        except ValueError as e:
            print('ValueError', e)
    async def cancelled():
        raise asyncio.CancelledError('by hand')
    try:
        asyncio.run(cancelled())
    except asyncio.CancelledError as e:
        print('CancelledError', *e.args)
    async def stops():
        asyncio.get_running_loop().stop()
        await asyncio.sleep(60)
    try:
        asyncio.run(stops())
    except RuntimeError as e:
        print('RuntimeError', e)
    async def stops_at_end():
        asyncio.get_running_loop().stop()
        return 'value'
    try:
        print(asyncio.run(stops_at_end()))
    except RuntimeError as e:
        print('RuntimeError', e)
    async def leaves():
        asyncio.get_running_loop().call_soon(print, 'left handle')
        return 'ok'
    print(asyncio.run(leaves()))
    async def leaves_later():
        asyncio.get_running_loop().call_later(60, print, 'never')
        return 'ok'
    print(asyncio.run(leaves_later()))
    async def setv(x):
        other.set(x)
    async def getv():
        return other.get('unset')
    with asyncio.Runner() as r:
        r.run(setv('in run'))
        print(r.run(getv()), other.get('unset outside'))
        ctx = contextvars.copy_context()
        r.run(setv('in ctx'), context=ctx)
        print(r.run(getv()), ctx[other])
        try:
            r.run(fail())
        except ValueError:
            print('ValueError')
        print(r.run(getv()))
    c = getv()
    try:
        r.run(c)
    except RuntimeError as e:
        print('RuntimeError', e)
    c.close()
    r.close()
    print('closed again')
    r.close()
    async def interrupted(kind):
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as e:
            print('main cancelled', *e.args)
            if kind == 'value':
                return 'value in spite'
            if kind == 'error':
                raise ValueError('in spite')
            raise
    for kind in ('plain', 'value', 'error'):
        try:
            print(asyncio.run(interrupted(kind)))
        except BaseException as e:
            print(logs.err(e))
    print('handler back', yes(signal.getsignal(signal.SIGINT) is signal.default_int_handler))


def ends():
    async def pending():
        try:
            await asyncio.sleep(60)
        finally:
            print('cleanup')
    loop = asyncio.new_event_loop()
    f = loop.create_future()
    f.set_exception(ValueError())
    async def fail():
        raise ValueError()
    t = loop.create_task(fail(), name='t')
    loop.stop()
    loop.run_forever()
    loop.close()
    print('closed')
    del f
    gc.collect()
    print('-')
    del t
    gc.collect()
    print('--')
    loop = asyncio.new_event_loop()
    f = loop.create_future()
    g = loop.create_future()
    g.add_done_callback(print)
    loop.close()
    f.set_result(1)
    print('done without callbacks', yes(f.done()), f.result())
    try:
        g.set_result(1)
    except RuntimeError:
        pass
    print('done', yes(g.done()))
    loop = asyncio.new_event_loop()
    h = loop.create_future()
    loop.close()
    c = pending()
    try:
        loop.create_task(c)
    except RuntimeError as e:
        print('RuntimeError', e)
    c.close()
    loop = asyncio.new_event_loop()
    f = loop.create_future()
    loop.call_soon(f.cancel, 'words')
    try:
        loop.run_until_complete(f)
    except asyncio.CancelledError as e:
        print('CancelledError', *e.args)
    t = loop.create_task(fail())
    try:
        loop.run_until_complete(t)
    except ValueError:
        print('ValueError')
    del t
    gc.collect()
    try:
        loop.run_until_complete(fail())
    except ValueError:
        print('ValueError')
    gc.collect()
    loop.call_soon(loop.stop)
    t = loop.create_task(asyncio.sleep(60))
    try:
        loop.run_until_complete(t)
    except RuntimeError as e:
        print('RuntimeError', e)
    print('cancel', yes(t.cancel()))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    gc.collect()
    print('end')


logs.watch_logs()
print('== contexts')
asyncio.run(contexts())
print('== runner')
runner()
print('== ends')
ends()
