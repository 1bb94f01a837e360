// SPDX-License-Identifier: MIT
import { PasswordInput, TagsInput, Text } from "@mantine/core";
import { Rows } from "../../parts/rows";
import { Usual } from "../../parts/usual";
import type { FormProps } from "./general";

/** What phones in browsers find their way by. */
export function Browsers({ form }: FormProps) {
	return <>
		<Text size="sm" c="dimmed">Phones in browsers learn by STUN what
			address they have outside, and send by TURN where nothing else
			gets through. Without a server here they reach nodes that they
			can see.</Text>
		<Rows form={form} path="iceServers" title="Servers" one="server"
			make={() => ({ urls: [], secret: "", ttlSeconds: 0 })}
			note="At most 8">
			{(at, i) => <div className="sy-form">
				<TagsInput clearable label="Addresses" {...form.getInputProps(`${at}urls`)}
					clearButtonProps={{ "aria-label": "Remove all addresses" }}
					placeholder={form.values.iceServers[i]!.urls.length ? "" :
						"turn:turn.example.com:3478?transport=udp"}
					description="Press Enter after each" />
				<div className="sy-form-row">
					<PasswordInput label="Shared secret" {...form.getInputProps(
						`${at}secret`)} autoComplete="off"
						placeholder="Stays as it is; a new server: none"
						description={"coturn’s static-auth-secret; kept " +
							"sealed with the first address"}
						visibilityToggleButtonProps={{ "aria-label":
							"Show secret" }} />
					<Usual label="Credentials of pages last, s"
						max={86_400} usual={3600}
						{...form.getInputProps(`${at}ttlSeconds`)} />
				</div>
			</div>}
		</Rows>
	</>;
}
