// SPDX-License-Identifier: MIT

/** Version of the library. */
export const version = "0.0.0";
