// SPDX-License-Identifier: MIT
//
// What is around each page: navigation, who is logged in, how the cluster is.
import { ActionIcon } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { Menu as MenuIcon } from "../icons";
import { type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import { Route, Switch, useLocation } from "wouter";
import Welcome from "../pages/overview/welcome";
import { Boundary } from "../parts/boundary";
import { Empty, Forbidden, Loading } from "../parts/states";
import { useSession } from "../session";
import { Banner } from "./banner";
import { Brand, Entries } from "./entries";
import { entries, type Entry, fetchPages } from "./menu";
import { Dock, fetchShell, Goto, Navigation, UserMenu } from "./parts";
import "./shell.css";

const FETCH_AFTER_MS = 3000; // the page that is shown goes first

export default function Shell() {
	const { may, session } = useSession();
	const [open, setOpen] = useState(false);
	const [touched, setTouched] = useState(false);
	const [where] = useLocation();
	const main = useRef<HTMLElement>(null);
	const first = useRef(true);

	useEffect(() => {
		const timer = setTimeout(() => {
			fetchShell(true);
			fetchPages((e) => may(e.scope));
		}, FETCH_AFTER_MS);

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
		<Notifications position="top-right" />
		<a href="#main" className="sy-skip">Skip to the page</a>
		<nav className="sy-nav" aria-label="Main">
			<Brand /><Entries />
		</nav>
		<div className="sy-body">
			<header className="sy-top">
				<ActionIcon variant="subtle" color="gray" size="lg"
					className="sy-burger" aria-label="Open the navigation"
					onClick={() => { setTouched(true); setOpen(true); }}>
					<MenuIcon size={20} />
				</ActionIcon>
				{touched && <Part what="The navigation">
					<Navigation open={open} close={() => setOpen(false)} />
				</Part>}
				<Part what="“Go to”"><Goto /></Part>
				<div className="sy-grow" />
				<Part what="Your menu"><UserMenu /></Part>
			</header>
			<Banner />
			<main id="main" ref={main} tabIndex={-1} className="sy-main">
				<Boundary key={where} what="This page">
					<Suspense fallback={<Loading />}><Pages /></Suspense>
				</Boundary>
			</main>
		</div>
		{may("phone") && session!.device &&
			<Part what="The phone" className="sy-corner">
				<Dock user={session!.user} device={session!.device} />
			</Part>}
	</div>;
}

/** Of what is around the page, something that comes later than the rest. */
function Part({ children, ...how }: {
	what: string; className?: string; children: ReactNode;
}) {
	return <Boundary quiet {...how}><Suspense>{children}</Suspense></Boundary>;
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
