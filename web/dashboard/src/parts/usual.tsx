// SPDX-License-Identifier: MIT
import { NumberInput, type NumberInputProps } from "@mantine/core";

/** A number for which there is a usual one: where it is not said the field is
 * empty, and 0 for the API. */
export function Usual({ usual, value, onChange,
	description = "Empty: the default", ...rest }: NumberInputProps & {
	usual: number;
}) {
	return <NumberInput {...rest} min={0} placeholder={String(usual)}
		description={description} value={value || ""}
		onChange={(v) => onChange?.(v === "" ? 0 : v)} />;
}
