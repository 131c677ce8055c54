/*
 * Unwinding a stack that was copied, by libdw.
 *
 * libdw asks for the registers and for words of memory; it gets them from the
 * sample and from nowhere else. So a corrupt stack makes it stop, at the latest
 * when the frames are used up.
 *
 * Of a thread that is blocked in a system call pc and sp are known only, which is
 * enough for frames of fixed size. The first function that keeps a frame pointer
 * stops the unwinding; then the frame pointer is searched for: a word on the
 * stack that points further up it, followed by an address that comes after a call
 * instruction. If that call is one of the very function, also through its module's
 * table, it is certain; otherwise the frames that follow are marked as guessed.
 *
 * Thread: see session.h.
 */

#include "debug/session.h"
#include "inspect/stack_text.h"

#include <elf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <sys/uio.h>

#if defined(__x86_64__)
#define WF_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define WF_MACHINE EM_AARCH64
#endif

enum {
    CALLER_SIZE = 256, /* how far into a function a jump to the next is looked for */
    MAX_SEARCHES = 4   /* how often a frame pointer is searched for in one stack */
};

/* One unwinding, from some registers until it ends. */
struct walk {
    struct wf_debug_session *session;
    const struct wf_stack_sample *sample;
    struct wf_stack_text *text;
    struct wf_registers registers; /* where this walk begins */
    uint64_t last_pc;              /* of the last frame, as far as it is known */
    uint64_t last_sp;
    bool is_last_fp_known;
    bool is_guessed;
    bool is_first;    /* nothing was added yet by this walk */
    bool skips_first; /* the first frame was added by the walk before */
};

static struct walk *running_walk; /* for libdw's callbacks, which are attached for good */

static pid_t next_thread(Dwfl *dwfl, void *dwfl_arg, void **thread_arg)
{
    (void)dwfl;
    (void)dwfl_arg;
    (void)thread_arg;
    return 0;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *dwfl_arg, void **thread_arg)
{
    (void)dwfl;
    (void)tid;
    (void)dwfl_arg;
    *thread_arg = NULL;
    return true;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *out_word, void *dwfl_arg)
{
    uint64_t word;

    (void)dwfl;
    (void)dwfl_arg;
    if (!wf_stack_sample_read(running_walk->sample, address, &word)) {
        return false;
    }
    *out_word = word;
    return true;
}

static bool set_registers(Dwfl_Thread *thread, void *thread_arg)
{
    const struct wf_registers *registers = &running_walk->registers;

    (void)thread_arg;
    for (unsigned i = 0; i < WF_N_REGISTERS; i++) {
        Dwarf_Word word = i == WF_REGISTER_SP ? registers->sp : registers->value[i];
        if ((i == WF_REGISTER_SP || (registers->known & (1u << i)) != 0) &&
            !dwfl_thread_state_registers(thread, (int)i, 1, &word)) {
            return false;
        }
    }
    dwfl_thread_state_register_pc(thread, registers->pc);
    return true;
}

static const Dwfl_Thread_Callbacks callbacks = {
    .next_thread = next_thread,
    .get_thread = get_thread,
    .memory_read = read_memory,
    .set_initial_registers = set_registers,
};

static int on_frame(Dwfl_Frame *frame, void *data)
{
    struct walk *walk = data;
    Dwarf_Addr pc = 0;
    Dwarf_Word fp = 0;
    Dwarf_Word sp = 0;
    bool is_activation = false;

    if (!dwfl_frame_pc(frame, &pc, &is_activation)) {
        return DWARF_CB_ABORT;
    }
    if (dwfl_frame_reg(frame, WF_REGISTER_SP, &sp) != 0) {
        sp = walk->last_sp;
    } else if (!walk->is_first && sp <= walk->last_sp) {
        return DWARF_CB_ABORT; /* frames lie above each other, or the stack is corrupt */
    }
    walk->last_pc = pc;
    walk->last_sp = sp;
    walk->is_last_fp_known = dwfl_frame_reg(frame, WF_REGISTER_FP, &fp) == 0;

    bool is_call = walk->is_first ? walk->registers.is_after_a_call : !is_activation;
    bool is_skipped = walk->is_first && walk->skips_first;
    walk->is_first = false;
    if (is_skipped) {
        return DWARF_CB_OK;
    }
    return wf_debug_add_frames(walk->session->dwfl, pc, is_call, walk->is_guessed, walk->text)
               ? DWARF_CB_OK
               : DWARF_CB_ABORT;
}

/*
 * Whether the code at <pc> has no caller. The first function of a thread or fiber says so; libdw
 * ends there as it ends where a register is not known.
 */
