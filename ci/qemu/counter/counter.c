/* SPDX-License-Identifier: BSD-3-Clause
 *
 * QEMU plugin: exact numbers of executed instructions in regions that the program itself marks.
 *
 *     qemu-aarch64 -plugin counter.so,out=FILE PROGRAM ...
 *     qemu-system-arm -plugin counter.so,out=FILE -kernel FIRMWARE ...
 *
 * A region begins behind one unallocated hint (a no-op on every cpu) and ends before another; they do not nest. FILE gets one
 * line per region and instruction: region (from 0), address, bytes in memory order, executions. An address may come twice.
 * Only for programs of one thread. The declarations are those of QEMU's public plugin interface, version 1.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef struct qemu_info {
    const char *target_name;
    struct {
        int min, cur;
    } version;
    bool system_emulation;
} qemu_info_t;

enum { QEMU_PLUGIN_INLINE_ADD_U64 = 0, QEMU_PLUGIN_CB_NO_REGS = 0 };

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*translated)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*executed)(unsigned, void *), int flags,
                                            void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int operation, void *counter, uint64_t value);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*end)(qemu_plugin_id_t, void *), void *data);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);

/* The hints as instructions of 4 bytes, or of 2. */
static const struct machine {
    const char *name;
    uint32_t begin, end;
    uint32_t begin_short, end_short;
} machines[] = {
    {"aarch64", 0xd5032c9f, 0xd5032cbf, 0, 0},       /* hint #0x64, hint #0x65 */
    {"arm", 0xe320f064, 0xe320f065, 0xbfe0, 0xbff0}, /* the same in A32; in Thumb hint #14, hint #15 */
};

struct counter {
    uint64_t address, executions;
    uint8_t bytes[4];
    uint8_t size;
};

/* Counters never move: the translated code holds their addresses. */
enum { CHUNK = 4096 };
struct chunk {
    struct chunk *next;
    size_t used;
    struct counter counters[CHUNK];
};

static const struct machine *machine;
static struct chunk *chunks;
static FILE *out;
static unsigned region;

static struct counter *new_counter(void)
{
    if (chunks == NULL || chunks->used == CHUNK) {
        struct chunk *chunk = calloc(1, sizeof *chunk);
        if (chunk == NULL) {
            abort();
        }
        chunk->next = chunks;
        chunks = chunk;
    }
    return &chunks->counters[chunks->used++];
}

static void begin_region(unsigned cpu, void *data)
{
    (void)cpu;
    (void)data;
    for (struct chunk *chunk = chunks; chunk != NULL; chunk = chunk->next) {
        for (size_t i = 0; i < chunk->used; i++) {
            chunk->counters[i].executions = 0;
        }
    }
}

static void end_region(unsigned cpu, void *data)
{
    (void)cpu;
    (void)data;
    for (const struct chunk *chunk = chunks; chunk != NULL; chunk = chunk->next) {
        for (const struct counter *c = chunk->counters; c < chunk->counters + chunk->used; c++) {
            if (c->executions > 0) {
                fprintf(out, "%u %" PRIx64 " ", region, c->address);
                for (size_t i = 0; i < c->size; i++) {
                    fprintf(out, "%02x", c->bytes[i]);
                }
                fprintf(out, " %" PRIu64 "\n", c->executions);
            }
        }
    }
    region++;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    const size_t count = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const size_t size = qemu_plugin_insn_size(insn);
        uint32_t word = 0;
        memcpy(&word, qemu_plugin_insn_data(insn), size < sizeof word ? size : sizeof word);
        const int begins = word == (size == 2 ? machine->begin_short : machine->begin);
        if (begins || word == (size == 2 ? machine->end_short : machine->end)) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, begins ? begin_region : end_region, QEMU_PLUGIN_CB_NO_REGS, NULL);
            continue;
        }
        struct counter *counter = new_counter();
        counter->address = qemu_plugin_insn_vaddr(insn);
        counter->size = (uint8_t)(size < sizeof counter->bytes ? size : sizeof counter->bytes);
        memcpy(counter->bytes, qemu_plugin_insn_data(insn), counter->size);
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, &counter->executions, 1);
    }
}

static void at_exit(qemu_plugin_id_t id, void *data)
{
    (void)id;
    (void)data;
    fclose(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        if (strcmp(info->target_name, machines[i].name) == 0) {
            machine = &machines[i];
        }
    }
    if (machine == NULL || argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
        fprintf(stderr, "counter: wants QEMU of aarch64 or arm, and out=FILE\n");
        return -1;
    }
    out = fopen(argv[0] + 4, "w");
    if (out == NULL) {
        perror(argv[0] + 4);
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
