/* SPDX-License-Identifier: MIT */
/*
 * RNNoise as C made of WebAssembly: the three functions of librnnoise's
 * header, so that who uses them need not know which of the two it has.
 */

#ifndef SY_NODE_MEDIA_RNNOISE_WASM_H
#define SY_NODE_MEDIA_RNNOISE_WASM_H

typedef struct DenoiseState DenoiseState;
typedef struct RNNModel RNNModel;

/**
 * A state; any thread, not on the tick.
 *
 * @param model  Not used: NULL.
 *
 * @return NULL: no memory.
 */
DenoiseState *rnnoise_create(RNNModel *model);

void rnnoise_destroy(DenoiseState *st);

/**
 * Denoise 480 samples of 48 kHz, scaled to 16 bits; one thread a state.
 *
 * @return probability of voice.
 */
float rnnoise_process_frame(DenoiseState *st, float *out, const float *in);

#endif
