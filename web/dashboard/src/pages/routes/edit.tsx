// SPDX-License-Identifier: MIT
import { MultiSelect, NumberInput, Select, Switch, TextInput }
	from "@mantine/core";
import { type Item, put, useSection } from "../../api/config";
import type { FeatureCode, Route } from "../../api/schema";
import { ID_HINT } from "../../parts/editor";
import { Form, useEditor } from "../../parts/form";
import { destinationOf, KINDS, targetOf } from "./target";

const CODES: { value: FeatureCode; label: string }[] = [
	{ value: "DND_ON", label: "Do not disturb: on" },
	{ value: "DND_OFF", label: "Do not disturb: off" },
	{ value: "DND_TOGGLE", label: "Do not disturb: the other way" },
	{ value: "FORWARD_ALWAYS", label: "Forward all calls" },
	{ value: "FORWARD_BUSY", label: "Forward when busy" },
	{ value: "FORWARD_NO_ANSWER", label: "Forward when nobody answers" },
	{ value: "FORWARD_UNREACHABLE", label: "Forward when not reached" },
	{ value: "FORWARD_NONE", label: "Forward no more" },
];

const SOURCES = [
	{ value: "", label: "Anybody" },
	{ value: "device", label: "Any phone" },
	{ value: "api", label: "The API and this dashboard" },
];

export function RouteFields({ item, order, close }: {
	item?: Item<Route>; order: number; close: () => void;
}) {
	const r = item?.value;
	const trunks = useSection("providers").data?.map((t) => t.id) ?? [];
	const groups = useSection("groups").data?.map((g) => g.id) ?? [];
	const editor = useEditor({
		initial: { id: r?.id ?? "", order: r?.order ?? order,
			pattern: r?.pattern ?? "", source: r?.source ?? "",
			ringSeconds: r?.ringSeconds ?? 0, disabled: r?.disabled ?? false,
			...targetOf(r?.target) },
		check: (v) => ({
			id: /^[\w.-]+$/.test(v.id) ? null : ID_HINT,
			pattern: v.pattern ? null : "Which numbers?",
			trunk: v.kind !== "external" || v.trunk ? null : "Which one?",
		}),
		save: ({ kind, value, trunk, failover, code, ...v }) => put("routes",
			item, { ...v, target: kept(r, destinationOf(
				{ kind, value, trunk, failover, code })) }),
		done: "The route is saved", refresh: ["config"], after: close,
	});
	const p = editor.form.getInputProps;
	const v = editor.form.values;
	const kind = KINDS.find((k) => k.value === v.kind)!;
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
		<Select label="Leads to" {...p("kind")} data={KINDS.map((k) =>
			({ value: k.value, label: k.label }))} />
		{v.kind === "external" && <div className="sy-form-row">
			<Select label="Provider" data={trunks} {...p("trunk")}
				placeholder="Choose one" />
			<MultiSelect label="When that one cannot, by" clearable
				clearButtonProps={{ "aria-label": "None of them" }}
				data={trunks.filter((t) => t !== v.trunk)}
				{...p("failover")} />
		</div>}
		{v.kind === "feature" && <Select label="What it does" data={CODES}
			{...p("code")} />}
		{v.kind === "group" ? <Select label="Group" data={groups}
			{...p("value")} placeholder="Choose one" /> :
			kind.asks && <TextInput label={kind.asks} {...p("value")}
				placeholder={kind.hint} description={"$0 is the whole " +
					"number, $1 what the first of . ! or (…) stands for"} />}
		<div className="sy-form-row">
			<NumberInput label="Rings for, in seconds" min={0}
				description="0: 60" {...p("ringSeconds")} />
		</div>
		<Switch label="Not in use" {...editor.form.getInputProps("disabled",
			{ type: "checkbox" })} />
	</Form>;
}

/** A merge patch must take the old kind of target away. */
function kept(old: Route | undefined, target: object): object {
	const gone = Object.keys(old?.target ?? {}).filter((k) =>
		!(k in target)).map((k) => [k, null]);

	return { ...Object.fromEntries(gone), ...target };
}
