/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution by the chain (docs/kernels.md): of three neighbours, activations and weights xored, one vpternlogq makes the
 * carry, so that two words take 5 operations instead of 6. A register holds one word of each of 8 outputs' weights, an
 * activation's word meets all of them at once.
 */
#include "words_avx512.h"

#if BNN_ARCH_X86

#define VECTOR 32     /* bytes from vector to vector of a panel */
#define CARRY 0x74    /* majority of s[i], s[i] ^ s[i + 1], s[i + 1] ^ s[i + 2] */

/* A way through the pixels of a panel: the next one's column, and its place in bytes of narrow from the first one's. */
struct walk {
    const struct bnn_chain *p;
    size_t column, at;
};

BNN_INLINE void forward(struct walk *walk, size_t pixels)
{
    walk->column += pixels;
    walk->at += pixels * walk->p->pixel_step;
    if (walk->column == walk->p->width) {
        walk->column = 0;
        walk->at += walk->p->row_step - walk->p->width * walk->p->pixel_step;
    }
}

/* Places of the next `count` pixels, of which `left` are there; then of the last one again. Or returns 1: they lie next to each
 * other from places[0] on. */
BNN_INLINE int next_pixels(size_t *places, struct walk *walk, size_t count, size_t left)
{
    if (count <= left && walk->column + count <= walk->p->width && walk->p->pixel_step == 8) {
        places[0] = walk->at;
        forward(walk, count);
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        places[i] = walk->at;
        if (i + 1 < left) {
            forward(walk, 1);
        }
    }
    return 0;
}

BNN_AVX512 BNN_INLINE __m128i load_word(const uint8_t *x)
{
    return _mm_loadl_epi64((const __m128i *)(const void *)x);
}

BNN_AVX512 BNN_INLINE __m128i load_words(const uint8_t *first, const uint8_t *second)
{
    return _mm_unpacklo_epi64(load_word(first), load_word(second));
}

BNN_AVX512 BNN_INLINE __m128i load_half(const uint8_t *x)
{
    return _mm_loadu_si128((const __m128i *)(const void *)x);
}

BNN_AVX512 BNN_INLINE __m256i load_whole(const uint8_t *x)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

BNN_AVX512 BNN_INLINE __m256i join(__m128i low, __m128i high)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* The next vector of a part of a panel. */
BNN_AVX512 BNN_INLINE uint8_t *put(uint8_t *out, __m256i *sum, __m256i v)
{
    *sum = _mm256_xor_si256(*sum, v);
    _mm256_storeu_si256((__m256i *)(void *)out, *sum);
    return out + VECTOR;
}

/* Behind the last vector, which is alone if their number is even. */
BNN_AVX512 BNN_INLINE void end_part(uint8_t *end, size_t vectors)
{
    if (vectors > 0 && vectors % 2 == 0) {
        __m256i before = load_whole(end - (size_t)2 * VECTOR);
        put(end - VECTOR, &before, load_whole(end - VECTOR));
    }
}

BNN_AVX512 void bnn_chain_panel_avx512(uint8_t *out, const uint8_t *wide, const uint8_t *narrow, const struct bnn_chain *p,
                                       size_t column, size_t pixels)
{
    const size_t vectors = p->wide + (p->narrow + 1) / 2, end = p->wide + p->narrow;
    struct walk walk = {p, column, 0};
    for (size_t pixel = 0; pixel < pixels; pixel += 2) {
        __m256i sum = _mm256_setzero_si256();
        size_t at[2], tap = 0;
        if (next_pixels(at, &walk, 2, pixels - pixel)) {
            at[1] = at[0] + 8;
            for (; tap < p->wide; tap++) {
                out = put(out, &sum, load_whole(wide + p->taps[tap] + 2 * at[0]));
            }
        }
        for (; tap < p->wide; tap++) {
            const uint8_t *x = wide + p->taps[tap];
            out = put(out, &sum, join(load_half(x + 2 * at[0]), load_half(x + 2 * at[1])));
        }
        for (; tap + 1 < end; tap += 2) {
            const uint8_t *x = narrow + p->taps[tap], *y = narrow + p->taps[tap + 1];
            out = put(out, &sum, join(load_words(x + at[0], y + at[0]), load_words(x + at[1], y + at[1])));
        }
        if (tap < end) {
            const uint8_t *x = narrow + p->taps[tap];
            out = put(out, &sum, join(load_word(x + at[0]), load_word(x + at[1])));
        }
        end_part(out, vectors);
    }
}

BNN_AVX512 void bnn_chain_panel64_avx512(uint8_t *out, const uint8_t *narrow, const struct bnn_chain *p, size_t column,
                                         size_t pixels)
{
    struct walk walk = {p, column, 0};
    for (size_t pixel = 0; pixel < pixels; pixel += 4) {
        __m256i sum = _mm256_setzero_si256();
        size_t at[4], tap = 0;
        if (next_pixels(at, &walk, 4, pixels - pixel)) {
            for (; tap < p->narrow; tap++) {
                out = put(out, &sum, load_whole(narrow + p->taps[tap] + at[0]));
            }
        }
        for (; tap < p->narrow; tap++) {
            const uint8_t *x = narrow + p->taps[tap];
            out = put(out, &sum, join(load_words(x + at[0], x + at[1]), load_words(x + at[2], x + at[3])));
        }
        end_part(out, p->narrow);
    }
}

/* The next word of 8 outputs' weights. */
BNN_AVX512 BNN_INLINE uint8_t *put_weights(uint8_t *out, __m512i *sum, __m512i v, int alone)
{
    *sum = _mm512_xor_si512(*sum, v);
    _mm512_store_si512(out, alone ? v : *sum);
    return out + 64;
}

