#ifndef WEFT_TESTS_INTEGRATION_MISUSE_HPP
#define WEFT_TESTS_INTEGRATION_MISUSE_HPP

/*
 * The cast of the misuse tables: one object of each kind, in use on one loop, and how
 * a row says what each function does with a wrong one.
 *
 *     ROW(function, kind, mode, code for NULL, call with x)
 *     BAD(function, code, call)
 *     FINE(function)
 *
 * A ROW is called with NULL, with memory that is no such object, on a wrong thread, in
 * a forked child and, by its mode, outside a task: test_misuse.cpp. A BAD is called in a
 * task of `c.loop`, with whatever of `c` (the cast) it wants; out<T>() is a pointer
 * to what no refused call may touch.
 */

#include <cstddef>
#include <cstdint>

#include "weft/testing.h"
#include "weft/weft.h"

struct cast {
    weft_loop *loop = nullptr;
    weft_handle *handle = nullptr;
    weft_future *future = nullptr; /* pending */
    weft_task *task = nullptr;     /* pending */
    weft_concurrent_future *concurrent = nullptr;
    weft_executor *executor = nullptr;
    weft_task_group *group = nullptr;
    weft_timeout *timeout = nullptr;
    weft_as_completed *iterator = nullptr;
    weft_lock *lock = nullptr;
    weft_event *event = nullptr;
    weft_condition *condition = nullptr;
    weft_semaphore *semaphore = nullptr;
    weft_barrier *barrier = nullptr;
    weft_queue *queue = nullptr;
    weft_server *server = nullptr;
    weft_stream *stream = nullptr;
    int peer = -1;                     /* its other end */
    weft_process *process = nullptr;   /* it runs */
    weft_runtime *runtime = nullptr;   /* always NULL: it exists in its own run only */
    const weft_error *error = nullptr; /* always NULL: errors carry no tag */
    weft_coro *coro = nullptr;
    weft_context *context = nullptr;
    weft_context_var *var = nullptr;
    weft_context_token *token = nullptr; /* always NULL: it exists between a set and its reset */
    weft_threadsafe_queue *threadsafe_queue = nullptr;
    weft_threadsafe_semaphore *threadsafe_semaphore = nullptr;
    weft_threadsafe_event *threadsafe_event = nullptr;
    weft_datagram_transport *datagram = nullptr;
    weft_transport *transport = nullptr;
    int transport_peer = -1;
    weft_file *file = nullptr;        /* always NULL: files have misuse tests of their own */
    weft_file_watch *watch = nullptr; /* the same */
    weft_process_executor *process_executor = nullptr; /* always NULL: it would start processes */
    weft_runner *runner = nullptr; /* always NULL: it is made where no loop runs */
    /* after their ends */
    weft_loop *closed_loop = nullptr;
    weft_future *done_future = nullptr;
    weft_executor *shut_executor = nullptr;
    weft_stream *closed_stream = nullptr;
};

/* How a function stands to threads, loops and tasks. */
enum class mode {
    loop,   /* the loop's thread; else WEFT_EWRONGTHREAD */
    task,   /* the same, and in a task; else WEFT_ERUNTIME or WEFT_ENOLOOP */
    getter, /* anything wrong gives the value that NULL gives */
    any,    /* any thread; in a forked child WEFT_EFORKED */
    plain,  /* needs no loop and no thread: only NULL is wrong */
    gone,   /* consumes the object: called with NULL and with alien memory only */
};

struct misuse_row {
    const char *function;
    mode how;
    int64_t null_code;
    void *(*pick)(const cast &c);
    int64_t (*call)(const cast &c, void *object);
};

struct misuse_bad {
    const char *function;
    const char *text;
    int64_t code;
    int64_t (*call)(const cast &c);
};

/* Any result as a number. */
template <typename T> int64_t as_number(T *pointer)
{
    return static_cast<int64_t>(reinterpret_cast<intptr_t>(pointer));
}
template <typename T> int64_t as_number(T number)
{
    return static_cast<int64_t>(number);
}

#define ROW(function, kind, how, null_code, ...)                           \
    {                                                                      \
#function, mode::how, as_number(null_code),                              \
      [](const cast &c) -> void * {                                            \
          return const_cast<void *>(static_cast<const void *>(c.kind));        \
      },                                                                       \
      [](const cast &c, void *object) -> int64_t {                                            \
          (void)c;                                                             \
          auto x = static_cast<decltype(cast::kind)>(object);                  \
          return as_number((__VA_ARGS__));                                     \
      } \
    }

#define BAD(function, code, ...)                                                      \
    {                                                                                 \
#function, #__VA_ARGS__, as_number(code), [](const cast &c) -> int64_t {            \
         (void)c;                                                                         \
         return as_number((__VA_ARGS__));                                                 \
     } \
    }

/* What out<T>() points to. */
extern unsigned char misuse_out[16384];

/* Takes nothing that can be wrong. */
#define FINE(function)                   \
    {                                    \
#function, #function, 0, nullptr \
    }

extern const misuse_row misuse_rows[];
extern const size_t n_misuse_rows;
extern const misuse_bad misuse_bads[];
extern const size_t n_misuse_bads;

#endif
