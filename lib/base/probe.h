#ifndef WF_BASE_PROBE_H
#define WF_BASE_PROBE_H

/*
 * Probes: places where a tracer may listen (USDT, of the provider "weft").
 *
 *     WF_PROBE2(task_start, task, task->number);
 *
 * A probe is one nop in the code and a note beside it that says where the arguments
 * are at that place; nothing is computed or called, and a tracer that is not there
 * costs the nop. So an argument is what the code has at hand anyway: a pointer, a
 * number, a field. docs/tracing.md names every probe with its arguments, and
 * tools/check-probes compares the two.
 *
 * Without <sys/sdt.h> (WF_USDT is not defined) nothing remains of them.
 */

#ifdef WF_USDT
#include <sys/sdt.h>
#define WF_PROBE2(name, a, b)          DTRACE_PROBE2(weft, name, a, b)
#define WF_PROBE3(name, a, b, c)       DTRACE_PROBE3(weft, name, a, b, c)
#define WF_PROBE4(name, a, b, c, d)    DTRACE_PROBE4(weft, name, a, b, c, d)
#define WF_PROBE5(name, a, b, c, d, e) DTRACE_PROBE5(weft, name, a, b, c, d, e)
#else
#define WF_PROBE2(name, a, b)          ((void)sizeof(a), (void)sizeof(b))
#define WF_PROBE3(name, a, b, c)       (WF_PROBE2(name, a, b), (void)sizeof(c))
#define WF_PROBE4(name, a, b, c, d)    (WF_PROBE3(name, a, b, c), (void)sizeof(d))
#define WF_PROBE5(name, a, b, c, d, e) (WF_PROBE4(name, a, b, c, d), (void)sizeof(e))
#endif

#endif
