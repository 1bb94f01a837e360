// SPDX-License-Identifier: MIT
import { Anchor, Button, MultiSelect, Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { call, type Page as ApiPage, query } from "../../api/client";
import { TYPES, useEvents } from "../../api/live";
import type { Event } from "../../api/schema";
import { Activity, Search } from "../../icons";
import { Tag } from "../../parts/badge";
import { plural } from "../../parts/format";
import { Card, Page } from "../../parts/page";
import { useParam } from "../../parts/param";
import { Empty } from "../../parts/states";
import { At } from "../../parts/time";
import { useSession } from "../../session";
import { kindName, sentence, severity } from "./sentence";
import "./events.css";

const KEEP = 1000; // the newest

const AT_ONCE = 16; // types that the API takes in one question
const FIRST = 300;
const TALK = ["TALK_STARTED", "TALK_STOPPED", "SPEAKER_CHANGED"];
// Who talks in a conference changes all the time: only for who asks for it.
const USUAL = TYPES.filter((t) => !TALK.includes(t));

/** The last events of these types, the newest first. */
async function newest(types: readonly string[]): Promise<Event[]> {
	const parts = Array.from({ length: Math.ceil(types.length / AT_ONCE) },
		(_, i) => types.slice(i * AT_ONCE, (i + 1) * AT_ONCE));
	const pages = await Promise.all(parts.map((part) =>
		call<ApiPage<Event>>("GET", "/api/events" + query({ format: "json",
			limit: FIRST, type: part.join() }))));

	return pages.flatMap((p) => p.items).sort((a, b) =>
		(a.at ?? "") < (b.at ?? "") ? 1 : -1).slice(0, FIRST);
}

/** What has happened, and goes on to happen, the newest first. */
function useLog(live: boolean, types: readonly string[]) {
	const [came, setCame] = useState<Event[]>([]);
	const waiting = useRef<Event[]>([]);
	const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
	const wanted = useRef(types);
	const key = types.join();
	const before = useQuery({
		queryKey: ["events", "first", key], staleTime: Infinity, gcTime: 0,
		retry: false, placeholderData: (old) => old,
		queryFn: () => newest(types),
	});

	wanted.current = types;
	useEffect(() => setCame([]), [key]);
	// Drawn four times a second at most, whatever the rate is.
	useEvents(useCallback((e: Event) => {
		if (!wanted.current.includes(e.type))
			return;
		waiting.current.unshift(e);
		timer.current ??= setTimeout(() => {
			timer.current = undefined;
			setCame((old) => [...waiting.current.splice(0), ...old]
				.slice(0, KEEP));
		}, 250);
	}, []), live);
	const old = before.data ?? [];
	const oldest = came.at(-1)?.at ?? "";

	return { all: [...came, ...old.filter((e) => !oldest ||
		(e.at ?? "") < oldest)], waiting: before.isPending };
}

export default function Events() {
	const { may } = useSession();
	const [live, setLive] = useState(true);
	const [kinds, setKinds] = useParam("kinds");
	const [text, setText] = useParam("q");
	const types = kinds.split(",").filter(Boolean);
	const shown = types.length ? types : USUAL;
	const { all, waiting } = useLog(live && may("events:read"), shown);
	const fits = all.filter((e) => !text ||
		[sentence(e), e.callId, e.member].join(" ").toLowerCase()
			.includes(text.toLowerCase()));

	return <Page title="Events" scope="events:read"
		intro="What happens in the cluster, the newest first.">
		<Card flush label="Events">
			<div className="sy-filter">
				<TextInput className="sy-grow" aria-label="Search events"
					placeholder="Words, call id, node"
					leftSection={<Search size={16} />} value={text}
					onChange={(e) => setText(e.currentTarget.value)} />
				<MultiSelect aria-label="Kinds" data={TYPES.map((t) =>
					({ value: t, label: kindName(t) }))} value={types}
					onChange={(of) => setKinds(of.join())} clearable searchable
					clearButtonProps={{ "aria-label": "All but who talks" }}
					placeholder={types.length ? "" : "All but who talks"}
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
				<At at={e.at} />
				<span><Tag color={severity(e)}>{kindName(e.type)}</Tag>
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
