// SPDX-License-Identifier: MIT

/** How much of what was lost on the way was heard all the same; nothing where
 * nothing was. */
export function Recovered({ percent, before = "" }: {
	percent: number; before?: string;
}) {
	return percent > 0 && <>{before}<span title={"Packets that were lost, " +
		"but told once more by the next one (Opus FEC): they were heard"}>
		recovered {percent.toFixed(1)} %</span></>;
}
