// What the pool and a package of Go functions have in common. They are in two
// Go runtimes, and know each other by addresses only.
#ifndef GOPOOL_CALL_H
#define GOPOOL_CALL_H

#include <stdint.h>

// Kinds of items.
#define GOPOOL_PACKED 0 // msgpack, one after the other
#define GOPOOL_INTS 1   // int64_t
#define GOPOOL_FLOATS 2 // double
#define GOPOOL_RANGE 3  // two int64_t: the first, and what is from each to the next

// Bits of an outcome's length.
#define GOPOOL_FAILURE (UINT64_C(1) << 63)
#define GOPOOL_LENT (UINT64_C(1) << 62)

typedef struct {
    int64_t function;     // its number in the package
    int64_t worker;       // who calls (unique in the process); cancel names it
    int64_t star;         // 0: an item is the one argument; 1: an item is a msgpack array of all arguments
    int64_t kind;         // of the items
    const uint8_t *items; // from the first item to run on
    int64_t size;         // bytes of items (to the end of the batch)
    int64_t count;        // tasks to run
    int64_t sequence;     // number of the first one
    uint64_t *started;    // the number of each task is stored here before it starts (atomic)
    uint64_t *recalled;   // tasks with this number or above are not started (atomic load after that store)
    uint64_t *lengths;    // of records: room for count of them
    uint8_t *out;         // memory of the caller for outcomes
    int64_t room;
    // The answer.
    int64_t ran;      // outcomes: fewer than count if the rest is recalled, or wants a call of its own
    int64_t encoding; // as wire.Encoding: 4 ints, 5 floats, 6 bools, 7 nones (columns), 9 records
    uint8_t *data;    // out, or memory of malloc which the caller frees
    int64_t used;     // bytes in data
} gopool_range;

// Run tasks; blocks.
void gopool_run(gopool_range *r);
// Cancel the context of what a worker runs.
void gopool_cancel(int64_t worker);
// Count references to a lent outcome: +1, -1. It is gone at 0.
void gopool_release(int64_t token, int64_t delta);

#endif