static bool is_outermost(Dwfl *dwfl, uint64_t pc)
{
    Dwfl_Module *module = dwfl_addrmodule(dwfl, pc);
    Dwarf_Addr bias = 0;
    Dwarf_CFI *cfi = module != NULL ? dwfl_module_eh_cfi(module, &bias) : NULL;
    Dwarf_Frame *frame = NULL;
    Dwarf_Op memory[3];
    Dwarf_Op *rule = NULL;
    size_t n = 1;

    if (cfi == NULL || dwarf_cfi_addrframe(cfi, pc - bias, &frame) != 0) {
        return false;
    }
    int address = dwarf_frame_info(frame, NULL, NULL, NULL);
    bool is_undefined = address >= 0 &&
                        dwarf_frame_register(frame, address, memory, &rule, &n) == 0 && n == 0 &&
                        rule == memory;
    free(frame); /* libdw made it by malloc */
    return is_undefined;
}

/* Whether it came to the end of the stack. */
static bool walk_from(struct walk *walk)
{
    walk->is_first = true;
    walk->last_sp = walk->registers.sp;
    running_walk = walk;
    (void)dwfl_getthread_frames(walk->session->dwfl, walk->session->pid, on_frame, walk);
    running_walk = NULL;
    return !walk->is_first && is_outermost(walk->session->dwfl, walk->last_pc - 1);
}

static uint64_t find_function_start(Dwfl *dwfl, uint64_t pc)
{
    Dwfl_Module *module = dwfl_addrmodule(dwfl, pc);
    GElf_Sym symbol;
    GElf_Off offset = 0;

    if (module == NULL ||
        dwfl_module_addrinfo(module, pc, &offset, &symbol, NULL, NULL, NULL) == NULL) {
        return 0;
    }
    return pc - offset;
}

static bool read_code(pid_t pid, uint64_t address, void *to, size_t n)
{
    struct iovec local = { .iov_base = to, .iov_len = n };
    struct iovec remote = { .iov_base = (void *)(uintptr_t)address, .iov_len = n };

    return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)n;
}

/* How likely it is that the call before a return address was the one of a function. */
enum call_kind {
    NO_CALL,
    OTHER_CALL,    /* of another function, which may have gone on to ours by some jump */
    INDIRECT_CALL, /* through a register or a table: who knows */
    THAT_CALL
};

#if defined(__x86_64__)

/* A direct call may lead to a stub that jumps on through the module's table: [endbr64] jmp *at. */
static uint64_t follow_stub(pid_t pid, uint64_t address)
{
    static const unsigned char landing[] = { 0xf3, 0x0f, 0x1e, 0xfa };
    unsigned char code[11];
    uint64_t target;
    int32_t distance;

    if (!read_code(pid, address, code, sizeof code)) {
        return address;
    }
    size_t at = memcmp(code, landing, sizeof landing) == 0 ? sizeof landing : 0;
    at += code[at] == 0xf2; /* bnd, as older linkers write it */
    if (code[at] != 0xff || code[at + 1] != 0x25) {
        return address;
    }
    memcpy(&distance, code + at + 2, sizeof distance);
    address += at + 6 + (uint64_t)(int64_t)distance;
    return read_code(pid, address, &target, sizeof target) ? target : 0;
}

/* Whether the function at <start> goes on with <function> by a jump, e9 or 0f 8x: a tail call. */
static bool jumps_to(pid_t pid, uint64_t start, uint64_t function)
{
    unsigned char code[CALLER_SIZE];
    int32_t distance;

    if (function == 0 || !read_code(pid, start, code, sizeof code)) {
        return false;
    }
    for (size_t i = 1; i + 5 <= sizeof code; i++) {
        memcpy(&distance, code + i + 1, sizeof distance);
        if ((code[i] == 0xe9 || (code[i - 1] == 0x0f && (code[i] & 0xf0) == 0x80)) &&
            start + i + 5 + (uint64_t)(int64_t)distance == function) {
            return true;
        }
    }
    return false;
}

/* What precedes <address>: e8 and a distance; ff 15 and that of a word; ff /2 and an operand. */
static enum call_kind classify_call(pid_t pid, uint64_t address, uint64_t function)
{
    unsigned char code[7];
    uint64_t target;
    int32_t distance;

    if (!read_code(pid, address - sizeof code, code, sizeof code)) {
        return NO_CALL;
    }
    memcpy(&distance, code + 3, sizeof distance);
    target = address + (uint64_t)(int64_t)distance;
    if (code[1] == 0xff && code[2] == 0x15) {
        uint64_t place = target;
        return read_code(pid, place, &target, sizeof target) && target == function ? THAT_CALL
                                                                                   : INDIRECT_CALL;
    }
    if (code[2] == 0xe8) {
        target = target == function ? target : follow_stub(pid, target);
        return target == function || jumps_to(pid, target, function) ? THAT_CALL : OTHER_CALL;
    }
    for (size_t i = 0; i < 6; i++) {
        if (code[i] == 0xff && (code[i + 1] & 0x38) == 0x10) {
            return INDIRECT_CALL;
        }
    }
    return NO_CALL;
}

