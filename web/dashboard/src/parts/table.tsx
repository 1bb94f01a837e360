// SPDX-License-Identifier: MIT
//
// A table that is sorted by its heads and grows by pages; on a phone's screen
// each row is a card (parts.css).
import { Button, UnstyledButton } from "@mantine/core";
import { ArrowDown, ArrowUp } from "../icons";
import { memo, type MouseEvent, type ReactNode, useMemo, useState }
	from "react";
import { useLocation } from "wouter";
import { plural } from "./format";

export interface Column<T> {
	key: string;
	title: string;
	cell: (row: T) => ReactNode;
	sort?: (row: T) => string | number;
	right?: boolean;      // numbers
	narrow?: boolean;     // as wide as what is in it
	bare?: boolean;       // no label on a phone: a row's name, its buttons
}

const PAGE = 100;
/** In a cell without a value; a phone's screen leaves it out. */
export const NONE = "–";

function compare(a: string | number, b: string | number): number {
	return typeof a === "number" && typeof b === "number" ? a - b :
		String(a).localeCompare(String(b), undefined, { numeric: true });
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
	const [most, setMost] = useState(PAGE);
	const [, go] = useLocation();
	const by = order.replace("-", "");
	const down = order.startsWith("-");
	const sorted = useMemo(() => {
		const sort = columns.find((c) => c.key === by)?.sort;

		return sort ? [...rows].sort((a, b) =>
			compare(sort(a), sort(b)) * (down ? -1 : 1)) : rows;
	}, [rows, by, down]); // eslint-disable-line

	return <div className="sy-table-room">
		<table className="sy-table" role="table" aria-label={label}>
			<thead role="rowgroup"><tr role="row">
				{columns.map((c) => <Head key={c.key} column={c}
					order={by === c.key ? (down ? "descending" : "ascending")
						: undefined}
					turn={() => setOrder(by === c.key && !down
						? `-${c.key}` : c.key)} />)}
			</tr></thead>
			<tbody role="rowgroup">
				{sorted.slice(0, most).map((row) => <Row
					key={rowKey(row)} row={row} columns={columns}
					open={href && (() => go(href(row)))} />)}
			</tbody>
		</table>
		{sorted.length > most && <div className="sy-more">
			<Button variant="default" size="xs"
				onClick={() => setMost(most + PAGE)}>
				Show {Math.min(PAGE, sorted.length - most)} more of{" "}
				{plural(sorted.length, "row")}
			</Button>
		</div>}
	</div>;
}

interface RowProps<T> { row: T; columns: Column<T>[]; open?: () => void }

/** Drawn again when its value is another: of a thousand rows few change. */
const Row = memo(function Row<T>({ row, columns, open }: RowProps<T>) {
	const click = (e: MouseEvent) => {
		const t = e.target as HTMLElement;

		if (!t.closest("a, button, input, label") &&
			!getSelection()?.toString())
			open!();
	};

	return <tr role="row" onClick={open && click}
		data-link={open ? true : undefined}>
		{columns.map((c) => <Cell key={c.key} column={c}
			value={c.cell(row)} />)}
	</tr>;
}, (a, b) => a.row === b.row && a.columns === b.columns) as
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
