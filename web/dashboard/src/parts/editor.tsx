// SPDX-License-Identifier: MIT
import { Drawer } from "@mantine/core";
import type { ReactNode } from "react";
import { type Item, type Section, type Sections, useItem } from "../api/config";
import { Shown } from "./states";

/** A drawer with the form of an item: a new one (`id` ""), or one that is
 * read as it is now. */
export function ItemDrawer<S extends Section>({ section, id, open, close, title,
	size = 520, children }: {
	section: S; id: string; open: boolean; close: () => void; title: string;
	size?: number;
	children: (item: Item<Sections[S]> | undefined) => ReactNode;
}) {
	return <Drawer opened={open} onClose={close} position="right" size={size}
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

export const ID_HINT =
	"Letters, digits and . _ ~ + * -; it cannot be changed later";

/** Whether an item of the configuration may be called so. */
export const isId = (text: string) => /^[\w.~+*-]{1,64}$/.test(text);
