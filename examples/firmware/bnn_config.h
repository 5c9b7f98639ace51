/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The switches of libbnn for the digits network (bnn/config.h): what it does not need stays out of flash.
 */
#ifndef FIRMWARE_BNN_CONFIG_H
#define FIRMWARE_BNN_CONFIG_H

#define BNN_CONFIG_ALL_OPS 0
#define BNN_CONFIG_OP_reshape 1
#define BNN_CONFIG_OP_conv2d 1
#define BNN_CONFIG_OP_bconv2d 1
#define BNN_CONFIG_OP_avgpool2d 1
#define BNN_CONFIG_OP_concat 1
#define BNN_CONFIG_OP_bmaxpool2d 1
#define BNN_CONFIG_OP_bdense 1
#define BNN_CONFIG_OP_dense 1
#define BNN_CONFIG_STEP_affine 1
#define BNN_CONFIG_STEP_add 1
#define BNN_CONFIG_STEP_prelu 1
#define BNN_CONFIG_STEP_clip 1
#define BNN_CONFIG_STEP_emit_f32 1
#define BNN_CONFIG_STEP_emit_sign 1
#define BNN_CONFIG_STEP_emit_bits 1
#define BNN_CONFIG_STEP_emit_int 1

#define BNN_CONFIG_CHECKS 0 /* the model was checked where data.py ran it */
#define BNN_CONFIG_TEXT 0

#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
#define BNN_CONFIG_ONE_ISA 1
#define BNN_CONFIG_SMALL 1 /* the float layers are 0.4 % of the multiply-adds */
#endif

#endif
