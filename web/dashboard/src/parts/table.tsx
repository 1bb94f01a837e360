// SPDX-License-Identifier: MIT
//
// A table that is sorted by its heads; of a long one the rows in sight are drawn.
// On a phone's screen each row is a card (parts.css).
import { UnstyledButton } from "@mantine/core";
import { ArrowDown, ArrowUp } from "../icons";
import { memo, type MouseEvent, type ReactNode, useMemo, useRef, useState }
	from "react";
import { useLocation } from "wouter";
import { useWindow } from "./window";

export interface Column<T> {
	key: string;
	title: string;
	cell: (row: T) => ReactNode;
	sort?: (row: T) => string | number;
	right?: boolean;      // numbers
	narrow?: boolean;     // as wide as what is in it
	bare?: boolean;       // no label on a phone: a row's name, its buttons
}

// Made once: a thousand comparisons by localeCompare take 100 ms.
const ORDER = new Intl.Collator(undefined, { numeric: true });
/** In a cell without a value; a phone's screen leaves it out. */
export const NONE = "–";

function compare(a: string | number, b: string | number): number {
	return typeof a === "number" && typeof b === "number" ? a - b :
		ORDER.compare(String(a), String(b));
}

export function Table<T>({ label, columns, rows, rowKey, href, sortBy }: {
	label: string;
	columns: Column<T>[];
	rows: T[];
	rowKey: (row: T) => string;
	href?: (row: T) => string; // a click anywhere in the row leads there
	sortBy?: string;           // key, "-key": descending
}) {
	const [order, setOrder] = useState(sortBy ?? "");
	const body = useRef<HTMLTableSectionElement>(null);
	const [, go] = useLocation();
	const by = order.replace("-", "");
	const down = order.startsWith("-");
	const sorted = useMemo(() => {
		const sort = columns.find((c) => c.key === by)?.sort;

		if (!sort)
			return rows;
		return rows.map((row) => ({ row, by: sort(row) })).sort((a, b) =>
			compare(a.by, b.by) * (down ? -1 : 1)).map((x) => x.row);
	}, [rows, by, down]); // eslint-disable-line
	const { from, to, above, below } = useWindow(body, rows.length);
	const part = to - from < rows.length;

	return <div className="sy-table-room">
		<table className="sy-table" role="table" aria-label={label}
			aria-rowcount={part ? rows.length + 1 : undefined}>
			<thead role="rowgroup"><tr role="row">
				{columns.map((c) => <Head key={c.key} column={c}
					order={by === c.key ? (down ? "descending" : "ascending")
						: undefined}
					turn={() => setOrder(by === c.key && !down
						? `-${c.key}` : c.key)} />)}
			</tr></thead>
			<tbody role="rowgroup" ref={body}>
				<Space height={above} columns={columns.length} />
				{sorted.slice(from, to).map((row, i) => <Row
					key={rowKey(row)} row={row} columns={columns}
					index={part ? from + i + 2 : undefined}
					open={href && (() => go(href(row)))} />)}
				<Space height={below} columns={columns.length} />
			</tbody>
		</table>
	</div>;
}

/** In the place of rows that are not drawn. */
function Space({ height, columns }: { height: number; columns: number }) {
	return height > 0 && <tr aria-hidden className="sy-space">
		<td colSpan={columns} style={{ height }} /></tr>;
}

interface RowProps<T> {
	row: T; columns: Column<T>[]; open?: () => void;
	index?: number;  // from 1, the head's; where not all are drawn
}

/** Drawn again when its value is another: of a thousand rows few change. */
const Row = memo(function Row<T>({ row, columns, open, index }: RowProps<T>) {
	const click = (e: MouseEvent) => {
		const t = e.target as HTMLElement;

		if (!t.closest("a, button, input, label") &&
			!getSelection()?.toString())
			open!();
	};

	return <tr role="row" aria-rowindex={index} onClick={open && click}
		data-link={open ? true : undefined}>
		{columns.map((c) => <Cell key={c.key} column={c}
			value={c.cell(row)} />)}
	</tr>;
}, (a, b) => a.row === b.row && a.columns === b.columns &&
	a.index === b.index) as
	<T>(props: RowProps<T>) => ReactNode;

function Cell<T>({ column: c, value }: {
	column: Column<T>; value: ReactNode;
}) {
	return <td role="cell" data-label={c.bare ? undefined : c.title}
		data-right={c.right || undefined} data-narrow={c.narrow || undefined}
		data-head={c.bare && !!c.title || undefined}
		data-none={value === NONE || undefined}>{value}</td>;
}

/** A second, quieter line in a cell. */
export function Under({ children }: { children: ReactNode }) {
	return children ? <span className="sy-under" dir="auto">{children}</span> :
		null;
}

function Head<T>({ column: c, order, turn }: {
	column: Column<T>; order?: "ascending" | "descending"; turn: () => void;
}) {
	const Arrow = order === "descending" ? ArrowDown : ArrowUp;

	return <th role="columnheader" scope="col" aria-sort={order}
		data-right={c.right || undefined}>
		{c.sort ? <UnstyledButton className="sy-sort" onClick={turn}>
			{c.title}
			<Arrow size={13} aria-hidden data-off={order ? undefined : true} />
		</UnstyledButton> : c.title ||
			<span className="sy-hidden">Actions</span>}
	</th>;
}
