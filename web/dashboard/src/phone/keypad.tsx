// SPDX-License-Identifier: MIT
import { UnstyledButton } from "@mantine/core";

const KEYS = [..."123456789*0#"];
const LETTERS = ["", "ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV",
	"WXYZ", "", "+", ""];

export function Keypad({ press }: { press: (key: string) => void }) {
	return <div className="sy-keypad" role="group" aria-label="Keypad">
		{KEYS.map((k, i) => <UnstyledButton key={k} onClick={() => press(k)}
			aria-label={k === "*" ? "star" : k === "#" ? "hash" : k}>
			{k}<small aria-hidden>{LETTERS[i]}</small>
		</UnstyledButton>)}
	</div>;
}
