// SPDX-License-Identifier: MIT
const FLOOR_DB = -60;

/** 0 to 1 of a level in dBFS; 0 is "not known". */
export function loudness(db: number): number {
	return db < 0 ? Math.max(0, Math.min(1, 1 - db / FLOOR_DB)) : 0;
}

export function Level({ label, db }: { label: string; db: number }) {
	const value = loudness(db);

	return <div className="sy-level">
		<span>{label}</span>
		<div role="meter" aria-label={`${label} level`} aria-valuemin={FLOOR_DB}
			aria-valuemax={0} aria-valuenow={Math.round(Math.max(FLOOR_DB,
				db < 0 ? db : FLOOR_DB))}
			aria-valuetext={value ? `${db.toFixed(0)} dB` : "silent"}>
			<span style={{ transform: `scaleX(${value})` }} />
		</div>
	</div>;
}
