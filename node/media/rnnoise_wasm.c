/* SPDX-License-Identifier: MIT */
/*
 * What the C that wasm2c made of RNNoise needs to run, and librnnoise's
 * functions around it.
 *
 * A module works in a memory of its own with 32-bit addresses and an offset
 * of 32 bits: it cannot leave 8 GB.  So a state reserves those (address
 * space, not memory) and lets the processor guard them, instead of a check
 * at each access (a fifth of the time).  Who leaves the memory dies, as with
 * any library.
 *
 * One module a state: states share nothing and need no lock, whoever runs
 * them; what is freed is one mapping.  They are copies on write of one that
 * was set up once: the weights (1.4 MB) exist once, in memory and in the
 * caches, and a new state costs two mappings and one frame.
 */

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rnnoise.h"
#include "rnnoise_exports.h"

#include "node/media/rnnoise_wasm.h"

enum {
	FRAME_SMP = 480,
	PAGE_BYTES = 65536, /* of WebAssembly */
	PIECE_BYTES = 4096,
};

#define RESERVE ((size_t)8 << 30 | PAGE_BYTES)

/* What the module may call: it knows its caller by this. */
struct Z_a_instance_t {
	wasm_rt_memory_t *mem;
};

struct DenoiseState {
	Z_rnnoise_instance_t module;
	struct Z_a_instance_t host;
	u32 st, buf; /* addresses in its memory */
};

static struct DenoiseState first;
static int first_fd = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ----------------------------------------------------------- the runtime */

bool wasm_rt_is_initialized(void)
{
	return true;
}

void wasm_rt_trap(wasm_rt_trap_t trap)
{
	(void)trap;
	abort();
}

uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...)
{
	static uint32_t n;

	(void)params;
	(void)results;

	return ++n;
}

static void *reserve(void)
{
	void *p = mmap(NULL, RESERVE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* first_init() has reserved it. */
void wasm_rt_allocate_memory(wasm_rt_memory_t *mem, uint32_t pages,
			     uint32_t max_pages)
{
	mem->pages = pages;
	mem->max_pages = max_pages;
	mem->size = pages * PAGE_BYTES;
	if (mem->data && mprotect(mem->data, mem->size, PROT_READ | PROT_WRITE))
		abort();
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *mem, uint32_t pages)
{
	(void)mem;
	(void)pages;

	return UINT32_MAX;
}

void wasm_rt_free_memory(wasm_rt_memory_t *mem)
{
	(void)mem;
}

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table, uint32_t n,
				    uint32_t max)
{
	static wasm_rt_funcref_t none;

	/* RNNoise calls nothing through it. */
	if (n > 1)
		abort();

	table->data = &none;
	table->size = n;
	table->max_size = max;
}

void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table)
{
	(void)table;
}

/* More heap than its 16 MB: never. */
u32 Z_aZ_a(struct Z_a_instance_t *host, u32 bytes)
{
	(void)host;
	(void)bytes;

	return 0;
}

/* memcpy of what is large. */
void Z_aZ_b(struct Z_a_instance_t *host, u32 dst, u32 src, u32 n)
{
	const wasm_rt_memory_t *mem = host->mem;

	if ((uint64_t)dst + n > mem->size || (uint64_t)src + n > mem->size)
		abort();

	memmove(mem->data + dst, mem->data + src, n);
}

/* ----------------------------------------------------------------- states */

/* The memory of the first one as a file: zeros stay holes. */
static int snapshot(const wasm_rt_memory_t *mem)
{
	static const uint8_t zero[PIECE_BYTES];
	int fd = memfd_create("rnnoise", MFD_CLOEXEC);
	size_t i;

	if (fd < 0)
		return -1;
	if (ftruncate(fd, mem->size))
		goto bad;

	for (i = 0; i < mem->size; i += PIECE_BYTES) {
		if (memcmp(mem->data + i, zero, PIECE_BYTES) &&
		    pwrite(fd, mem->data + i, PIECE_BYTES, (off_t)i) !=
			PIECE_BYTES)
			goto bad;
	}

	return fd;

bad:
	(void)close(fd);
	return -1;
}

static void first_init(void)
{
	static const float zero[FRAME_SMP];
	float out[FRAME_SMP];

	first.module.w2c_c.data = reserve();
	if (!first.module.w2c_c.data)
		return;

	first.host.mem = &first.module.w2c_c;
	Z_rnnoise_init_module();
	Z_rnnoise_instantiate(&first.module, &first.host);
	RNN_CTORS(&first.module);
	first.st = RNN_CREATE(&first.module, 0);
	first.buf = RNN_MALLOC(&first.module, FRAME_SMP * sizeof(float));
	if (first.st && first.buf) {
		(void)rnnoise_process_frame(&first, out, zero);
		first_fd = snapshot(&first.module.w2c_c);
	}

	(void)munmap(first.module.w2c_c.data, RESERVE);
}

static int map(struct DenoiseState *st)
{
	void *base = reserve();

	if (!base)
		return -1;

	if (mmap(base, first.module.w2c_c.size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, first_fd,
		 0) == MAP_FAILED) {
		(void)munmap(base, RESERVE);
		return -1;
	}

	st->module.w2c_c.data = base;
	st->host.mem = &st->module.w2c_c;
	st->module.Z_a_instance = &st->host;

	return 0;
}

DenoiseState *rnnoise_create(RNNModel *model)
{
	static const float zero[FRAME_SMP];
	struct DenoiseState *st;
	float out[FRAME_SMP];

	(void)model;
	(void)pthread_once(&once, first_init);
	if (first_fd < 0)
		return NULL;

	st = malloc(sizeof(*st));
	if (!st)
		return NULL;

	*st = first;
	if (map(st)) {
		free(st);
		return NULL;
	}

	/* Its pages become its own here, and not on the tick. */
	(void)rnnoise_process_frame(st, out, zero);

	return st;
}

void rnnoise_destroy(DenoiseState *st)
{
	if (!st)
		return;

	(void)munmap(st->module.w2c_c.data, RESERVE);
	free(st);
}

float rnnoise_process_frame(DenoiseState *st, float *out, const float *in)
{
	uint8_t *buf = st->module.w2c_c.data + st->buf;
	float voice;

	memcpy(buf, in, FRAME_SMP * sizeof(*in));
	voice = RNN_PROCESS(&st->module, st->st, st->buf, st->buf);
	memcpy(out, buf, FRAME_SMP * sizeof(*out));

	return voice;
}
