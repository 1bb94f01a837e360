// SPDX-License-Identifier: MIT
import { ActionIcon, CopyButton, Tooltip } from "@mantine/core";
import { Check, Copy as CopyIcon } from "../icons";

export function Copy({ value, label = "Copy" }: {
	value: string; label?: string;
}) {
	return <CopyButton value={value} timeout={1500}>
		{({ copied, copy }) => <Tooltip label={copied ? "Copied" : label}>
			<ActionIcon variant="subtle" color={copied ? "green" : "gray"}
				size="sm" onClick={copy} aria-label={label}>
				{copied ? <Check size={14} /> : <CopyIcon size={14} />}
			</ActionIcon>
		</Tooltip>}
	</CopyButton>;
}

/** A secret that is shown this once, to be taken along. */
export function Secret({ value, label }: { value: string; label: string }) {
	return <div className="sy-secret">
		<code className="sy-grow sy-break" aria-label={label}>{value}</code>
		<Copy value={value} label={`Copy the ${label.toLowerCase()}`} />
	</div>;
}
