// SPDX-License-Identifier: MIT
import { Anchor, Group, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import { Link } from "wouter";
import { useSession } from "../session";
import { Forbidden } from "./states";

/** A page: its title, also the window's, and what can be done there. */
export function Page({ title, back, actions, intro, scope = "", children }: {
	title: string; back?: { to: string; label: string };
	actions?: ReactNode; intro?: ReactNode; scope?: string;
	children: ReactNode;
}) {
	const { may } = useSession();
	const heading = useRef<HTMLHeadingElement>(null);

	useEffect(() => { document.title = `${title} · Switchyard`; }, [title]);
	return <div className="sy-page">
		{back && <Anchor component={Link} href={back.to} size="sm">
			← {back.label}
		</Anchor>}
		<div className="sy-page-head">
			<div className="sy-grow">
				<Title order={1} size="h2" ref={heading} tabIndex={-1}
					className="sy-title">{title}</Title>
				{intro && <Text c="dimmed" size="sm">{intro}</Text>}
			</div>
			{may(scope) && actions && <Group gap="xs">{actions}</Group>}
		</div>
		{may(scope) ? children : <Forbidden scope={scope} />}
	</div>;
}

export function Card({ title, extra, children, flush, label }: {
	title?: ReactNode; extra?: ReactNode; children: ReactNode;
	flush?: boolean; label?: string;
}) {
	return <section className="sy-card" aria-label={label ??
		(typeof title === "string" ? title : undefined)}>
		{title && <div className="sy-card-head">
			<Title order={2} size="h5" className="sy-grow">{title}</Title>
			{extra}
		</div>}
		<div className={flush ? "sy-card-flush" : "sy-card-body"}>
			{children}
		</div>
	</section>;
}
