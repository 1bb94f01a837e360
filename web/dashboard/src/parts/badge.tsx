// SPDX-License-Identifier: MIT
import { Badge } from "@mantine/core";
import { words } from "./format";

const COLORS: Record<string, string> = {
	LIVE: "green", STARTING: "blue", DRAINING: "yellow", OVERLOADED: "red",
	CALL_SETUP: "gray", CALL_RINGING: "yellow", CALL_ANSWERED: "green",
	CALL_ENDED: "gray",
	LEG_SETUP: "gray", LEG_RINGING: "yellow", LEG_ANSWERED: "green",
	LEG_ENDED: "gray",
};

/** A state by its name in the API; its word says what its colour does. */
export function State({ name }: { name: string }) {
	return <Tag color={COLORS[name] ?? "gray"}>
		{name === "STATE_UNKNOWN" ? "gone" : words(name)}
	</Tag>;
}

export function Tag({ color = "gray", children }: {
	color?: string; children: React.ReactNode;
}) {
	return <Badge color={color} variant="light" radius="sm" tt="none"
		fw={600} size="md">{children}</Badge>;
}
