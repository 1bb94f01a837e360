// SPDX-License-Identifier: MIT
import { Anchor, Button, MultiSelect, Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { Link } from "wouter";
import { call, type Page as ApiPage, query } from "../../api/client";
import { TYPES, useEvents } from "../../api/live";
import type { Event } from "../../api/schema";
import { Activity, Search } from "../../icons";
import { Tag } from "../../parts/badge";
import { clock, dateTime, plural, words } from "../../parts/format";
import { Card, Page } from "../../parts/page";
import { Empty } from "../../parts/states";
import { useSession } from "../../session";
import { sentence, severity } from "./sentence";
import "./events.css";

const KEEP = 1000; // the newest

/** What has happened, and goes on to happen, the newest first. */
function useLog(live: boolean) {
	const [came, setCame] = useState<Event[]>([]);
	const waiting = useRef<Event[]>([]);
	const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
	const before = useQuery({
		queryKey: ["events", "first"], staleTime: Infinity, gcTime: 0,
		retry: false,
		queryFn: () => call<ApiPage<Event>>("GET", "/api/events" +
			query({ format: "json", limit: 300 })),
	});

	// Drawn four times a second at most, whatever the rate is.
	useEvents(useCallback((e: Event) => {
		waiting.current.unshift(e);
		timer.current ??= setTimeout(() => {
			timer.current = undefined;
			setCame((old) => [...waiting.current.splice(0), ...old]
				.slice(0, KEEP));
		}, 250);
	}, []), live);
	const old = before.data?.items ?? [];
	const oldest = came.at(-1)?.at ?? "";

	return { all: [...came, ...old.filter((e) => !oldest ||
		(e.at ?? "") < oldest)], waiting: before.isPending };
}

export default function Events() {
	const { may } = useSession();
	const [live, setLive] = useState(true);
	const [types, setTypes] = useState<string[]>([]);
	const [text, setText] = useState("");
	const { all, waiting } = useLog(live && may("events:read"));
	const fits = all.filter((e) => (!types.length ||
		types.includes(e.type)) && (!text || [sentence(e), e.callId, e.member]
		.join(" ").toLowerCase().includes(text.toLowerCase())));

	return <Page title="Events" scope="events:read"
		intro="What happens in the cluster, the newest first.">
		<Card flush label="Events">
			<div className="sy-filter">
				<TextInput className="sy-grow" aria-label="Search events"
					placeholder="Words, call id, node"
					leftSection={<Search size={16} />} value={text}
					onChange={(e) => setText(e.currentTarget.value)} />
				<MultiSelect aria-label="Kinds" data={TYPES.map((t) =>
					({ value: t, label: words(t, /^$/) }))} value={types}
					onChange={setTypes} clearable searchable
					clearButtonProps={{ "aria-label": "All kinds" }}
					placeholder={types.length ? "" : "All kinds"}
					className="sy-kinds" />
				<Switch label="Live" checked={live} mb={8}
					onChange={(e) => setLive(e.currentTarget.checked)} />
			</div>
			<div className="sy-count">{plural(fits.length, "event")}
				{fits.length < all.length && ` of ${all.length}`}</div>
			{fits.length ? <List of={fits} /> : !waiting && <Empty
				icon={Activity} title={all.length ? "No event fits" :
					"Nothing has happened yet"}>
				{all.length ? "Change the search or the kinds." :
					"Calls, registrations, nodes that come and go: all of " +
					"it appears here as it happens."}
			</Empty>}
		</Card>
	</Page>;
}

function List({ of }: { of: Event[] }) {
	const [most, setMost] = useState(150);

	return <>
		<ol className="sy-events" aria-label="Events">
			{of.slice(0, most).map((e, i) => <li key={`${e.at}${e.type}` +
				`${e.callId}${e.leg?.id ?? ""}${of.length - i}`}>
				<time dateTime={e.at} title={dateTime(e.at!)}>
					{clock(e.at!)}</time>
				<span><Tag color={severity(e)}>{words(e.type, /^$/)}</Tag>
				</span>
				<span className="sy-break">{sentence(e)}</span>
				<span>{e.callId && <Anchor component={Link} size="sm"
					href={`/calls/${e.callId}`}>the call</Anchor>}</span>
				<span>{e.member}</span>
			</li>)}
		</ol>
		{of.length > most && <div className="sy-more">
			<Button size="xs" variant="default"
				onClick={() => setMost(most + 300)}>Show more</Button>
		</div>}
	</>;
}
