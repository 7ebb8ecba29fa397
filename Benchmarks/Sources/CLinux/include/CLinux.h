// System headers that Swift's Glibc module does not carry.
#ifndef KINDRED_BENCHMARKS_CLINUX_H
#define KINDRED_BENCHMARKS_CLINUX_H

#ifdef __linux__
#include <sys/epoll.h>
#endif

#endif
