/* SPDX-License-Identifier: MIT */
/*
 * The hot loops: one source, compiled for x86-64-v3 (AVX2, FMA) and for the
 * plain machine; the dynamic linker picks at start.  So one binary runs
 * everywhere.  Under a sanitizer there is only the plain one: its runtime is
 * not up yet when the pick is made.
 */

#ifndef SY_NODE_MEDIA_CLONES_H
#define SY_NODE_MEDIA_CLONES_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&         \
	!defined(SY_NO_CLONES)
#define SY_CLONES                                                              \
	__attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define SY_CLONES
#endif

/** Eight floats; the compiler splits it where the machine has less. */
typedef float v8f __attribute__((vector_size(32)));
typedef int v8i __attribute__((vector_size(32)));

/** The same in memory, at any address of a float. */
typedef float v8fu __attribute__((vector_size(32), aligned(4), may_alias));

/** Macros, not functions: a vector as a result would be bound to one ABI. */
#define V8_LOAD(p) ((v8f)(*(const v8fu *)(p)))
#define V8_SAVE(p, v) (*(v8fu *)(p) = (v))
#define V8_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (v8i){__VA_ARGS__})

#endif
