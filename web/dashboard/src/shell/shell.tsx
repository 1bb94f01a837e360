// SPDX-License-Identifier: MIT
//
// What is around each page: navigation, who is logged in, how the cluster is.
import { ActionIcon, Drawer } from "@mantine/core";
import { Menu as MenuIcon } from "../icons";
import { Suspense, useEffect, useRef, useState } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import icon from "../icon.svg";
import Welcome from "../pages/overview/welcome";
import { Empty, Forbidden, Loading } from "../parts/states";
import Dock from "../phone/dock";
import { useSession } from "../session";
import { Banner } from "./banner";
import { Boundary } from "./boundary";
import { Goto } from "./goto";
import { entries, type Entry, fetchPages, sections } from "./menu";
import { UserMenu } from "./user_menu";
import "./shell.css";

const FETCH_AFTER_MS = 3000; // the page that is shown goes first

export function Shell() {
	const { may, session } = useSession();
	const [open, setOpen] = useState(false);
	const [where] = useLocation();
	const main = useRef<HTMLElement>(null);
	const first = useRef(true);

	useEffect(() => {
		const timer = setTimeout(() => fetchPages((e) => may(e.scope)),
			FETCH_AFTER_MS);

		return () => clearTimeout(timer);
	}, []); // eslint-disable-line

	// A new page begins at its top, for the eye and for the keyboard.
	useEffect(() => {
		setOpen(false);
		if (!first.current) {
			scrollTo(0, 0);
			main.current?.focus({ preventScroll: true });
		}
		first.current = false;
	}, [where]);

	return <div className="sy-shell">
		<a href="#main" className="sy-skip">Skip to the page</a>
		<nav className="sy-nav" aria-label="Main">
			<Brand /><Entries />
		</nav>
		<Drawer opened={open} onClose={() => setOpen(false)} size={270}
			title={<Brand />} padding="sm">
			<nav aria-label="Main"><Entries /></nav>
		</Drawer>
		<div className="sy-body">
			<header className="sy-top">
				<ActionIcon variant="subtle" color="gray" size="lg"
					className="sy-burger" aria-label="Open the navigation"
					onClick={() => setOpen(true)}>
					<MenuIcon size={20} />
				</ActionIcon>
				<Goto />
				<div className="sy-grow" />
				<UserMenu />
			</header>
			<Banner />
			<main id="main" ref={main} tabIndex={-1} className="sy-main">
				<Boundary key={where}>
					<Suspense fallback={<Loading />}><Pages /></Suspense>
				</Boundary>
			</main>
		</div>
		{may("phone") && session!.device && <Dock device={session!.device} />}
	</div>;
}

function Brand() {
	return <Link href="/" className="sy-brand">
		<img src={icon} alt="" width={28} height={28} />
		<span>Switchyard</span>
	</Link>;
}

function Entries() {
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

function Pages() {
	return <Switch>
		{entries.map((e) => <Route key={e.path} path={e.path}>
			{(params) => <Allowed entry={e} params={params} />}
		</Route>)}
		<Route>
			<NoPage />
		</Route>
	</Switch>;
}

function NoPage() {
	useEffect(() => { document.title = "No such page · Switchyard"; }, []);
	return <Empty title="There is no such page">
		The address may be old. The navigation has all pages.
	</Empty>;
}

function Allowed({ entry: e, params }: { entry: Entry; params: object }) {
	const { may } = useSession();
	const Content = e.page;

	if (e.path === "/" && !may(e.scope))
		return <Welcome />;
	return may(e.scope) ? <Content {...params} /> :
		<Forbidden scope={e.scope} />;
}
