// SPDX-License-Identifier: MIT
//
// What stands where there is nothing to show: nothing yet, not here, not
// allowed, gone wrong.
import { Alert, Button, Code, Loader, Text, Title } from "@mantine/core";
import { CircleAlert, Inbox, type LucideIcon, Lock, PlugZap }
	from "../icons";
import type { ReactNode } from "react";
import { Problem } from "../api/client";
import { roleFor, useSession } from "../session";
import { useSlow } from "./time";

export function Empty({ icon: Icon = Inbox, title, children, action }: {
	icon?: LucideIcon; title: string; children?: ReactNode;
	action?: ReactNode;
}) {
	return <div className="sy-empty">
		<Icon size={36} strokeWidth={1.5} aria-hidden />
		<Title order={3} size="h4">{title}</Title>
		{children && <Text c="dimmed" maw={460}>{children}</Text>}
		{action}
	</div>;
}

export function Loading({ what = "Loading" }: { what?: string }) {
	const slow = useSlow(true);

	return <div className="sy-empty" role="status">
		{slow && <><Loader size="sm" aria-hidden />
			<Text c="dimmed">{what} …</Text></>}
	</div>;
}

/** An error as people need it: what, why, and what to do. */
export function ErrorBox({ error, retry, reload, title }: {
	error: unknown; retry?: () => void; reload?: () => void; title?: string;
}) {
	const p = error instanceof Problem ? error : undefined;

	if (p?.status === 401)
		return null; // the page for logging in comes
	if (p?.status === 404 && p.slug === "not-found" && !title)
		return <Empty icon={PlugZap} title="Not available on this gateway">
			{p.detail || "This gateway does not have it. It may be older " +
				"than the dashboard."}
		</Empty>;
	return <Alert color="red" role="alert" icon={<CircleAlert size={18} />}
		title={title ?? p?.title ?? "Something went wrong"}>
		<Text size="sm">{(error as Error)?.message}</Text>
		{p?.errors.map((e) => <Text key={e.field + e.cause} size="sm">
			<Code>{e.field}</Code> {e.cause}
			{e.allowed && <> (allowed: {e.allowed})</>}
		</Text>)}
		{p?.requestId && <Text size="xs" mt={4}>
			Request {p.requestId}</Text>}
		{retry && <Button mt="sm" size="xs" variant="default"
			onClick={retry}>Try again</Button>}
		{reload && <Button mt="sm" ml={retry && "xs"} size="xs"
			variant="default" onClick={reload}>Load the page anew</Button>}
	</Alert>;
}

/** In the place of a page that the user's role does not reach. */
export function Forbidden({ scope }: { scope: string }) {
	const { session } = useSession();

	return <Empty icon={Lock} title={`This needs the role ${roleFor(scope)}`}>
		You are logged in as {session?.displayName || session?.user}
		{session?.role && ` (${session.role.toLowerCase()})`}, without the
		permission “{scope}”. An administrator can change your role
		under Users.
	</Empty>;
}

/** What a query has: its data, or what stands in its place. */
export function Shown<T>({ query, children, what }: {
	query: { data?: T; error: unknown; refetch?: () => unknown };
	children: (data: T) => ReactNode; what?: string;
}) {
	if (query.data !== undefined && query.data !== null)
		return children(query.data);
	if (query.error)
		return <ErrorBox error={query.error}
			retry={() => { query.refetch?.(); }} />;
	return <Loading what={what} />;
}
