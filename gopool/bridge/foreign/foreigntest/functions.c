#include "functions.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DOUBLE, ECHO, LARGE, LEND, HOLD, STAY };

#define LARGE_SIZE (1 << 20)
#define WORKERS (1 << 16)

static _Atomic int64_t references[256];
static _Atomic int64_t holding;
static atomic_int open_gate;
static atomic_char cancelled[WORKERS];

// start says which task starts, and tells whether it may.
static int start(gopool_range *r, int64_t i) {
    uint64_t number = r->sequence + i;
    __atomic_store_n(r->started, number, __ATOMIC_SEQ_CST);
    return __atomic_load_n(r->recalled, __ATOMIC_SEQ_CST) > number;
}

// record answers one record in memory of malloc.
static void record(gopool_range *r, const void *data, int64_t size, uint64_t mark) {
    r->lengths[r->ran++] = (uint64_t)size | mark;
    r->data = realloc(r->data == r->out ? NULL : r->data, r->used + size);
    memcpy(r->data + r->used, data, size);
    r->used += size;
}

static void run(gopool_range *r) {
    r->ran = r->used = 0;
    r->data = r->out;
    r->encoding = r->function == DOUBLE ? 4 : r->function >= HOLD ? 7 : 9;
    for (int64_t i = 0; i < r->count && start(r, i); i++) {
        switch (r->function) {
        case DOUBLE: {
            const int64_t *items = (const int64_t *)r->items;
            int64_t x = r->kind == GOPOOL_RANGE ? items[0] + i * items[1] : items[i];
            ((int64_t *)r->out)[i] = 2 * x;
            r->ran++;
            r->used += 8;
            break;
        }
        case ECHO:
            record(r, r->items + i, 1, r->items[i] == 0 ? GOPOOL_FAILURE : 0);
            break;
        case LARGE: {
            void *large = calloc(1, LARGE_SIZE);
            record(r, large, LARGE_SIZE, 0);
            free(large);
            break;
        }
        case LEND: {
            int64_t token = r->items[i];
            atomic_fetch_add(&references[token], 1);
            record(r, &token, 8, GOPOOL_LENT);
            break;
        }
        case HOLD:
        case STAY:
            atomic_fetch_add(&holding, 1);
            while (!atomic_load(&open_gate) &&
                   (r->function == STAY || !atomic_load(&cancelled[r->worker % WORKERS])))
                usleep(100);
            atomic_fetch_sub(&holding, 1);
            r->ran++;
            break;
        }
    }
}

static void cancel(int64_t worker) { atomic_store(&cancelled[worker % WORKERS], 1); }
static void release(int64_t token, int64_t delta) { atomic_fetch_add(&references[token], delta); }

uintptr_t address_of_run(void) { return (uintptr_t)run; }
uintptr_t address_of_cancel(void) { return (uintptr_t)cancel; }
uintptr_t address_of_release(void) { return (uintptr_t)release; }
int64_t references_of(int64_t token) { return atomic_load(&references[token]); }
int64_t held(void) { return atomic_load(&holding); }
void let_go(int open) { atomic_store(&open_gate, open); }
