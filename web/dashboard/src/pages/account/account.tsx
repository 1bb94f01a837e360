// SPDX-License-Identifier: MIT
import { PasswordInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { call, id as esc, list } from "../../api/client";
import { ConfirmButton, useDo } from "../../parts/action";
import { Tag } from "../../parts/badge";
import { Facts } from "../../parts/figures";
import { Form, useEditor } from "../../parts/form";
import { Card, Page } from "../../parts/page";
import { Shown } from "../../parts/states";
import { Ago } from "../../parts/time";
import { useSession } from "../../session";

interface Login {
	id: string; user: string; createdAt?: string; lastSeenAt?: string;
	peer: string; userAgent: string; current: boolean;
}

const ROLES: Record<string, string> = {
	ADMIN: "Administrator", OPERATOR: "Operator", AGENT: "Agent",
};

// In the order of looking: each one also says that it is the next.
const BROWSERS = [["Edg", "Edge"], ["OPR", "Opera"], ["Firefox", "Firefox"],
	["HeadlessChrome", "Chrome"], ["Chrome", "Chrome"],
	["Version", "Safari"]] as const;
const SYSTEMS = [["Android", "Android"], ["iPhone", "iPhone"],
	["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS X", "macOS"],
	["CrOS", "ChromeOS"], ["Linux", "Linux"]] as const;

/** "Chrome 126 on Linux", of what a browser says of itself. */
function program(agent: string): string {
	const browser = BROWSERS.find(([key]) => agent.includes(`${key}/`));
	const system = SYSTEMS.find(([key]) => agent.includes(key));

	if (!browser || !system)
		return agent || "Unknown program";
	const version = new RegExp(`${browser[0]}/(\\d+)`).exec(agent)?.[1] ?? "";

	return `${browser[1]} ${version} on ${system[1]}`;
}

export default function Account() {
	const { session } = useSession();

	return <Page title="Your account">
		<div className="sy-halves">
			<Card title="Who you are"><Facts of={[
				["User", session!.user], ["Name", session!.displayName],
				["Role", ROLES[session!.role] ?? session!.role],
				["Phone", session!.device || "none"],
			]} /></Card>
			<Card title="Password"><Password /></Card>
		</div>
		<Sessions />
	</Page>;
}

function Password() {
	const editor = useEditor({
		initial: { old: "", new: "", again: "" },
		check: (v) => ({
			old: v.old ? null : "The one that you have",
			new: v.new.length >= 12 ? null : "At least 12 characters",
			again: v.again === v.new ? null : "It is not the same",
		}),
		save: async (v) => {
			await call("POST", "/api/session/password",
				{ body: { old: v.old, new: v.new } });
			editor.form.reset();
		},
		done: "Your password is changed; your other sessions have ended",
		refresh: ["session", "sessions"],
	});
	const field = (name: string, label: string, complete: string) =>
		<PasswordInput label={label} autoComplete={complete}
			visibilityToggleButtonProps={{ "aria-label": "Show password" }}
			{...editor.form.getInputProps(name)} />;

	return <Form editor={editor} save="Change it">
		{field("old", "Password now", "current-password")}
		{field("new", "New password", "new-password")}
		{field("again", "Once more", "new-password")}
	</Form>;
}

function Sessions() {
	const { session } = useSession();
	const perform = useDo();
	const logins = useQuery({ queryKey: ["sessions"],
		queryFn: () => list<Login>("/api/sessions") });

	return <Card title="Where you are logged in" flush>
		<Shown query={logins}>{(all) => <ul className="sy-list">
			{all.filter((l) => l.user === session!.user).map((l) =>
				<li key={l.id}>
					<div className="sy-grow">
						<div className="sy-break" title={l.userAgent}>
							{program(l.userAgent)}{" "}
							{l.current && <Tag color="green">here</Tag>}</div>
						<div className="sy-note">{l.peer}, since{" "}
							<Ago at={l.createdAt} />, seen{" "}
							<Ago at={l.lastSeenAt} /></div>
					</div>
					{!l.current && <ConfirmButton label="End" confirm="End"
						title="End this session?" danger
						act={() => perform("The session has ended",
							["sessions"], () => call("DELETE",
								`/api/sessions/${esc(l.id)}`))}>
						Who uses it must log in again.
					</ConfirmButton>}
				</li>)}
		</ul>}</Shown>
	</Card>;
}
