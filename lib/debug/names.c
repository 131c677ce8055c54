/*
 * From an address to the functions that are there.
 *
 * The debug information says which functions were inlined at the address, and
 * where each was called; the innermost is named first. Without it the symbol
 * table gives a name, and without that the module is all that is known.
 *
 * A compiler that writes no table of address ranges (clang, unless told to) makes
 * libdw find no unit for an address; then the units are asked one by one.
 *
 * All that takes a tenth of a millisecond, and a thousand tasks wait at the same few
 * places; so answers are kept, until modules come or go. Their texts are libdw's, which
 * live as long as the module.
 *
 * Thread: see session.h.
 */

#include "debug/session.h"
#include "inspect/stack_text.h"

#include <dwarf.h>
#include <elfutils/libdw.h>

enum {
    N_WAYS = 4,
    N_ANSWERS = 128 * N_WAYS,
    MAX_SCOPES = 48,
    MAX_FUNCTIONS = 12 /* at one address; of more the innermost and the outermost are shown */
};

/* One function at an address. */
struct function {
    const char *name; /* NULL: not known */
    const char *file; /* the same */
    uint64_t base;    /* of the function, or of the module when no name is known */
    int line;
    bool is_inlined;
};

/* What is at an address, the innermost function first. */
struct answer {
    Dwfl *dwfl;
    uint64_t address;
    uint64_t generation;
    const char *module;
    size_t n;
    struct function functions[MAX_FUNCTIONS];
};

static struct answer answers[N_ANSWERS];
static uint64_t generation = 1; /* of the modules: grows when some may be gone */

void wf_debug_forget_names(void)
{
    generation++;
}

static void add_function(struct answer *answer, const struct function *function)
{
    answer->n += answer->n < MAX_FUNCTIONS;
    answer->functions[answer->n - 1] = *function;
}

static Dwarf_Die *find_unit(Dwfl_Module *module, uint64_t address, Dwarf_Addr *out_bias)
{
    Dwarf_Die *unit = dwfl_module_addrdie(module, address, out_bias);

    if (unit != NULL || dwfl_module_getdwarf(module, out_bias) == NULL) {
        return unit;
    }
    while ((unit = dwfl_module_nextcu(module, unit, out_bias)) != NULL) {
        if (dwarf_haspc(unit, address - *out_bias) == 1) {
            return unit;
        }
    }
    return NULL;
}

/* A constant attribute of <die>; -1: it has none. */
static int get_number(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value = 0;

    if (dwarf_attr(die, name, &attribute) == NULL || dwarf_formudata(&attribute, &value) != 0) {
        return -1;
    }
    return (int)value;
}

/* The file from which an inlined function was called. Number 0 is one since DWARF 5. */
static const char *get_call_file(Dwarf_Die *unit, Dwarf_Die *inlined)
{
    Dwarf_Files *files = NULL;
    size_t n_files = 0;
    int index = get_number(inlined, DW_AT_call_file);

    if (index < 0 || dwarf_getsrcfiles(unit, &files, &n_files) != 0 || (size_t)index >= n_files) {
        return NULL;
    }
    const char *name = dwarf_filesrc(files, (size_t)index, NULL, NULL);
    return name != NULL && name[0] != '?' ? name : NULL;
}

static bool holds_functions(int tag)
{
    return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type;
}

/*
 * The scopes around <address> below <parent>, the outermost first: the function, then blocks and
 * what was inlined into it. dwarf_getscopes would do, but finds none in many units that link-time
 * optimisation made. How many.
 */
static size_t find_scopes(Dwarf_Die *parent, Dwarf_Addr address, Dwarf_Die *scopes, size_t size)
{
    Dwarf_Die child;
    size_t n = 0;
    int r = dwarf_child(parent, &child);

    for (; r == 0 && size > 0; r = dwarf_siblingof(&child, &child)) {
        int tag = dwarf_tag(&child);
        if (holds_functions(tag)) {
            n = find_scopes(&child, address, scopes, size);
        } else if ((tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine ||
                    tag == DW_TAG_lexical_block) &&
                   dwarf_haspc(&child, address) == 1) {
            scopes[0] = child;
            n = 1 + find_scopes(&child, address, scopes + 1, size - 1);
        }
        if (n > 0) {
            return n;
        }
    }
    return 0;
}

