/*
 * The loop's side of being watched: see watch.h. Slow paths only.
 *
 * The bits of attention are written by the watcher and by the loop, so each change
 * is atomic; they carry no data. What a bit is about is under the watcher's lock.
 *
 * Thread: the loop's, but for asking and clearing.
 */

#include "loop/watch.h"

#include "loop/loop.h"

void wf_loop_ask_attention(weft_loop *loop, unsigned bits)
{
    (void)__atomic_fetch_or(&loop->attention, (uint8_t)bits, __ATOMIC_RELAXED);
}

void wf_loop_clear_attention(weft_loop *loop, unsigned bits)
{
    (void)__atomic_fetch_and(&loop->attention, (uint8_t)~bits, __ATOMIC_RELAXED);
}

void wf_loop_attend(weft_loop *loop)
{
    unsigned asked = wf_loop_get_attention(loop);

    if ((asked & WF_ATTENTION_BELL) != 0) {
        wf_loop_clear_attention(loop, WF_ATTENTION_BELL);
        wf_loop_watcher.ring();
    }
    if ((asked & WF_ATTENTION_WORK) != 0) {
        wf_loop_clear_attention(loop, WF_ATTENTION_WORK);
        wf_loop_watcher.note_end(loop, WF_ATTENTION_WORK);
    }
}

void wf_loop_attend_end(weft_loop *loop)
{
    unsigned asked = wf_loop_get_attention(loop);

    if ((asked & WF_ATTENTION_WORK) != 0) {
        wf_loop_clear_attention(loop, WF_ATTENTION_WORK);
        wf_loop_watcher.note_end(loop, WF_ATTENTION_WORK);
    }
    if ((asked & WF_ATTENTION_TURN) != 0) {
        wf_loop_clear_attention(loop, WF_ATTENTION_TURN);
        wf_loop_watcher.note_end(loop, WF_ATTENTION_TURN);
    }
}

void wf_loop_offer(weft_loop *loop)
{
    loop->watch.offered_on = loop->owner_tid;
    if (loop->debug != WEFT_DEBUG_OFF && !loop->poller.is_virtual) {
        wf_loop_watcher.begin(loop);
    }
}
