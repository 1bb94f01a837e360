// SPDX-License-Identifier: MIT
//
// The pages of the navigation: where each is, who may see it, what it is.
import { LayoutDashboard, type LucideIcon } from "../icons";
import { type ComponentType, lazy, type LazyExoticComponent } from "react";

type Module = Promise<{ default: ComponentType<any> }>;

export interface Entry {
	path: string;    // pattern of the router
	label?: string;  // none: it is reached from other pages
	icon?: LucideIcon;
	scope: string;   // "": anyone who is logged in
	page: LazyExoticComponent<ComponentType<any>>;
}

export interface Section {
	title: string;
	entries: Entry[];
}

function entry(path: string, scope: string, load: () => Module,
	label?: string, icon?: LucideIcon): Entry {
	return { path, scope, page: lazy(load), label, icon };
}

export const sections: Section[] = [
	{ title: "Cluster", entries: [
		entry("/", "nodes:read",
			() => import("../pages/overview/overview"), "Overview",
			LayoutDashboard),
	] },
];
