/* The floor: the least that each work costs, one fused loop over flat arrays in C.

   Slots are in topological order. A round's mix holds the rounds first[r] to r - 1; a row's mass is
   its weight in it. See flat.py for the arrays and lineage/record.py for the definitions. */

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define AHEAD 24
#define PAGE ((size_t)2 << 20)
#define TOLERANCE 1e-6

typedef struct {
    double roots, length; /* share of walks that end at a real row, and that times their mean length */
    int32_t low, high, pad[2];    /* high < 0: no walk does; padded so that none lies on two lines */
} State;

typedef struct {
    double weight, real, roots, length;
    int32_t low, high;
} Sums;

static const Sums EMPTY = {0, 0, 0, 0, INT32_MAX, -1};

static void add(Sums *into, const Sums *from) {
    into->weight += from->weight;
    into->real += from->real;
    into->roots += from->roots;
    into->length += from->length;
    if (from->low < into->low) into->low = from->low;
    if (from->high > into->high) into->high = from->high;
}

/* Sums over the mix of a round, as shares. */
static Sums mixed(const Sums *totals, int64_t first, int64_t round) {
    Sums mix = EMPTY;
    for (int64_t each = first; each < round; each++) add(&mix, &totals[each]);
    if (mix.weight > 0) {
        mix.real /= mix.weight;
        mix.roots /= mix.weight;
        mix.length /= mix.weight;
    }
    return mix;
}

/* Memory in huge pages, or none. */
static void *reserve(size_t bytes) {
    void *memory = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
    if (memory) madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

/* Returns 0, or 1 where there is no memory. */
int derive(int64_t rounds, int64_t stride, const int64_t *offsets, const int32_t *parents,
           const float *weights, const int16_t *mixes, const float *mass, const int32_t *first,
           double *real_inputs, double *real_roots, double *depth_mean, int32_t *depth_min,
           int32_t *depth_max) {
    State *state = reserve(sizeof(State) * rounds * stride);
    Sums *totals = malloc(sizeof(Sums) * rounds);
    if (!state || !totals) return 1;
    int64_t edges = offsets[rounds * stride];
    for (int64_t round = 0; round < rounds; round++) {
        Sums mix = mixed(totals, round ? first[round] : 0, round), total = EMPTY;
        for (int64_t slot = round * stride; slot < (round + 1) * stride; slot++) {
            double weight = 0, real = 0, roots = 0, length = 0;
            int32_t low = INT32_MAX, high = -1;
            for (int64_t at = offsets[slot]; at < offsets[slot + 1]; at++) {
                if (at + AHEAD < edges) __builtin_prefetch(&state[parents[at + AHEAD]]);
                const State *parent = &state[parents[at]];
                double each = weights[at];
                weight += each;
                real += parents[at] < stride ? each : 0;
                roots += each * parent->roots;
                length += each * (parent->length + parent->roots);
                if (each > 0 && parent->high >= 0) {
                    if (parent->low < low) low = parent->low;
                    if (parent->high > high) high = parent->high;
                }
            }
            double rest = 1.0 - weight;
            if (mixes[slot] && rest > TOLERANCE) {
                real += rest * mix.real;
                roots += rest * mix.roots;
                length += rest * (mix.length + mix.roots);
                if (mix.high >= 0) {
                    if (mix.low < low) low = mix.low;
                    if (mix.high > high) high = mix.high;
                }
            }
            if (round) {
                high = high < 0 ? -1 : high + 1;
                low = high < 0 ? INT32_MAX : low + 1;
            } else {
                real = roots = 1;
                low = high = 0;
            }
            state[slot] = (State){roots, length, low, high};
            real_inputs[slot] = real;
            real_roots[slot] = roots;
            depth_mean[slot] = roots > 0 ? length / roots : 0;
            depth_min[slot] = low;
            depth_max[slot] = high;
            double held = mass[slot];
            if (held > 0) {
                Sums one = {held, round ? 0 : held, held * roots, held * length, low, high};
                add(&total, &one);
            }
        }
        totals[round] = total;
    }
    free(state);
    free(totals);
    return 0;
}

/* Mark the descendants of the slots that are marked: a forward scan over all edges. */
int descend(int64_t rounds, int64_t stride, const int64_t *offsets, const int32_t *parents,
            uint8_t *marks) {
    for (int64_t slot = 0; slot < rounds * stride; slot++) {
        uint8_t found = marks[slot];
        for (int64_t at = offsets[slot]; at < offsets[slot + 1]; at++) found |= marks[parents[at]];
        marks[slot] = found;
    }
    return 0;
}

/* Mark descendants with 1, as the starts are, and with 2 what a mix or a parent of mark 2 gives. */
int descend_indirectly(int64_t rounds, int64_t stride, const int64_t *offsets, const int32_t *parents,
                   const float *weights, const int16_t *mixes, const float *mass,
                   const int32_t *first, uint8_t *held, uint8_t *marks) {
    for (int64_t round = 0; round < rounds; round++) {
        uint8_t mix = 0, any = 0;
        for (int64_t each = round ? first[round] : 0; each < round; each++) mix |= held[each];
        for (int64_t slot = round * stride; slot < (round + 1) * stride; slot++) {
            uint8_t found = marks[slot];
            double weight = 0;
            for (int64_t at = offsets[slot]; at < offsets[slot + 1]; at++) {
                found |= marks[parents[at]];
                weight += weights[at];
            }
            uint8_t indirect = mix && mixes[slot] && 1.0 - weight > TOLERANCE;
            marks[slot] = found & 1 ? 1 : (found || indirect ? 2 : 0);
            any |= mass[slot] > 0 && marks[slot];
        }
        held[round] = any;
    }
    return 0;
}
