// SPDX-License-Identifier: MIT
import { Alert, Button, Group, Stepper, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { Problem } from "../../api/client";
import { put } from "../../api/config";
import { reason, tell } from "../../parts/action";
import { ID_HINT } from "../../parts/editor";
import { Card, Page } from "../../parts/page";
import { Account, Address, Numbers } from "./fields";
import { trunkOf, type Values, valuesOf } from "./model";
import { TestButton, TestResult, useTest } from "./test";
import "./providers.css";

const STEPS = ["Address", "Account", "Numbers", "Test"];
// The step that asks for a field, for errors of the API.
const FIRST = ["id", "target", "host", "sources", "enabled"];
const SECOND = ["username", "password", "registration", "proxy"];

function check(step: number, v: Values): Record<string, string | null> {
	return step === 0 ? {
		id: /^[\w.-]+$/.test(v.id) ? null : ID_HINT,
		host: v.host.trim() || v.sources.length ? null :
			"Where does it listen? Or at least: from where does it call?",
	} : step === 1 ? {
		username: v.registers && !v.username ?
			"To register a user name is needed" : null,
	} : {};
}

export default function Wizard() {
	const [step, setStep] = useState(0);
	const [busy, setBusy] = useState(false);
	const [failed, setFailed] = useState("");
	const [, go] = useLocation();
	const client = useQueryClient();
	const form = useForm<Values>({ initialValues: valuesOf() });
	const test = useTest(() => trunkOf(form.getValues()));

	const next = () => {
		const errors = Object.fromEntries(Object.entries(
			check(step, form.getValues())).filter(([, e]) => e));

		form.setErrors(errors);
		if (!Object.keys(errors).length)
			setStep(step + 1);
	};
	const save = async () => {
		setBusy(true);
		setFailed("");
		try {
			await put("providers", undefined, trunkOf(form.getValues()));
			for (const key of ["providers", "config"])
				void client.invalidateQueries({ queryKey: [key] });
			tell(`Provider ${form.values.id} is saved`);
			go(`/providers/${form.values.id}`);
		} catch (e) {
			setFailed(reason(e));
			setStep(stepOf(e));
		} finally {
			setBusy(false);
		}
	};

	return <Page title="New provider" scope="config:write"
		back={{ to: "/providers", label: "Providers" }}>
		<div className="sy-wizard"><Card label="Set-up">
			<form className="sy-form" onSubmit={(e) => {
				e.preventDefault();
				step < 3 ? next() : void save();
			}}>
				<Stepper active={step} size="sm" iconSize={30}
					onStepClick={(to) => to < step && setStep(to)}>
					{STEPS.map((s) => <Stepper.Step key={s} label={s} />)}
				</Stepper>
				{failed && <Alert color="red" role="alert"
					title="It was not saved">{failed}</Alert>}
				{step === 0 && <Address form={form} />}
				{step === 1 && <Account form={form} />}
				{step === 2 && <Numbers form={form} />}
				{step === 3 && <>
					<Text size="sm">A router of this cluster now tries what
						calls will need. Nothing is changed at the
						provider.</Text>
					<div><TestButton test={test} label={test.data ?
						"Test again" : undefined} /></div>
					<TestResult test={test} />
				</>}
				<Group justify="space-between">
					<Button variant="default" onClick={() => step ?
						setStep(step - 1) : go("/providers")}>
						{step ? "Back" : "Cancel"}</Button>
					<Button type="submit" loading={busy}>
						{step < 3 ? "Next" : test.data && !test.data.ok ?
							"Save anyway" : "Save"}</Button>
				</Group>
			</form>
		</Card></div>
	</Page>;
}

function stepOf(e: unknown): number {
	const field = (e as Problem).errors?.[0]?.field.replace(/^.*\]\./, "")
		.split(".")[0] ?? "";

	return FIRST.includes(field) ? 0 : SECOND.includes(field) ? 1 :
		field ? 2 : 3;
}
