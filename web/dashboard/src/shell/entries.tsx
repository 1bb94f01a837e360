// SPDX-License-Identifier: MIT
//
// What the navigation shows, at the side and on a phone in a drawer.
import { Link, useLocation } from "wouter";
import icon from "../icon.svg";
import { useSession } from "../session";
import { type Entry, sections } from "./menu";

export function Brand() {
	return <Link href="/" className="sy-brand">
		<img src={icon} alt="" width={28} height={28} />
		<span>Switchyard</span>
	</Link>;
}

export function Entries() {
	const { may } = useSession();

	return <div className="sy-nav-list">
		{sections.map((s) => {
			const shown = s.entries.filter((e) => e.label && may(e.scope));

			return shown.length > 0 && <div key={s.title}>
				<div className="sy-nav-title">{s.title}</div>
				{shown.map((e) => <NavLink key={e.path} entry={e} />)}
			</div>;
		})}
	</div>;
}

function NavLink({ entry: e }: { entry: Entry }) {
	const [where] = useLocation();
	const here = e.path === "/" ? where === "/" :
		where === e.path || where.startsWith(`${e.path}/`);
	const Icon = e.icon!;

	return <Link href={e.path} className="sy-nav-link"
		aria-current={here ? "page" : undefined}>
		<Icon size={17} aria-hidden /><span>{e.label}</span>
	</Link>;
}
