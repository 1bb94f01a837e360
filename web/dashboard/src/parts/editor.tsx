// SPDX-License-Identifier: MIT
import { Drawer } from "@mantine/core";
import type { ReactNode } from "react";
import { type Item, type Section, type Sections, useItem } from "../api/config";
import { Shown } from "./states";

/** A drawer with the form of an item: a new one (`id` ""), or one that is
 * read as it is now. */
export function ItemDrawer<S extends Section>({ section, id, open, close, title,
	children }: {
	section: S; id: string; open: boolean; close: () => void; title: string;
	children: (item: Item<Sections[S]> | undefined) => ReactNode;
}) {
	return <Drawer opened={open} onClose={close} position="right" size={520}
		title={title}>
		{id ? <Read section={section} id={id}>{children}</Read> :
			children(undefined)}
	</Drawer>;
}

function Read<S extends Section>({ section, id, children }: {
	section: S; id: string;
	children: (item: Item<Sections[S]>) => ReactNode;
}) {
	const item = useItem(section, id);

	return <Shown query={item}>{(i) => children(i)}</Shown>;
}

export const ID_HINT = "Letters, digits, - _ and .; it cannot be changed later";
