// SPDX-License-Identifier: MIT
import { NumberInput, Select, Switch, TextInput } from "@mantine/core";
import { type Item, put, useSection } from "../../api/config";
import type { Route } from "../../api/schema";
import { ID_HINT, isId } from "../../parts/editor";
import { Form, useEditor } from "../../parts/form";
import { destinationOf, targetOf } from "./target";
import { TargetFields } from "./target_fields";

const SOURCES = [
	{ value: "", label: "Anybody" },
	{ value: "device", label: "Any phone" },
	{ value: "api", label: "The API and this dashboard" },
];

/** Where the form has what the API calls so. */
const fieldOf = (path: string) => path
	.replace(/^target\.external\.(trunk|failover).*/, "$1")
	.replace(/^target\..*/, "value");

export function RouteFields({ item, order, close }: {
	item?: Item<Route>; order: number; close: () => void;
}) {
	const r = item?.value;
	const trunks = useSection("providers").data?.map((t) => t.id) ?? [];
	const editor = useEditor({
		initial: { id: r?.id ?? "", order: r?.order ?? order,
			pattern: r?.pattern ?? "", source: r?.source ?? "",
			ringSeconds: r?.ringSeconds ?? 0, disabled: r?.disabled ?? false,
			...targetOf(r?.target) },
		check: (v) => ({
			id: isId(v.id) ? null : ID_HINT,
			pattern: v.pattern ? null : "Which numbers?",
			trunk: v.kind !== "external" || v.trunk ? null : "Which one?",
		}),
		rename: fieldOf,
		save: ({ kind, value, trunk, failover, code, ...v }) => put("routes",
			item, { ...v, target: destinationOf(
				{ kind, value, trunk, failover, code }) }),
		done: "The route is saved", refresh: ["config"], after: close,
	});
	const p = editor.form.getInputProps;
	const v = editor.form.values;
	const sources = [...SOURCES, ...trunks.map((t) =>
		({ value: `trunk:${t}`, label: `Provider ${t}` }))];

	if (!sources.some((s) => s.value === v.source))
		sources.push({ value: v.source, label: v.source });
	return <Form editor={editor} cancel={close}>
		<div className="sy-form-row">
			<TextInput label="Name of the rule" disabled={!!item}
				data-autofocus={!item || undefined} {...p("id")} />
			<NumberInput label="Order" min={0}
				description="The smallest is tried first" {...p("order")} />
		</div>
		<TextInput label="Number" placeholder="1XXX" {...p("pattern")}
			classNames={{ input: "sy-mono" }} description={"X 0-9, Z 1-9, " +
				"N 2-9, [a-c] a set, . one or more, ! none or more; ^ " +
				"begins a regular expression"} />
		<Select label="From" data={sources} {...p("source")} />
		<TargetFields form={editor.form} help={"$0 is the whole number, $1 " +
			"what the first of . ! or (…) stands for"} />
		<div className="sy-form-row">
			<NumberInput label="Rings for, in seconds" min={0}
				description="0: the default, 60" {...p("ringSeconds")} />
		</div>
		<Switch label="Not in use" {...editor.form.getInputProps("disabled",
			{ type: "checkbox" })} />
	</Form>;
}
