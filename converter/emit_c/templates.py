# SPDX-License-Identifier: BSD-3-Clause
"""The text of the source files, with the model's names and numbers left open."""

from __future__ import annotations

HEADER = """\
/* {title}
 *
 *     static _Alignas({upper}_ALIGNMENT) uint8_t arena[{upper}_ARENA_BYTES];
 *     bnn_plan *plan;
 *     if ({name}_init(&plan, arena, sizeof arena, NULL) != BNN_OK) ... a bnn_error in NULL's place says why
 *     {name}_run(plan, {arguments});
 */
#ifndef {upper}_H
#define {upper}_H

#include <stddef.h>
#include <stdint.h>

#if defined(__has_include)
#if __has_include("bnn.h")
#define {upper}_AMALGAMATED 1
#endif
#endif
#ifdef {upper}_AMALGAMATED
#include "bnn.h"
#else
#include <bnn/bnn.h>
#endif

#ifdef __cplusplus
extern "C" {{
#endif

#define {upper}_MODEL_BYTES {model_bytes}
#define {upper}_ALIGNMENT {alignment}

/* Memory that it works in: enough for the portable kernels, Cortex-M's and x86's. Kernels for AArch64 and NEON may prepare
 * weights and take more: {name}_arena_bytes() says it for the machine it runs on (0: the model is refused). */
#define {upper}_ARENA_BYTES {arena_bytes}
size_t {name}_arena_bytes(void);

/* The model, a .dab file. It stays where it is. */
extern const uint8_t {name}_model[{upper}_MODEL_BYTES];

/* Makes a plan in `arena`, which is aligned to {upper}_ALIGNMENT and stays the plan's. `error` may be NULL. */
BNN_MUST_CHECK bnn_status {name}_init(bnn_plan **plan, void *arena, size_t bytes, bnn_error *error);

/* The same in an array of {name}_static.c: one plan, which a second call makes anew. */
BNN_MUST_CHECK bnn_status {name}_init_static(bnn_plan **plan, bnn_error *error);

/* Runs the network once, from arrays of the caller's to others. Floats must not be NaN.
{tensors}
 * Without copies: bnn_plan_input and bnn_plan_output of bnn.h are the same tensors in the plan's memory. */
void {name}_run(bnn_plan *plan, {parameters});

#ifdef __cplusplus
}}
#endif
#endif
"""

SOURCE = """\
/* {title}
 *
 * What is computed, op by op:
{ops}
 */
#include "{name}.h"

static bnn_status load(bnn_model *model, bnn_error *error)
{{
    return bnn_model_init(model, {name}_model, sizeof {name}_model, error);
}}

size_t {name}_arena_bytes(void)
{{
    bnn_model model;
    size_t bytes;
    return load(&model, NULL) == BNN_OK && bnn_plan_size(&model, NULL, &bytes, NULL) == BNN_OK ? bytes : 0;
}}

bnn_status {name}_init(bnn_plan **plan, void *arena, size_t bytes, bnn_error *error)
{{
    bnn_model model;
    const bnn_status status = load(&model, error);
    return status == BNN_OK ? bnn_plan_init(plan, &model, NULL, arena, bytes, error) : status;
}}

static void copy(void *to, const void *from, size_t bytes)
{{
    for (size_t i = 0; i < bytes; i++) {{
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }}
}}

void {name}_run(bnn_plan *plan, {parameters})
{{
{copies}
}}
"""

STATIC = """\
/* {title} */
#include "{name}.h"

static _Alignas({upper}_ALIGNMENT) uint8_t arena[{upper}_ARENA_BYTES];

bnn_status {name}_init_static(bnn_plan **plan, bnn_error *error)
{{
    return {name}_init(plan, arena, sizeof arena, error);
}}
"""

DATA = """\
/* {title} */
#include "{name}.h"

_Alignas({upper}_ALIGNMENT) const uint8_t {name}_model[{upper}_MODEL_BYTES] = {{
{rows}
}};
"""


CONFIG = """\
/* {title}
 *
 * For a library that has only what {name} needs: compile it with -DBNN_CONFIG_FILE='"{name}_config.h"', and link with
 * --gc-sections. For several models, give a file that includes each one's. The loader does not check models then: these were
 * checked when they were written.
 */
#ifndef {upper}_CONFIG_H
#define {upper}_CONFIG_H

#define BNN_CONFIG_CHECKS 0
#define BNN_CONFIG_ALL_OPS 0
#if !defined(__aarch64__) && !defined(__ARM_NEON)
#define BNN_CONFIG_CHAIN 0 /* only these have kernels for it */
#endif
{switches}

#endif
"""

UNROLLED_HEADER = """\
/* {title}
 *
 *     {name}_run({arguments});
 *
 * One network, one memory: calls from several threads take turns.
 */
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

/* Memory that it works in, a variable of {name}.c. */
#define {upper}_ARENA_BYTES {arena_bytes}

/* The model's constants. */
#define {upper}_MODEL_BYTES {model_bytes}
extern const uint8_t {name}_model[{upper}_MODEL_BYTES];

/* Runs the network once, from arrays of the caller's to others. Floats must not be NaN.
{tensors}
 */
void {name}_run({parameters});

#ifdef __cplusplus
}}
#endif
#endif
"""

UNROLLED_SOURCE = """\
/* {title}
 *
 * What is computed, op by op:
{ops}
 */
#include "{name}.h"

#include "bnn_calls.h"

#if BNN_VERSION_MAJOR != {major} || BNN_VERSION_MINOR != {minor} || BNN_VERSION_PATCH != {patch}
#error "{name}.c was written for libbnn {major}.{minor}.{patch}: write it with the converter of this version"
#endif

static _Alignas({alignment}) uint8_t arena[{upper}_ARENA_BYTES];

/* What the calls need to know: kernels, tables, and a state for each. */
{states}

static void compute(void)
{{
{calls}
}}

void {name}_run({parameters})
{{
{copies}
}}
"""

UNROLLED_DATA = """\
/* {title} */
#include "{name}.h"

_Alignas({alignment}) const uint8_t {name}_model[{upper}_MODEL_BYTES] = {{
{rows}
}};
"""

FILES = {
    ".h": HEADER,
    ".c": SOURCE,
    "_static.c": STATIC,
    "_data.c": DATA,
    "_config.h": CONFIG,
}

UNROLLED_FILES = {
    ".h": UNROLLED_HEADER,
    ".c": UNROLLED_SOURCE,
    "_data.c": UNROLLED_DATA,
    "_config.h": CONFIG,
}
