/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The parts of bnn-bench: cases.c (what is measured), model.c (models made in memory), measure.c (running them), bound.c (how
 * fast they could be).
 */
#ifndef BNN_BENCH_H
#define BNN_BENCH_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_UNIT 128      /* binary multiply-adds, or floats packed; of float layers a unit is one multiply-add */
#define BENCH_MIXED_UNIT 16 /* of layers with 8-bit numbers, or with floats and binary weights */
#define BENCH_MAX_CASES 512
#define BENCH_MAX_TEXT 96

/* Binary; floats with float weights, with binary weights, with float weights and groups of one channel; 8-bit numbers with 8-bit
 * weights, with binary weights. */
enum bench_kind { BENCH_BINARY, BENCH_FLOAT, BENCH_SIGN, BENCH_DEPTHWISE, BENCH_S8, BENCH_S8_SIGN };

/* A square convolution or, with `dense`, a dense layer (height, width and kernel 1). Packers have a shape only. */
struct bench_layer {
    uint32_t height, width, channels; /* of the input */
    uint32_t outputs, kernel, stride, pad;
    int border;   /* value of the padding: -1, 0 or +1 */
    int dense;
    int bits_out; /* integer thresholds -> bits; otherwise affine -> floats */
    enum bench_kind kind;
};

/* What is measured: one op of a model, a whole run of it (packing and op), or a kernel. */
enum bench_subject { BENCH_OP, BENCH_RUN, BENCH_PACK_SIGN, BENCH_PACK_THRESHOLD };

struct bench_case {
    char name[BENCH_MAX_TEXT];
    enum bench_subject subject;
    struct bench_layer layer;
};

/* Extent of the output along an axis of `in` pixels. */
static inline uint32_t bench_out(const struct bench_layer *layer, uint32_t in)
{
    return (in + 2 * layer->pad - layer->kernel) / layer->stride + 1;
}

static inline int bench_is_8_bit(const struct bench_layer *layer)
{
    return layer->kind == BENCH_S8 || layer->kind == BENCH_S8_SIGN;
}

static inline int bench_is_packer(const struct bench_case *test)
{
    return test->subject == BENCH_PACK_SIGN || test->subject == BENCH_PACK_THRESHOLD;
}

/* Writes the built-in cases into `cases` (BENCH_MAX_CASES) and returns their number. */
size_t bench_cases(struct bench_case *cases);

/* The case of a convolution given as H,W,C,O,K,STRIDE,PAD; 0 if the text is not one. */
int bench_parse_conv(const char *text, struct bench_case *test);

/* Units of work of one run; padding counts like the rest of the image. */
double bench_units(const struct bench_case *test);

/* The shape in words. */
void bench_shape(char text[BENCH_MAX_TEXT], const struct bench_case *test);

/* A model of the layer: floats -> bits (floats, 8-bit numbers) -> layer -> floats. Step BENCH_STEP is the layer. Bytes of a .dab
 * file, to be freed by the caller; NULL if there is no memory. Weights are pseudo-random and the same on every machine. */
enum { BENCH_STEP = 1 };
uint8_t *bench_model(const struct bench_layer *layer, size_t *size);

/* Fills an array with pseudo-random floats in [-1, 1); the same for the same seed. */
void bench_floats(float *out, size_t count, uint32_t seed);

/* malloc of memory aligned for the library, at least `bytes`; free() frees it. */
void *bench_allocate(size_t bytes);

/* Whether this machine has the hints that an instruction counter looks for. */
extern const int bench_has_marks;

/* Rate of this machine's time stamp counter in MHz, which is the nominal clock of its cores; 0 where there is none. */
double bench_counter_mhz(void);

/* Nanoseconds since a time of timespec_get. */
struct timespec;
double bench_ns_since(const struct timespec *begin);

/* Nanoseconds that a unit of binary products takes at least with an instruction set, measured now; 0 where it is not known. */
double bench_bound(const char *isa);

/* Nanoseconds of one run. */
struct bench_times {
    double min, median;
};

/* Runs a case `repeat` times after one run to warm up; with repeat 0 once, between hints, without times. isa: NULL for the
 * best. Returns 0, or -1 after a message to stderr. */
int bench_measure(const struct bench_case *test, const char *isa, unsigned long repeat, struct bench_times *times);

#endif
