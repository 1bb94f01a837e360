// SPDX-License-Identifier: MIT

const REASONS: Record<string, string> = {
	password: "wrong passwords", scanner: "a scanner", probe: "probing",
	manual: "by hand",
};

/** Why somebody is banned, for people. */
export const banReason = (reason: string) => REASONS[reason] ?? reason;
