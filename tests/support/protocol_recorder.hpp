#ifndef WEFT_TESTS_SUPPORT_PROTOCOL_RECORDER_HPP
#define WEFT_TESTS_SUPPORT_PROTOCOL_RECORDER_HPP

/*
 * A callback protocol that keeps what it was told, with hooks for what it does
 * then; and a transport with the plain other end of its socket pair.
 *
 * Hooks run inside callbacks: nothing is asserted there.
 */

#include "support/io_world.hpp"
#include "weft/transport.h"

#include <vector>

struct recorder {
    std::vector<std::string> events;
    weft_transport *transport = nullptr; /* ref while <keeps> */
    int lost_code = 1;
    bool keeps = true;
    int n_released = 0;
    size_t n_bytes = 0;
    size_t largest = 0;
    bool joins_data = false;  /* one event for data that comes in a row */
    std::vector<char> buffer; /* of the buffered form */

    using hook = std::function<int(weft_transport *)>;
    hook on_made, on_lost, on_data, on_eof, on_pause, on_resume, on_get_buffer;

    ~recorder()
    {
        drop();
    }
    void drop()
    {
        transport = weft_transport_unref(transport);
    }
    int note(const std::string &event, const hook &then, weft_transport *t)
    {
        events.push_back(event);
        return then ? then(t) : 0;
    }
    std::string text() const
    {
        std::string all;
        for (const std::string &event : events) {
            all += all.empty() ? event : " " + event;
        }
        return all;
    }

    static recorder *of(void *data)
    {
        return static_cast<recorder *>(data);
    }
    static int made(weft_transport *t, void *data)
    {
        recorder *self = of(data);
        if (self->keeps) {
            self->transport = weft_transport_ref(t);
        }
        return self->note("made", self->on_made, t);
    }
    static int lost(weft_transport *t, int code, void *data)
    {
        recorder *self = of(data);
        self->lost_code = code;
        return self->note(code == 0 ? "lost" : std::string("lost:") + weft_error_name(code),
                          self->on_lost, t);
    }
    int got(weft_transport *t, const char *bytes, size_t n)
    {
        n_bytes += n;
        largest = n > largest ? n : largest;
        if (joins_data) {
            if (events.empty() || events.back() != "data") {
                events.push_back("data");
            }
            return on_data ? on_data(t) : 0;
        }
        return note("data:" + std::string(bytes, n), on_data, t);
    }
    static int data(weft_transport *t, const void *bytes, size_t n, void *data)
    {
        return of(data)->got(t, static_cast<const char *>(bytes), n);
    }
    static int eof(weft_transport *t, void *data)
    {
        return of(data)->note("eof", of(data)->on_eof, t);
    }
    static int pause(weft_transport *t, void *data)
    {
        return of(data)->note("pause", of(data)->on_pause, t);
    }
    static int resume(weft_transport *t, void *data)
    {
        return of(data)->note("resume", of(data)->on_resume, t);
    }
    static int get_buffer(weft_transport *t, size_t, void **out_buffer, size_t *out_size,
                          void *data)
    {
        recorder *self = of(data);
        int code = self->on_get_buffer ? self->on_get_buffer(t) : 0;
        *out_buffer = self->buffer.data();
        *out_size = self->buffer.size();
        return code;
    }
    static int buffer_updated(weft_transport *t, size_t n, void *data)
    {
        return of(data)->got(t, of(data)->buffer.data(), n);
    }
    static void released(void *data)
    {
        of(data)->n_released++;
    }

    static weft_protocol protocol()
    {
        weft_protocol p = {};
        p.size = sizeof p;
        p.connection_made = made;
        p.connection_lost = lost;
        p.data_received = data;
        p.eof_received = eof;
        p.pause_writing = pause;
        p.resume_writing = resume;
        p.release = released;
        return p;
    }
    static weft_protocol buffered()
    {
        weft_protocol p = protocol();
        p.get_buffer = get_buffer;
        p.buffer_updated = buffer_updated;
        return p;
    }

    /* The factory; <arg> is the recorder. */
    static int make(const weft_protocol **out_protocol, void **out_data, void *arg)
    {
        static const weft_protocol plain = protocol();
        *out_protocol = &plain;
        *out_data = arg;
        return 0;
    }
    static int make_buffered(const weft_protocol **out_protocol, void **out_data, void *arg)
    {
        static const weft_protocol all = buffered();
        *out_protocol = &all;
        *out_data = arg;
        return 0;
    }
};

/* A transport of <recorder> on a unix socket pair. Made in a task. */
struct transport_pair {
    weft_transport *transport = nullptr; /* ref */
    int peer = -1;
    int code = 0;

    explicit transport_pair(recorder &who, weft_protocol_factory_fn *factory = recorder::make,
                            int send_buffer = 0)
    {
        int ends[2];
        code = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
        if (code == 0) {
            peer = ends[1];
            fcntl(peer, F_SETFL, O_NONBLOCK);
            if (send_buffer != 0) {
                setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
            }
            code = weft_loop_create_connection_fd(nullptr, factory, &who, ends[0], nullptr,
                                                  &transport);
            if (code < 0 && fcntl(ends[0], F_GETFD) >= 0) {
                ::close(ends[0]);
            }
        }
    }
    ~transport_pair()
    {
        weft_transport_unref(transport);
        hang_up();
    }
    transport_pair(const transport_pair &) = delete;
    transport_pair &operator=(const transport_pair &) = delete;

    void send(const std::string &text) const
    {
        ssize_t n = ::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
        (void)n;
    }
    /* What the other end has received. */
    std::string received() const
    {
        std::string all;
        char piece[4096]; /* a task's stack is small */
        ssize_t n;
        while ((n = ::read(peer, piece, sizeof piece)) > 0) {
            all.append(piece, static_cast<size_t>(n));
        }
        return all;
    }
    /* Whether the other end sees the end. */
    bool is_at_end() const
    {
        char byte;
        return ::read(peer, &byte, 1) == 0;
    }
    void hang_up()
    {
        if (peer >= 0) {
            ::close(peer);
            peer = -1;
        }
    }
};

#endif
