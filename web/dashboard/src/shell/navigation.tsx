// SPDX-License-Identifier: MIT
import { Drawer } from "@mantine/core";
import { Brand, Entries } from "./entries";

/** The navigation of a narrow screen. */
export default function Navigation({ open, close }: {
	open: boolean; close: () => void;
}) {
	return <Drawer opened={open} onClose={close} size={270} title={<Brand />}
		padding="sm">
		<nav aria-label="Main"><Entries /></nav>
	</Drawer>;
}
