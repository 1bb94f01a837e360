// SPDX-License-Identifier: MIT
import { Anchor, NumberInput, Switch, TagsInput, Text } from "@mantine/core";
import { Link } from "wouter";
import type { FormProps } from "./general";

/** What routers put up with from strangers. */
export function GuardFields({ form }: FormProps) {
	const p = (name: string) => form.getInputProps(`guard.${name}`);
	const number = (name: string, label: string, description: string) =>
		<NumberInput label={label} description={description} min={0}
			{...p(name)} />;
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
				"Of a stranger’s address; 0: the default, 100")}
			{number("burst", "… at once", "0: the default, 2000")}
		</div>
		<div className="sy-form-row">
			{number("failures", "Wrong passwords until a ban", "0: the default, 10")}
			{number("users", "… of so many users: the address", "0: the default, 5")}
			{number("banSeconds", "The first ban lasts, s",
				"Doubles each time; 0: the default, 60")}
			{number("banMaxSeconds", "… the longest, s", "0: the default, 86400")}
		</div>
		<div className="sy-form-row">
			{number("registersPerMinute", "Registrations a minute",
				"Of one phone; 0: the default, 120")}
			{number("callsPerMinute", "Calls a minute",
				"Of one phone; 0: the default, 6000")}
			{number("messagesPerMinute", "Text messages a minute",
				"Of one phone; 0: the default, 600")}
		</div>
		{words("scanners", "Programs that are banned at once",
			"Beginnings of their User-Agent; none: those that are known",
			"friendly-scanner")}
	</>;
}
