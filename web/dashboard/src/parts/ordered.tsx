// SPDX-License-Identifier: MIT
//
// A choice of several of which the order counts: the first is the best.
import { Input, Select } from "@mantine/core";
import type { ReactNode } from "react";
import { ChevronDown, ChevronUp, X } from "../icons";
import { Act } from "./rows";

export function Ordered({ label, description, options, value = [], onChange,
	error, empty }: {
	label: string; description?: string; options: readonly string[];
	value?: string[]; onChange?: (value: string[]) => void;
	error?: ReactNode;
	empty: string; // what holds while nothing is chosen
}) {
	const rest = options.filter((o) => !value.includes(o));
	const move = (from: number, to: number) => {
		const next = [...value];

		next.splice(to, 0, ...next.splice(from, 1));
		onChange?.(next);
	};

	return <Input.Wrapper label={label} description={description}
		error={error} labelElement="div">
		<div className="sy-ordered" role="group" aria-label={label}>
			{value.length ? <ol aria-label={`${label}: chosen`}>
				{value.map((v, i) => <li key={v}>
					<span className="sy-grow sy-break">{v}</span>
					<Act label={`Move ${v} up`} disabled={!i}
						icon={<ChevronUp size={15} />}
						act={() => move(i, i - 1)} />
					<Act label={`Move ${v} down`}
						disabled={i === value.length - 1}
						icon={<ChevronDown size={15} />}
						act={() => move(i, i + 1)} />
					<Act label={`Remove ${v}`} icon={<X size={15} />}
						act={() => onChange?.(value.filter((x) =>
							x !== v))} />
				</li>)}
			</ol> : <div className="sy-note">{empty}</div>}
			{rest.length > 0 && <Select aria-label={`${label}: add`}
				placeholder="Add …" size="xs" data={rest} value={null}
				onChange={(v) => v && onChange?.([...value, v])} />}
		</div>
	</Input.Wrapper>;
}
