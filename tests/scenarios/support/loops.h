#ifndef WEFT_SCENARIO_LOOPS_H
#define WEFT_SCENARIO_LOOPS_H

/*
 * loops.h: loops that run scenarios, and callbacks that many of them need.
 *
 * Everything runs on a virtual clock, except where threads, sockets or signals
 * take part: those use the functions with "real" in their names.
 */

#include "weft/testing.h"
#include "weft/weft.h"

/** asyncio.run(main()) on a virtual clock; the exit status of the program. */
#define scenario_main(main_) run_scenario(WEFT_ORIGIN(#main_), (main_), 1)
/** The same on the real clock, for threads, sockets and signals. */
#define scenario_main_real(main_) run_scenario(WEFT_ORIGIN(#main_), (main_), 0)
int run_scenario(const weft_origin *origin, weft_coro_fn *main, int virtual_clock);

/** asyncio.run(main()) on a virtual clock, with its value. */
#define run_virtual(main_, out_value) run_virtual_at(WEFT_ORIGIN(#main_), (main_), (out_value))
int run_virtual_at(const weft_origin *origin, weft_coro_fn *main, weft_value *out_value);

/** asyncio.new_event_loop(), on a virtual clock. */
weft_loop *make_loop(void);
/** The same on the real clock. */
weft_loop *make_real_loop(void);
/** loop.close(), and the last reference goes. */
void end_loop(weft_loop *loop);
/** One turn: loop.stop(); loop.run_forever(). */
void run_one_turn(weft_loop *loop);

/* ---- callbacks ---- */

/** Print <text>: Python's call_soon(print, text). */
int say(void *text);
/** Stop the running loop. */
int stop_loop(void *unused);
/** Queue a stop of the running loop, so that one turn more runs. */
int stop_loop_next_turn(void *unused);
/** Cancel the task or future <data>. */
int cancel_it(void *data);
/** Finish the future <data> without a value. */
int open_gate(void *data);
/** Set the weft_event <data>. */
int set_event(void *data);

#endif
