// SPDX-License-Identifier: MIT
//
// The connection to a provider, step by step: what works, what does not, and
// what to do about it.
import { Alert, Button, Loader, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { call, Problem } from "../../api/client";
import { CircleCheck, CircleX } from "../../icons";
import { ErrorBox } from "../../parts/states";

interface TestStep {
	name: string; ok: boolean; detail: string; advice: string; ms: number;
}

interface Result { ok: boolean; steps: TestStep[] }

const NAMES: Record<string, string> = {
	dns: "Find its address", resolve: "Find its address",
	connect: "Connect", tls: "Certificate", options: "Ask whether it answers",
	register: "Log in",
};

/** @param trunk  As configured, or {"id"} of one that is. */
export function useTest(trunk: () => object) {
	return useMutation<Result, Problem>({
		mutationFn: () => call("POST", "/api/providers/test",
			{ body: trunk() }),
	});
}

export function TestResult({ test }: { test: ReturnType<typeof useTest> }) {
	if (test.isPending)
		return <div className="sy-testing" role="status">
			<Loader size="sm" aria-hidden />
			<Text size="sm">Testing the connection. This may take some
				seconds if it does not answer …</Text>
		</div>;
	if (test.error)
		return <ErrorBox error={test.error}
			title={test.error.status === 404 ?
				"This gateway cannot test" : undefined} />;
	if (!test.data)
		return null;
	return <div className="sy-form">
		<ol className="sy-steps" aria-label="Steps of the test">
			{test.data.steps.map((s) => <Line key={s.name} step={s} />)}
		</ol>
		<Alert color={test.data.ok ? "green" : "red"} role="status">
			{test.data.ok ? "All of it works." : "It does not work yet. You " +
				"can save it anyway, and go on later."}
		</Alert>
	</div>;
}

function Line({ step: s }: { step: TestStep }) {
	const Icon = s.ok ? CircleCheck : CircleX;

	return <li data-ok={s.ok || undefined}>
		<Icon size={19} aria-label={s.ok ? "Works" : "Failed"} />
		<div className="sy-grow">
			<strong>{NAMES[s.name] ?? s.name}</strong>
			<div className="sy-break">{s.detail}</div>
			{s.advice && <div className="sy-advice">{s.advice}</div>}
		</div>
		<Text size="sm" c="dimmed" className="sy-nowrap">{s.ms} ms</Text>
	</li>;
}

export function TestButton({ test, label = "Test the connection" }: {
	test: ReturnType<typeof useTest>; label?: string;
}) {
	return <Button variant="default" loading={test.isPending}
		onClick={() => test.mutate()}>{label}</Button>;
}
