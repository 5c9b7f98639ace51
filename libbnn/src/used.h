/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the switches of config.h leave: BNN_USED_<slot> is 1 if an op or step of this build calls the kernel, otherwise 0. Every slot
 * of kernels.def has its line here.
 */
#ifndef BNN_USED_H
#define BNN_USED_H

#include "bnn/config.h"

/* BNN_ONLY_IF(condition, tokens): the tokens if the condition's macros end in 1, nothing if they end in 0. */
#define BNN_ONLY_IF_1(...) __VA_ARGS__
#define BNN_ONLY_IF_0(...)
#define BNN_ONLY_IF_VALUE(value, ...) BNN_ONLY_IF_##value(__VA_ARGS__)
#define BNN_ONLY_IF(condition, ...) BNN_ONLY_IF_VALUE(condition, __VA_ARGS__)

/* The opposite. */
#define BNN_UNLESS_1(...)
#define BNN_UNLESS_0(...) __VA_ARGS__
#define BNN_UNLESS_VALUE(value, ...) BNN_UNLESS_##value(__VA_ARGS__)
#define BNN_UNLESS(condition, ...) BNN_UNLESS_VALUE(condition, __VA_ARGS__)

/* A sentence or a name that only people need. */
#define BNN_TEXT(text) (BNN_CONFIG_TEXT ? (text) : "")

/* Kernels that several ops share. */
#if BNN_CONFIG_OP_bconv2d || BNN_CONFIG_OP_bdense
#define BNN_USED_POPCOUNTS 1
#else
#define BNN_USED_POPCOUNTS 0
#endif
#if (BNN_CONFIG_OP_conv2d || BNN_CONFIG_OP_dense) && !BNN_CONFIG_SMALL
#define BNN_USED_FLOATS 1
#else
#define BNN_USED_FLOATS 0
#endif
#if BNN_CONFIG_OP_qconv2d || BNN_CONFIG_OP_qdense
#define BNN_USED_INTEGERS 1
#else
#define BNN_USED_INTEGERS 0
#endif
#if BNN_USED_INTEGERS || BNN_CONFIG_STEP_emit_i8
#define BNN_USED_PACK_I8 1
#else
#define BNN_USED_PACK_I8 0
#endif
#if BNN_CONFIG_OP_concat || BNN_CONFIG_OP_transpose || BNN_CONFIG_OP_reshape || BNN_CONFIG_OP_pad || BNN_CONFIG_OP_slice
#define BNN_USED_COPIES 1
#else
#define BNN_USED_COPIES 0
#endif
#if BNN_USED_COPIES || BNN_USED_FLOATS
#define BNN_USED_ROWS 1
#else
#define BNN_USED_ROWS 0
#endif
#if BNN_CONFIG_OP_bconv2d && BNN_CONFIG_CHAIN
#define BNN_USED_CHAIN 1
#else
#define BNN_USED_CHAIN 0
#endif

#define BNN_USED_pack_sign BNN_CONFIG_STEP_emit_sign
#define BNN_USED_pack_threshold BNN_CONFIG_STEP_emit_bits
#define BNN_USED_unpack BNN_CONFIG_OP_pointwise
#define BNN_USED_bconv128 BNN_CONFIG_OP_bconv2d
#define BNN_USED_bconv64 BNN_CONFIG_OP_bconv2d
#define BNN_USED_bconv64x2 BNN_CONFIG_OP_bconv2d
#define BNN_USED_bdense128 BNN_CONFIG_OP_bdense
#define BNN_USED_bdense64 BNN_CONFIG_OP_bdense
#define BNN_USED_chain_panel BNN_USED_CHAIN
#define BNN_USED_chain_weights BNN_USED_CHAIN
#define BNN_USED_bchain BNN_USED_CHAIN
#define BNN_USED_chain_panel64 BNN_USED_CHAIN
#define BNN_USED_chain_weights64 BNN_USED_CHAIN
#define BNN_USED_bchain64 BNN_USED_CHAIN
#define BNN_USED_acc_start BNN_USED_POPCOUNTS
#define BNN_USED_acc_affine BNN_USED_POPCOUNTS
#define BNN_USED_acc_affine_row BNN_CONFIG_OP_bdense
#define BNN_USED_acc_bits BNN_USED_POPCOUNTS
#define BNN_USED_step_affine BNN_CONFIG_STEP_affine
#define BNN_USED_step_clip BNN_CONFIG_STEP_clip
#define BNN_USED_step_prelu BNN_CONFIG_STEP_prelu
#define BNN_USED_step_add BNN_CONFIG_STEP_add
#define BNN_USED_step_sign BNN_CONFIG_STEP_sign
#define BNN_USED_step_mul BNN_CONFIG_STEP_mul
#define BNN_USED_step_sub BNN_CONFIG_STEP_sub
#define BNN_USED_step_div BNN_CONFIG_STEP_div
#define BNN_USED_step_max BNN_CONFIG_STEP_max
#define BNN_USED_step_min BNN_CONFIG_STEP_min
#define BNN_USED_step_function BNN_CONFIG_STEP_function
#define BNN_USED_panel_f32 BNN_USED_FLOATS
#define BNN_USED_gemm_f32 BNN_USED_FLOATS
#define BNN_USED_dense_f32 BNN_USED_FLOATS
#define BNN_USED_dense_sign BNN_USED_FLOATS
#define BNN_USED_sign_weights BNN_USED_FLOATS
#define BNN_USED_depthwise_f32 BNN_USED_FLOATS
#define BNN_USED_limits_f32 BNN_USED_INTEGERS
#define BNN_USED_pack_i8 BNN_USED_PACK_I8
#define BNN_USED_unpack_i8 BNN_CONFIG_OP_pointwise
#define BNN_USED_dot_s8 BNN_USED_INTEGERS
#define BNN_USED_dot_sign BNN_USED_INTEGERS
#define BNN_USED_sum_affine BNN_USED_INTEGERS
#define BNN_USED_copy_f32 BNN_USED_ROWS
#define BNN_USED_transpose_f32 BNN_USED_COPIES
#define BNN_USED_copy_i8 BNN_USED_INTEGERS
#define BNN_USED_pool_max BNN_CONFIG_OP_maxpool2d
#define BNN_USED_pool_average BNN_CONFIG_OP_avgpool2d
#define BNN_USED_max_bits BNN_CONFIG_OP_bmaxpool2d

#endif