#elif defined(__aarch64__)

/* bl, or blr. */
static enum call_kind classify_call(pid_t pid, uint64_t address, uint64_t function)
{
    uint32_t code;

    if (!read_code(pid, address - sizeof code, &code, sizeof code)) {
        return NO_CALL;
    }
    if ((code & 0xfc000000u) == 0x94000000u) {
        int64_t distance = (int64_t)(int32_t)(code << 6) >> 4;
        return address - sizeof code + (uint64_t)distance == function ? THAT_CALL : OTHER_CALL;
    }
    return (code & 0xfffffc1fu) == 0xd63f0000u ? INDIRECT_CALL : NO_CALL;
}

#endif

/* Is what lies at <at> the beginning of a frame: the caller's frame pointer and return address? */
static enum call_kind classify_frame(const struct walk *walk, uint64_t at, uint64_t function)
{
    const struct wf_stack_sample *sample = walk->sample;
    uint64_t next;
    uint64_t address;

    if (!wf_stack_sample_read(sample, at, &next) ||
        !wf_stack_sample_read(sample, at + sizeof next, &address)) {
        return NO_CALL;
    }
    bool is_pointer = next == 0 || (next > at && next % sizeof next == 0 &&
                                    next - sample->low <= UINT32_C(64) << 20);
    if (!is_pointer || dwfl_addrmodule(walk->session->dwfl, address) == NULL) {
        return NO_CALL;
    }
    return classify_call(walk->session->pid, address, function);
}

/* Go on after a function whose frame pointer is not known. False: none was found. */
static bool search_frame_pointer(struct walk *walk)
{
    uint64_t function = find_function_start(walk->session->dwfl, walk->last_pc);
    uint64_t end = walk->sample->low + walk->sample->n;
    uint64_t start = walk->last_sp > walk->sample->low ? walk->last_sp : walk->sample->low;
    uint64_t found = 0;
    enum call_kind best = NO_CALL;

    for (uint64_t at = (start + 7) & ~UINT64_C(7); at < end && best != THAT_CALL; at += sizeof at) {
        enum call_kind kind = classify_frame(walk, at, function);
        if (kind > best) {
            best = kind;
            found = at;
        }
    }
    if (best == NO_CALL) {
        return false;
    }
    walk->is_guessed = walk->is_guessed || best != THAT_CALL;
    walk->registers.is_after_a_call = walk->text->n > 1;
    walk->registers.pc = walk->last_pc;
    walk->registers.sp = walk->last_sp;
    walk->registers.known = 1u << WF_REGISTER_FP;
    walk->registers.value[WF_REGISTER_FP] = found;
    walk->skips_first = true;
    return true;
}

/*
 * libdw wants a file to know the machine by, and would take a module's, which may be unloaded
 * while it is in use. So it gets a header of no file at all.
 */
static Elf *make_header(void)
{
    static Elf64_Ehdr header = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_DYN,
        .e_machine = WF_MACHINE,
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof(Elf64_Ehdr),
    };

    (void)elf_version(EV_CURRENT); /* libelf's own way to begin */
    return elf_memory((char *)&header, sizeof header);
}

static bool attach(struct wf_debug_session *session)
{
    if (session->header == NULL) {
        session->header = make_header();
    }
    if (session->header != NULL && !session->is_attached) {
        session->is_attached =
            dwfl_attach_state(session->dwfl, session->header, session->pid, &callbacks, NULL);
    }
    return session->is_attached;
}

void wf_debug_unwind(struct wf_debug_session *session, const struct wf_stack_sample *sample,
                     struct wf_stack_text *text)
{
    struct walk walk = {
        .session = session, .sample = sample, .text = text, .registers = sample->registers
    };

    if (!attach(session)) {
        text->note = "libdw does not know this machine";
    } else {
        text->is_complete = walk_from(&walk);
        for (int i = 0; i < MAX_SEARCHES && !text->is_complete && !walk.is_last_fp_known &&
                        text->n < WF_STACK_MAX_FRAMES && search_frame_pointer(&walk);
             i++) {
            text->is_complete = walk_from(&walk);
        }
    }
    if (text->n == 0) {
        (void)wf_debug_add_frames(session->dwfl, sample->registers.pc,
                                  sample->registers.is_after_a_call, /* is_guessed = */ false,
                                  text);
    }
    if (!text->is_complete && text->note == NULL && sample->is_cut) {
        text->note = "the stack is deeper than what was copied";
    }
}
