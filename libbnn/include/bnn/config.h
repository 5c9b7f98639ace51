/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every compile-time switch of libbnn. Define one on the compiler's command line, or point BNN_CONFIG_FILE at a header that
 * defines them; the defaults below suit a hosted build.
 */
#ifndef BNN_CONFIG_H
#define BNN_CONFIG_H

#ifdef BNN_CONFIG_FILE
#include BNN_CONFIG_FILE
#endif

/* 1: only the portable C kernels are compiled, whatever the architecture. */
#ifndef BNN_CONFIG_GENERIC_ONLY
#define BNN_CONFIG_GENERIC_ONLY 0
#endif

/* 1: no operating system: cpu features come from the compiler's target macros instead of the kernel's auxiliary vector. */
#ifndef BNN_CONFIG_FREESTANDING
#define BNN_CONFIG_FREESTANDING 0
#endif

/* 0: bnn_model_init trusts the model: it looks at the header and at what the build must have, and at nothing else. For a model that
 * was checked before it was put into the image. bnn_model_verify still finds damage. */
#ifndef BNN_CONFIG_CHECKS
#define BNN_CONFIG_CHECKS 1
#endif

/* 0: errors have no sentences (`what` of a bnn_error is ""), and kernels no names. Status, place and index stay. */
#ifndef BNN_CONFIG_TEXT
#define BNN_CONFIG_TEXT 1
#endif

/* 1: each kernel is there once, the best one for the core that the library is compiled for; options.isa has no choice then. For
 * Cortex-M and for BNN_CONFIG_GENERIC_ONLY: others ask at run time which processor they are on. */
#ifndef BNN_CONFIG_ONE_ISA
#define BNN_CONFIG_ONE_ISA 0
#endif

/* 1: float layers are computed by their definition, one output after the other: several times slower, with less code and arena. */
#ifndef BNN_CONFIG_SMALL
#define BNN_CONFIG_SMALL 0
#endif

/* 0: no chains (docs/kernels.md), the faster binary convolutions of Cortex-A and AVX-512: they take code and arena. */
#ifndef BNN_CONFIG_CHAIN
#define BNN_CONFIG_CHAIN !BNN_CONFIG_SMALL
#endif

/* What the switches below are unless they are defined: 0 turns the list round, only what is switched on is compiled in. */
#ifndef BNN_CONFIG_ALL_OPS
#define BNN_CONFIG_ALL_OPS 1
#endif
#ifndef BNN_CONFIG_ALL_STEPS
#define BNN_CONFIG_ALL_STEPS BNN_CONFIG_ALL_OPS
#endif

/* What the switches of ops are that compute with floats, but for the steps of other ops: 0 leaves binary and 8-bit layers, and
 * ops that move data. */
#ifndef BNN_CONFIG_FLOAT
#define BNN_CONFIG_FLOAT BNN_CONFIG_ALL_OPS
#endif

/* One switch per op kind, docs/dab-format.md, section 5: 0 or 1. A model with an op that is not compiled in is refused with
 * BNN_ERR_UNSUPPORTED, and the error names the switch. */
#ifndef BNN_CONFIG_OP_bconv2d
#define BNN_CONFIG_OP_bconv2d BNN_CONFIG_ALL_OPS
#endif
#ifndef BNN_CONFIG_OP_bdense
#define BNN_CONFIG_OP_bdense BNN_CONFIG_ALL_OPS
#endif
#ifndef BNN_CONFIG_OP_conv2d
#define BNN_CONFIG_OP_conv2d BNN_CONFIG_FLOAT
#endif
#ifndef BNN_CONFIG_OP_dense
#define BNN_CONFIG_OP_dense BNN_CONFIG_FLOAT
#endif
#ifndef BNN_CONFIG_OP_pointwise
#define BNN_CONFIG_OP_pointwise BNN_CONFIG_ALL_OPS
#endif
#ifndef BNN_CONFIG_OP_maxpool2d
#define BNN_CONFIG_OP_maxpool2d BNN_CONFIG_FLOAT
#endif
#ifndef BNN_CONFIG_OP_avgpool2d
#define BNN_CONFIG_OP_avgpool2d BNN_CONFIG_FLOAT
#endif
#ifndef BNN_CONFIG_OP_bmaxpool2d
#define BNN_CONFIG_OP_bmaxpool2d BNN_CONFIG_ALL_OPS
#endif
#ifndef BNN_CONFIG_OP_concat
#define BNN_CONFIG_OP_concat BNN_CONFIG_ALL_OPS
#endif
#ifndef BNN_CONFIG_OP_softmax
#define BNN_CONFIG_OP_softmax BNN_CONFIG_FLOAT
#endif
#ifndef BNN_CONFIG_OP_transpose
#define BNN_CONFIG_OP_transpose BNN_CONFIG_ALL_OPS
#endif
#ifndef BNN_CONFIG_OP_reshape
#define BNN_CONFIG_OP_reshape BNN_CONFIG_ALL_OPS
#endif
#ifndef BNN_CONFIG_OP_pad
#define BNN_CONFIG_OP_pad BNN_CONFIG_ALL_OPS
#endif
#ifndef BNN_CONFIG_OP_slice
#define BNN_CONFIG_OP_slice BNN_CONFIG_ALL_OPS
#endif
#ifndef BNN_CONFIG_OP_gather2d
#define BNN_CONFIG_OP_gather2d BNN_CONFIG_ALL_OPS
#endif
#ifndef BNN_CONFIG_OP_resize2d
#define BNN_CONFIG_OP_resize2d BNN_CONFIG_FLOAT
#endif
#ifndef BNN_CONFIG_OP_qconv2d
#define BNN_CONFIG_OP_qconv2d BNN_CONFIG_ALL_OPS
#endif
#ifndef BNN_CONFIG_OP_qdense
#define BNN_CONFIG_OP_qdense BNN_CONFIG_ALL_OPS
#endif

/* One switch per step, section 4, likewise. */
#ifndef BNN_CONFIG_STEP_affine
#define BNN_CONFIG_STEP_affine BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_clip
#define BNN_CONFIG_STEP_clip BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_prelu
#define BNN_CONFIG_STEP_prelu BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_add
#define BNN_CONFIG_STEP_add BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_sign
#define BNN_CONFIG_STEP_sign BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_emit_f32
#define BNN_CONFIG_STEP_emit_f32 BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_emit_sign
#define BNN_CONFIG_STEP_emit_sign BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_emit_bits
#define BNN_CONFIG_STEP_emit_bits BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_emit_int
#define BNN_CONFIG_STEP_emit_int BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_function
#define BNN_CONFIG_STEP_function BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_mul
#define BNN_CONFIG_STEP_mul BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_sub
#define BNN_CONFIG_STEP_sub BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_div
#define BNN_CONFIG_STEP_div BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_max
#define BNN_CONFIG_STEP_max BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_min
#define BNN_CONFIG_STEP_min BNN_CONFIG_ALL_STEPS
#endif
#ifndef BNN_CONFIG_STEP_emit_i8
#define BNN_CONFIG_STEP_emit_i8 BNN_CONFIG_ALL_STEPS
#endif

#endif
