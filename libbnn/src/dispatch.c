/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The list of compiled kernels, and the choice among them: reference first, rows of variants.def override, later wins.
 */
#include "kernels.h"
#include "port.h"
#include "used.h"

#include "bnn/bnn.h"

#if BNN_ARCH_ARMV8
#define BNN_VARIANTS "armv8/variants.def"
#elif BNN_ARCH_ARMV7
#define BNN_VARIANTS "armv7/variants.def"
#elif BNN_ARCH_CORTEXM
#define BNN_VARIANTS "cortexm/variants.def"
#elif BNN_ARCH_X86
#define BNN_VARIANTS "x86/variants.def"
#endif

/* Prototypes of the architecture's kernels. */
#ifdef BNN_VARIANTS
#define BNN_ISA(name, features, traits)
#define BNN_VARIANT(slot, isa) bnn_##slot##_fn bnn_##slot##_##isa;
#include BNN_VARIANTS
#undef BNN_ISA
#undef BNN_VARIANT
#else
uint32_t bnn_cpu_features(void)
{
    return 0;
}
#endif

enum isa_index {
    ISA_c,
#ifdef BNN_VARIANTS
#define BNN_ISA(name, features, traits) ISA_##name,
#define BNN_VARIANT(slot, isa)
#include BNN_VARIANTS
#undef BNN_ISA
#undef BNN_VARIANT
#endif
    ISA_COUNT
};

static const struct bnn_isa isas[ISA_COUNT] = {
    {"c", 0, 0},
#ifdef BNN_VARIANTS
#define BNN_ISA(name, features, traits) {#name, features, traits},
#define BNN_VARIANT(slot, isa)
#include BNN_VARIANTS
#undef BNN_ISA
#undef BNN_VARIANT
#endif
};

#define ROW(slot, isa)                                                                                                         \
    BNN_ONLY_IF(BNN_USED_##slot, {BNN_SLOT_##slot, BNN_TEXT(#slot), ISA_##isa, (bnn_kernel_fn *)bnn_##slot##_##isa}, )
static const struct bnn_variant variants[] = {
#define BNN_KERNEL(slot, params) ROW(slot, c)
#include "kernels.def"
#undef BNN_KERNEL
#ifdef BNN_VARIANTS
#define BNN_ISA(name, features, traits)
#define BNN_VARIANT(slot, isa) ROW(slot, isa)
#include BNN_VARIANTS
#undef BNN_ISA
#undef BNN_VARIANT
#endif
    {BNN_SLOT_COUNT, NULL, ISA_COUNT, NULL}, /* a build may have no kernel */
};

size_t bnn_variant_count(void)
{
    return sizeof variants / sizeof variants[0] - 1;
}

const struct bnn_variant *bnn_variant_at(size_t index)
{
    return index < bnn_variant_count() ? &variants[index] : NULL;
}

size_t bnn_isa_count(void)
{
    return ISA_COUNT;
}

const struct bnn_isa *bnn_isa_at(size_t index)
{
    return index < ISA_COUNT ? &isas[index] : NULL;
}

static int can_run(uint32_t isa, uint32_t cpu)
{
    return (isas[isa].features & ~cpu) == 0;
}

static int is_better(uint32_t isa, uint32_t cpu)
{
    return (isas[isa].traits & ~cpu) == 0;
}

/* First "c", then the sets that are no better choice, then the others. */
static int rank(uint32_t isa, uint32_t cpu)
{
    return isa == ISA_c ? 0 : 1 + is_better(isa, cpu);
}

const char *bnn_isa(size_t index)
{
    const uint32_t cpu = bnn_cpu_features();
    for (int r = 0; r < 3; r++) {
        for (uint32_t i = 0; i < ISA_COUNT; i++) {
            if (rank(i, cpu) == r && can_run(i, cpu) && index-- == 0) {
                return isas[i].name;
            }
        }
    }
    return NULL;
}

static int same_name(const char *a, const char *b)
{
    /* Ends with the shorter name, at most. */
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

#if BNN_CONFIG_ONE_ISA
#if defined(BNN_VARIANTS) && !BNN_ARCH_CORTEXM
#error "BNN_CONFIG_ONE_ISA: this processor's kernels are chosen at run time; add BNN_CONFIG_GENERIC_ONLY=1, or leave it out"
#endif

/* Every slot's last row, as later ones are better: the linker drops the others. */
#if defined(__clang__)
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
#define BEST(slot, isa) BNN_ONLY_IF(BNN_USED_##slot, .slot = bnn_##slot##_##isa, )
static const struct bnn_kernels best_of_all = {
#define BNN_KERNEL(slot, params) BEST(slot, c)
#include "kernels.def"
#undef BNN_KERNEL
#ifdef BNN_VARIANTS
#define BNN_ISA(name, features, traits)
#define BNN_VARIANT(slot, isa) BEST(slot, isa)
#include BNN_VARIANTS
#undef BNN_ISA
#undef BNN_VARIANT
#endif
};

int bnn_kernels_select(struct bnn_kernels *table, const char *isa, uint32_t cpu)
{
    if (!can_run(ISA_COUNT - 1, cpu) || (isa != NULL && !same_name(isa, isas[ISA_COUNT - 1].name))) {
        return -1;
    }
    *table = best_of_all;
    return ISA_COUNT - 1;
}
#else
int bnn_kernels_select(struct bnn_kernels *table, const char *isa, uint32_t cpu)
{
    uint32_t best = ISA_COUNT;
    for (uint32_t i = 0; i < ISA_COUNT; i++) {
        if (can_run(i, cpu) && (isa == NULL ? is_better(i, cpu) : same_name(isa, isas[i].name))) {
            best = i;
        }
    }
    if (best == ISA_COUNT) {
        return -1;
    }
    /* The table is written as an array of pointers in slot order, which is its member order. */
    bnn_kernel_fn *slots[BNN_SLOT_COUNT] = {NULL};
    _Static_assert(sizeof slots == sizeof *table, "one pointer per slot");
    for (size_t i = 0; i < bnn_variant_count(); i++) {
        const uint32_t set = variants[i].isa;
        if (set == best || (set < best && can_run(set, cpu) && is_better(set, cpu))) {
            slots[variants[i].slot] = variants[i].fn;
        }
    }
    bnn_memcpy(table, (const void *)slots, sizeof slots);
    return (int)best;
}
#endif
