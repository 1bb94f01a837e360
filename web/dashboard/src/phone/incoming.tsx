// SPDX-License-Identifier: MIT
import { Button, Group, Modal, Text } from "@mantine/core";
import type { Call } from "@switchyard/sdk";
import { Phone as PhoneIcon, PhoneOff } from "../icons";
import { peerOf } from "./call_card";
import { attempt } from "./use_phone";

/** Somebody calls: in front of all else, since it does not wait. */
export function Incoming({ call: c, more }: { call: Call; more: number }) {
	return <Modal opened onClose={() => attempt(() => c.hangup())}
		withCloseButton={false} closeOnClickOutside={false} size="sm"
		title="Incoming call">
		<div className="sy-incoming">
			<span className="sy-incoming-ring"><PhoneIcon size={30} /></span>
			<Text fw={650} size="xl" className="sy-break">{peerOf(c)}</Text>
			<Text c="dimmed">
				{c.peer.name && c.peer.number ? `${c.peer.number} calls` :
					"calls you"}
				{more > 0 && `, and ${more} more`}
			</Text>
			<Group grow mt="md" w="100%">
				<Button color="red" variant="light" size="md"
					leftSection={<PhoneOff size={18} />}
					onClick={() => attempt(() => c.hangup())}>Refuse</Button>
				<Button size="md" data-autofocus className="sy-go"
					leftSection={<PhoneIcon size={18} />}
					onClick={() => attempt(() => c.answer())}>Answer</Button>
			</Group>
		</div>
	</Modal>;
}
