// SPDX-License-Identifier: MIT
import { Alert, Button, Group, Stepper, Text } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import type { Problem } from "../../api/client";
import { put } from "../../api/config";
import { tell } from "../../parts/action";
import { ID_HINT, isId } from "../../parts/editor";
import { showErrors } from "../../parts/form";
import { Card, Page } from "../../parts/page";
import { pathOf } from "../../parts/place";
import { wrong } from "../../parts/sheets";
import { Callers } from "./calls";
import { Account, Address, FIELDS } from "./fields";
import { checkValues, fieldOf, trunkOf, type Values, valuesOf } from "./model";
import { Numbers } from "./numbers";
import { TestButton, TestResult, useTest } from "./test";
import "./providers.css";

const STEPS = ["Address", "Account", "Numbers", "Test"];
// What each step asks for: what is wrong there leads back to it.
const ASKED = [FIELDS.address, FIELDS.account,
	[...FIELDS.numbers, ...FIELDS.callers]];

const stepOf = (errors: object) => ASKED.findIndex((f) => wrong(errors, f));

export default function Wizard() {
	const [step, setStep] = useState(0);
	const [busy, setBusy] = useState(false);
	const [failed, setFailed] = useState("");
	const [, go] = useLocation();
	const client = useQueryClient();
	const form = useForm<Values>({ initialValues: valuesOf() });
	const test = useTest(() => trunkOf(form.getValues()));

	// What was tested is not what will be saved once something is changed.
	const back = (to: number) => {
		test.reset();
		setStep(to);
	};
	const next = () => {
		const errors = Object.fromEntries(Object.entries({
			...checkValues(form.getValues()),
			id: isId(form.getValues().id) ? null : ID_HINT,
		}).filter(([field, e]) => e && stepOf({ [field]: e }) <= step));

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
			const errors = (e as Problem).errors ?? [];
			const at = stepOf(Object.fromEntries(errors.map((f) =>
				[fieldOf(pathOf(f.field)), f.cause])));

			setFailed(showErrors(e, form, fieldOf) ||
				"See what is marked below.");
			if (at >= 0)
				setStep(at);
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
					onStepClick={(to) => to < step && back(to)}>
					{STEPS.map((s) => <Stepper.Step key={s} label={s} />)}
				</Stepper>
				{failed && <Alert color="red" role="alert"
					title="It was not saved">{failed}</Alert>}
				{step === 0 && <Address form={form} />}
				{step === 1 && <Account form={form} />}
				{step === 2 && <><Numbers form={form} />
					<Callers form={form} /></>}
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
						back(step - 1) : go("/providers")}>
						{step ? "Back" : "Cancel"}</Button>
					<Button type="submit" loading={busy}>
						{step < 3 ? "Next" : test.data && !test.data.ok ?
							"Save anyway" : "Save"}</Button>
				</Group>
			</form>
		</Card></div>
	</Page>;
}
