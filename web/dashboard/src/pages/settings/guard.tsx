// SPDX-License-Identifier: MIT
import { Anchor, Switch, TagsInput, Text } from "@mantine/core";
import { Link } from "wouter";
import { Usual } from "../../parts/usual";
import type { FormProps } from "./general";

/** What routers put up with from strangers. */
export function GuardFields({ form }: FormProps) {
	const p = (name: string) => form.getInputProps(`guard.${name}`);
	const number = (name: string, label: string, usual: number,
		description?: string) => <Usual label={label} usual={usual}
			description={description} {...p(name)} />;
	const words = (name: string, label: string, description: string,
		placeholder: string) => <TagsInput clearable label={label} {...p(name)}
			description={`${description}; press Enter after each`}
			placeholder={p(name).value.length ? "" : placeholder}
			clearButtonProps={{ "aria-label": `Remove all of: ${label}` }} />;

	return <>
		<Text size="sm" c="dimmed">Who is banned now, and why, is under{" "}
			<Anchor component={Link} href="/bans">Bans</Anchor>.</Text>
		<Switch label="No limits and no bans" description={"Only the list of " +
			"those never listened to holds"} {...form.getInputProps(
			"guard.off", { type: "checkbox" })} />
		{words("allow", "Never limited or banned", "Addresses or networks",
			"192.0.2.0/24")}
		{words("deny", "Never listened to", "Addresses or networks",
			"198.51.100.0/24")}
		<div className="sy-form-row">
			{number("rate", "Messages a second",
				100, "Of a stranger’s address")}
			{number("burst", "… at once", 2000)}
		</div>
		<div className="sy-form-row">
			{number("failures", "Wrong passwords until a ban", 10)}
			{number("users", "… of so many users: the address", 5)}
			{number("banSeconds", "The first ban lasts, s",
				60, "Doubles each time")}
			{number("banMaxSeconds", "… the longest, s", 86400)}
		</div>
		<div className="sy-form-row">
			{number("registersPerMinute", "Registrations a minute",
				120, "Of one phone")}
			{number("callsPerMinute", "Calls a minute",
				6000, "Of one phone")}
			{number("messagesPerMinute", "Text messages a minute",
				600, "Of one phone")}
		</div>
		{words("scanners", "Programs that are banned at once",
			"Beginnings of their User-Agent; none: those that are known",
			"friendly-scanner")}
	</>;
}
