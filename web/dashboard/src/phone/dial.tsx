// SPDX-License-Identifier: MIT
import { ActionIcon, TextInput } from "@mantine/core";
import type { Phone } from "@switchyard/sdk";
import { useState } from "react";
import { Grid3x3, Phone as PhoneIcon } from "../icons";
import { Keypad } from "./keypad";
import { attempt } from "./use_phone";

export function Dial({ phone, busy }: { phone: Phone; busy: boolean }) {
	const [number, setNumber] = useState("");
	const [keys, setKeys] = useState(false);

	return <form className="sy-dial" onSubmit={(e) => {
		e.preventDefault();
		const to = number.trim();

		if (!to)
			return;
		setNumber("");
		setKeys(false);
		attempt(() => phone.call(to), to);
	}}>
		<div className="sy-dial-row">
			<TextInput className="sy-grow" aria-label="Number to call"
				placeholder={busy ? "Another call" : "Number"}
				inputMode="tel" autoComplete="off" value={number}
				onChange={(e) => setNumber(e.currentTarget.value)} />
			<ActionIcon size={36} variant="default" aria-label="Keypad"
				aria-expanded={keys} onClick={() => setKeys(!keys)}>
				<Grid3x3 size={17} />
			</ActionIcon>
			<ActionIcon size={36} type="submit" aria-label="Call"
				className="sy-go" disabled={!number.trim()}>
				<PhoneIcon size={17} />
			</ActionIcon>
		</div>
		{keys && <Keypad press={(k) => setNumber(number + k)} />}
	</form>;
}
