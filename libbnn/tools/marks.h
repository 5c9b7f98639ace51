/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Hint instructions that do nothing: what an instruction counter counts lies between MARK_BEGIN() and MARK_END().
 */
#ifndef BNN_MARKS_H
#define BNN_MARKS_H

#if defined(__aarch64__)
#define HAS_MARKS 1
#define MARK_BEGIN() __asm__ volatile("hint #0x64" ::: "memory")
#define MARK_END() __asm__ volatile("hint #0x65" ::: "memory")
#elif defined(__arm__) && defined(__thumb__) /* 16 bits: ARMv6-M has no others */
#define HAS_MARKS 1
#define MARK_BEGIN() __asm__ volatile(".inst.n 0xbfe0" ::: "memory")
#define MARK_END() __asm__ volatile(".inst.n 0xbff0" ::: "memory")
#elif defined(__arm__)
#define HAS_MARKS 1
#define MARK_BEGIN() __asm__ volatile(".inst 0xe320f064" ::: "memory")
#define MARK_END() __asm__ volatile(".inst 0xe320f065" ::: "memory")
#else
#define HAS_MARKS 0
#define MARK_BEGIN() (void)0
#define MARK_END() (void)0
#endif

#endif
