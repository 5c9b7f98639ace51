/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Slots of which this folder has a variant: ~, and the best one's instruction set, which is the slot's last row in variants.def.
 */
#ifndef BNN_CORTEXM_BEST_H
#define BNN_CORTEXM_BEST_H

#if BNN_ARCH_HAS_MVE
#define BNN_BEST_DOT mve
#else
#define BNN_BEST_DOT thumb
#endif

#define BNN_BEST_pack_sign ~, BNN_BEST_DOT
#define BNN_BEST_pack_threshold ~, thumb
#define BNN_BEST_bconv128 ~, BNN_BEST_DOT
#define BNN_BEST_bconv64 ~, BNN_BEST_DOT
#define BNN_BEST_bdense128 ~, BNN_BEST_DOT
#define BNN_BEST_bdense64 ~, BNN_BEST_DOT

#if BNN_ARCH_HAS_THUMB2
#define BNN_BEST_acc_start ~, thumb
#endif

#if BNN_ARCH_HAS_MVE
#define BNN_BEST_acc_bits ~, mve
#endif

#endif