/*
 * Go outward through the scopes: each inlined function is called in the one that follows, at the
 * line that it tells. False: no function was among them.
 */
static bool ask_scopes(Dwarf_Die *unit, Dwarf_Addr bias, struct answer *answer)
{
    Dwarf_Addr address = answer->address - bias;
    Dwarf_Die scopes[MAX_SCOPES];
    size_t n_scopes = find_scopes(unit, address, scopes, MAX_SCOPES);
    Dwarf_Line *at = dwarf_getsrc_die(unit, address);
    const char *file = at != NULL ? dwarf_linesrc(at, NULL, NULL) : NULL;
    bool is_done = false;
    int line = 0;

    if (at != NULL) {
        (void)dwarf_lineno(at, &line); /* stays 0 */
    }
    for (size_t i = n_scopes; i-- > 0 && !is_done;) {
        int tag = dwarf_tag(&scopes[i]);
        if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) {
            continue;
        }
        struct function function = { .name = dwarf_diename(&scopes[i]),
                                     .file = file,
                                     .line = file != NULL && line > 0 ? line : 0,
                                     .is_inlined = tag == DW_TAG_inlined_subroutine };
        add_function(answer, &function);
        is_done = !function.is_inlined;
        if (function.is_inlined) {
            file = get_call_file(unit, &scopes[i]);
            line = get_number(&scopes[i], DW_AT_call_line);
        }
    }
    return is_done;
}

static void ask_symbols(Dwfl_Module *module, uint64_t start, struct answer *answer)
{
    struct function function = { .base = start };
    GElf_Sym symbol;
    GElf_Off offset = 0;

    function.name =
        dwfl_module_addrinfo(module, answer->address, &offset, &symbol, NULL, NULL, NULL);
    if (function.name != NULL) {
        function.base = answer->address - offset;
    }
    add_function(answer, &function);
}

static void ask(struct answer *answer)
{
    Dwfl_Module *module = dwfl_addrmodule(answer->dwfl, answer->address);
    Dwarf_Addr start = 0;
    Dwarf_Addr bias = 0;

    if (module == NULL) {
        add_function(answer, &(struct function){ .base = answer->address });
        return;
    }
    answer->module = dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
    Dwarf_Die *unit = find_unit(module, answer->address, &bias);
    if (unit == NULL || !ask_scopes(unit, bias, answer)) {
        ask_symbols(module, start, answer);
    }
}

/* In one of a few places that its address chooses, so that two may share a first choice. */
static const struct answer *get_answer(Dwfl *dwfl, uint64_t address)
{
    static size_t next;
    struct answer *set = &answers[(address * UINT64_C(0x9e3779b97f4a7c15) >> 57) * N_WAYS];

    for (size_t i = 0; i < N_WAYS; i++) {
        if (set[i].dwfl == dwfl && set[i].address == address && set[i].generation == generation) {
            return &set[i];
        }
    }
    struct answer *answer = &set[next++ % N_WAYS];
    *answer = (struct answer){ .dwfl = dwfl, .address = address, .generation = generation };
    ask(answer);
    return answer;
}

bool wf_debug_add_frames(Dwfl *dwfl, uint64_t pc, bool is_call, bool is_guessed,
                         struct wf_stack_text *text)
{
    const struct answer *answer = get_answer(dwfl, is_call ? pc - 1 : pc);

    for (size_t i = 0; i < answer->n; i++) {
        const struct function *function = &answer->functions[i];
        struct wf_stack_frame *frame = wf_stack_text_add(text, pc);
        if (frame == NULL) {
            return false;
        }
        frame->function = wf_stack_text_keep(text, function->name);
        frame->file = wf_stack_text_keep_name(text, function->file);
        frame->line = function->line;
        frame->module = wf_stack_text_keep_name(text, answer->module);
        frame->offset = function->base != 0 ? pc - function->base : 0;
        frame->is_inlined = function->is_inlined;
        frame->is_guessed = is_guessed;
    }
    return text->n < WF_STACK_MAX_FRAMES;
}