BNN_AVX512 void bnn_chain_weights_avx512(uint8_t *out, const uint8_t *w, size_t wide, size_t narrow)
{
    const size_t vectors = wide + (narrow + 1) / 2;
    __m512i sum[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (size_t i = 0; i < vectors; i++, w += 128) {
        const int two = i < wide || 2 * (i - wide) + 1 < narrow, alone = i + 1 == vectors && vectors % 2 == 0;
        const __m512i low = _mm512_load_si512(w), high = two ? _mm512_load_si512(w + 64) : _mm512_setzero_si512();
        out = put_weights(out, &sum[0], i < wide ? bnn_first_words(low, high) : low, alone);
        out = put_weights(out, &sum[1], i < wide ? bnn_second_words(low, high) : high, alone);
    }
}

BNN_AVX512 void bnn_chain_weights64_avx512(uint8_t *out, const uint8_t *w, size_t narrow)
{
    __m512i sum = _mm512_setzero_si512();
    for (size_t i = 0; i < narrow; i++, w += 64) {
        out = put_weights(out, &sum, _mm512_load_si512(w), i + 1 == narrow && narrow % 2 == 0);
    }
}

/* A word of activations ^ those of weights. Compilers would load the word into a register of its own, which costs a tenth. */
BNN_AVX512 BNN_INLINE __m512i differ(const uint8_t *x, __m512i w)
{
    const struct word {
        uint8_t bytes[8];
    } *word = (const struct word *)(const void *)x;
    __m512i v;
    __asm__("vpxorq %1%{1to8%}, %2, %0" : "=v"(v) : "m"(*word), "v"(w));
    return v;
}

/* Activations of word i of a tile: the words of its first pixel, of its second, ...; parts of the panel are `step` apart. */
BNN_INLINE const uint8_t *word_of(const uint8_t *x, size_t step, size_t i)
{
    return x + i / (VECTOR / 8) * step + i % (VECTOR / 8) * 8;
}

/* A tile. Constants of the callers: pixels, words. */
BNN_AVX512 BNN_INLINE void tile(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t pixels, size_t words)
{
    const size_t step = VECTOR * vectors;
    __m512i s[16], sum[12];
    BNN_UNROLL
    for (size_t i = 0; i < words * pixels; i++) {
        s[i] = differ(word_of(x, step, i), _mm512_load_si512(w + 64 * (i % words)));
    }
    BNN_UNROLL
    for (size_t i = 0; i < pixels; i++) {
        sum[i] = _mm512_setzero_si512();
    }
    w += 64 * words;
    for (size_t n = 0; n < (vectors - 1) / 2; n++, w += 2 * 64 * words) {
        x += VECTOR;
        BNN_UNROLL
        for (size_t k = 0; k < words; k++) {
            const __m512i first = _mm512_load_si512(w + 64 * k), second = _mm512_load_si512(w + 64 * (words + k));
            BNN_UNROLL
            for (size_t i = k; i < words * pixels; i += words) {
                const uint8_t *from = word_of(x, step, i);
                const __m512i between = differ(from, first), behind = differ(from + VECTOR, second);
                const __m512i carry = _mm512_ternarylogic_epi64(s[i], between, behind, CARRY);
                sum[i / words] = _mm512_add_epi64(sum[i / words], _mm512_popcnt_epi64(carry));
                __asm__("" : "+v"(sum[i / words])); /* in this order: otherwise more sums wait than there are registers */
                s[i] = behind;
            }
        }
        x += VECTOR;
    }
    BNN_UNROLL
    for (size_t i = 0; i < pixels; i++) {
        sum[i] = _mm512_add_epi64(sum[i], sum[i]);
    }
    BNN_UNROLL
    for (size_t i = 0; i < words * pixels; i++) {
        sum[i / words] = _mm512_add_epi64(sum[i / words], _mm512_popcnt_epi64(s[i]));
    }
    if (vectors % 2 == 0) {
        BNN_UNROLL
        for (size_t i = 0; i < words * pixels; i++) {
            const __m512i v = differ(word_of(x, step, i) + VECTOR, _mm512_load_si512(w + 64 * (i % words)));
            sum[i / words] = _mm512_add_epi64(sum[i / words], _mm512_popcnt_epi64(v));
        }
    }
    BNN_UNROLL
    for (size_t i = 0; i < pixels; i++) {
        bnn_add_words(acc + 8 * i, sum[i]);
    }
}

BNN_AVX512 BNN_INLINE void tiles(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t pixels, size_t words)
{
    const size_t whole = words == 2 ? 8 : 12;
    for (size_t done = 0, count; vectors > 0 && done < pixels; done += count) {
        const size_t left = pixels - done;
        uint16_t *to = acc + 8 * done;
        const uint8_t *from = word_of(x, VECTOR * vectors, words * done);
        count = left >= whole ? whole : left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
        switch (count) {
        case 8: tile(to, from, w, vectors, 8, words); break;
        case 4: tile(to, from, w, vectors, 4, words); break;
        case 2: tile(to, from, w, vectors, 2, words); break;
        case 1: tile(to, from, w, vectors, 1, words); break;
        default: tile(to, from, w, vectors, whole, words); break;
        }
    }
}

BNN_AVX512 void bnn_bchain_avx512(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t pixels)
{
    tiles(acc, x, w, vectors, pixels, 2);
}

BNN_AVX512 void bnn_bchain64_avx512(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t pixels)
{
    tiles(acc, x, w, vectors, pixels, 1);
}

#endif
