// SPDX-License-Identifier: MIT
//
// The pages of the navigation: where each is, who may see it, what it is.
import type { ComponentType } from "react";
import { Activity, Cable, CircleParking, History, KeyRound, LayoutDashboard,
	Lightbulb, type LucideIcon, PhoneCall, Route, ScrollText, Server, Settings, ShieldBan, Smartphone,
	Users, UsersRound, Webhook } from "../icons";
import { type Later, later } from "../parts/later";

type Module = Promise<{ default: ComponentType<any> }>;

export interface Entry {
	path: string;    // pattern of the router
	label?: string;  // none: it is reached from other pages
	icon?: LucideIcon;
	scope: string;   // "": anyone who is logged in
	page: Later<any>;
}

export interface Section {
	title: string;
	entries: Entry[];
}

function entry(path: string, scope: string, load: () => Module,
	label?: string, icon?: LucideIcon): Entry {
	return { path, scope, page: later(load), label, icon };
}

export const sections: Section[] = [
	{ title: "Now", entries: [
		entry("/", "nodes:read",
			() => import("../pages/overview/overview"), "Overview",
			LayoutDashboard),
		entry("/calls", "calls:read",
			() => import("../pages/calls/calls"), "Calls", PhoneCall),
		entry("/calls/:id", "calls:read",
			() => import("../pages/call/call")),
		entry("/parked", "calls:read",
			() => import("../pages/parked/parked"), "Parked",
			CircleParking),
		entry("/history", "calls:read",
			() => import("../pages/history/history"), "History", History),
		entry("/nodes", "nodes:read",
			() => import("../pages/nodes/nodes"), "Nodes", Server),
		entry("/nodes/:id", "nodes:read",
			() => import("../pages/nodes/node")),
		entry("/events", "events:read",
			() => import("../pages/events/events"), "Events", Activity),
	] },
	{ title: "Telephony", entries: [
		entry("/phones", "registrations:read",
			() => import("../pages/phones/phones"), "Phones", Smartphone),
		entry("/phones/:id", "registrations:read",
			() => import("../pages/phones/phone")),
		entry("/subscriptions", "registrations:read",
			() => import("../pages/subscriptions/subscriptions"),
			"Subscriptions", Lightbulb),
		entry("/groups", "config:read",
			() => import("../pages/groups/groups"), "Groups", UsersRound),
		entry("/routes", "config:read",
			() => import("../pages/routes/routes"), "Routes", Route),
		entry("/providers", "config:read",
			() => import("../pages/providers/providers"), "Providers",
			Cable),
		entry("/providers/new", "config:write",
			() => import("../pages/providers/wizard")),
		entry("/providers/:id", "config:read",
			() => import("../pages/providers/provider")),
		entry("/bans", "guard:read",
			() => import("../pages/bans/bans"), "Bans", ShieldBan),
	] },
	{ title: "Administration", entries: [
		entry("/users", "users:read",
			() => import("../pages/users/users"), "Users", Users),
		entry("/tokens", "tokens:read",
			() => import("../pages/tokens/tokens"), "Tokens", KeyRound),
		entry("/webhooks", "webhooks:read",
			() => import("../pages/webhooks/webhooks"), "Webhooks", Webhook),
		entry("/webhooks/:id", "webhooks:read",
			() => import("../pages/webhooks/webhook")),
		entry("/audit", "audit:read",
			() => import("../pages/audit/audit"), "Audit", ScrollText),
		entry("/settings", "config:read",
			() => import("../pages/settings/settings"), "Settings",
			Settings),
		entry("/account", "",
			() => import("../pages/account/account")),
	] },
];

export const entries = sections.flatMap((s) => s.entries);

/** Fetch a page's program before it is shown: it comes at once, and is there
 * while the gateway is away. */
export function fetchPages(which: (e: Entry) => boolean) {
	entries.filter(which).forEach((e) => e.page.fetch());
}

/** The page of an address, while it is still asked who is there. */
export function fetchPage(path: string) {
	fetchPages((e) => new RegExp(`^${e.path.replace(/:\w+/g, "[^/]+")}$`)
		.test(path));
}
