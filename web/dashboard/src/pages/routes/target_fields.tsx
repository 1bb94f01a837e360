// SPDX-License-Identifier: MIT
import { Select, TextInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { useSection } from "../../api/config";
import type { FeatureCode } from "../../api/schema";
import { Ordered } from "../../parts/ordered";
import { KINDS } from "./target";

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

/** Where calls lead to: the fields of a Target.
 * @param at    Before the names of the form's fields: "numbers.0.".
 * @param none  What else there may be, as a kind of its own.
 * @param help  What $0 and $1 are. */
export function TargetFields({ form, at = "", none, help }: {
	form: UseFormReturnType<any>; at?: string;
	none?: { value: string; label: string }; help: string;
}) {
	const p = (name: string) => form.getInputProps(at + name);
	const value = (name: string) => form.getInputProps(at + name).value;
	const trunks = useSection("providers").data?.map((t) => t.id) ?? [];
	const groups = useSection("groups").data?.map((g) => g.id) ?? [];
	const kind = KINDS.find((k) => k.value === value("kind"));

	return <>
		<Select label="Leads to" {...p("kind")} allowDeselect={false}
			data={[...none ? [none] : [], ...KINDS.map((k) =>
				({ value: k.value, label: k.label }))]} />
		{kind?.value === "external" && <div className="sy-form-row">
			<Select label="Provider" data={trunks} {...p("trunk")}
				placeholder="Choose one" />
			<Ordered label="When that one cannot, by"
				empty="None: the call fails" options={trunks.filter((t) =>
					t !== value("trunk"))} {...p("failover")} />
		</div>}
		{kind?.value === "feature" && <Select label="What it does"
			data={CODES} {...p("code")} />}
		{kind?.value === "group" ? <Select label="Group" data={groups}
			{...p("value")} placeholder="Choose one" /> :
			kind?.asks && <TextInput label={kind.asks} {...p("value")}
				placeholder={kind.hint} description={help} />}
	</>;
}
