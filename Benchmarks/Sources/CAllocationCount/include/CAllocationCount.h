// Counts what a thread takes from the heap.
//
// Linking this target into a program replaces malloc and its relatives by functions that count and then call the C
// library's own. Only with glibc; elsewhere nothing is replaced and nothing is counted.
#ifndef KINDRED_BENCHMARKS_CALLOCATIONCOUNT_H
#define KINDRED_BENCHMARKS_CALLOCATIONCOUNT_H

#include <stdint.h>

/// Whether allocations are counted here.
int32_t allocation_count_is_available(void);

/// How often the calling thread has taken memory from the heap.
uint64_t allocation_count(void);

#endif
