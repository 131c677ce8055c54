/*
 * From an address to the functions that are there.
 *
 * The debug information says which functions were inlined at the address, and
 * where each was called; the innermost is named first. Without it the symbol
 * table gives a name, and without that the module is all that is known.
 *
 * A compiler that writes no table of address ranges (clang, unless told to) makes
 * libdw find no unit for an address; then the units are asked one by one, and the
 * answer is kept.
 *
 * Thread: see session.h.
 */

#include "debug/session.h"
#include "inspect/stack_text.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>

/* What is being named. */
struct place {
    Dwfl_Module *module;
    uint64_t pc;      /* as shown */
    uint64_t address; /* as looked up: inside the call, for a return address */
    bool is_guessed;
    struct wf_stack_text *text;
};

/* Which unit an address is in, for as long as the modules stay: to ask them all is slow. */
struct known_unit {
    uint64_t address;
    uint64_t generation;
    Dwarf_Addr bias;
    Dwarf_Die unit;
    bool is_found;
};

enum {
    N_KNOWN = 256
};

static struct known_unit known[N_KNOWN];
static uint64_t generation = 1; /* of the modules: grows when some may be gone */

void wf_debug_forget_names(void)
{
    generation++;
}

static void ask_units(const struct place *place, struct known_unit *out_known)
{
    Dwarf_Die *unit = NULL;

    *out_known = (struct known_unit){ .address = place->address, .generation = generation };
    while ((unit = dwfl_module_nextcu(place->module, unit, &out_known->bias)) != NULL) {
        if (dwarf_haspc(unit, place->address - out_known->bias) == 1) {
            out_known->unit = *unit;
            out_known->is_found = true;
            return;
        }
    }
}

static Dwarf_Die *find_unit(const struct place *place, Dwarf_Addr *out_bias)
{
    Dwarf_Die *unit = dwfl_module_addrdie(place->module, place->address, out_bias);
    struct known_unit *slot = &known[place->address * UINT64_C(0x9e3779b97f4a7c15) >> 56];

    if (unit != NULL || dwfl_module_getdwarf(place->module, out_bias) == NULL) {
        return unit;
    }
    if (slot->address != place->address || slot->generation != generation) {
        ask_units(place, slot);
    }
    *out_bias = slot->bias;
    return slot->is_found ? &slot->unit : NULL;
}

static struct wf_stack_frame *add_frame(const struct place *place, const char *function,
                                        const char *file, int line)
{
    struct wf_stack_frame *frame = wf_stack_text_add(place->text, place->pc);
    Dwarf_Addr start = 0;

    if (frame == NULL) {
        return NULL;
    }
    const char *module =
        dwfl_module_info(place->module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
    frame->function = wf_stack_text_keep(place->text, function);
    frame->file = wf_stack_text_keep_name(place->text, file);
    frame->line = file != NULL && line > 0 ? line : 0;
    frame->module = wf_stack_text_keep_name(place->text, module);
    frame->offset = place->pc - start;
    frame->is_guessed = place->is_guessed;
    return frame;
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

/*
 * The scopes that contain the address, the innermost first, and after an inlined function those
 * into which it was inlined, not those in which it was written. 0: none; else free *out_scopes.
 */
static int get_scopes(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die **out_scopes)
{
    Dwarf_Die *scopes = NULL;
    Dwarf_Die innermost;

    if (dwarf_getscopes(unit, address, &scopes) <= 0) {
        return 0;
    }
    innermost = scopes[0];
    free(scopes); /* libdw made it by malloc */
    int n = dwarf_getscopes_die(&innermost, out_scopes);
    return n > 0 ? n : 0;
}

/*
 * Go outward through the scopes: each inlined function is one frame, at the line where the one
 * inside it was called. False: no function was among them.
 */
static bool add_scopes(const struct place *place, Dwarf_Die *unit, Dwarf_Addr bias)
{
    Dwarf_Die *scopes = NULL;
    int n_scopes = get_scopes(unit, place->address - bias, &scopes);
    Dwarf_Line *at = dwarf_getsrc_die(unit, place->address - bias);
    const char *file = at != NULL ? dwarf_linesrc(at, NULL, NULL) : NULL;
    bool is_done = false;
    int line = 0;

    if (at != NULL) {
        (void)dwarf_lineno(at, &line); /* stays 0 */
    }
    for (int i = 0; i < n_scopes && !is_done; i++) {
        int tag = dwarf_tag(&scopes[i]);
        if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) {
            continue;
        }
        struct wf_stack_frame *frame = add_frame(place, dwarf_diename(&scopes[i]), file, line);
        is_done = frame == NULL || tag == DW_TAG_subprogram;
        if (frame != NULL && tag == DW_TAG_inlined_subroutine) {
            frame->is_inlined = true;
            file = get_call_file(unit, &scopes[i]);
            line = get_number(&scopes[i], DW_AT_call_line);
        }
    }
    free(scopes);
    return is_done;
}

static bool has_room(const struct wf_stack_text *text)
{
    return text->n < WF_STACK_MAX_FRAMES;
}

static void add_symbol(const struct place *place)
{
    GElf_Sym symbol;
    GElf_Off offset = 0;
    const char *name =
        dwfl_module_addrinfo(place->module, place->address, &offset, &symbol, NULL, NULL, NULL);
    struct wf_stack_frame *frame = add_frame(place, name, NULL, 0);

    if (frame != NULL && name != NULL) {
        frame->offset = offset + (place->pc - place->address);
    }
}

bool wf_debug_add_frames(Dwfl *dwfl, uint64_t pc, bool is_call, bool is_guessed,
                         struct wf_stack_text *text)
{
    struct place place = {
        .pc = pc, .address = is_call ? pc - 1 : pc, .is_guessed = is_guessed, .text = text
    };
    Dwarf_Addr bias = 0;

    place.module = dwfl_addrmodule(dwfl, place.address);
    if (place.module == NULL) {
        struct wf_stack_frame *frame = wf_stack_text_add(text, pc);
        if (frame != NULL) {
            frame->is_guessed = is_guessed;
        }
        return has_room(text);
    }
    Dwarf_Die *unit = find_unit(&place, &bias);
    if (unit == NULL || !add_scopes(&place, unit, bias)) {
        add_symbol(&place);
    }
    return has_room(text);
}
