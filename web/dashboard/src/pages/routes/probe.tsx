// SPDX-License-Identifier: MIT
import { Button, Select, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call, query } from "../../api/client";
import { useSection } from "../../api/config";
import type { Destination } from "../../api/schema";
import { CircleCheck, CircleX, Search } from "../../icons";
import { Card } from "../../parts/page";
import { ErrorBox } from "../../parts/states";
import { shown } from "./target";

interface Tried {
	route: string; pattern: string; matched: boolean; why: string;
}

interface Out { trunk: string; usable: boolean; why: string; called: string }

interface Answer {
	number: string; called: string; matched: boolean; route: string;
	rule: string; destination?: Destination; reason: string; tried: Tried[];
	trunks: Out[];
}

/** Which rule would this number take? */
export function Probe() {
	const [number, setNumber] = useState("");
	const [from, setFrom] = useState("api");
	const trunks = useSection("providers").data ?? [];
	const devices = useSection("devices").data ?? [];
	const probe = useMutation({
		mutationFn: () => call<Answer>("GET", "/api/routes/probe" +
			query({ number: number.trim(), from })),
	});

	return <Card title="Which rule would a number take?">
		<form className="sy-form-row" role="search" onSubmit={(e) => {
			e.preventDefault();
			if (number.trim())
				probe.mutate();
		}}>
			<TextInput label="Number" placeholder="1001 or +4930…"
				value={number} inputMode="tel"
				onChange={(e) => setNumber(e.currentTarget.value)} />
			<Select label="Dialled by" value={from} searchable limit={50}
				onChange={(v) => setFrom(v ?? "api")} data={[
					{ value: "api", label: "The API" },
					...trunks.map((t) => ({ value: `trunk:${t.id}`,
						label: `Provider ${t.id}` })),
					...devices.map((d) => ({ value: `device:${d.id}`,
						label: `Phone ${d.id}` }))]} />
			<div className="sy-form-end sy-probe-go">
				<Button type="submit" variant="default"
					loading={probe.isPending} disabled={!number.trim()}
					leftSection={<Search size={15} />}>Try</Button>
			</div>
		</form>
		<div aria-live="polite">
			{probe.error && <div className="sy-gap">
				<ErrorBox error={probe.error} /></div>}
			{probe.data && <Result answer={probe.data} />}
		</div>
	</Card>;
}

/** The API's words, as people here say. */
const ours = (text: string) => text.replace(/\btrunk\b/g, "provider")
	.replace(/\bdevice\b/g, "phone");

function Result({ answer: a }: { answer: Answer }) {
	const Icon = a.matched ? CircleCheck : CircleX;

	return <div className="sy-probe">
		<div className="sy-probe-head" data-ok={a.matched || undefined}>
			<Icon size={20} aria-hidden />
			<strong className="sy-break">
				{a.matched ? `${a.number} takes “${a.route || a.rule}” and ` +
					`leads to ${shown(a.destination)}` :
					`${a.number} leads nowhere`}
			</strong>
		</div>
		{a.called && a.called !== a.number && <Text size="sm">
			The routes see {a.called}.</Text>}
		{a.reason && <Text size="sm">{ours(a.reason)}</Text>}
		{a.trunks?.map((t) => <Text key={t.trunk} size="sm"
			className={t.usable ? "" : "sy-bad"}>
			{t.usable ? `By ${t.trunk} it goes out as ${t.called}` :
				`Not by ${t.trunk}: ${ours(t.why)}`}</Text>)}
		{a.tried?.length > 0 && <details>
			<summary>What was tried ({a.tried.length})</summary>
			<ol className="sy-tried">{a.tried.map((t, i) =>
				<li key={i} data-ok={t.matched || undefined}>
					<strong>{t.route}</strong> <code>{t.pattern}</code>{" "}
					{t.why ? ours(t.why) : (t.matched ?
						"fits" : "does not fit")}
				</li>)}</ol>
		</details>}
	</div>;
}
